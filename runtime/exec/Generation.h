// What is asked of a decoder service and what it answers: requests, tokens as
// they come, results with their times.
#ifndef HETAGON_RUNTIME_EXEC_GENERATION_H
#define HETAGON_RUNTIME_EXEC_GENERATION_H

#include "runtime/exec/Sampler.h"
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

namespace hetagon {

/// One token as it is generated.
struct GeneratedToken {
  int32_t id = -1;
  uint32_t index = 0; ///< 0 for the first token after the prompt
  /// Filled when the request asked for log-probabilities.
  std::optional<float> logProbability;
  std::vector<TokenLogProbability> top;
};

struct GenerationRequest {
  /// At least one token, fewer than the service's context.
  std::vector<int32_t> prompt;
  SamplingParameters sampling;
  /// Tokens to generate at most; the service's context is a limit besides.
  uint32_t maxTokens = 256;
  /// Generation ends when one of them is chosen; it is part of the result.
  std::vector<int32_t> stopTokens;
  /// Goes on past stop tokens (benchmarks).
  bool ignoreStopTokens = false;
  /// Most likely tokens to report with each token; 0: none.
  uint32_t topLogProbabilities = 0;
  /// Report the log-probability of each token.
  bool logProbabilities = false;
  /// Tokens taken instead of sampled ones, for scoring; they are processed
  /// like a prompt, many at a time. At most maxTokens; sampling goes on after
  /// them when there are fewer.
  std::vector<int32_t> forced;
  /// Called with the logits from which token `index` is taken.
  std::function<void(uint32_t index, std::span<const float> logits)> onLogits;
  /// Called with each token, in order, on the service's thread: it must not
  /// block. It may request a stop.
  std::function<void(const GeneratedToken &)> onToken;
  /// Fails the request with DeadlineExceeded once passed.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token cancel;
};

enum class FinishReason { Stop, Length, Context };

/// Milliseconds on the host's clock.
struct GenerationTimes {
  double queuedMs = 0;  ///< from submission to admission
  double prefillMs = 0; ///< from admission to the first token
  double ttftMs = 0;    ///< from submission to the first token
  double decodeMs = 0;  ///< from the first token to the last
  /// For each token, when it came, from submission.
  std::vector<double> tokenMs;
};

struct GenerationResult {
  std::vector<int32_t> tokens; ///< with the stop token, when one ended it
  FinishReason finish = FinishReason::Length;
  /// As long as tokens when asked for, else empty.
  std::vector<float> logProbabilities;
  /// Of the first token.
  std::vector<TokenLogProbability> firstTop;
  GenerationTimes times;
};

/// A request that was accepted. Thread-safe; may outlive its scheduler.
class Generation {
public:
  /// Blocks until the request has ended; the failure says why there is no
  /// result (Cancelled, DeadlineExceeded, DeviceLost, ...).
  StatusOr<GenerationResult> wait() const;
  bool finished() const;
  /// Asks the scheduler to drop the request; takes effect between iterations.
  void cancel() { stop.request_stop(); }

private:
  friend class BatchScheduler;
  std::stop_source stop;
  mutable std::mutex mutex;
  mutable std::condition_variable done;
  std::optional<StatusOr<GenerationResult>> outcome;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_GENERATION_H
