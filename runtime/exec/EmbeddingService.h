// Embeds token sequences with an encoder service, several in one submission.
#ifndef HETAGON_RUNTIME_EXEC_EMBEDDINGSERVICE_H
#define HETAGON_RUNTIME_EXEC_EMBEDDINGSERVICE_H

#include "runtime/exec/ProgramRunner.h"
#include <mutex>
#include <stop_token>

namespace hetagon {

struct Embedding {
  std::vector<float> values;
  uint32_t usedTokens = 0;
  bool truncated = false; ///< the sequence was longer than the service's limit
};

struct EmbeddingOptions {
  /// Of a sequence that is too long, this many last tokens are kept after the
  /// first ones: the end marker of the vocabulary stays the end.
  uint32_t keepTail = 1;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token cancel;
};

/// Thread-safe: calls run one after the other. The embedding of a sequence is
/// the same, bit for bit, in any company.
class EmbeddingService {
public:
  static StatusOr<std::unique_ptr<EmbeddingService>>
  create(std::shared_ptr<ServiceInstance> service);

  const ServiceInstance &service() const { return runner->service(); }
  /// Longest sequence that is embedded whole.
  uint32_t maxTokens() const;

  /// One embedding for each sequence, in order. Packs sequences in their order
  /// into submissions of at most max_rows rows. InvalidArgument for an empty
  /// sequence or a token outside the vocabulary; Cancelled and DeadlineExceeded
  /// take effect between submissions.
  StatusOr<std::vector<Embedding>>
  embed(std::span<const std::vector<int32_t>> sequences,
        const EmbeddingOptions &options = {});

private:
  explicit EmbeddingService(std::unique_ptr<ProgramRunner> runner)
      : runner(std::move(runner)) {}

  std::mutex mutex;
  std::unique_ptr<ProgramRunner> runner;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_EMBEDDINGSERVICE_H
