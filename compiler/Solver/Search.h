// The fast solver's parts and what they share: the problem, what the filter
// left of it, the best plan so far, and a generator of random numbers with a
// fixed seed.
#ifndef HETAGON_COMPILER_SOLVER_SEARCH_H
#define HETAGON_COMPILER_SOLVER_SEARCH_H

#include "compiler/Solver/Evaluator.h"
#include "compiler/Solver/Filter.h"
#include "compiler/Solver/Solver.h"

namespace hetagon::solver {

class Search {
public:
  Search(const Problem &problem, const Filter &filter,
         const SolveOptions &options);

  const Problem &problem;
  const Filter &filter;
  /// The options that the filter left, by task.
  std::vector<std::vector<uint32_t>> choices;
  Evaluator evaluator;

  /// Evaluates a plan and keeps it when it is the best so far: feasible before
  /// infeasible, then by objective, or by violation. True when it was kept.
  bool offer(const Assignment &assignment);
  const Assignment &best() const { return kept; }
  bool found() const { return !kept.empty() && keptViolation == 0; }
  double objective() const { return keptObjective; }
  double violation() const { return keptViolation; }

  bool timeIsUp() const { return Clock::now() >= deadline; }
  double effort() const { return hardness; }
  /// Below `end`, from a fixed sequence.
  uint32_t random(uint32_t end);
  double random();

  /// What an assignment must keep the objective's units and a relative
  /// violation comparable with: about what a plan costs.
  double scale() const;

private:
  Clock::time_point deadline;
  double hardness;
  Assignment kept;
  double keptObjective = 0, keptViolation = 0;
  uint64_t state = 0x9E3779B97F4A7C15u;
};

/// A plan made task by task in topological order. `price` is what the least
/// latency costs in units of the least objective, beside its own weight.
Assignment construct(Search &search, double price);

/// Improves a plan by changing task after task while all others stay, and
/// offers it. Knows by how much each end may move without evaluating the whole
/// plan; only for problems without slots.
void sweep(Search &search, Assignment plan);

/// Simulated annealing over whole evaluations with an adapting price of broken
/// rules, then descent. For problems of some hundred tasks.
void anneal(Search &search, uint64_t steps);
void descend(Search &search, uint64_t steps);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_SEARCH_H
