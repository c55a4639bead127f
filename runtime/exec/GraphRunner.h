// Runs the step graphs of a plan: every step as soon as what it needs is there,
// independent ones at the same time.
#ifndef HETAGON_RUNTIME_EXEC_GRAPHRUNNER_H
#define HETAGON_RUNTIME_EXEC_GRAPHRUNNER_H

#include "runtime/exec/PlanRuntime.h"
#include "runtime/exec/Value.h"

namespace hetagon {

struct RunOptions {
  /// Values of the entry graph's inputs by name.
  std::map<std::string, Value> inputs;
  uint64_t seed = 0;
  /// Pieces of streamed outputs as they come, from any thread, one at a time;
  /// those of one output make up its value. It must not block for long.
  std::function<void(const std::string &output, std::string_view piece)>
      onStream;
  /// Answers a question to the person at the terminal; called by one thread at
  /// a time. Absent: a step that asks fails.
  std::function<StatusOr<std::string>(const std::string &question)> ask;
  std::stop_token cancel;
};

/// One executed step. Times are milliseconds from the start of the run.
struct StepReport {
  std::string path;   ///< node path with iterations: "main/map[3]/answer"
  std::string name;   ///< the step's
  std::string device; ///< "host" for what runs beside all devices
  double beginMs = 0, endMs = 0;
  uint32_t attempts = 1;
  uint64_t promptTokens = 0, generatedTokens = 0;
  /// Generations: from the step's start; gaps between tokens.
  double ttftMs = 0;
  std::vector<double> gapsMs;
  double costUsd = 0;
  /// False where an endpoint did not say how many tokens it counted.
  bool costKnown = true;
};

struct RunResult {
  /// By output name, in the graph's order.
  std::vector<std::pair<std::string, Value>> outputs;
  std::vector<StepReport> steps; ///< in the order in which they ended
  double latencyMs = 0;
  /// When the first piece of a streamed output came; absent without any.
  std::optional<double> ttftMs;
};

/// The entry graph's inputs in words: "question (text), count (json)".
std::string describeInputs(const plan::fb::PlanT &plan);

/// Whether `inputs` are those of the plan's entry graph; the failure lists them
/// with their types.
Status checkInputs(const plan::fb::PlanT &plan,
                   const std::map<std::string, Value> &inputs);

/// Runs the plan's entry graph once. Blocks. On failure the first error is
/// returned, with the place of its step in the user's file, after everything
/// that was running has been cancelled and has ended. A run that `cancel` cut
/// short is Cancelled. Thread-safe: several runs of one runtime may go on at
/// the same time and share its services.
StatusOr<RunResult> runPlan(PlanRuntime &runtime, RunOptions options);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_GRAPHRUNNER_H
