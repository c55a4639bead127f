// Why there is no plan: irreducible sets of hard rules that cannot hold
// together, and for each member what would break its set.
#ifndef HETAGON_COMPILER_SOLVER_CONFLICT_H
#define HETAGON_COMPILER_SOLVER_CONFLICT_H

#include "compiler/Solver/Evaluator.h"
#include "compiler/Solver/Solver.h"

namespace hetagon::solver {

/// The least change to one member after which the others of its set hold.
struct Relaxation {
  Item item;
  bool known = false; ///< false: none was found
  bool least = true;  ///< false: it is enough, less may be too
  /// Requirement or capacity: the least limit, in its integers.
  int64_t limit = 0;
  /// Edge: a transfer that would have to be allowed, between devices.
  uint32_t from = none, to = none;
};

struct Conflict {
  std::vector<Item> items;
  /// Each member is needed, by proof. False where the time was up.
  bool irreducible = true;
  std::vector<Relaxation> relaxations; ///< parallel to items
};

/// The problem with only these hard rules: other limits are unlimited, over
/// other edges a pair without transfer is free.
Problem restrictedTo(const Problem &problem, const std::vector<Item> &items);

/// Of a problem that is infeasible by proof of a solver of this kind: disjoint
/// sets, until the rest is feasible. Empty when not even the first is proven
/// by the deadline.
std::vector<Conflict> findConflicts(const Problem &problem, Solver &solver,
                                    Clock::time_point deadline);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_CONFLICT_H
