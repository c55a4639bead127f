// Problem: the derived tables, and the transfers.
#include "compiler/Solver/Problem.h"
#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

namespace hetagon::solver {

Micro toMicro(double value) {
  return std::llround(std::min(value, 9e12) * 1e6);
}

uint32_t Problem::addMetric(std::string name) {
  size_t before = metrics.size();
  metrics.push_back(std::move(name));
  objective.weights.resize(metrics.size());
  std::vector<Micro> all(options.size() * metrics.size());
  for (size_t o = 0; o < options.size(); ++o)
    std::copy_n(&amounts[o * before], before, &all[o * metrics.size()]);
  amounts = std::move(all);
  return uint32_t(before);
}

bool Problem::hasConcurrency() const {
  for (uint32_t d = 0; d < devices.size(); ++d)
    if (slots(d))
      return true;
  return false;
}

bool Problem::hasPercentiles() const {
  return std::any_of(requirements.begin(), requirements.end(),
                     [](const Requirement &one) { return one.percentile > 0; });
}

bool Problem::plainObjective() const {
  size_t terms = objective.latencyWeight != 0;
  bool whole = terms == 0 || objective.latencyWeight == 1;
  for (double weight : objective.weights) {
    terms += weight != 0;
    whole &= weight == 0 || weight == 1;
  }
  return terms <= 1 && whole;
}

Transfer Problem::computeTransfer(uint32_t edge, uint32_t from,
                                  uint32_t to) const {
  const Edge &one = edges[edge];
  if (!one.transfers.empty()) {
    auto found = std::lower_bound(
        one.transfers.begin(), one.transfers.end(), std::pair(from, to),
        [](const OwnTransfer &entry, auto key) {
          return std::pair(entry.from, entry.to) < key;
        });
    if (found != one.transfers.end() && found->from == from && found->to == to)
      return {found->timeUs, found->cost, true};
  }
  if (!links.empty()) {
    const Link &link = links[size_t(from) * devices.size() + to];
    if (link.present) {
      double us = link.latencyMs * 1e3;
      if (link.gbPerSecond > 0)
        us += one.bytes / (link.gbPerSecond * 1e3);
      double microDollars = link.dollarsPerGb * one.bytes / 1e3;
      return {Micro(us + 0.5), Micro(microDollars + 0.5), true};
    }
  }
  return {0, 0, one.lenient};
}

Status Problem::sortTasks() {
  std::vector<uint32_t> waiting(tasks.size());
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t t = 0; t < tasks.size(); ++t) {
    waiting[t] = uint32_t(incoming(t).size());
    if (!waiting[t])
      ready.push(t);
  }
  order.clear();
  order.reserve(tasks.size());
  while (!ready.empty()) {
    uint32_t task = ready.top();
    ready.pop();
    order.push_back(task);
    for (uint32_t edge : outgoing(task))
      if (--waiting[edges[edge].to] == 0)
        ready.push(edges[edge].to);
  }
  if (order.size() == tasks.size())
    return Status::ok();

  // Walk backwards among what was left over until a task comes again.
  uint32_t at = 0;
  while (!waiting[at])
    ++at;
  std::vector<uint32_t> walk;
  while (std::find(walk.begin(), walk.end(), at) == walk.end()) {
    walk.push_back(at);
    for (uint32_t edge : incoming(at))
      if (waiting[edges[edge].from]) {
        at = edges[edge].from;
        break;
      }
  }
  std::string cycle = tasks[at].id;
  for (size_t i = walk.size(); i-- > 0;) {
    cycle += " -> " + tasks[walk[i]].id;
    if (walk[i] == at)
      break;
  }
  return Status(Code::InvalidArgument, "the edges form a cycle: " + cycle);
}

Status Problem::checkSums() const {
  double time = 0, slowest = 0, dearest = 0;
  std::vector<double> most(metrics.size());
  for (const Task &task : tasks) {
    double longest = 0;
    std::vector<double> largest(metrics.size());
    for (uint32_t o = task.firstOption; o < task.endOption; ++o) {
      longest = std::max(longest, double(options[o].timeUs));
      for (uint32_t m = 0; m < metrics.size(); ++m)
        largest[m] = std::max(largest[m], double(amount(o, m)));
    }
    time += longest;
    for (uint32_t m = 0; m < metrics.size(); ++m)
      most[m] += largest[m];
  }
  for (const Edge &edge : edges) {
    for (const OwnTransfer &entry : edge.transfers) {
      slowest = std::max(slowest, double(entry.timeUs));
      dearest = std::max(dearest, double(entry.cost));
    }
  }
  double bytes = 0;
  for (const Edge &edge : edges)
    bytes = std::max(bytes, edge.bytes);
  for (const Link &link : links) {
    if (!link.present)
      continue;
    double us = link.latencyMs * 1e3;
    if (link.gbPerSecond > 0)
      us += bytes / (link.gbPerSecond * 1e3);
    slowest = std::max(slowest, us);
    dearest = std::max(dearest, link.dollarsPerGb * bytes / 1e3);
  }
  time += slowest * double(edges.size());
  most[0] += dearest * double(edges.size());
  if (!(time <= largestSum))
    return Status(Code::OutOfRange,
                  "the times of all tasks and transfers may add up to more "
                  "than 4e12 ms");
  for (uint32_t m = 0; m < metrics.size(); ++m)
    if (!(most[m] <= largestSum))
      return Status(Code::OutOfRange, "the " + metrics[m] +
                                          " of all tasks and transfers may add "
                                          "up to more than 4e9");
  return Status::ok();
}

Status Problem::prepare() {
  objective.weights.resize(metrics.size());
  auto index = [&](std::vector<uint32_t> &first, std::vector<uint32_t> &list,
                   uint32_t Edge::*end) {
    first.assign(tasks.size() + 1, 0);
    // One more than there are, so that an empty range has an address.
    list.assign(edges.size() + 1, none);
    for (const Edge &edge : edges)
      ++first[edge.*end + 1];
    for (size_t t = 0; t < tasks.size(); ++t)
      first[t + 1] += first[t];
    std::vector<uint32_t> at(first.begin(), first.end() - 1);
    for (uint32_t e = 0; e < edges.size(); ++e)
      list[at[edges[e].*end]++] = e;
  };
  index(inFirst, inEdges, &Edge::to);
  index(outFirst, outEdges, &Edge::from);
  HETAGON_RETURN_IF_ERROR(sortTasks());
  HETAGON_RETURN_IF_ERROR(checkSums());

  optionTable.assign(tasks.size() * devices.size(), none);
  for (uint32_t t = 0; t < tasks.size(); ++t)
    for (uint32_t o = tasks[t].firstOption; o < tasks[t].endOption; ++o)
      optionTable[size_t(t) * devices.size() + options[o].device] = o;

  for (Edge &edge : edges)
    std::sort(edge.transfers.begin(), edge.transfers.end(),
              [](const OwnTransfer &a, const OwnTransfer &b) {
                return std::pair(a.from, a.to) < std::pair(b.from, b.to);
              });
  constexpr size_t smallTable = 2'000'000;
  size_t pairs = devices.size() * devices.size();
  transferTable.clear();
  if (pairs * edges.size() <= smallTable) {
    std::vector<Transfer> table;
    table.reserve(pairs * edges.size());
    for (uint32_t e = 0; e < edges.size(); ++e)
      for (uint32_t from = 0; from < devices.size(); ++from)
        for (uint32_t to = 0; to < devices.size(); ++to)
          table.push_back(from == to ? Transfer{}
                                     : computeTransfer(e, from, to));
    transferTable = std::move(table);
  }
  return Status::ok();
}

} // namespace hetagon::solver
