// The MCP client against the native test server in both eras, and against
// PyPI's mcp-server-time where it is installed.
#include "runtime/tools/McpClient.h"
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::tools;

namespace {

Deadline in(int ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

ProcessOptions server(const char *era) {
  ProcessOptions options;
  options.command = {std::getenv("HETAGON_MCP_TEST_SERVER"), era};
  return options;
}

} // namespace

class McpEras : public testing::TestWithParam<const char *> {};

TEST_P(McpEras, ListsAndCalls) {
  auto client = McpClient::connect(server(GetParam()), in(5000));
  ASSERT_TRUE(client.isOk()) << client.status().str();
  EXPECT_EQ((*client)->revision(), std::string(GetParam()) == "handshake"
                                       ? "2025-11-25"
                                       : "2026-07-28");
  auto tools = (*client)->listTools(in(5000));
  ASSERT_TRUE(tools.isOk()) << tools.status().str();
  ASSERT_EQ(tools->size(), 1u);
  EXPECT_EQ(tools->front().name, "echo");
  std::string text = "line\nbreak \"quoted\" \xE2\x82\xAC";
  auto result = (*client)->call("echo", {{"text", text}}, in(5000));
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->text, text);
  EXPECT_FALSE(result->isError);
}
INSTANTIATE_TEST_SUITE_P(Eras, McpEras,
                         testing::Values("both", "stateless", "handshake"));

TEST(McpClient, ToolFailureIsAResultAndUnknownToolAStatus) {
  auto client = McpClient::connect(server("both"), in(5000));
  ASSERT_TRUE(client.isOk());
  auto failed = (*client)->call("fail", Json::object(), in(5000));
  ASSERT_TRUE(failed.isOk());
  EXPECT_TRUE(failed->isError);
  EXPECT_EQ(failed->text, "it did not work");
  auto unknown = (*client)->call("nothing", Json::object(), in(5000));
  EXPECT_EQ(unknown.status().code(), Code::InvalidArgument);
  EXPECT_NE(unknown.status().message().find("no tool 'nothing'"),
            std::string::npos);
}

TEST(McpClient, TimesOutAndStaysUsable) {
  auto client = McpClient::connect(server("both"), in(5000));
  ASSERT_TRUE(client.isOk());
  auto slow = (*client)->call("sleep", {{"ms", 300}}, in(50));
  EXPECT_EQ(slow.status().code(), Code::DeadlineExceeded);
  auto next = (*client)->call("echo", {{"text", "still here"}}, in(5000));
  ASSERT_TRUE(next.isOk()) << next.status().str();
  EXPECT_EQ(next->text, "still here");
}

TEST(McpClient, CancelReturnsAtOnce) {
  auto client = McpClient::connect(server("both"), in(5000));
  ASSERT_TRUE(client.isOk());
  std::stop_source stop;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  auto begin = std::chrono::steady_clock::now();
  auto result =
      (*client)->call("hang", Json::object(), in(60000), stop.get_token());
  EXPECT_EQ(result.status().code(), Code::Cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(McpClient, CallsOverlap) {
  auto client = McpClient::connect(server("both"), in(5000));
  ASSERT_TRUE(client.isOk());
  auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 4; ++i)
      callers.emplace_back([&] {
        auto slept = (*client)->call("sleep", {{"ms", 400}}, in(5000));
        EXPECT_TRUE(slept.isOk()) << slept.status().str();
      });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::milliseconds(1200));
}

TEST(McpClient, DeathCarriesTheLastWords) {
  auto client = McpClient::connect(server("both"), in(5000));
  ASSERT_TRUE(client.isOk());
  auto result = (*client)->call("die", Json::object(), in(5000));
  EXPECT_EQ(result.status().code(), Code::Unavailable);
  EXPECT_NE(result.status().message().find("the server gives up"),
            std::string::npos)
      << result.status().message();
  auto after = (*client)->call("echo", Json::object(), in(5000));
  EXPECT_EQ(after.status().code(), Code::Unavailable);
}

TEST(McpClient, OutputIsCapped) {
  ProcessOptions options = server("both");
  options.maxLineBytes = 100000;
  auto client = McpClient::connect(options, in(5000));
  ASSERT_TRUE(client.isOk());
  auto result = (*client)->call("flood", {{"bytes", 5000000}}, in(5000));
  EXPECT_EQ(result.status().code(), Code::ResourceExhausted);
}

TEST(McpClient, SpeaksWithTheTimeServer) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::string python = std::string(venv ? venv : "") + "/bin/python";
  if (!venv || !*venv || !std::filesystem::exists(python))
    GTEST_SKIP() << "no Python environment with mcp-server-time";
  ProcessOptions options;
  options.command = {python, "-m", "mcp_server_time"};
  auto client = McpClient::connect(options, in(30000));
  ASSERT_TRUE(client.isOk()) << client.status().str();
  auto result =
      (*client)->call("get_current_time", {{"timezone", "UTC"}}, in(30000));
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->structured["timezone"], "UTC");
}
