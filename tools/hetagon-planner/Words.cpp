// Words: names and numbers of a problem for its reports.
#include "tools/hetagon-planner/Command.h"
#include <cmath>
#include <cstdio>

namespace hetagon::planner {

using namespace solver;

std::string Words::metric(uint32_t metric) const {
  return metric == none ? "latency" : problem.metrics[metric];
}

double Words::value(uint32_t metric, Micro amount) const {
  return metric == none                       ? double(amount) / 1e3
         : problem.metrics[metric] == "moves" ? double(amount)
                                              : double(amount) / 1e6;
}

double Words::objective(double value) const {
  bool latency = problem.plainObjective() && problem.objective.latencyWeight;
  return value / (latency ? 1e3 : 1e6);
}

std::string Words::number(double value) const {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.10g", value);
  return buffer;
}

std::string Words::limit(const Requirement &one) const {
  double shown = value(one.metric, one.limit);
  if (one.metric == none)
    return number(shown) + " ms";
  return one.metric == 0 ? "$" + number(shown) : number(shown);
}

std::string Words::device(uint32_t option) const {
  return problem.devices[problem.options[option].device].id;
}

std::string Words::kind(const Item &item) const {
  return item.kind == Item::Kind::Requirement ? "requirement"
         : item.kind == Item::Kind::Capacity  ? "capacity"
                                              : "edge";
}

Json Words::id(const Item &item) const {
  switch (item.kind) {
  case Item::Kind::Requirement:
    return problem.requirements[item.index].id == none
               ? Json("moves")
               : Json(problem.requirements[item.index].id);
  case Item::Kind::Capacity: {
    const Capacity &row = problem.capacities[item.index];
    return problem.devices[row.device].id + "/" + row.resource;
  }
  case Item::Kind::Edge: {
    const Edge &edge = problem.edges[item.index];
    return problem.tasks[edge.from].id + "->" + problem.tasks[edge.to].id;
  }
  }
  return nullptr;
}

Json Words::item(const Item &item) const {
  return {{"kind", kind(item)}, {"id", id(item)}};
}

std::string Words::describe(const Item &item) const {
  switch (item.kind) {
  case Item::Kind::Requirement: {
    const Requirement &one = problem.requirements[item.index];
    std::string text = metric(one.metric);
    if (one.percentile > 0)
      text += " at p" + number(one.percentile);
    if (one.task != none)
      text += " of '" + problem.tasks[one.task].id + "'";
    return text + " at most " + limit(one) +
           (one.id == none ? ""
                           : " (requirement " + std::to_string(one.id) + ")");
  }
  case Item::Kind::Capacity: {
    const Capacity &row = problem.capacities[item.index];
    return id(item).get<std::string>() + " of " +
           number(double(row.limit) / std::pow(10.0, row.decimals));
  }
  case Item::Kind::Edge:
    return "the transfers of " + id(item).get<std::string>();
  }
  return {};
}

std::string Words::describe(const Relaxation &one) const {
  if (!one.known)
    return "nothing was found that is enough";
  switch (one.item.kind) {
  case Item::Kind::Requirement: {
    Requirement relaxed = problem.requirements[one.item.index];
    relaxed.limit = one.limit;
    return "raise the limit to " + limit(relaxed) +
           (one.least ? "" : " (less may be enough)");
  }
  case Item::Kind::Capacity: {
    const Capacity &row = problem.capacities[one.item.index];
    return "raise it to " +
           number(double(one.limit) / std::pow(10.0, row.decimals)) +
           (one.least ? "" : " (less may be enough)");
  }
  case Item::Kind::Edge:
    return "allow a transfer from '" + problem.devices[one.from].id + "' to '" +
           problem.devices[one.to].id + "'";
  }
  return {};
}

} // namespace hetagon::planner
