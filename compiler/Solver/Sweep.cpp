// sweep: one task at a time, forwards, with exact knowledge of the longest path
// through it: what comes before has been settled in this pass, what comes after
// has not changed since the last one.
#include "compiler/Solver/Search.h"
#include <algorithm>

namespace hetagon::solver {

namespace {

class Sweeper {
public:
  Sweeper(Search &search, Assignment start)
      : search(search), problem(search.problem), plan(std::move(start)),
        finish(problem.tasks.size()), latest(problem.tasks.size()),
        rest(problem.tasks.size()), used(problem.capacities.size()),
        deadline(problem.tasks.size(), never) {
    for (const Requirement &one : problem.requirements)
      if (one.hard && one.metric == none && one.percentile == 0)
        for (uint32_t t = 0; t < deadline.size(); ++t)
          if (one.task == none || one.task == t)
            deadline[t] = std::min(deadline[t], one.limit);
    limit = never;
    for (Micro one : deadline)
      limit = std::min(limit, one);
  }

  void run() {
    double scale = std::max(1.0, search.filter.objectiveBound);
    // Per relative violation, in units of the objective; grows while rules
    // are broken.
    breaking = scale;
    // What keeps a sum within its limit is a price on it.
    sumPrices.assign(problem.metrics.size(), 0);
    for (int idle = 0; idle < 3 && !search.timeIsUp();) {
      bool changed = pass();
      bool better = search.offer(plan);
      idle = better ? 0 : idle + 1;
      const Evaluation &now = search.evaluator.evaluate(plan);
      if (now.feasible()) {
        if (!changed)
          break;
      } else {
        breaking *= 4;
        raiseSumPrices(now);
      }
    }
  }

private:
  Search &search;
  const Problem &problem;
  Assignment plan;
  /// By task, of the plan: its end; the last moment at which it may end; the
  /// time from its end to the end of all.
  std::vector<Micro> finish, latest, rest;
  std::vector<int64_t> used;
  std::vector<Micro> deadline;
  std::vector<double> sumPrices;
  Micro limit;
  double breaking = 1;

  uint32_t deviceOf(uint32_t task) const {
    return problem.options[plan[task]].device;
  }

  void raiseSumPrices(const Evaluation &now) {
    for (const Requirement &one : problem.requirements)
      if (one.hard && one.metric != none && now.totals[one.metric] > one.limit)
        sumPrices[one.metric] +=
            breaking / double(std::max<Micro>(one.limit, 1));
  }

  void lookAhead() {
    for (size_t i = problem.order.size(); i-- > 0;) {
      uint32_t t = problem.order[i];
      latest[t] = deadline[t];
      rest[t] = 0;
      for (uint32_t e : problem.outgoing(t)) {
        uint32_t to = problem.edges[e].to;
        Micro step = problem.transfer(e, deviceOf(t), deviceOf(to)).timeUs +
                     problem.options[plan[to]].timeUs;
        latest[t] = std::min(latest[t], latest[to] - step);
        rest[t] = std::max(rest[t], step + rest[to]);
      }
    }
    used.assign(problem.capacities.size(), 0);
    for (uint32_t o : plan)
      take(o, 1);
  }

  void take(uint32_t o, int sign) {
    const Option &option = problem.options[o];
    for (uint32_t u = option.firstUse; u < option.endUse; ++u)
      used[problem.uses[u].capacity] += sign * problem.uses[u].amount;
  }

  /// What the plan would cost with the task's option, as far as it depends on
  /// it; `end` is when the task would end.
  double score(uint32_t task, uint32_t o, Micro &end) const {
    const Option &option = problem.options[o];
    const Objective &objective = problem.objective;
    double sum = 0;
    for (uint32_t m = 0; m < problem.metrics.size(); ++m)
      sum +=
          (objective.weights[m] + sumPrices[m]) * double(problem.amount(o, m));
    double costPrice = objective.weights[0] + sumPrices[0];
    Micro start = 0, last = deadline[task], after = 0;
    for (uint32_t e : problem.incoming(task)) {
      uint32_t from = problem.edges[e].from;
      Transfer transfer = problem.transfer(e, deviceOf(from), option.device);
      start = std::max(start, finish[from] + transfer.timeUs);
      sum += costPrice * double(transfer.cost);
      sum += transfer.allowed ? 0 : breaking;
    }
    for (uint32_t e : problem.outgoing(task)) {
      uint32_t to = problem.edges[e].to;
      Transfer transfer = problem.transfer(e, option.device, deviceOf(to));
      Micro step = transfer.timeUs + problem.options[plan[to]].timeUs;
      last = std::min(last, latest[to] - step);
      after = std::max(after, step + rest[to]);
      sum += costPrice * double(transfer.cost);
      sum += transfer.allowed ? 0 : breaking;
    }
    end = start + option.timeUs;
    sum += objective.latencyWeight * double(end + after);
    if (end > last)
      sum += breaking * double(end - last) / double(std::max<Micro>(limit, 1));
    for (uint32_t u = option.firstUse; u < option.endUse; ++u) {
      const Use &use = problem.uses[u];
      int64_t room = problem.capacities[use.capacity].limit;
      if (int64_t over = used[use.capacity] + use.amount - room; over > 0)
        sum += breaking * (double(std::min(over, use.amount)) /
                           double(std::max<int64_t>(room, 1)));
    }
    return sum;
  }

  bool pass() {
    lookAhead();
    bool changed = false;
    for (uint32_t t : problem.order) {
      take(plan[t], -1);
      uint32_t best = plan[t];
      Micro end = 0;
      double least = score(t, best, end);
      for (uint32_t o : search.choices[t]) {
        Micro other = 0;
        double sum = score(t, o, other);
        if (sum < least - 1e-9 * std::max(1.0, least)) {
          least = sum;
          best = o;
          end = other;
        }
      }
      changed |= best != plan[t];
      plan[t] = best;
      finish[t] = end;
      take(best, 1);
    }
    return changed;
  }
};

} // namespace

void sweep(Search &search, Assignment plan) {
  Sweeper(search, std::move(plan)).run();
}

} // namespace hetagon::solver
