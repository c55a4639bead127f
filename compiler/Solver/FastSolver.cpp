// The fast solver: filter, construct, improve, bound.
#include "compiler/Solver/Search.h"
#include <algorithm>
#include <cmath>

namespace hetagon::solver {

Search::Search(const Problem &problem, const Filter &filter,
               const SolveOptions &options)
    : problem(problem), filter(filter), evaluator(problem),
      deadline(options.deadline), hardness(options.effort) {
  choices.resize(problem.tasks.size());
  for (uint32_t t = 0; t < choices.size(); ++t)
    for (uint32_t o = problem.tasks[t].firstOption;
         o < problem.tasks[t].endOption; ++o)
      if (filter.alive[o])
        choices[t].push_back(o);
}

bool Search::offer(const Assignment &assignment) {
  const Evaluation &found = evaluator.evaluate(assignment);
  bool better = kept.empty() || (found.violation != keptViolation
                                     ? found.violation < keptViolation
                                     : found.objective < keptObjective);
  if (!better)
    return false;
  kept = assignment;
  keptObjective = found.objective;
  keptViolation = found.violation;
  return true;
}

uint32_t Search::random(uint32_t end) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return uint32_t(((state >> 32) * end) >> 32);
}

double Search::random() { return double(random(1u << 30)) / double(1u << 30); }

double Search::scale() const {
  return std::max(
      {1.0, filter.objectiveBound, kept.empty() ? 0 : keptObjective});
}

namespace {

class FastSolver : public Solver {
public:
  Solution solve(const Problem &problem, const SolveOptions &options) override {
    Solution solution;
    Filter bounds = filter(problem);
    solution.bound = bounds.objectiveBound;
    if (!bounds.proof.empty()) {
      solution.status = SolveStatus::Infeasible;
      solution.note = bounds.proof;
      return solution;
    }
    Search search(problem, bounds, options);
    run(search, options);
    if (!search.found()) {
      solution.note = "no plan was found that keeps every rule";
      return solution;
    }
    solution.assignment = search.best();
    solution.objective = search.objective();
    solution.status = SolveStatus::Feasible;
    tighten(problem, options, solution);
    if (solution.objective <= solution.bound) {
      solution.status = SolveStatus::Optimal;
      solution.bound = solution.objective;
    }
    return solution;
  }

private:
  static void run(Search &search, const SolveOptions &options) {
    const Problem &problem = search.problem;
    if (!options.start.empty())
      search.offer(options.start);
    // Nothing is better than the bound: no need to go on.
    auto done = [&] {
      return search.timeIsUp() ||
             (search.found() &&
              search.objective() <= search.filter.objectiveBound);
    };
    bool slots = problem.hasConcurrency();
    // On large problems sweeps lead to much the same from any start.
    constexpr size_t large = 100'000;
    size_t starts = problem.options.size() > large && !slots ? 2 : 9;
    for (double price : {0.1, 1.0, 0.0, 0.003, 0.01, 0.03, 0.3, 3.0, 30.0}) {
      if (search.found() && starts-- == 0)
        break;
      // The first must be had whatever the time.
      if (!search.best().empty() && done())
        return;
      Assignment plan = construct(search, price);
      search.offer(plan);
      if (!slots)
        sweep(search, std::move(plan));
    }
    // What one evaluation takes sets how many can be afforded.
    double size = double(problem.tasks.size() + problem.edges.size());
    double steps = std::min(3000 * double(problem.options.size()), 1e8 / size) *
                   search.effort();
    if (steps < 30 * double(problem.tasks.size()))
      return;
    for (int round = 0; round < 4 && !done(); ++round)
      anneal(search, uint64_t(steps / 4));
    if (!done())
      descend(search, uint64_t(steps));
  }

  /// Raises the bound: where the filter proves that nothing is at or below a
  /// value, the bound is above it.
  static void tighten(const Problem &problem, const SolveOptions &options,
                      Solution &solution) {
    if (problem.edges.size() * problem.devices.size() > 100'000)
      return;
    bool plain = problem.plainObjective() && problem.objective.penaltyUnit == 0;
    double low = solution.bound, high = solution.objective;
    for (int round = 0; round < 12 && low < high; ++round) {
      if (Clock::now() >= options.deadline)
        break;
      double middle = plain ? std::floor((low + high) / 2) : (low + high) / 2;
      Cutoff cutoff;
      cutoff.objective = middle;
      if (plain && problem.objective.latencyWeight > 0)
        cutoff.latencyUs = Micro(middle);
      if (filter(problem, cutoff).proof.empty())
        high = middle;
      else
        low = plain ? middle + 1 : middle;
      if (plain && high <= low)
        break;
    }
    solution.bound = std::min(low, solution.objective);
  }
};

} // namespace

std::unique_ptr<Solver> createFastSolver() {
  return std::make_unique<FastSolver>();
}

} // namespace hetagon::solver
