// Consent, environment, secrets and the life of tool servers.
#include "runtime/exec/ToolHost.h"
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <set>
#include <thread>

using namespace hetagon;
using namespace std::chrono_literals;
using plan::fb::ToolT;

namespace {

std::unique_ptr<plan::fb::KeyValueT> pair(const char *key, const char *value) {
  auto made = std::make_unique<plan::fb::KeyValueT>();
  made->key = key;
  made->value = value;
  return made;
}

ToolT testTool(const char *name, const char *server = "test") {
  ToolT tool;
  tool.name = name;
  tool.server = server;
  tool.command = {std::getenv("HETAGON_MCP_TEST_SERVER")};
  return tool;
}

/// A shell that speaks just enough of the protocol to say `answer`.
ToolT shellTool(const std::string &answer) {
  ToolT tool;
  tool.name = "shell";
  tool.server = "shell";
  tool.command = {"/bin/sh", "-c",
                  "read a; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
                  "{\"supportedVersions\":[\"2026-07-28\"]}}'; read b; " +
                      answer};
  return tool;
}

tools::Deadline soon() { return std::chrono::steady_clock::now() + 5s; }

ToolHostOptions agreeing() {
  ToolHostOptions options;
  options.approve = [](const ToolCommand &) { return Status::ok(); };
  return options;
}

} // namespace

TEST(ToolHost, AsksOnceForEachCommand) {
  ToolT one = testTool("echo"), two = testTool("echo"),
        other = testTool("echo", "other"), setting = testTool("echo");
  setting.environment.push_back(pair("LD_PRELOAD", "/evil.so"));
  std::vector<ToolCommand> asked;
  ToolHostOptions options;
  options.approve = [&](const ToolCommand &command) {
    asked.push_back(command);
    return Status::ok();
  };
  ToolHost host({&one, &two, &other, &setting}, options);
  ASSERT_TRUE(host.approveAll().isOk());
  ASSERT_TRUE(host.approveAll().isOk());
  ASSERT_EQ(asked.size(), 3u);
  // A setting of the plan's can change what runs: consent is for it too.
  EXPECT_EQ(asked[0].digest, asked[1].digest);
  EXPECT_NE(asked[0].digest, asked[2].digest);
  EXPECT_EQ(asked[2].environment,
            std::vector<std::string>{"LD_PRELOAD=/evil.so"});
  auto result = host.call(1, "", {{"text", "hello"}}, soon(), {});
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->text, "hello");
  EXPECT_EQ(asked.size(), 3u);
}

TEST(ToolHost, DigestsOfEnvironments) {
  std::set<std::string> digests;
  for (int variant = 0; variant < 6; ++variant) {
    ToolT tool = testTool("echo");
    if (variant == 1)
      tool.environment.push_back(pair("A", "1"));
    if (variant == 2)
      tool.environment.push_back(pair("A", "2"));
    if (variant == 3)
      tool.pass_environment.push_back("A");
    if (variant == 4)
      tool.secrets.push_back(pair("A", "one"));
    if (variant == 5)
      tool.secrets.push_back(pair("A", "two"));
    ToolHostOptions options;
    options.approve = [&](const ToolCommand &command) {
      digests.insert(command.digest);
      return Status::ok();
    };
    ASSERT_TRUE(ToolHost({&tool}, options).approveAll().isOk());
  }
  EXPECT_EQ(digests.size(), 6u);
}

TEST(ToolHost, RefusalStartsNothing) {
  ToolT tool = testTool("echo");
  ToolHostOptions options;
  options.approve = [](const ToolCommand &) {
    return Status(Code::PermissionDenied, "not today");
  };
  for (const ToolHostOptions &each : {options, ToolHostOptions{}}) {
    ToolHost host({&tool}, each);
    EXPECT_EQ(host.approveAll().code(), Code::PermissionDenied);
    EXPECT_EQ(host.call(0, "", Json::object(), soon(), {}).status().code(),
              Code::PermissionDenied);
  }
}

TEST(ToolHost, CommandsPrintAsAShellReadsThem) {
  ToolCommand command;
  command.command = {"/bin/echo", "a b", "it's", "", "--x=1"};
  EXPECT_EQ(command.print(), "/bin/echo 'a b' 'it'\\''s' '' --x=1");
}

TEST(ToolHost, DeadServersStartAnew) {
  ToolT tool = testTool("echo");
  ToolHost host({&tool}, agreeing());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(host.call(0, "die", Json::object(), soon(), {}).status().code(),
              Code::Unavailable);
    EXPECT_TRUE(host.call(0, "", {{"text", "x"}}, soon(), {}).isOk());
  }
  // One that broke a cap is of no use any more either.
  EXPECT_EQ(
      host.call(0, "flood", {{"bytes", 8 << 20}}, soon(), {}).status().code(),
      Code::ResourceExhausted);
  EXPECT_TRUE(host.call(0, "", {{"text", "x"}}, soon(), {}).isOk());
}

TEST(ToolHost, AStepsTimeBoundsTheStart) {
  ToolT tool;
  tool.name = tool.server = "silent";
  tool.command = {"/bin/sleep", "60"};
  ToolHost host({&tool}, agreeing());
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(host.call(0, "", Json::object(), begin + 200ms, {}).status().code(),
            Code::DeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

TEST(ToolHost, SecretsAreNeverRepeated) {
  ToolHostOptions options = agreeing();
  options.secret = [](const std::string &name) -> StatusOr<std::string> {
    if (name != "key")
      return Status(Code::NotFound, "no '" + name + "'");
    return std::string("hunter22");
  };
  const char *answers[] = {
      // Ends with the secret among its last words.
      "echo \"my token is $TOKEN\" >&2; exit 1",
      // A result, an error of the tool's and a protocol error with it.
      "echo '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":"
      "\"text\",\"text\":\"'$TOKEN'\"}],\"structuredContent\":{\"a\":"
      "[\"'x$TOKEN'\"]}}}'; read c",
      "echo '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"isError\":true,"
      "\"content\":[{\"type\":\"text\",\"text\":\"'$TOKEN'\"}]}}'; read c",
      "echo '{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-1,\"message\":"
      "\"'$TOKEN'\"}}'; read c"};
  for (const char *answer : answers) {
    ToolT tool = shellTool(answer);
    tool.secrets.push_back(pair("TOKEN", "key"));
    ToolHost host({&tool}, options);
    auto result = host.call(0, "x", Json::object(), soon(), {});
    std::string seen = result.isOk()
                           ? result->text + printJson(result->structured)
                           : result.status().str();
    EXPECT_EQ(seen.find("hunter22"), std::string::npos) << seen;
    EXPECT_NE(seen.find("***"), std::string::npos) << seen;
  }
  ToolT tool = testTool("echo");
  tool.secrets.push_back(pair("TOKEN", "other"));
  ToolHost host({&tool}, options);
  EXPECT_EQ(host.call(0, "", Json::object(), soon(), {}).status().code(),
            Code::NotFound);
}

TEST(ToolHost, OnlyTheStatedEnvironmentIsPassed) {
  ::setenv("HETAGON_TEST_PASSED", "yes", 1);
  ::setenv("HETAGON_TEST_KEPT", "no", 1);
  ToolT tool = shellTool(
      "echo '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":"
      "\"text\",\"text\":\"'$HETAGON_TEST_PASSED-$HETAGON_TEST_KEPT-$A'\"}]}}'"
      "; read c");
  tool.pass_environment = {"HETAGON_TEST_PASSED", "HETAGON_TEST_MISSING"};
  tool.environment.push_back(pair("A", "set"));
  ToolHost host({&tool}, agreeing());
  auto result = host.call(0, "x", Json::object(), soon(), {});
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->text, "yes--set");
}

TEST(ToolHost, CallsOfManyThreads) {
  ToolT tool = testTool("echo"), other = testTool("echo", "other");
  ToolHost host({&tool, &other}, agreeing());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        std::string text = std::to_string(t * 100 + i);
        auto result =
            host.call(size_t(t) % 2, "", {{"text", text}}, soon(), {});
        EXPECT_TRUE(result.isOk() && result->text == text);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}
