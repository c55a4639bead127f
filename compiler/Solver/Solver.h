// The interface of every solver: an assignment, what is proven about it, and
// the best bound by the deadline.
#ifndef HETAGON_COMPILER_SOLVER_SOLVER_H
#define HETAGON_COMPILER_SOLVER_SOLVER_H

#include "compiler/Solver/Problem.h"
#include <chrono>
#include <memory>

namespace hetagon::solver {

using Clock = std::chrono::steady_clock;

enum class SolveStatus {
  Optimal,    ///< proven: no feasible assignment has a lower objective
  Feasible,   ///< keeps every hard rule; `bound` says how far from the best
  Infeasible, ///< proven: no assignment keeps every hard rule
  Unknown,    ///< none found, and no proof that there is none
};
std::string_view statusName(SolveStatus status);

struct SolveOptions {
  Clock::time_point deadline = Clock::time_point::max();
  /// Where to begin; may break rules. Empty: nowhere in particular.
  Assignment start;
  /// How hard the fast solver tries; 1 is usual.
  double effort = 1;
};

struct Solution {
  SolveStatus status = SolveStatus::Unknown;
  Assignment assignment; ///< empty unless optimal or feasible
  double objective = 0;  ///< as the evaluator has it
  double bound = 0;      ///< no feasible assignment's objective is below it
  std::string note;      ///< what proves infeasibility, or what was given up

  bool found() const { return !assignment.empty(); }
  /// (objective - bound) / objective; 0 when they meet.
  double gap() const;
};

/// Anytime: returns the best found when the deadline comes. Percentile
/// requirements are not seen by solvers; plan() deals with them. Deterministic
/// as long as the deadline does not bind.
class Solver {
public:
  virtual ~Solver() = default;
  virtual Solution solve(const Problem &problem,
                         const SolveOptions &options) = 0;
};

/// A mixed-integer program by HiGHS, gaps 0; what it returns is evaluated anew,
/// and where that disagrees the assignment is cut off and the search goes on.
std::unique_ptr<Solver> createExactSolver();
/// Constructs and improves; no enumeration, no mixed-integer program.
std::unique_ptr<Solver> createFastSolver();

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_SOLVER_H
