// A plan as JSON and as text.
#include "tools/hetagon-planner/Command.h"
#include <cmath>

namespace hetagon::planner {

using namespace solver;

namespace {

Json relaxationJson(const Problem &problem, const Words &words,
                    const Relaxation &one) {
  Json json = words.item(one.item);
  if (!one.known)
    return json;
  switch (one.item.kind) {
  case Item::Kind::Requirement: {
    uint32_t metric = problem.requirements[one.item.index].metric;
    json[metric == none ? "max_ms" : "max"] = words.value(metric, one.limit);
    break;
  }
  case Item::Kind::Capacity:
    json["capacity"] =
        double(one.limit) /
        std::pow(10.0, problem.capacities[one.item.index].decimals);
    break;
  case Item::Kind::Edge:
    json["from"] = problem.devices[one.from].id;
    json["to"] = problem.devices[one.to].id;
  }
  if (!one.least)
    json["least"] = false;
  return json;
}

Json conflictJson(const Problem &problem, const Words &words,
                  const Conflict &conflict) {
  Json members = Json::array(), relaxations = Json::array();
  for (const Item &item : conflict.items)
    members.push_back(words.item(item));
  for (const Relaxation &one : conflict.relaxations)
    relaxations.push_back(relaxationJson(problem, words, one));
  return {{"members", members},
          {"irreducible", conflict.irreducible},
          {"relaxations", relaxations}};
}

Json percentilesJson(const Simulation &simulation) {
  Json json = Json::object();
  for (double percent : {50.0, 90.0, 95.0, 99.0}) {
    Percentile one = simulation.at(percent);
    json["p" + std::to_string(int(percent))] = {
        {"latency_ms", double(one.valueUs) / 1e3},
        {"half_width_ms", double(one.halfWidthUs) / 1e3}};
  }
  json["draws"] = simulation.draws();
  return json;
}

Json tasksJson(const Problem &problem, const Words &words, const Plan &plan) {
  Json tasks = Json::array();
  auto rejection = plan.rejections.begin();
  for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
    uint32_t chosen = plan.solution.assignment[t];
    Json rejected = Json::array();
    for (; rejection != plan.rejections.end() && rejection->task == t;
         ++rejection) {
      Json one = {{"device", words.device(rejection->option)}};
      Json broken = Json::array();
      for (const Item &item : rejection->broken)
        broken.push_back(words.item(item));
      one["breaks"] = std::move(broken);
      one["objective"] = words.objective(rejection->objective);
      rejected.push_back(std::move(one));
    }
    tasks.push_back({{"id", problem.tasks[t].id},
                     {"device", words.device(chosen)},
                     {"rejected", std::move(rejected)}});
  }
  return tasks;
}

Json requirementsJson(const Problem &problem, const Words &words,
                      const Plan &plan) {
  Json list = Json::array();
  for (const RequirementOutcome &outcome : plan.outcomes) {
    const Requirement &one = problem.requirements[outcome.requirement];
    if (one.id == none)
      continue;
    Json json = {{"id", one.id},
                 {"metric", words.metric(one.metric)},
                 {"hard", one.hard},
                 {"limit", words.value(one.metric, one.limit)},
                 {"value", words.value(one.metric, outcome.value)},
                 {"met", outcome.met}};
    if (one.percentile > 0) {
      json["at"] = "p" + words.number(one.percentile);
      json["half_width"] = words.value(one.metric, outcome.halfWidthUs);
    }
    list.push_back(std::move(json));
  }
  return list;
}

} // namespace

Json planJson(const Problem &problem, const Plan &plan) {
  Words words(problem);
  const Solution &solution = plan.solution;
  Json json = {{"status", statusName(solution.status)}};
  // Filled without ordered_json's look-up of each key.
  Json assignment = Json::object();
  auto &entries = assignment.get_ref<Json::object_t &>();
  if (solution.found())
    for (uint32_t t = 0; t < problem.tasks.size(); ++t)
      entries.Container::emplace_back(problem.tasks[t].id,
                                      words.device(solution.assignment[t]));
  json["assignment"] = std::move(assignment);
  bool found = solution.found();
  json["cost"] = found ? Json(words.value(0, plan.totals[0])) : Json();
  json["latency_ms"] = found ? Json(words.value(none, plan.latencyUs)) : Json();
  json["gap"] = found ? Json(solution.gap()) : Json();
  Json conflict = Json::array();
  if (!plan.conflicts.empty())
    for (const Item &item : plan.conflicts[0].items)
      conflict.push_back(words.item(item));
  json["conflict"] = std::move(conflict);
  json["solver"] = plan.solver == SolverKind::Exact ? "exact" : "fast";
  if (!solution.note.empty())
    json["note"] = solution.note;
  if (!plan.conflicts.empty()) {
    Json conflicts = Json::array();
    for (const Conflict &one : plan.conflicts)
      conflicts.push_back(conflictJson(problem, words, one));
    json["conflicts"] = std::move(conflicts);
  }
  if (!found)
    return json;
  json["objective"] = words.objective(solution.objective);
  json["bound"] = words.objective(solution.bound);
  Json metrics = Json::object();
  for (uint32_t m = 1; m < problem.metrics.size(); ++m)
    metrics[problem.metrics[m]] = words.value(m, plan.totals[m]);
  if (!metrics.empty())
    json["metrics"] = std::move(metrics);
  json["requirements"] = requirementsJson(problem, words, plan);
  if (plan.simulation)
    json["percentiles"] = percentilesJson(*plan.simulation);
  Json moved = Json::array();
  for (uint32_t t : plan.moved)
    moved.push_back(problem.tasks[t].id);
  if (!moved.empty())
    json["moved"] = std::move(moved);
  if (!plan.rejectionsLeftOut)
    json["tasks"] = tasksJson(problem, words, plan);
  return json;
}

namespace {

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size() + 2), ' ');
  return text;
}

void addTasks(std::string &text, const Problem &problem, const Words &words,
              const Plan &plan) {
  size_t width = 8, deviceWidth = 8;
  for (const Task &task : problem.tasks)
    width = std::max(width, task.id.size() + 2);
  for (const Device &device : problem.devices)
    deviceWidth = std::max(deviceWidth, device.id.size() + 2);
  text += padded("task", width) + padded("device", deviceWidth) +
          padded("time ms", 14) + "cost $\n";
  auto rejection = plan.rejections.begin();
  for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
    uint32_t chosen = plan.solution.assignment[t];
    text +=
        padded(problem.tasks[t].id, width) +
        padded(words.device(chosen), deviceWidth) +
        padded(words.number(words.value(none, problem.options[chosen].timeUs)),
               14) +
        words.number(words.value(0, problem.amount(chosen, 0))) + "\n";
    for (; rejection != plan.rejections.end() && rejection->task == t;
         ++rejection) {
      text += "  not " + words.device(rejection->option) + ": ";
      if (rejection->broken.empty())
        text += "the objective would be " +
                words.number(words.objective(rejection->objective));
      for (size_t i = 0; i < rejection->broken.size(); ++i)
        text += (i ? ", " : "breaks ") + words.describe(rejection->broken[i]);
      text += "\n";
    }
  }
}

void addConflicts(std::string &text, const Words &words, const Plan &plan) {
  for (const Conflict &conflict : plan.conflicts) {
    text += conflict.items.size() == 1 ? "this cannot hold:\n"
                                       : "these cannot hold together:\n";
    for (size_t i = 0; i < conflict.items.size(); ++i)
      text += "  " + words.describe(conflict.items[i]) + "; to mend it, " +
              words.describe(conflict.relaxations[i]) + "\n";
    if (!conflict.irreducible)
      text += "  (some may not be needed: the time was up)\n";
  }
}

} // namespace

std::string planText(const Problem &problem, const Plan &plan) {
  Words words(problem);
  const Solution &solution = plan.solution;
  std::string text = "status: " + std::string(statusName(solution.status));
  if (!solution.note.empty())
    text += " (" + solution.note + ")";
  text += "\n";
  if (!solution.found()) {
    addConflicts(text, words, plan);
    return text;
  }
  addTasks(text, problem, words, plan);
  text += "cost: $" + words.number(words.value(0, plan.totals[0])) +
          "\nlatency: " + words.number(words.value(none, plan.latencyUs)) +
          " ms\n";
  for (uint32_t m = 1; m < problem.metrics.size(); ++m)
    text += problem.metrics[m] + ": " +
            words.number(words.value(m, plan.totals[m])) + "\n";
  text += "gap: " + words.number(100 * solution.gap()) + " %, bound " +
          words.number(words.objective(solution.bound)) + "\n";
  for (const RequirementOutcome &outcome : plan.outcomes) {
    const Requirement &one = problem.requirements[outcome.requirement];
    text += std::string(outcome.met ? "met: " : "missed: ") +
            words.describe(Item{Item::Kind::Requirement, outcome.requirement}) +
            ": " + words.number(words.value(one.metric, outcome.value));
    if (one.percentile > 0)
      text +=
          " +- " + words.number(words.value(one.metric, outcome.halfWidthUs));
    text += "\n";
  }
  if (plan.simulation)
    for (double percent : {50.0, 95.0, 99.0}) {
      Percentile one = plan.simulation->at(percent);
      text += "latency at p" + words.number(percent) + ": " +
              words.number(words.value(none, one.valueUs)) + " +- " +
              words.number(words.value(none, one.halfWidthUs)) + " ms\n";
    }
  if (!plan.moved.empty()) {
    text += "moved:";
    for (uint32_t t : plan.moved)
      text += " " + problem.tasks[t].id;
    text += "\n";
  }
  return text;
}

} // namespace hetagon::planner
