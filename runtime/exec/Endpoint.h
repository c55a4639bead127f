// A model behind an OpenAI-compatible chat-completions endpoint: the service
// kind that has no device memory and no programs, only a conversation over HTTP
// with a price.
#ifndef HETAGON_RUNTIME_EXEC_ENDPOINT_H
#define HETAGON_RUNTIME_EXEC_ENDPOINT_H

#include "runtime/exec/Sampler.h"
#include "runtime/plan/plan_generated.h"
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace hetagon {

struct ChatMessage {
  std::string role; ///< "system", "user", "assistant"
  std::string content;
};

struct EndpointRequest {
  std::vector<ChatMessage> messages;
  SamplingParameters sampling;
  uint32_t maxTokens = 256;
  std::vector<std::string> stop;
  /// Called with each piece of text as it arrives, on the calling thread.
  std::function<void(std::string_view)> onText;
  std::chrono::steady_clock::time_point deadline;
  std::stop_token cancel;
};

struct EndpointResult {
  std::string text;
  std::string finish; ///< the endpoint's word: "stop", "length", ...
  /// As the endpoint counts them; 0 when it did not say.
  uint64_t promptTokens = 0, completionTokens = 0;
  double ttftMs = 0, totalMs = 0;
  double costUsd = 0; ///< from the plan's prices; 0 without token counts
};

/// The endpoint's account since it was made.
struct EndpointCounts {
  uint64_t requests = 0, failures = 0, promptTokens = 0, completionTokens = 0;
};

/// Thread-safe: each call has a connection of its own.
class Endpoint {
public:
  /// `secret` gives the value of a named secret; it is asked on each call and
  /// its value is never stored, printed or traced.
  using SecretSource =
      std::function<StatusOr<std::string>(const std::string &name)>;
  Endpoint(plan::fb::EndpointT description, SecretSource secret);

  /// Asks for one streamed completion. Unavailable for connection failures and
  /// HTTP 429 or 5xx (with Retry-After in the message), PermissionDenied for
  /// 401 and 403, InvalidArgument for other 4xx, DataLoss for a stream that
  /// ends early or cannot be read.
  StatusOr<EndpointResult> chat(const EndpointRequest &request);

  EndpointCounts counts() const;
  const plan::fb::EndpointT &description() const { return endpoint; }

private:
  plan::fb::EndpointT endpoint;
  SecretSource secret;
  std::atomic<uint64_t> requests{0}, failures{0}, promptTokens{0},
      completionTokens{0};
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_ENDPOINT_H
