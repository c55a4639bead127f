// construct: a plan made in one pass.
#include "compiler/Solver/Search.h"
#include <algorithm>
#include <functional>

namespace hetagon::solver {

namespace {

class Pass {
public:
  Pass(Search &search, double priceOfTime, double priceOfBreaking)
      : search(search), problem(search.problem), filter(search.filter),
        priceOfTime(priceOfTime), priceOfBreaking(priceOfBreaking),
        finish(problem.tasks.size()), used(problem.capacities.size()),
        slots(problem.devices.size()) {
    for (uint32_t d = 0; d < slots.size(); ++d)
      slots[d].assign(problem.slots(d), 0);
  }

  Assignment run() {
    plan.assign(problem.tasks.size(), 0);
    for (uint32_t task : problem.order)
      place(task);
    return plan;
  }

private:
  Search &search;
  const Problem &problem;
  const Filter &filter;
  double priceOfTime, priceOfBreaking;
  std::vector<Micro> finish;
  std::vector<int64_t> used;
  std::vector<std::vector<Micro>> slots;
  Assignment plan;

  Micro startOn(uint32_t task, uint32_t device, double &score) const {
    Micro start = slots[device].empty() ? 0 : slots[device].front();
    for (uint32_t e : problem.incoming(task)) {
      uint32_t from = problem.edges[e].from;
      Transfer transfer =
          problem.transfer(e, problem.options[plan[from]].device, device);
      start = std::max(start, finish[from] + transfer.timeUs);
      score += problem.objective.weights[0] * double(transfer.cost);
      if (!transfer.allowed)
        score += priceOfBreaking;
    }
    return start;
  }

  void place(uint32_t task) {
    double bestScore = 0;
    Micro bestFinish = 0;
    uint32_t best = none;
    for (uint32_t o : search.choices[task]) {
      const Option &option = problem.options[o];
      double score = 0;
      for (uint32_t m = 0; m < problem.metrics.size(); ++m)
        score += problem.objective.weights[m] * double(problem.amount(o, m));
      Micro end = startOn(task, option.device, score) + option.timeUs;
      score += priceOfTime * double(end + filter.tail[o]);
      if (end > filter.late[o])
        score += priceOfBreaking * double(end - filter.late[o]) /
                 double(filter.late[o] + 1);
      for (uint32_t u = option.firstUse; u < option.endUse; ++u) {
        const Use &use = problem.uses[u];
        int64_t limit = problem.capacities[use.capacity].limit;
        if (used[use.capacity] + use.amount > limit)
          score += priceOfBreaking;
      }
      if (best == none || score < bestScore) {
        best = o;
        bestScore = score;
        bestFinish = end;
      }
    }
    const Option &chosen = problem.options[best];
    plan[task] = best;
    finish[task] = bestFinish;
    for (uint32_t u = chosen.firstUse; u < chosen.endUse; ++u)
      used[problem.uses[u].capacity] += problem.uses[u].amount;
    if (std::vector<Micro> &heap = slots[chosen.device]; !heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      heap.back() = bestFinish;
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
  }
};

} // namespace

Assignment construct(Search &search, double price) {
  double timeScale = double(std::max<Micro>(search.filter.latencyBoundUs, 1));
  double scale = std::max(1.0, search.filter.objectiveBound);
  double own = search.problem.objective.latencyWeight;
  return Pass(search, own + price * scale / timeScale, 10 * scale).run();
}

} // namespace hetagon::solver
