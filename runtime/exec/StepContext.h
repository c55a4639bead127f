// What a step of any leaf kind is given to work with, and what it reports: the
// border between the graph runner, which knows when steps run, and the steps,
// which know what they do.
#ifndef HETAGON_RUNTIME_EXEC_STEPCONTEXT_H
#define HETAGON_RUNTIME_EXEC_STEPCONTEXT_H

#include "runtime/exec/GraphRunner.h"

namespace hetagon {

struct StepContext {
  PlanRuntime &runtime;
  const RunOptions &run;
  const plan::fb::StepT &step;
  std::map<std::string, Value> inputs;
  std::string path; ///< of the step, with iterations
  std::chrono::steady_clock::time_point begin, deadline;
  std::stop_token stop;
  StepReport &report;
  /// Receives text as it is generated; null when nobody reads it early.
  std::function<void(std::string_view)> onText;

  /// The step's attribute in words, or `otherwise`.
  std::string attribute(std::string_view key, std::string otherwise = {}) const;
  StatusOr<double> numberAttribute(std::string_view key,
                                   double otherwise) const;
  bool flagAttribute(std::string_view key, bool otherwise) const;
  LoadedService &service() const { return runtime.service(step.service); }
};

/// Runs one step of a kind without graphs of its own; the values are in the
/// order of the step's outputs.
StatusOr<std::vector<Value>> runLeafStep(StepContext &context);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_STEPCONTEXT_H
