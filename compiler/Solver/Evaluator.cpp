// Evaluator: sums, the schedule, and the judgement.
#include "compiler/Solver/Evaluator.h"
#include <algorithm>
#include <functional>

namespace hetagon::solver {

Evaluator::Evaluator(const Problem &problem)
    : problem(problem), anySlots(problem.hasConcurrency()) {
  result.finishUs.resize(problem.tasks.size());
  slots.resize(problem.devices.size());
}

const Evaluation &Evaluator::schedule(const Assignment &assignment,
                                      const std::vector<Micro> &times) {
  result.totals.resize(problem.metrics.size());
  if (anySlots)
    for (uint32_t d = 0; d < slots.size(); ++d)
      slots[d].assign(problem.slots(d), 0);
  result.latencyUs = 0;
  for (uint32_t task : problem.order) {
    const Option &option = problem.options[assignment[task]];
    Micro start = 0;
    for (uint32_t e : problem.incoming(task)) {
      uint32_t from = problem.edges[e].from;
      Transfer transfer = problem.transfer(
          e, problem.options[assignment[from]].device, option.device);
      start = std::max(start, result.finishUs[from] + transfer.timeUs);
      result.totals[0] += transfer.cost;
      result.forbidden += !transfer.allowed;
    }
    Micro finish = start + times[task];
    if (std::vector<Micro> &heap = slots[option.device]; !heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      finish = std::max(start, heap.back()) + times[task];
      heap.back() = finish;
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
    result.finishUs[task] = finish;
    result.latencyUs = std::max(result.latencyUs, finish);
  }
  return result;
}

/// By how much `value` is above `limit`, relative to it.
static double excess(double value, double limit) {
  if (value <= limit)
    return 0;
  return limit > 0 ? value / limit - 1 : value + 1;
}

void Evaluator::judge() {
  const Objective &objective = problem.objective;
  result.objective = objective.latencyWeight * double(result.latencyUs);
  for (size_t m = 0; m < objective.weights.size(); ++m)
    result.objective += objective.weights[m] * double(result.totals[m]);

  result.violation = result.forbidden;
  for (size_t c = 0; c < problem.capacities.size(); ++c)
    result.violation +=
        excess(double(result.used[c]), double(problem.capacities[c].limit));
  for (const Requirement &requirement : problem.requirements) {
    double over =
        excess(double(valueOf(requirement)), double(requirement.limit));
    if (over == 0)
      continue;
    if (!requirement.hard)
      result.objective += requirement.weight * over * objective.penaltyUnit;
    else if (requirement.percentile == 0)
      result.violation += over;
  }
}

const Evaluation &Evaluator::evaluate(const Assignment &assignment) {
  result.totals.assign(problem.metrics.size(), 0);
  result.used.assign(problem.capacities.size(), 0);
  result.forbidden = 0;
  ownTimes.clear();
  for (uint32_t choice : assignment) {
    ownTimes.push_back(problem.options[choice].timeUs);
    for (uint32_t m = 0; m < problem.metrics.size(); ++m)
      result.totals[m] += problem.amount(choice, m);
    const Option &option = problem.options[choice];
    for (uint32_t u = option.firstUse; u < option.endUse; ++u)
      result.used[problem.uses[u].capacity] += problem.uses[u].amount;
  }
  schedule(assignment, ownTimes);
  judge();
  return result;
}

std::vector<Item> brokenBy(const Problem &problem, Evaluator &evaluator,
                           const Assignment &assignment) {
  const Evaluation &found = evaluator.evaluate(assignment);
  std::vector<Item> items;
  for (uint32_t r = 0; r < problem.requirements.size(); ++r) {
    const Requirement &one = problem.requirements[r];
    if (one.hard && one.percentile == 0 && evaluator.valueOf(one) > one.limit)
      items.push_back({Item::Kind::Requirement, r});
  }
  for (uint32_t c = 0; c < problem.capacities.size(); ++c)
    if (found.used[c] > problem.capacities[c].limit)
      items.push_back({Item::Kind::Capacity, c});
  for (uint32_t e = 0; e < problem.edges.size(); ++e) {
    const Edge &edge = problem.edges[e];
    if (!problem
             .transfer(e, problem.options[assignment[edge.from]].device,
                       problem.options[assignment[edge.to]].device)
             .allowed)
      items.push_back({Item::Kind::Edge, e});
  }
  return items;
}

} // namespace hetagon::solver
