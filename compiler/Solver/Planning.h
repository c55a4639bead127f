// From a problem to a plan that explains itself: soft requirements,
// percentiles, conflicts, rejected options, re-planning and Pareto fronts,
// around any solver.
#ifndef HETAGON_COMPILER_SOLVER_PLANNING_H
#define HETAGON_COMPILER_SOLVER_PLANNING_H

#include "compiler/Solver/Conflict.h"
#include "compiler/Solver/Simulation.h"
#include <map>

namespace hetagon::solver {

enum class SolverKind { Exact, Fast };

struct PlanOptions {
  /// None: exact where the problem is small enough for it.
  std::optional<SolverKind> solver;
  Clock::time_point deadline = Clock::time_point::max();
  /// Task to device of an earlier plan, to be kept as far as possible.
  std::map<std::string, std::string> previous;
};

/// An option that was not taken, with everything else as planned.
struct Rejection {
  uint32_t task = 0, option = 0;
  std::vector<Item> broken; ///< what it would break
  double objective = 0;     ///< what the plan would come to
};

struct RequirementOutcome {
  uint32_t requirement = 0; ///< index
  Micro value = 0;
  Micro halfWidthUs = 0; ///< of a simulated percentile
  bool met = false;
};

struct Plan {
  Solution solution;
  SolverKind solver = SolverKind::Exact;
  Micro latencyUs = 0;
  std::vector<Micro> totals;
  std::vector<RequirementOutcome> outcomes; ///< by requirement
  std::optional<Simulation> simulation;     ///< where times are distributed
  std::vector<Conflict> conflicts;          ///< where infeasible
  std::vector<Rejection> rejections;
  bool rejectionsLeftOut = false; ///< too many to evaluate
  std::vector<uint32_t> moved;    ///< tasks, against the previous plan
};

/// Never fails: what cannot be planned is a status with its reason. Sets the
/// penalties' unit of the problem when there are soft requirements.
Plan plan(Problem &problem, const PlanOptions &options);

struct ParetoPoint {
  Assignment assignment;
  Micro first = 0, second = 0;
};
struct ParetoFront {
  std::vector<ParetoPoint> points; ///< by rising `first`
  bool complete = true;            ///< false: the time or the count was up
  SolveStatus status = SolveStatus::Unknown; ///< of the first point
};

/// All plans of which no other is better in one of two metrics (none: latency)
/// and no worse in the other, by limiting the second step by step.
ParetoFront paretoFront(const Problem &problem, uint32_t first, uint32_t second,
                        const PlanOptions &options, size_t mostPoints);

std::unique_ptr<Solver> createSolver(SolverKind kind);
SolverKind usualSolver(const Problem &problem);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_PLANNING_H
