// The endpoint client against a small conforming server: streaming, prices,
// keys, and the ways endpoints fail.
#include "runtime/exec/Endpoint.h"
#include "test/runtime/exec/EndpointTestServer.h"
#include <gtest/gtest.h>
#include <thread>

using namespace hetagon;

namespace {

Endpoint endpointFor(const test::EndpointTestServer &server,
                     const std::string &model, const std::string &secret = "") {
  plan::fb::EndpointT description;
  description.url = server.url();
  description.model = model;
  description.secret = secret;
  description.price_per_million_input = 2;
  description.price_per_million_output = 10;
  return Endpoint(std::move(description),
                  [](const std::string &name) -> StatusOr<std::string> {
                    if (name == "KEY")
                      return std::string("s3cret");
                    return Status(Code::NotFound, "no secret '" + name + "'");
                  });
}

EndpointRequest ask(const std::string &text, int ms = 5000) {
  EndpointRequest request;
  request.messages = {{"user", text}};
  request.deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  return request;
}

} // namespace

TEST(Endpoint, StreamsAndCounts) {
  test::EndpointTestServer server;
  Endpoint endpoint = endpointFor(server, "echo");
  EndpointRequest request = ask("one two \xE2\x82\xAC three");
  std::vector<std::string> pieces;
  request.onText = [&](std::string_view text) { pieces.emplace_back(text); };
  auto result = endpoint.chat(request);
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->text, "one two \xE2\x82\xAC three");
  EXPECT_EQ(pieces.size(), 4u);
  EXPECT_EQ(result->finish, "stop");
  EXPECT_EQ(result->promptTokens, 10u);
  EXPECT_EQ(result->completionTokens, 4u);
  EXPECT_DOUBLE_EQ(result->costUsd, (10 * 2 + 4 * 10) / 1e6);
  EXPECT_GT(result->ttftMs, 0);
  EXPECT_EQ(endpoint.counts().requests, 1u);
}

TEST(Endpoint, TheKeyIsSentAndNeverPrinted) {
  test::EndpointTestServer server("s3cret");
  auto good = endpointFor(server, "echo", "KEY").chat(ask("hello"));
  ASSERT_TRUE(good.isOk()) << good.status().str();
  test::EndpointTestServer other("different");
  auto refused = endpointFor(other, "echo", "KEY").chat(ask("hello"));
  EXPECT_EQ(refused.status().code(), Code::PermissionDenied);
  EXPECT_NE(refused.status().message().find("'KEY'"), std::string::npos);
  EXPECT_EQ(refused.status().message().find("s3cret"), std::string::npos);
  EXPECT_EQ(endpointFor(server, "echo", "NONE").chat(ask("x")).status().code(),
            Code::NotFound);
}

TEST(Endpoint, FailuresHaveTheirCodes) {
  test::EndpointTestServer server;
  auto code = [&](const char *model) {
    return endpointFor(server, model).chat(ask("a b c")).status().code();
  };
  EXPECT_EQ(code("busy"), Code::Unavailable);
  EXPECT_EQ(code("broken"), Code::Unavailable);
  EXPECT_EQ(code("unknown"), Code::InvalidArgument);
  EXPECT_EQ(code("cut"), Code::DataLoss);
  EXPECT_EQ(code("garbage"), Code::DataLoss);
  auto busy = endpointFor(server, "busy").chat(ask("x"));
  EXPECT_NE(busy.status().message().find("wait 7 s"), std::string::npos);
  plan::fb::EndpointT nowhere;
  nowhere.url = "http://127.0.0.1:1/v1";
  EXPECT_EQ(Endpoint(nowhere, {}).chat(ask("x")).status().code(),
            Code::Unavailable);
  nowhere.url = "ftp://host";
  EXPECT_EQ(Endpoint(nowhere, {}).chat(ask("x")).status().code(),
            Code::InvalidArgument);
}

TEST(Endpoint, DeadlineAndCancellationEndTheCall) {
  test::EndpointTestServer server;
  std::string words;
  for (int i = 0; i < 100; ++i)
    words += "word ";
  Endpoint endpoint = endpointFor(server, "slow");
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(endpoint.chat(ask(words, 200)).status().code(),
            Code::DeadlineExceeded);
  std::stop_source stop;
  EndpointRequest request = ask(words, 60000);
  request.cancel = stop.get_token();
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    stop.request_stop();
  });
  EXPECT_EQ(endpoint.chat(request).status().code(), Code::Cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}
