// hetagon-worker: the command line.
#include "tools/CommandLine.h"
#include "tools/hetagon-worker/Worker.h"

using namespace hetagon::worker;

namespace {

void addPlanOptions(CLI::App &app, PlanOptions &options, bool required) {
  auto *plan = app.add_option("plan", options.plan, "The plan's file");
  if (required)
    plan->required();
  app.add_option("--artefact", options.artefacts,
                 "Where an artefact of the plan is: ID=PATH (repeatable)");
  app.add_option("--trust", options.trust,
                 "Digest of a plan to run though it was compiled elsewhere");
  app.add_option("--threads", options.threads,
                 "Compute threads (default: all processors)");
  app.add_option("--chunk", options.chunk,
                 "Prompt tokens in one iteration at most");
  app.add_option("--trace", options.trace,
                 "Writes a trace for a browser's trace viewer");
  app.add_flag("--json", options.json, "Prints the result as JSON");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Runs Hetagon plans on this machine; needs no compiler."};
  app.name("hetagon-worker");
  app.require_subcommand(0, 1);

  RunCommand runCommand;
  addPlanOptions(app, runCommand.plan, /*required=*/false);
  app.add_option("--input", runCommand.inputs,
                 "An input of the flow: NAME=VALUE (repeatable)");
  app.add_option("--secret", runCommand.plan.secrets,
                 "Source of a secret: NAME=env:VARIABLE or NAME=file:PATH");
  app.add_option("--seed", runCommand.seed, "Seed of all sampling");
  app.add_flag("--yes", runCommand.plan.yes,
               "Runs the plan's tool commands without asking");
  app.add_flag("--strict", runCommand.strict,
               "Exit status 4 when a hard requirement is missed");

  GenerateCommand generateCommand;
  auto *generateApp =
      app.add_subcommand("generate", "Generates text with the plan's decoder");
  addPlanOptions(*generateApp, generateCommand.plan, true);
  generateApp->add_option("--prompt", generateCommand.prompt, "The prompt")
      ->required();
  generateApp->add_option("-n", generateCommand.maxTokens,
                          "Tokens to generate at most");
  generateApp->add_option("--temperature", generateCommand.temperature,
                          "0 is greedy");
  generateApp->add_option("--top-k", generateCommand.topK,
                          "Keeps the k most likely tokens; 0: all");
  generateApp->add_option("--top-p", generateCommand.topP,
                          "Keeps the most likely tokens up to this mass");
  generateApp->add_option("--seed", generateCommand.seed, "Seed of sampling");
  generateApp->add_option("--top-logprobs", generateCommand.topLogProbabilities,
                          "Most likely first tokens to report with --json");
  generateApp->add_flag("--chat", generateCommand.chat,
                        "Puts the prompt through the model's chat template");
  generateApp->add_flag("--ignore-eos", generateCommand.ignoreEos,
                        "Goes on past end tokens");

  EmbedCommand embedCommand;
  auto *embedApp =
      app.add_subcommand("embed", "Embeds a text with the plan's encoder");
  addPlanOptions(*embedApp, embedCommand.plan, true);
  embedApp->add_option("--text", embedCommand.text, "The text")->required();

  BenchCommand benchCommand;
  auto *benchApp =
      app.add_subcommand("bench", "Measures the plan's decoder or encoder");
  addPlanOptions(*benchApp, benchCommand.plan, true);
  benchApp->add_option("-p", benchCommand.promptTokens, "Prompt tokens");
  benchApp->add_option("-n", benchCommand.generatedTokens,
                       "Tokens to generate");
  benchApp->add_option("-b", benchCommand.batch, "Sequences at once");
  benchApp->add_option("-r", benchCommand.rounds,
                       "Rounds; the median is printed");

  IndexCommand indexCommand;
  auto *indexApp = app.add_subcommand(
      "index", "Builds a document index with the plan's encoder");
  addPlanOptions(*indexApp, indexCommand.plan, true);
  indexApp->add_option("--documents", indexCommand.documents, "Their folder")
      ->required();
  indexApp->add_option("-o", indexCommand.output, "The index's file")
      ->required();

  MeasureCommand measureCommand;
  auto *measureApp = app.add_subcommand(
      "measure", "Samples the times of a plan of one model, as JSON");
  addPlanOptions(*measureApp, measureCommand.plan, true);
  measureApp->add_option("-r", measureCommand.rounds, "Rounds over all sizes")
      ->check(CLI::Range(1, 1000));
  measureApp->add_option("--seconds", measureCommand.seconds,
                         "Begins no new sample after so long");

  bool devicesJson = false, devicesMeasure = false;
  auto *devicesApp =
      app.add_subcommand("devices", "Lists the devices found here");
  devicesApp->add_flag("--json", devicesJson, "Prints JSON");
  devicesApp->add_flag("--measure", devicesMeasure,
                       "Measures them too; prints JSON");

  hetagon::oneValueEach(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }
  if (generateApp->parsed())
    return generate(generateCommand);
  if (embedApp->parsed())
    return embed(embedCommand);
  if (benchApp->parsed())
    return bench(benchCommand);
  if (indexApp->parsed())
    return buildIndex(indexCommand);
  if (measureApp->parsed())
    return measure(measureCommand);
  if (devicesApp->parsed())
    return devicesMeasure ? measureDevices() : devices(devicesJson);
  if (runCommand.plan.plan.empty()) {
    std::cerr << "error: no plan given\n\n" << app.help();
    return exitUsage;
  }
  return run(runCommand);
}
