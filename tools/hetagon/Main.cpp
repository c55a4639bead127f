// hetagon: the command line.
#include "tools/CommandLine.h"
#include "tools/hetagon/Front.h"

using namespace hetagon::front;

namespace {

void addModelOptions(CLI::App &app, ModelOptions &options) {
  app.add_option("--models", options.registries,
                 "A models.yaml that says where models are (repeatable)");
  app.add_option("--model-map", options.mappings,
                 "Where a model is: ID=PATH (repeatable)");
}

void addCompileOptions(CLI::App &app, CompileOptions &options) {
  app.add_option("--requirements", options.requirements,
                 "A file of requirements beside those of the flow");
  app.add_option("--devices", options.devices,
                 "A devices.yaml: endpoints and configured devices");
  app.add_option("--pin", options.pins,
                 "Runs a node on a device: NODE=DEVICE (repeatable)");
  app.add_option("--forbid", options.forbidden,
                 "A device that nothing may run on (repeatable)");
  addModelOptions(app, options.models);
}

/// Options that pass through to hetagon-worker as they are.
struct WorkerWords {
  Words inputs, artefacts, trust, secrets;
  std::string trace, threads, chunk, seed;
  bool yes = false, json = false, strict = false;

  Words words() const {
    Words words;
    auto each = [&](const char *name, const Words &values) {
      for (const std::string &value : values)
        words.insert(words.end(), {name, value});
    };
    auto one = [&](const char *name, const std::string &value) {
      if (!value.empty())
        words.insert(words.end(), {name, value});
    };
    each("--input", inputs);
    each("--artefact", artefacts);
    each("--trust", trust);
    each("--secret", secrets);
    one("--trace", trace);
    one("--threads", threads);
    one("--chunk", chunk);
    one("--seed", seed);
    for (auto [flag, name] :
         {std::pair{yes, "--yes"}, {json, "--json"}, {strict, "--strict"}})
      if (flag)
        words.push_back(name);
    return words;
  }
};

void addWorkerOptions(CLI::App &app, WorkerWords &words) {
  app.add_option("--threads", words.threads, "Compute threads");
  app.add_option("--chunk", words.chunk, "Prompt tokens in one iteration");
  app.add_option("--trace", words.trace,
                 "Writes a trace for a browser's trace viewer");
  app.add_flag("--json", words.json, "Prints the result as JSON");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Hetagon compiles agentic workflows to plans, and runs them."};
  app.name("hetagon");
  app.require_subcommand(1);
  app.set_version_flag("--version", "hetagon 0.1.0");

  CompileOptions compile;
  std::string output;
  bool json = false;
  auto *compileApp = app.add_subcommand("compile", "Compiles a flow to a plan");
  compileApp
      ->add_option("flow", compile.flow,
                   "Agent Spec file, its folder, or .mlir")
      ->required();
  compileApp->add_option("-o", output, "The plan's file")->required();
  compileApp->add_flag("--json", json, "Prints the summary as JSON");
  addCompileOptions(*compileApp, compile);

  auto *checkApp =
      app.add_subcommand("check", "Checks a flow; needs no models");
  checkApp->add_option("flow", compile.flow, "Agent Spec file or folder")
      ->required();
  checkApp->add_option("--requirements", compile.requirements,
                       "A file of requirements beside those of the flow");
  checkApp->add_flag("--json", json, "Prints the findings as JSON");

  WorkerWords worker;
  auto *runApp = app.add_subcommand("run", "Runs a flow or a plan");
  runApp->add_option("flow", compile.flow, "Agent Spec file, folder, or plan")
      ->required();
  runApp->add_option("--input", worker.inputs,
                     "An input of the flow: NAME=VALUE (repeatable)");
  runApp->add_option("--artefact", worker.artefacts,
                     "Where an artefact of the plan is: ID=PATH");
  runApp->add_option("--trust", worker.trust,
                     "Digest of a plan to run though it came from elsewhere");
  runApp->add_option("--secret", worker.secrets,
                     "Source of a secret: NAME=env:VARIABLE or NAME=file:PATH");
  runApp->add_option("--seed", worker.seed, "Seed of all sampling");
  runApp->add_flag("--yes", worker.yes,
                   "Runs the flow's tool commands without asking");
  runApp->add_flag("--strict", worker.strict,
                   "Exit status 4 when a hard requirement is missed");
  addWorkerOptions(*runApp, worker);
  addCompileOptions(*runApp, compile);

  std::string problem, solver, timeLimit, keep, pareto;
  auto *planApp = app.add_subcommand(
      "plan", "Decides which device runs each task of a planning problem");
  planApp->add_option("problem", problem, "The problem, a JSON file")
      ->required();
  planApp->add_flag("--json", json, "Prints the plan as JSON");
  planApp->add_option("--solver", solver,
                      "exact or fast (default: exact where within reach)");
  planApp->add_option("--time-limit", timeLimit,
                      "Seconds after which the best so far is printed");
  planApp->add_option("--keep", keep,
                      "A plan printed with --json, to move as little as "
                      "needed from");
  planApp->add_option("--pareto", pareto,
                      "Two metrics, such as cost,latency: prints all plans "
                      "that are best in both");

  std::string plan;
  auto *explainApp = app.add_subcommand("explain", "Prints a plan, whole");
  explainApp->add_option("plan", plan, "The plan's file")->required();
  explainApp->add_flag("--json", json, "Prints it as JSON");

  auto *devicesApp =
      app.add_subcommand("devices", "Lists the devices found here");
  devicesApp->add_flag("--json", json, "Prints JSON");
  ModelOptions models;
  CalibrateOptions calibration;
  bool calibrating = false;
  auto *calibrateFlag = devicesApp->add_flag(
      "--calibrate", calibrating,
      "Measures them, and the known models on them, for predictions");
  for (auto *option :
       {devicesApp->add_option("-r", calibration.rounds,
                               "Rounds over all sizes of a model"),
        devicesApp->add_option("--seconds", calibration.seconds,
                               "For one model on one device"),
        devicesApp->add_option("--backend", calibration.backend,
                               "Measures models on this backend only"),
        devicesApp->add_option("--models", models.registries,
                               "A models.yaml: the models to measure"),
        devicesApp->add_option("--model-map", models.mappings,
                               "A model to measure: ID=PATH (repeatable)")})
    option->needs(calibrateFlag);

  auto *modelsApp = app.add_subcommand("models", "Models known here");
  modelsApp->require_subcommand(1);
  auto *listApp = modelsApp->add_subcommand("list", "Lists them");
  listApp->add_flag("--json", json, "Prints JSON");
  addModelOptions(*listApp, models);
  Words ids;
  auto *pullApp = modelsApp->add_subcommand(
      "pull", "Fetches models from the sources that models.yaml names");
  pullApp->add_option("id", ids,
                      "Models to fetch (default: all with a source)");
  pullApp->add_option("--models", models.registries,
                      "A models.yaml with sources (repeatable)");
  pullApp->add_flag("--json", json, "Prints JSON");

  std::string model, prompt, text, backend;
  std::string maxTokens = "128", temperature = "0", topK = "0", topP = "1",
              seed = "0", topLogprobs = "5";
  bool chat = false;
  auto addModel = [&](CLI::App &to) {
    to.add_option("--model", model, "Model id, file or folder")->required();
    addModelOptions(to, models);
  };
  auto *generateApp = app.add_subcommand("generate", "Generates text");
  addModel(*generateApp);
  generateApp->add_option("--prompt", prompt, "The prompt")->required();
  generateApp->add_option("-n", maxTokens, "Tokens to generate at most");
  generateApp->add_option("--temperature", temperature, "0 is greedy");
  generateApp->add_option("--top-k", topK, "0 keeps all");
  generateApp->add_option("--top-p", topP, "1 keeps all");
  generateApp->add_option("--seed", seed, "Seed of sampling");
  generateApp->add_option("--top-logprobs", topLogprobs,
                          "Most likely first tokens reported with --json");
  generateApp->add_option("--backend", backend,
                          "Backend (default: the first that devices lists)");
  generateApp->add_flag("--chat", chat,
                        "Puts the prompt through the chat template");
  addWorkerOptions(*generateApp, worker);

  auto *tokenizeApp = app.add_subcommand("tokenize", "Token ids of a text");
  addModel(*tokenizeApp);
  tokenizeApp->add_option("--text", text, "The text")->required();
  tokenizeApp->add_flag("--json", json, "Prints JSON");

  auto *embedApp = app.add_subcommand("embed", "The embedding of a text");
  addModel(*embedApp);
  embedApp->add_option("--text", text, "The text")->required();
  embedApp->add_option("--backend", backend,
                       "Backend (default: the first that devices lists)");
  addWorkerOptions(*embedApp, worker);

  std::string promptTokens = "512", generated = "64", batch = "1", rounds = "3";
  auto *benchApp = app.add_subcommand("bench", "Measures");
  benchApp->require_subcommand(1);
  auto *benchModel = benchApp->add_subcommand("model", "Measures one model");
  addModel(*benchModel);
  benchModel->add_option("-p", promptTokens, "Prompt tokens");
  benchModel->add_option("-n", generated, "Tokens to generate");
  benchModel->add_option("-b", batch, "Sequences at once");
  benchModel->add_option("-r", rounds, "Rounds; the median is printed");
  benchModel->add_option("--backend", backend,
                         "Backend (default: the first that devices lists)");
  addWorkerOptions(*benchModel, worker);

  hetagon::oneValueEach(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }

  addDefaultRegistries(models, "");
  addDefaultRegistries(compile.models, compile.flow);
  if (compileApp->parsed())
    return compileFlow(compile, output, json);
  if (checkApp->parsed()) {
    Words words = {"check", compile.flow};
    if (!compile.requirements.empty())
      words.insert(words.end(), {"--requirements", compile.requirements});
    if (json)
      words.push_back("--json");
    return runProgram("hetagon-compile", words);
  }
  if (planApp->parsed()) {
    Words words = {problem};
    for (const auto &[name, value] :
         {std::pair<const char *, std::string &>{"--solver", solver},
          {"--time-limit", timeLimit},
          {"--keep", keep},
          {"--pareto", pareto}})
      if (!value.empty())
        words.insert(words.end(), {name, value});
    if (json)
      words.push_back("--json");
    return runProgram("hetagon-planner", words);
  }
  if (explainApp->parsed())
    return explainPlan(plan, json);
  if (calibrating)
    return calibrate(models, calibration, json);
  if (devicesApp->parsed())
    return runProgram("hetagon-worker",
                      json ? Words{"devices", "--json"} : Words{"devices"});
  if (listApp->parsed())
    return listModels(models, json);
  if (pullApp->parsed())
    return pullModels(models, ids, json);
  if (tokenizeApp->parsed())
    return tokenize(models, model, text, json);

  Words words;
  if (runApp->parsed()) {
    std::string path = compile.flow;
    if (!isPlan(path))
      if (int status = cachedFlowPlan(compile, path); status != exitOk)
        return status;
    words = {path};
  } else {
    std::string path;
    if (!benchModel->parsed())
      if (hetagon::Status status =
              checkKind(models, model, generateApp->parsed());
          !status.isOk())
        return fail(status);
    if (int status = cachedModelPlan(models, model, backend, path);
        status != exitOk)
      return status;
    if (generateApp->parsed())
      words = {"generate", path,      "--prompt",       prompt,
               "-n",       maxTokens, "--temperature",  temperature,
               "--top-k",  topK,      "--top-p",        topP,
               "--seed",   seed,      "--top-logprobs", topLogprobs};
    else if (embedApp->parsed())
      words = {"embed", path, "--text", text};
    else
      words = {"bench",   path, "-p",  promptTokens, "-n",
               generated, "-b", batch, "-r",         rounds};
    if (chat)
      words.push_back("--chat");
  }
  for (const std::string &word : worker.words())
    words.push_back(word);
  return runProgram("hetagon-worker", words);
}
