// Child processes: environment, groups, and that nothing survives.
#include "runtime/tools/Process.h"
#include <csignal>
#include <gtest/gtest.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::tools;

namespace {

Deadline in(int ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

} // namespace

TEST(Process, EnvironmentIsExactlyWhatWasGiven) {
  ::setenv("HETAGON_TEST_LEAK", "secret", 1);
  ProcessOptions options;
  options.command = {"/usr/bin/env"};
  options.environment = {{"ONLY", "this"}};
  auto process = Process::start(options);
  ASSERT_TRUE(process.isOk()) << process.status().str();
  auto line = (*process)->readLine(in(5000), {});
  ASSERT_TRUE(line.isOk());
  EXPECT_EQ(*line, "ONLY=this");
  EXPECT_EQ((*process)->readLine(in(5000), {}).status().code(),
            Code::Unavailable);
}

TEST(Process, MissingProgramsAndFoldersAreErrors) {
  ProcessOptions options;
  options.command = {"no-such-program-here"};
  auto process = Process::start(options);
  EXPECT_EQ(process.status().code(), Code::NotFound);
  EXPECT_NE(process.status().message().find("no-such-program-here"),
            std::string::npos);
  options.command = {"/bin/true"};
  options.directory = "/no/such/folder";
  EXPECT_EQ(Process::start(options).status().code(), Code::NotFound);
}

TEST(Process, TheWholeGroupEndsWithIt) {
  ProcessOptions options;
  options.command = {"/bin/sh", "-c",
                     "trap '' TERM; sleep 1000 & echo $!; wait"};
  pid_t grandchild = 0;
  {
    auto process = Process::start(options);
    ASSERT_TRUE(process.isOk());
    auto line = (*process)->readLine(in(5000), {});
    ASSERT_TRUE(line.isOk());
    grandchild = std::stoi(*line);
    EXPECT_TRUE(alive(grandchild));
  }
  for (int i = 0; i < 100 && alive(grandchild); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // A zombie waiting for init still answers signal 0; its state tells.
  std::string state;
  if (FILE *file = std::fopen(
          ("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r")) {
    char text[256] = {};
    [[maybe_unused]] size_t got = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    state = text;
  }
  EXPECT_TRUE(state.empty() || state.find(") Z ") != std::string::npos)
      << state;
}

TEST(Process, ChildrenStartedFromShortLivedThreadsLiveOn) {
  ProcessOptions options;
  options.command = {"/bin/cat"};
  std::unique_ptr<Process> process;
  std::thread([&] {
    auto started = Process::start(options);
    if (started.isOk())
      process = std::move(*started);
  }).join();
  ASSERT_TRUE(process);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(process->writeLine("still here", in(1000), {}).isOk());
  auto line = process->readLine(in(5000), {});
  ASSERT_TRUE(line.isOk()) << line.status().str();
  EXPECT_EQ(*line, "still here");
}

TEST(Process, WritingToADeadChildIsAStatus) {
  ProcessOptions options;
  options.command = {"/bin/true"};
  auto process = Process::start(options);
  ASSERT_TRUE(process.isOk());
  Status status;
  for (int i = 0; i < 100 && status.isOk(); ++i) {
    status = (*process)->writeLine("x", in(1000), {});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(status.code(), Code::Unavailable);
}
