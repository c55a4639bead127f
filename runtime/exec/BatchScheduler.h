// Continuous batching for a decoder service: every iteration is one ragged
// batch of all running sequences.
#ifndef HETAGON_RUNTIME_EXEC_BATCHSCHEDULER_H
#define HETAGON_RUNTIME_EXEC_BATCHSCHEDULER_H

#include "runtime/exec/Generation.h"
#include "runtime/exec/ProgramRunner.h"
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace hetagon {

/// One iteration, as it happened.
struct StepRecord {
  std::chrono::steady_clock::time_point begin, end;
  uint32_t rows = 0, sequences = 0, outputs = 0;
  uint32_t prefillRows = 0; ///< rows of sequences that brought more than one
};

struct BatchOptions {
  /// Prompt rows in one iteration at most, all sequences together: what a
  /// decode waits for at worst. 0: the service's max_rows.
  uint32_t chunkTokens = 0;
  /// Called after each iteration on the service's thread.
  std::function<void(const StepRecord &)> onStep;
};

/// Counts over the scheduler's life.
struct BatchCounts {
  uint64_t requests = 0, iterations = 0, rows = 0;
  uint64_t promptTokens = 0, generatedTokens = 0;
  uint32_t pagesInUse = 0, pages = 0;
};

/// Serves one decoder service with one thread of its own, which sleeps while
/// there is nothing to do or the device works.
///
/// Iteration: one row for each sequence that decodes, then prompt rows of the
/// oldest sequences up to the chunk size and max_rows. A request joins at the
/// next iteration after its admission. Requests are admitted in order of
/// arrival, when a sequence slot is free and the pool can hold the longest the
/// request can become; so no admitted request ever lacks a page. The tokens of
/// a request are the same, bit for bit, in any company.
class BatchScheduler {
public:
  static StatusOr<std::unique_ptr<BatchScheduler>>
  create(std::shared_ptr<ServiceInstance> service, BatchOptions options = {});
  /// Ends every open request with Cancelled and joins the thread.
  ~BatchScheduler();
  BatchScheduler(const BatchScheduler &) = delete;
  BatchScheduler &operator=(const BatchScheduler &) = delete;

  const ServiceInstance &service() const { return runner->service(); }

  /// Queues a request. InvalidArgument for tokens outside the vocabulary, an
  /// empty or too long prompt or bad sampling parameters; ResourceExhausted
  /// when the pool could never hold it; the device's failure once the device is
  /// lost. Thread-safe; may be called from onToken.
  StatusOr<std::shared_ptr<Generation>> submit(GenerationRequest request);
  /// submit() and wait().
  StatusOr<GenerationResult> generate(GenerationRequest request);

  BatchCounts counts() const;

private:
  struct Sequence;
  struct Batch;

  BatchScheduler(std::unique_ptr<ProgramRunner> runner, BatchOptions options);
  Status checkRequest(const GenerationRequest &request) const;
  void serve(std::stop_token stop);
  using SequenceList = std::list<std::unique_ptr<Sequence>>;
  /// Drops what was cancelled or is late, and admits what fits.
  void admit(SequenceList &running);
  Status form(SequenceList &running, Batch &batch);
  Status execute(Batch &batch);
  /// Takes tokens from the logits; ends sequences that are complete.
  void advance(Batch &batch);
  /// Takes the token at `position` of the sequence: forced or sampled.
  Status takeToken(Sequence &sequence, uint32_t position,
                   std::span<const float> logits);
  /// Gives the pages back, then publishes the outcome.
  void finish(Sequence &sequence, StatusOr<GenerationResult> outcome);

  std::unique_ptr<ProgramRunner> runner;
  BatchOptions options;
  uint32_t pageTokens = 1;
  PagePool pool;
  uint64_t committedPages = 0; ///< service thread only
  Sampler sampler;             ///< service thread only

  mutable std::mutex mutex;
  std::condition_variable_any arrived;
  std::deque<std::unique_ptr<Sequence>> waiting;
  Status failure; ///< why nothing more is accepted
  BatchCounts count;
  std::jthread thread; ///< last: joined before the rest dies
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_BATCHSCHEDULER_H
