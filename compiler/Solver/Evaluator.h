// The one place that says what an assignment costs, how long it takes and which
// rules it breaks. Every solver's result goes through here before it is shown.
#ifndef HETAGON_COMPILER_SOLVER_EVALUATOR_H
#define HETAGON_COMPILER_SOLVER_EVALUATOR_H

#include "compiler/Solver/Problem.h"

namespace hetagon::solver {

struct Evaluation {
  Micro latencyUs = 0;
  std::vector<Micro> finishUs; ///< by task
  std::vector<Micro> totals;   ///< by metric
  std::vector<int64_t> used;   ///< by capacity
  uint32_t forbidden = 0;      ///< edges without a transfer
  /// With the penalties of soft requirements, when they have a unit.
  double objective = 0;
  /// 0 when every hard rule holds (percentiles aside, which Simulation
  /// checks); else grows with each relative violation.
  double violation = 0;
  bool feasible() const { return violation == 0; }
};

/// Holds scratch memory: one per thread. Does not own the problem.
class Evaluator {
public:
  explicit Evaluator(const Problem &problem);

  /// Without `concurrency` the latency is the longest path. With it tasks are
  /// scheduled in Problem::order, each at the earliest time that is neither
  /// before its inputs nor before the last finish on its device's earliest
  /// free slot; a transfer holds no slot. The result lives until the next call.
  const Evaluation &evaluate(const Assignment &assignment);

  /// Only latency and ends, with these times instead of the options'.
  const Evaluation &schedule(const Assignment &assignment,
                             const std::vector<Micro> &times);

  /// The requirement's value under the last evaluation.
  Micro valueOf(const Requirement &requirement) const {
    if (requirement.metric != none)
      return result.totals[requirement.metric];
    return requirement.task == none ? result.latencyUs
                                    : result.finishUs[requirement.task];
  }

private:
  void judge();

  const Problem &problem;
  Evaluation result;
  bool anySlots;
  std::vector<Micro> ownTimes;           ///< by task, of the options
  std::vector<std::vector<Micro>> slots; ///< a heap per device, earliest first
};

/// A hard rule in the words of the output.
struct Item {
  enum class Kind { Requirement, Capacity, Edge };
  Kind kind = Kind::Requirement;
  uint32_t index = 0; ///< into the problem's list of that kind
  bool operator==(const Item &) const = default;
};

/// The hard rules that an assignment breaks.
std::vector<Item> brokenBy(const Problem &problem, Evaluator &evaluator,
                           const Assignment &assignment);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_EVALUATOR_H
