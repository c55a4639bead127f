// Oracle: times by relaxing inequalities until none is broken, capacities and
// sums by counting.
#include "test/compiler/Solver/Oracle.h"
#include <map>
#include <set>

namespace hetagon::test {

using namespace solver;

Oracle::Oracle(const Problem &problem) : problem(problem) {
  std::set<uint32_t> placed;
  while (placed.size() < problem.tasks.size())
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      bool ready = !placed.count(t);
      for (const Edge &edge : problem.edges)
        ready &= edge.to != t || placed.count(edge.from);
      if (ready) {
        placed.insert(t);
        order.push_back(t);
        break; // begin anew: the least index that is ready comes next
      }
    }
}

static std::optional<std::pair<int64_t, int64_t>>
transferOf(const Problem &problem, const Edge &edge, uint32_t from,
           uint32_t to) {
  if (from == to)
    return std::pair<int64_t, int64_t>(0, 0);
  for (const OwnTransfer &own : edge.transfers)
    if (own.from == from && own.to == to)
      return std::pair(own.timeUs, own.cost);
  auto missing = edge.lenient ? std::optional(std::pair<int64_t, int64_t>(0, 0))
                              : std::nullopt;
  if (problem.links.empty())
    return missing;
  const Link &link = problem.links[from * problem.devices.size() + to];
  if (!link.present)
    return missing;
  double seconds = link.latencyMs / 1e3;
  if (link.gbPerSecond > 0)
    seconds += edge.bytes / (link.gbPerSecond * 1e9);
  double dollars = edge.bytes / 1e9 * link.dollarsPerGb;
  return std::pair(int64_t(seconds * 1e6 + 0.5), int64_t(dollars * 1e6 + 0.5));
}

OracleValue Oracle::evaluate(const std::vector<uint32_t> &options) const {
  OracleValue value;
  value.feasible = true;
  size_t n = problem.tasks.size();
  auto deviceOf = [&](uint32_t t) {
    return problem.options[options[t]].device;
  };
  std::map<uint32_t, int64_t> used;
  std::vector<int64_t> sums(problem.metrics.size());
  for (uint32_t o : options) {
    for (size_t m = 0; m < sums.size(); ++m)
      sums[m] += problem.amounts[o * sums.size() + m];
    for (uint32_t u = problem.options[o].firstUse;
         u < problem.options[o].endUse; ++u)
      used[problem.uses[u].capacity] += problem.uses[u].amount;
  }
  for (auto [row, amount] : used)
    value.feasible &= amount <= problem.capacities[row].limit;

  // finish(to) >= finish(from) + delay + time(to)
  struct Arc {
    uint32_t from, to;
    int64_t delay;
  };
  std::vector<Arc> arcs;
  for (const Edge &edge : problem.edges) {
    auto transfer =
        transferOf(problem, edge, deviceOf(edge.from), deviceOf(edge.to));
    value.feasible &= transfer.has_value();
    arcs.push_back({edge.from, edge.to, transfer ? transfer->first : 0});
    sums[0] += transfer ? transfer->second : 0;
  }
  bool several = false;
  for (const Device &device : problem.devices)
    several |= device.concurrency > 1;
  for (size_t i = 0; i < n && !several; ++i)
    for (size_t j = i + 1; j < n; ++j)
      if (deviceOf(order[i]) == deviceOf(order[j]) &&
          problem.devices[deviceOf(order[i])].concurrency == 1)
        arcs.push_back({order[i], order[j], 0});

  std::vector<int64_t> finish(n);
  for (uint32_t t = 0; t < n; ++t)
    finish[t] = problem.options[options[t]].timeUs;
  if (several) {
    std::map<uint32_t, std::multiset<int64_t>> slots;
    for (uint32_t d = 0; d < problem.devices.size(); ++d)
      for (uint32_t s = 0; s < problem.devices[d].concurrency; ++s)
        slots[d].insert(0);
    for (uint32_t t : order) {
      int64_t start = 0;
      for (const Arc &arc : arcs)
        if (arc.to == t)
          start = std::max(start, finish[arc.from] + arc.delay);
      auto &free = slots[deviceOf(t)];
      if (!free.empty()) {
        start = std::max(start, *free.begin());
        free.erase(free.begin());
      }
      finish[t] = start + problem.options[options[t]].timeUs;
      if (problem.devices[deviceOf(t)].concurrency)
        free.insert(finish[t]);
    }
  } else {
    for (bool changed = true; changed;) {
      changed = false;
      for (const Arc &arc : arcs) {
        int64_t least = finish[arc.from] + arc.delay +
                        problem.options[options[arc.to]].timeUs;
        if (least > finish[arc.to]) {
          finish[arc.to] = least;
          changed = true;
        }
      }
    }
  }
  for (int64_t end : finish)
    value.latencyUs = std::max(value.latencyUs, end);
  value.cost = sums[0];
  for (const Requirement &one : problem.requirements) {
    int64_t against = one.metric != none ? sums[one.metric]
                      : one.task == none ? value.latencyUs
                                         : finish[one.task];
    value.feasible &= !one.hard || against <= one.limit;
  }
  value.objective = problem.objective.latencyWeight * double(value.latencyUs);
  for (size_t m = 0; m < sums.size(); ++m)
    value.objective += problem.objective.weights[m] * double(sums[m]);
  return value;
}

OracleValue Oracle::best() const {
  OracleValue best;
  double loose = 1e300;
  std::vector<uint32_t> options;
  for (const Task &task : problem.tasks)
    options.push_back(task.firstOption);
  while (true) {
    OracleValue value = evaluate(options);
    if (value.feasible && (!best.feasible || value.objective < best.objective))
      best = value;
    loose = std::min(loose, value.objective);
    size_t t = 0;
    while (t < options.size() && ++options[t] == problem.tasks[t].endOption) {
      options[t] = problem.tasks[t].firstOption;
      ++t;
    }
    if (t == options.size())
      break;
  }
  bind = best.feasible && loose < best.objective;
  return best;
}

} // namespace hetagon::test
