// Filter: bounds are pushed along the edges until nothing changes. On large
// problems pairs of devices are not looked at one by one; bounds are weaker
// there, and never wrong.
#include "compiler/Solver/Filter.h"
#include <algorithm>
#include <limits>

namespace hetagon::solver {

namespace {

class Builder {
public:
  Builder(const Problem &problem, const Cutoff &cutoff)
      : problem(problem), cutoff(cutoff) {}

  Filter build() {
    result.alive.assign(problem.options.size(), 1);
    result.head.assign(problem.options.size(), 0);
    result.tail.assign(problem.options.size(), 0);
    result.late.assign(problem.options.size(), never);
    size_t pairs =
        problem.edges.size() * problem.devices.size() * problem.devices.size();
    constexpr size_t everyPair = 4'000'000;
    pairwise = pairs <= everyPair;
    // A soft requirement's penalty is never negative, so that bounds without
    // it hold.
    dropByCapacity();
    for (int round = pairwise ? 12 : 2; round > 0 && result.proof.empty();
         --round) {
      changed = false;
      dropUnsupported();
      if (result.proof.empty())
        pushHeads();
      if (result.proof.empty())
        pushTails();
      if (result.proof.empty())
        dropByCost();
      if (!changed)
        break;
    }
    return std::move(result);
  }

private:
  const Problem &problem;
  const Cutoff &cutoff;
  Filter result;
  bool pairwise = false, changed = false;

  const Task &taskAt(uint32_t task) const { return problem.tasks[task]; }

  void drop(uint32_t task, uint32_t option, const char *why) {
    result.alive[option] = 0;
    changed = true;
    const Task &owner = taskAt(task);
    for (uint32_t o = owner.firstOption; o < owner.endOption; ++o)
      if (result.alive[o])
        return;
    result.proof = "no option of '" + owner.id + "' is left: " + why;
  }

  void dropByCapacity() {
    std::vector<int64_t> least(problem.capacities.size());
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      for (uint32_t o = taskAt(t).firstOption; o < taskAt(t).endOption; ++o) {
        const Option &option = problem.options[o];
        for (uint32_t u = option.firstUse; u < option.endUse; ++u)
          if (problem.uses[u].amount >
              problem.capacities[problem.uses[u].capacity].limit) {
            drop(t, o, "each takes more than a device has");
            break;
          }
      }
    }
    if (!result.proof.empty())
      return;
    // Tasks with one device left fill it whatever else happens.
    for (const Task &task : problem.tasks) {
      uint32_t only = none, count = 0;
      for (uint32_t o = task.firstOption; o < task.endOption; ++o)
        if (result.alive[o]) {
          only = o;
          ++count;
        }
      if (count != 1)
        continue;
      const Option &option = problem.options[only];
      for (uint32_t u = option.firstUse; u < option.endUse; ++u) {
        const Use &use = problem.uses[u];
        if ((least[use.capacity] += use.amount) >
            problem.capacities[use.capacity].limit) {
          const Capacity &full = problem.capacities[use.capacity];
          result.proof = "the tasks that can only be on '" +
                         problem.devices[full.device].id + "' take more " +
                         full.resource + " than it has";
          return;
        }
      }
    }
  }

  /// Calls visit(option, transfer) for each live option at the other end.
  template <typename Visit>
  void eachPartner(uint32_t edge, uint32_t option, bool forward, Visit visit) {
    const Edge &one = problem.edges[edge];
    uint32_t device = problem.options[option].device;
    const Task &other = taskAt(forward ? one.to : one.from);
    for (uint32_t o = other.firstOption; o < other.endOption; ++o) {
      if (!result.alive[o])
        continue;
      uint32_t there = problem.options[o].device;
      Transfer transfer = forward ? problem.transfer(edge, device, there)
                                  : problem.transfer(edge, there, device);
      if (transfer.allowed && visit(o, transfer))
        return;
    }
  }

  bool supported(uint32_t edge, uint32_t option, bool forward) {
    const Edge &one = problem.edges[edge];
    uint32_t same = problem.optionOn(forward ? one.to : one.from,
                                     problem.options[option].device);
    if (same != none && result.alive[same])
      return true;
    bool found = false;
    eachPartner(edge, option, forward,
                [&](uint32_t, const Transfer &) { return found = true; });
    return found;
  }

  void dropUnsupported() {
    for (uint32_t e = 0; e < problem.edges.size(); ++e)
      for (bool forward : {true, false}) {
        uint32_t task = forward ? problem.edges[e].from : problem.edges[e].to;
        for (uint32_t o = taskAt(task).firstOption; o < taskAt(task).endOption;
             ++o)
          if (result.alive[o] && !supported(e, o, forward)) {
            drop(task, o, "no transfer is allowed between it and a neighbour");
            if (!result.proof.empty())
              return;
          }
      }
  }

  /// The earliest that an input over `edge` is at `option`.
  Micro arrival(uint32_t edge, uint32_t option, Micro anywhere) {
    if (!pairwise)
      return anywhere;
    Micro best = never;
    eachPartner(edge, option, /*forward=*/false,
                [&](uint32_t from, const Transfer &transfer) {
                  best = std::min(best, result.head[from] +
                                            problem.options[from].timeUs +
                                            transfer.timeUs);
                  return false;
                });
    return best;
  }

  void pushHeads() {
    std::vector<Micro> soonest(problem.tasks.size(), never);
    result.latencyBoundUs = 0;
    for (uint32_t t : problem.order) {
      for (uint32_t o = taskAt(t).firstOption; o < taskAt(t).endOption; ++o) {
        if (!result.alive[o])
          continue;
        Micro head = 0;
        for (uint32_t e : problem.incoming(t))
          head = std::max(head, arrival(e, o, soonest[problem.edges[e].from]));
        result.head[o] = head;
        soonest[t] = std::min(soonest[t], head + problem.options[o].timeUs);
      }
      result.latencyBoundUs = std::max(result.latencyBoundUs, soonest[t]);
    }
  }

  Micro deadlineOf(uint32_t task) const {
    Micro latest = cutoff.latencyUs;
    for (const Requirement &one : problem.requirements)
      if (one.hard && one.metric == none && one.percentile == 0 &&
          (one.task == none || one.task == task))
        latest = std::min(latest, one.limit);
    return latest;
  }

  void pushTails() {
    Micro overall = cutoff.latencyUs;
    std::vector<Micro> deadline(problem.tasks.size());
    bool limited = overall < never;
    for (const Requirement &one : problem.requirements)
      limited |= one.hard && one.metric == none && one.percentile == 0;
    for (uint32_t t = 0; t < deadline.size(); ++t)
      deadline[t] = limited ? deadlineOf(t) : never;
    std::vector<Micro> shortest(problem.tasks.size(), never);
    std::vector<Micro> latest(problem.tasks.size(), never);
    for (size_t i = problem.order.size(); i-- > 0;) {
      uint32_t t = problem.order[i];
      Micro latestStart = -1;
      for (uint32_t o = taskAt(t).firstOption; o < taskAt(t).endOption; ++o) {
        if (!result.alive[o])
          continue;
        Micro tail = 0, late = deadline[t];
        for (uint32_t e : problem.outgoing(t)) {
          uint32_t to = problem.edges[e].to;
          Micro rest = shortest[to], last = latest[to];
          if (pairwise) {
            rest = never;
            last = -1;
            eachPartner(e, o, /*forward=*/true,
                        [&](uint32_t next, const Transfer &transfer) {
                          Micro step =
                              transfer.timeUs + problem.options[next].timeUs;
                          rest = std::min(rest, step + result.tail[next]);
                          last = std::max(last, result.late[next] - step);
                          return false;
                        });
          }
          tail = std::max(tail, rest);
          late = std::min(late, last);
        }
        result.tail[o] = tail;
        result.late[o] = late;
        Micro time = problem.options[o].timeUs;
        if (limited && result.head[o] + time > late) {
          drop(t, o, "the latency limit leaves too little time");
          if (!result.proof.empty())
            return;
          continue;
        }
        shortest[t] = std::min(shortest[t], time + tail);
        latestStart = std::max(latestStart, late - time);
      }
      latest[t] = latestStart;
    }
  }

  /// The least that the option adds to a weighted sum of metrics, each edge's
  /// transfer counted at its source.
  double leastCost(uint32_t task, uint32_t option,
                   const std::vector<double> &weights) {
    double sum = 0;
    for (uint32_t m = 0; m < weights.size(); ++m)
      if (weights[m] != 0)
        sum += weights[m] * double(problem.amount(option, m));
    if (weights[0] == 0)
      return sum;
    for (uint32_t e : problem.outgoing(task)) {
      uint32_t same =
          problem.optionOn(problem.edges[e].to, problem.options[option].device);
      if (same != none && result.alive[same])
        continue;
      Micro least = never;
      eachPartner(e, option, /*forward=*/true,
                  [&](uint32_t, const Transfer &transfer) {
                    least = std::min(least, transfer.cost);
                    return least == 0;
                  });
      sum += weights[0] * double(least);
    }
    return sum;
  }

  /// Drops what would pass `limit` with everything else at its least; the sum
  /// of all the least.
  double dropAbove(const std::vector<double> &weights, double limit,
                   const char *why) {
    std::vector<double> costs(problem.options.size());
    std::vector<double> least(problem.tasks.size(),
                              std::numeric_limits<double>::infinity());
    double sum = 0;
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      for (uint32_t o = taskAt(t).firstOption; o < taskAt(t).endOption; ++o)
        if (result.alive[o]) {
          costs[o] = leastCost(t, o, weights);
          least[t] = std::min(least[t], costs[o]);
        }
      sum += least[t];
    }
    // Sums of weighted doubles are off by their rounding.
    double slack = 1e-9 * (1 + std::abs(limit));
    for (uint32_t t = 0; t < problem.tasks.size(); ++t)
      for (uint32_t o = taskAt(t).firstOption; o < taskAt(t).endOption; ++o)
        if (result.alive[o] && sum - least[t] + costs[o] > limit + slack) {
          drop(t, o, why);
          if (!result.proof.empty())
            return sum;
        }
    return sum;
  }

  void dropByCost() {
    const Objective &objective = problem.objective;
    double latency = objective.latencyWeight * double(result.latencyBoundUs);
    bool weighs =
        std::any_of(objective.weights.begin(), objective.weights.end(),
                    [](double weight) { return weight != 0; });
    double sum = 0;
    if (weighs)
      sum = dropAbove(objective.weights, cutoff.objective - latency,
                      "none is better than a known plan");
    result.objectiveBound = sum + latency;
    for (const Requirement &one : problem.requirements) {
      if (!result.proof.empty())
        return;
      if (!one.hard || one.metric == none)
        continue;
      std::vector<double> only(problem.metrics.size());
      only[one.metric] = 1;
      dropAbove(only, double(one.limit), "the limit on a sum is passed");
    }
  }
};

} // namespace

Filter filter(const Problem &problem, const Cutoff &cutoff) {
  return Builder(problem, cutoff).build();
}

} // namespace hetagon::solver
