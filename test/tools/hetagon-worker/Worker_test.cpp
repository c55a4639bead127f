// The built hetagon-worker on plans written here: exit statuses, what goes to
// which stream, consent, interruption, and that no secret leaves.
#include "test/runtime/exec/EndpointTestServer.h"
#include "test/runtime/exec/GraphPlans.h"
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hetagon;
using namespace hetagon::test;
using namespace hetagon::plan::fb;
using namespace std::chrono_literals;

namespace {

std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Outcome {
  int status = -1; ///< exit status; 1000 + signal
  std::string out, err;
};

int statusOf(pid_t child) {
  int raw = 0;
  ::waitpid(child, &raw, 0);
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : 1000 + WTERMSIG(raw);
}

class Worker : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "hetagon-worker-" +
             std::to_string(::getpid()) + "-" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder);
    ::setenv("HETAGON_CONFIG_HOME", (folder + "/config").c_str(), 1);
    ::setenv("HETAGON_CACHE_HOME", (folder + "/cache").c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// Writes the plan; the words with which the worker runs it.
  std::vector<std::string> write(const PlanT &plan) {
    std::vector<uint8_t> bytes = bytesOf(plan);
    std::string path = folder + "/plan.hplan";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()),
               std::streamsize(bytes.size()));
    auto file = plan::PlanFile::open(path);
    EXPECT_TRUE(file.isOk()) << file.status().str();
    return {path, "--trust", hex((*file)->digest())};
  }

  /// Starts the worker in a session of its own, so that it has no terminal.
  pid_t start(const std::vector<std::string> &words) {
    pid_t child = ::fork();
    if (child != 0)
      return child;
    ::setsid();
    int in = ::open("/dev/null", O_RDONLY);
    int out =
        ::open((folder + "/out").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    int err =
        ::open((folder + "/err").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    become(words);
  }

  Outcome finish(pid_t child) {
    Outcome outcome;
    outcome.status = statusOf(child);
    outcome.out = contentOf(folder + "/out");
    outcome.err = contentOf(folder + "/err");
    return outcome;
  }

  Outcome run(const std::vector<std::string> &words,
              const std::vector<std::string> &more = {}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), more.begin(), more.end());
    return finish(start(all));
  }

  /// Runs at a terminal of its own and answers what it asks there.
  Outcome runAtTerminal(const std::vector<std::string> &words,
                        const std::string &answer) {
    int terminal = -1;
    pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0)
      become(words);
    Outcome outcome;
    bool answered = false;
    auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      pollfd watched = {terminal, POLLIN, 0};
      if (::poll(&watched, 1, 100) <= 0)
        continue;
      char chunk[4096];
      ssize_t got = ::read(terminal, chunk, sizeof chunk);
      if (got <= 0)
        break; // the child has closed it
      outcome.out.append(chunk, size_t(got));
      if (!answered && outcome.out.find("Run it?") != std::string::npos) {
        answered = true;
        EXPECT_EQ(::write(terminal, answer.data(), answer.size()),
                  ssize_t(answer.size()));
      }
    }
    outcome.status = statusOf(child);
    ::close(terminal);
    return outcome;
  }

  std::string folder;

private:
  [[noreturn]] static void become(const std::vector<std::string> &words) {
    const char *worker = std::getenv("HETAGON_WORKER");
    std::vector<char *> arguments = {const_cast<char *>(worker)};
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(worker, arguments.data());
    ::_exit(126);
  }
};

/// Processes whose command line holds `text`.
std::vector<pid_t> processesWith(const std::string &text) {
  std::vector<pid_t> found;
  for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && pid != ::getpid() &&
        contentOf(entry.path() / "cmdline").find(text) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

/// main(who, count) -> text, count, list.
PlanT greetPlan() {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "greet", {{"who", "text"}, {"n", "json"}});
  addRender(main, "hello", {{"who", graphInput(0)}, {"n", graphInput(1)}},
            "Hello {{who}} {{n}}");
  addConstant(main, "list", "json", "[\"a\", \"b\"]");
  addResult(main, "answer", "text", from(0));
  addResult(main, "citations", "json", from(1));
  return plan;
}

RequirementT &addRequirement(PlanT &plan, const char *metric, double limit,
                             const char *unit) {
  auto &requirement =
      *plan.requirements.emplace_back(std::make_unique<RequirementT>());
  requirement.metric = metric;
  requirement.limit = limit;
  requirement.unit = unit;
  return requirement;
}

PlanT toolPlan(const std::string &tool, const std::string &mark = "both") {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main");
  addTool(plan, main, "step", tool, {});
  plan.tools[0]->command.push_back(mark);
  addResult(main, "result", "text", from(0));
  return plan;
}

} // namespace

TEST_F(Worker, UsageErrorsExitWithTwo) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"--no-such-option"},
      {"generate"},
      {"plan", "--threads", "many"},
      {"devices", "surplus"}};
  for (const auto &words : cases) {
    Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  Outcome help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_NE(help.out.find("--input"), std::string::npos);
}

TEST_F(Worker, BadPlansExitWithThree) {
  Outcome missing = run({folder + "/none"});
  EXPECT_EQ(missing.status, 3);
  EXPECT_TRUE(missing.err.starts_with("error: ")) << missing.err;
  std::ofstream(folder + "/broken") << "not a plan";
  EXPECT_EQ(run({folder + "/broken"}).status, 3);
  std::vector<std::string> words = write(greetPlan());
  Outcome untrusted = run({words[0]}, {"--input", "who=x", "--input", "n=1"});
  EXPECT_EQ(untrusted.status, 3);
  EXPECT_NE(untrusted.err.find(words[2]), std::string::npos) << untrusted.err;
  EXPECT_EQ(run({words[0], "--trust", "12"}).status, 3);
}

TEST_F(Worker, InputErrorsListWhatIsExpected) {
  std::vector<std::string> words = write(greetPlan());
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"--input", "who=x"},
      {"--input", "who=x", "--input", "who=y", "--input", "n=1"},
      {"--input", "who=x", "--input", "n=1", "--input", "other=1"},
      {"--input", "who=x", "--input", "n=one"},
      {"--input", "who"},
      {"--input", "=x"}};
  for (const auto &inputs : cases) {
    Outcome outcome = run(words, inputs);
    EXPECT_EQ(outcome.status, 3);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("error: ")) << outcome.err;
    EXPECT_NE(outcome.err.find("inputs are: who (text), n (json)"),
              std::string::npos)
        << outcome.err;
  }
}

TEST_F(Worker, ResultsForMachinesAndPeople) {
  PlanT plan = greetPlan();
  addRequirement(plan, "latency", 60, "s");
  addRequirement(plan, "energy", 1, "J").soft = true;
  std::vector<std::string> words = write(plan);
  std::vector<std::string> inputs = {"--input", "who=you = me", "--input",
                                     "n=[1]"};
  Outcome people = run(words, inputs);
  EXPECT_EQ(people.status, 0) << people.err;
  EXPECT_EQ(people.err, "");
  EXPECT_NE(people.out.find("Hello you = me [1]"), std::string::npos);
  EXPECT_NE(people.out.find("- a\n- b"), std::string::npos);
  EXPECT_NE(people.out.find("not observable"), std::string::npos);

  inputs.push_back("--json");
  inputs.push_back("--strict");
  Outcome machine = run(words, inputs);
  EXPECT_EQ(machine.status, 0) << machine.err;
  EXPECT_EQ(machine.err, "");
  auto json = parseJson(machine.out, "out");
  ASSERT_TRUE(json.isOk()) << machine.out;
  EXPECT_EQ((*json)["outputs"], Json({{"answer", "Hello you = me [1]"},
                                      {"citations", Json::array({"a", "b"})}}));
  EXPECT_EQ((*json)["devices_used"], Json::array());
  ASSERT_EQ((*json)["tasks"].size(), 2u);
  std::set<std::string> names;
  for (const Json &task : (*json)["tasks"]) {
    names.insert(task["name"].get<std::string>());
    EXPECT_EQ(task["device"], "host");
    EXPECT_GE(task["ms"].get<double>(), 0);
  }
  EXPECT_EQ(names, (std::set<std::string>{"greet/hello", "greet/list"}));
  ASSERT_EQ((*json)["requirements"].size(), 2u);
  EXPECT_EQ((*json)["requirements"][0]["verdict"], "met");
  EXPECT_TRUE((*json)["requirements"][0]["measured"].is_number());
  EXPECT_TRUE((*json)["requirements"][0]["predicted"].is_null());
  EXPECT_EQ((*json)["requirements"][1]["verdict"], "not observable");
}

TEST_F(Worker, MissedRequirementsExitWithFourWhenStrict) {
  for (bool soft : {false, true}) {
    PlanT plan = greetPlan();
    addRequirement(plan, "latency", 1e-9, "ms").soft = soft;
    std::vector<std::string> words = write(plan);
    std::vector<std::string> inputs = {"--input", "who=x", "--input", "n=1"};
    EXPECT_EQ(run(words, inputs).status, 0);
    inputs.push_back("--strict");
    Outcome strict = run(words, inputs);
    EXPECT_EQ(strict.status, soft ? 0 : 4);
    EXPECT_NE(strict.out.find("missed"), std::string::npos);
  }
}

TEST_F(Worker, RequirementsOfNodesInsideMaps) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"ms", "json"}});
  addStep(main, "each", StepKind::map, {{"ms", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"ms\"]"}})
      .graphs = {1};
  addResult(main, "out", "list<text>", from(0));
  StepGraphT &body = addGraph(plan, "body", {{"ms", "json"}});
  addTool(plan, body, "wait.call", "sleep", {{"ms", graphInput()}});
  addResult(body, "out", "text", from(0));
  for (const char *node : {"each", "wait", "wai"})
    addRequirement(plan, "latency", 50, "ms").node = node;
  Outcome outcome =
      run(write(plan), {"--input", "ms=[100, 100]", "--yes", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  auto json = parseJson(outcome.out, "out");
  EXPECT_EQ((*json)["requirements"][0]["verdict"], "missed");
  EXPECT_EQ((*json)["requirements"][1]["verdict"], "missed");
  EXPECT_EQ((*json)["requirements"][2]["verdict"], "not observable");
}

TEST_F(Worker, FailedRunsExitWithFiveAndSayWhere) {
  std::vector<std::string> words = write(toolPlan("fail"));
  Outcome outcome =
      run(words, {"--yes", "--json", "--trace", folder + "/trace.json"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "error: flow.yaml:2:3: step 'main/step': the tool "
                         "'echo' failed: it did not work\n");
  // What did run is in the trace all the same.
  auto trace = parseJson(contentOf(folder + "/trace.json"), "trace");
  ASSERT_TRUE(trace.isOk()) << trace.status().str();
  EXPECT_FALSE((*trace)["traceEvents"].empty());
}

TEST_F(Worker, WithoutATerminalToolsAreRefused) {
  Outcome outcome = run(write(toolPlan("get_current_time")));
  EXPECT_EQ(outcome.status, 5);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(std::getenv("HETAGON_MCP_TEST_SERVER")),
            std::string::npos);
  EXPECT_NE(outcome.err.find("--yes"), std::string::npos);
  EXPECT_EQ(run(write(toolPlan("get_current_time")), {"--yes"}).status, 0);
}

TEST_F(Worker, ConsentAtATerminal) {
  std::vector<std::string> words = write(toolPlan("get_current_time"));
  Outcome no = runAtTerminal(words, "n\n");
  EXPECT_EQ(no.status, 5) << no.out;
  EXPECT_NE(no.out.find("was not approved"), std::string::npos);
  EXPECT_EQ(runAtTerminal(words, "\n").status, 5);
  EXPECT_EQ(runAtTerminal(words, "y\n").status, 0);
  EXPECT_EQ(run(words).status, 5); // yes was for once
  EXPECT_EQ(runAtTerminal(words, "always\n").status, 0);
  EXPECT_EQ(run(words).status, 0);
  EXPECT_NE(contentOf(folder + "/config/trust").find(" tool "),
            std::string::npos);
  // Another command, and another setting, are asked for again.
  EXPECT_EQ(run(write(toolPlan("get_current_time", "handshake"))).status, 5);
  PlanT setting = toolPlan("get_current_time");
  setting.tools[0]->environment.push_back(std::make_unique<KeyValueT>());
  setting.tools[0]->environment[0]->key = "LD_PRELOAD";
  setting.tools[0]->environment[0]->value = "/none.so";
  Outcome asked = run(write(setting));
  EXPECT_EQ(asked.status, 5);
  EXPECT_NE(asked.err.find("LD_PRELOAD=/none.so"), std::string::npos);
  // Ctrl-C ends the question.
  std::filesystem::remove_all(folder + "/config");
  words = write(toolPlan("get_current_time"));
  EXPECT_EQ(runAtTerminal(words, "\x03").status, 130);
}

TEST_F(Worker, InterruptionLeavesNothingRunning) {
  std::string mark = "mark-" + std::to_string(::getpid());
  for (int number : {SIGINT, SIGTERM}) {
    pid_t child = start([&] {
      std::vector<std::string> words = write(toolPlan("hang", mark));
      words.insert(words.end(), {"--yes", "--trace", folder + "/trace.json"});
      return words;
    }());
    std::vector<pid_t> servers;
    for (int waited = 0; waited < 1000 && servers.empty(); ++waited) {
      std::this_thread::sleep_for(10ms);
      servers = processesWith(mark);
    }
    ASSERT_EQ(servers.size(), 1u);
    std::this_thread::sleep_for(100ms);
    auto begin = std::chrono::steady_clock::now();
    ::kill(child, number);
    Outcome outcome = finish(child);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    EXPECT_EQ(outcome.status, 130);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, "error: the run was interrupted\n");
    EXPECT_TRUE(processesWith(mark).empty());
    EXPECT_TRUE(parseJson(contentOf(folder + "/trace.json"), "trace").isOk());
  }
}

TEST_F(Worker, KilledWorkersTakeTheirToolsAlong) {
  std::string mark = "mark-" + std::to_string(::getpid()) + "-kill";
  std::vector<std::string> words = write(toolPlan("hang", mark));
  words.push_back("--yes");
  pid_t child = start(words);
  for (int waited = 0; waited < 1000 && processesWith(mark).empty(); ++waited)
    std::this_thread::sleep_for(10ms);
  ::kill(child, SIGKILL);
  EXPECT_EQ(finish(child).status, 1000 + SIGKILL);
  for (int waited = 0; waited < 300 && !processesWith(mark).empty(); ++waited)
    std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(processesWith(mark).empty());
}

TEST_F(Worker, SecretsLeaveNoTrace) {
  const std::string secret = "very-s3cret-key";
  ::setenv("HETAGON_TEST_KEY", secret.c_str(), 1);
  EndpointTestServer server(secret);
  for (const char *model : {"echo", "broken", "other"}) {
    PlanT plan = emptyPlan();
    plan.devices.push_back(std::make_unique<DeviceT>());
    plan.devices[0]->id = "cloud";
    plan.devices[0]->backend = "remote";
    auto &service = *plan.services.emplace_back(std::make_unique<ServiceT>());
    service.name = "large";
    service.kind = ServiceKind::endpoint;
    service.endpoint = std::make_unique<EndpointT>();
    service.endpoint->url = server.url();
    service.endpoint->model = model;
    service.endpoint->secret = "KEY";
    StepGraphT &main = addGraph(plan, "main");
    addConstant(main, "prompt", "text", "hello there");
    addStep(main, "answer", StepKind::generate, {{"prompt", from(0)}},
            {{"text", "text"}})
        .service = 0;
    // A tool that dies with the secret on its lips.
    StepT &tool = addTool(plan, main, "tool", "x", {});
    tool.after = {1};
    plan.tools[0]->command = {"/bin/sh", "-c", "echo \"I have $T\" >&2"};
    plan.tools[0]->secrets.push_back(std::make_unique<KeyValueT>());
    plan.tools[0]->secrets[0]->key = "T";
    plan.tools[0]->secrets[0]->value = "KEY";
    std::vector<std::string> words = write(plan);
    std::string trace = folder + "/trace.json";
    std::ofstream(folder + "/key") << secret << "\n";
    for (const std::string &source :
         {std::string("env:HETAGON_TEST_KEY"), "file:" + folder + "/key"}) {
      Outcome outcome = run(words, {"--yes", "--json", "--trace", trace,
                                    "--secret", "KEY=" + source});
      EXPECT_EQ(outcome.status, 5) << outcome.err;
      bool reached = outcome.err.find("I have ***") != std::string::npos;
      EXPECT_EQ(reached, std::string_view(model) == "echo") << outcome.err;
      EXPECT_EQ((outcome.out + outcome.err + contentOf(trace)).find(secret),
                std::string::npos);
    }
    Outcome unset = run(words, {"--yes"});
    EXPECT_EQ(unset.status, 5);
    EXPECT_NE(unset.err.find("--secret KEY=file:PATH"), std::string::npos);
    for (const auto &file :
         std::filesystem::recursive_directory_iterator(folder))
      if (file.is_regular_file() && file.path().filename() != "key")
        EXPECT_EQ(contentOf(file.path()).find(secret), std::string::npos);
  }
}

TEST_F(Worker, TheFirstStreamIsShownAsItComes) {
  EndpointTestServer server;
  PlanT plan = emptyPlan();
  writeToyFiles(folder);
  StepGraphT &main = addGraph(plan, "main", {{"prompt", "text"}});
  addStep(main, "answer", StepKind::generate, {{"prompt", graphInput()}},
          {{"text", "text"}}, {{"max_tokens", "12"}})
      .service = int32_t(addToyDecoder(plan));
  addStreamedOutput(main, "answer", from(0));
  addResult(main, "answer", "text", from(0));
  for (auto &artefact : plan.artefacts) {
    std::string content = contentOf(folder + "/" + artefact->id);
    Digest digest = sha256(content);
    artefact->sha256.assign(digest.begin(), digest.end());
    artefact->size = content.size();
  }
  std::vector<std::string> words = write(plan);
  Outcome people = run(words, {"--input", "prompt=Hello"});
  ASSERT_EQ(people.status, 0) << people.err;
  Outcome machine = run(words, {"--input", "prompt=Hello", "--json"});
  auto json = parseJson(machine.out, "out");
  ASSERT_TRUE(json.isOk());
  std::string answer = (*json)["outputs"]["answer"].get<std::string>();
  EXPECT_EQ(answer.size(), 12u);
  EXPECT_TRUE(people.out.starts_with("answer:\n" + answer + "\n"))
      << people.out;
  EXPECT_EQ(people.out.find(answer, 20), std::string::npos); // not twice
  EXPECT_EQ((*json)["devices_used"], Json::array({"toy:0"}));
  EXPECT_TRUE((*json)["ttft_ms"].is_number());
}
