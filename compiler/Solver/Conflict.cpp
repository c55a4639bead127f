// findConflicts: QuickXplain (Junker, 2004) over a solver that proves; plans
// found on the way answer later questions without solving.
#include "compiler/Solver/Conflict.h"
#include <algorithm>

namespace hetagon::solver {

namespace {

constexpr int64_t unlimited = INT64_MAX / 4;

class Analysis {
public:
  Analysis(const Problem &problem, Solver &solver, Clock::time_point deadline)
      : problem(problem), solver(solver), deadline(deadline),
        evaluator(problem) {}

  std::vector<Conflict> run() {
    std::vector<Conflict> conflicts;
    std::vector<Item> items = candidates();
    while (Clock::now() < deadline && impossible(items)) {
      doubtful = false;
      Conflict conflict;
      conflict.items = explain({}, false, items);
      conflict.irreducible = !doubtful;
      if (conflict.items.empty())
        break;
      std::erase_if(items, [&](const Item &item) {
        return std::find(conflict.items.begin(), conflict.items.end(), item) !=
               conflict.items.end();
      });
      for (const Item &item : conflict.items)
        conflict.relaxations.push_back(relax(conflict.items, item));
      conflicts.push_back(std::move(conflict));
    }
    return conflicts;
  }

private:
  const Problem &problem;
  Solver &solver;
  Clock::time_point deadline;
  Evaluator evaluator;
  /// For each plan met, the rules that it breaks.
  std::vector<std::vector<Item>> broken;
  bool doubtful = false;

  /// Requirements first: what is tried first tends to stay.
  std::vector<Item> candidates() const {
    std::vector<Item> items;
    for (uint32_t r = 0; r < problem.requirements.size(); ++r)
      if (problem.requirements[r].hard)
        items.push_back({Item::Kind::Requirement, r});
    for (uint32_t c = 0; c < problem.capacities.size(); ++c)
      items.push_back({Item::Kind::Capacity, c});
    for (uint32_t e = 0; e < problem.edges.size(); ++e)
      if (forbids(e))
        items.push_back({Item::Kind::Edge, e});
    return items;
  }

  bool forbids(uint32_t edge) const {
    const Task &from = problem.tasks[problem.edges[edge].from];
    const Task &to = problem.tasks[problem.edges[edge].to];
    for (uint32_t a = from.firstOption; a < from.endOption; ++a)
      for (uint32_t b = to.firstOption; b < to.endOption; ++b)
        if (!problem
                 .transfer(edge, problem.options[a].device,
                           problem.options[b].device)
                 .allowed)
          return true;
    return false;
  }

  Solution solve(const Problem &restricted) {
    SolveOptions options;
    options.deadline = deadline;
    Solution solution = solver.solve(restricted, options);
    if (solution.found())
      broken.push_back(brokenBy(problem, evaluator, solution.assignment));
    return solution;
  }

  /// Whether these rules cannot hold together, by proof.
  bool impossible(const std::vector<Item> &items) {
    for (const std::vector<Item> &plan : broken) {
      bool keeps = std::none_of(plan.begin(), plan.end(), [&](const Item &one) {
        return std::find(items.begin(), items.end(), one) != items.end();
      });
      if (keeps)
        return false;
    }
    Problem restricted = restrictedTo(problem, items);
    restricted.objective.latencyWeight = 0;
    restricted.objective.weights.assign(problem.metrics.size(), 0);
    Solution solution = solve(restricted);
    doubtful |= solution.status == SolveStatus::Unknown;
    return solution.status == SolveStatus::Infeasible;
  }

  /// A minimal part of `items` that is impossible together with `kept`.
  std::vector<Item> explain(const std::vector<Item> &kept, bool grown,
                            const std::vector<Item> &items) {
    if (grown && impossible(kept))
      return {};
    if (items.size() <= 1)
      return items;
    auto middle = items.begin() + std::ptrdiff_t(items.size() / 2);
    std::vector<Item> first(items.begin(), middle), second(middle, items.end());
    auto with = [](std::vector<Item> all, const std::vector<Item> &more) {
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    std::vector<Item> late = explain(with(kept, first), true, second);
    std::vector<Item> early = explain(with(kept, late), !late.empty(), first);
    return with(early, late);
  }

  Relaxation relax(const std::vector<Item> &set, const Item &item) {
    std::vector<Item> others;
    std::copy_if(set.begin(), set.end(), std::back_inserter(others),
                 [&](const Item &one) { return !(one == item); });
    Problem rest = restrictedTo(problem, others);
    rest.objective.latencyWeight = 0;
    rest.objective.weights.assign(problem.metrics.size(), 0);
    Relaxation relaxation;
    relaxation.item = item;
    switch (item.kind) {
    case Item::Kind::Requirement:
      relaxRequirement(rest, problem.requirements[item.index], relaxation);
      break;
    case Item::Kind::Capacity:
      relaxCapacity(rest, item.index, relaxation);
      break;
    case Item::Kind::Edge: {
      Solution solution = solve(rest);
      if (!solution.found())
        break;
      const Edge &edge = problem.edges[item.index];
      relaxation.known = true;
      relaxation.from = problem.options[solution.assignment[edge.from]].device;
      relaxation.to = problem.options[solution.assignment[edge.to]].device;
    }
    }
    return relaxation;
  }

  void relaxRequirement(Problem &rest, const Requirement &one,
                        Relaxation &relaxation) {
    if (one.metric == none && one.task != none) {
      searchLimit(rest, one, relaxation);
      return;
    }
    if (one.metric == none)
      rest.objective.latencyWeight = 1;
    else
      rest.objective.weights[one.metric] = 1;
    take(solve(rest), relaxation);
  }

  /// The end of one task is no objective: the least limit is searched for.
  void searchLimit(Problem &rest, const Requirement &one,
                   Relaxation &relaxation) {
    Solution loose = solve(rest);
    if (!loose.found())
      return;
    evaluator.evaluate(loose.assignment);
    Micro low = one.limit, high = evaluator.valueOf(one);
    Requirement &limit =
        rest.requirements[size_t(&one - problem.requirements.data())];
    limit.hard = true;
    while (low + 1 < high) {
      limit.limit = low + (high - low) / 2;
      Solution solution = solve(rest);
      if (solution.status == SolveStatus::Unknown)
        return;
      (solution.found() ? high : low) = limit.limit;
    }
    relaxation.known = true;
    relaxation.limit = high;
  }

  static void take(const Solution &solution, Relaxation &relaxation) {
    relaxation.known = solution.found();
    relaxation.least = solution.status == SolveStatus::Optimal;
    relaxation.limit = int64_t(solution.objective);
  }

  void relaxCapacity(Problem &rest, uint32_t row, Relaxation &relaxation) {
    uint32_t metric = rest.addMetric("use");
    for (uint32_t o = 0; o < rest.options.size(); ++o)
      for (uint32_t u = rest.options[o].firstUse; u < rest.options[o].endUse;
           ++u)
        if (rest.uses[u].capacity == row)
          rest.setAmount(o, metric, rest.uses[u].amount);
    rest.objective.weights[metric] = 1;
    take(solve(rest), relaxation);
  }
};

} // namespace

Problem restrictedTo(const Problem &problem, const std::vector<Item> &items) {
  Problem rest = problem;
  auto kept = [&](Item::Kind kind, uint32_t index) {
    return std::find(items.begin(), items.end(), Item{kind, index}) !=
           items.end();
  };
  for (uint32_t r = 0; r < rest.requirements.size(); ++r)
    rest.requirements[r].hard &= kept(Item::Kind::Requirement, r);
  for (uint32_t c = 0; c < rest.capacities.size(); ++c)
    if (!kept(Item::Kind::Capacity, c))
      rest.capacities[c].limit = unlimited;
  for (uint32_t e = 0; e < rest.edges.size(); ++e)
    rest.edges[e].lenient = !kept(Item::Kind::Edge, e);
  rest.objective.penaltyUnit = 0;
  // Only looser than a problem that was prepared.
  (void)rest.prepare();
  return rest;
}

std::vector<Conflict> findConflicts(const Problem &problem, Solver &solver,
                                    Clock::time_point deadline) {
  return Analysis(problem, solver, deadline).run();
}

} // namespace hetagon::solver
