// A small conforming chat-completions server on loopback for tests: it streams
// words, counts tokens as words, checks the key, and fails in the ways that
// endpoints do.
#ifndef HETAGON_TEST_RUNTIME_EXEC_ENDPOINTTESTSERVER_H
#define HETAGON_TEST_RUNTIME_EXEC_ENDPOINTTESTSERVER_H

#include <atomic>
#include <memory>
#include <string>

namespace hetagon::test {

/// Answers POST /v1/chat/completions while it lives. The model's name picks
/// what it does: "echo" repeats the last message word by word, "slow" does so
/// with 50 ms a word, "cut" ends in the middle, "garbage" sends no JSON, "busy"
/// is HTTP 429, "broken" HTTP 500; any other model is HTTP 404.
class EndpointTestServer {
public:
  /// `key`: what Authorization must carry; empty: none wanted.
  explicit EndpointTestServer(std::string key = "");
  ~EndpointTestServer();
  /// "http://127.0.0.1:PORT/v1"
  std::string url() const;
  std::string lastBody() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_EXEC_ENDPOINTTESTSERVER_H
