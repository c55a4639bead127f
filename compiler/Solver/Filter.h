// What can be said about a problem without searching: options that no feasible
// plan uses, bounds on times and on the objective, and sometimes the proof that
// there is no plan. Shared by both solvers.
#ifndef HETAGON_COMPILER_SOLVER_FILTER_H
#define HETAGON_COMPILER_SOLVER_FILTER_H

#include "compiler/Solver/Problem.h"

namespace hetagon::solver {

constexpr Micro never = INT64_MAX / 4;

/// Bounds that a plan has to keep beyond the problem's own: those of a plan
/// that is known already.
struct Cutoff {
  Micro latencyUs = never;
  double objective = 1e300;
};

struct Filter {
  /// By option: may still be part of a feasible plan within the cut-off.
  std::vector<uint8_t> alive;
  /// By option, if chosen: no earlier start; no less time from its end to the
  /// end of all; no later end without missing a limit.
  std::vector<Micro> head, tail, late;
  /// No feasible plan is below these.
  Micro latencyBoundUs = 0;
  double objectiveBound = 0;
  /// Why there is no feasible plan within the cut-off; empty if that is open.
  std::string proof;
};

Filter filter(const Problem &problem, const Cutoff &cutoff = {});

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_FILTER_H
