// ExactModel: columns and rows.
#include "compiler/Solver/ExactModel.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace hetagon::solver {

using Kind = Milp::Kind;
using Term = Milp::Term;

namespace {
/// Above this, integers are scaled down; below, HiGHS keeps them exact.
constexpr double tame = 1e6;
} // namespace

ExactModel::ExactModel(const Problem &problem, const Filter &filter,
                       Micro horizonUs)
    : problem(problem), filter(filter), horizonUs(horizonUs) {
  chooseUnits();
  addChoices();
  addEdges();
  addSums();
  if (usesTime()) {
    addTimes();
    addSlots();
  }
  addSoft();
}

bool ExactModel::usesTime() const {
  return problem.objective.latencyWeight != 0 ||
         std::any_of(problem.requirements.begin(), problem.requirements.end(),
                     [this](const Requirement &one) {
                       return one.metric == none &&
                              (one.hard || problem.objective.penaltyUnit != 0);
                     });
}

bool ExactModel::needsEnd() const {
  return problem.objective.latencyWeight != 0 ||
         std::any_of(problem.requirements.begin(), problem.requirements.end(),
                     [this](const Requirement &one) {
                       return one.metric == none && !one.hard &&
                              one.task == none &&
                              problem.objective.penaltyUnit != 0;
                     });
}

Micro ExactModel::overallLimit() const {
  Micro limit = horizonUs;
  for (const Requirement &one : problem.requirements)
    if (one.hard && one.metric == none && one.percentile == 0 &&
        one.task == none)
      limit = std::min(limit, one.limit);
  return limit;
}

void ExactModel::chooseUnits() {
  Micro times = 0, whole = 0;
  double largest = 0;
  const Objective &objective = problem.objective;
  auto weigh = [&](uint32_t metric, Micro amount) {
    if (objective.weights[metric] == 0)
      return;
    whole = std::gcd(whole, amount);
    largest = std::max(largest, objective.weights[metric] * double(amount));
  };
  for (uint32_t o = 0; o < problem.options.size(); ++o) {
    if (!filter.alive[o])
      continue;
    times = std::gcd(times, problem.options[o].timeUs);
    for (uint32_t m = 0; m < problem.metrics.size(); ++m)
      weigh(m, problem.amount(o, m));
  }
  for (uint32_t e = 0; e < problem.edges.size(); ++e) {
    const Task &from = problem.tasks[problem.edges[e].from];
    const Task &to = problem.tasks[problem.edges[e].to];
    for (uint32_t a = from.firstOption; a < from.endOption; ++a)
      for (uint32_t b = to.firstOption; b < to.endOption; ++b) {
        if (!filter.alive[a] || !filter.alive[b])
          continue;
        Transfer transfer = problem.transfer(e, problem.options[a].device,
                                             problem.options[b].device);
        times = std::gcd(times, transfer.timeUs);
        weigh(0, transfer.cost);
      }
  }
  timeGcd = std::max<Micro>(times, 1);
  timeUnit = double(timeGcd);
  if (double(horizonUs) / timeUnit > tame)
    timeUnit = double(horizonUs) / tame;

  bool plain = problem.plainObjective() && objective.penaltyUnit == 0;
  if (objective.latencyWeight != 0)
    largest = std::max(largest, objective.latencyWeight * timeUnit);
  if (plain && objective.latencyWeight != 0) {
    objectiveUnit = timeUnit;
    wholeObjective = timeUnit == double(timeGcd);
  } else if (plain && double(whole) * 1e9 > largest) {
    objectiveUnit = double(std::max<Micro>(whole, 1));
    wholeObjective = true;
  } else if (largest > 0) {
    objectiveUnit = largest / 1e4;
  }
}

double ExactModel::timeLimit(Micro us) const {
  return (double(us / timeGcd) + 0.5) * double(timeGcd) / timeUnit;
}

void ExactModel::addChoices() {
  choices.assign(problem.options.size(), -1);
  for (const Task &task : problem.tasks) {
    std::vector<Term> one;
    for (uint32_t o = task.firstOption; o < task.endOption; ++o) {
      if (!filter.alive[o])
        continue;
      double cost = 0;
      for (uint32_t m = 0; m < problem.metrics.size(); ++m)
        cost += problem.objective.weights[m] * double(problem.amount(o, m));
      choices[o] = milp.addColumn(cost / objectiveUnit, 0, 1, Kind::Integer);
      one.push_back({choices[o], 1});
    }
    milp.addRow(1, 1, one);
  }
}

void ExactModel::addEdges() {
  pairs.resize(problem.edges.size());
  for (uint32_t e = 0; e < problem.edges.size(); ++e) {
    const Task &from = problem.tasks[problem.edges[e].from];
    const Task &to = problem.tasks[problem.edges[e].to];
    struct Possible {
      uint32_t a, b;
      Micro cost;
    };
    std::vector<Possible> possible;
    bool trivial = true;
    for (uint32_t a = from.firstOption; a < from.endOption; ++a)
      for (uint32_t b = to.firstOption; b < to.endOption; ++b) {
        if (!filter.alive[a] || !filter.alive[b])
          continue;
        Transfer transfer = problem.transfer(e, problem.options[a].device,
                                             problem.options[b].device);
        trivial &=
            transfer.allowed && transfer.timeUs == 0 && transfer.cost == 0;
        bool late = filter.head[a] + problem.options[a].timeUs +
                        transfer.timeUs + problem.options[b].timeUs >
                    filter.late[b];
        if (transfer.allowed && !late)
          possible.push_back({a, b, transfer.cost});
        else
          trivial = false;
      }
    if (trivial)
      continue;
    // One column per pair of devices; its row and column sums are the choices.
    std::vector<std::vector<Term>> rows(from.endOption - from.firstOption);
    std::vector<std::vector<Term>> columns(to.endOption - to.firstOption);
    for (const Possible &one : possible) {
      int column = milp.addColumn(problem.objective.weights[0] *
                                      double(one.cost) / objectiveUnit,
                                  0, 1, Kind::ImpliedInteger);
      pairs[e].push_back({one.a, one.b, column});
      rows[one.a - from.firstOption].push_back({column, 1});
      columns[one.b - to.firstOption].push_back({column, 1});
    }
    auto balance = [&](std::vector<Term> &terms, uint32_t option) {
      if (!filter.alive[option])
        return;
      terms.push_back({choices[option], -1});
      milp.addRow(0, 0, terms);
    };
    for (uint32_t i = 0; i < rows.size(); ++i)
      balance(rows[i], from.firstOption + i);
    for (uint32_t i = 0; i < columns.size(); ++i)
      balance(columns[i], to.firstOption + i);
  }
}

void ExactModel::addLimit(std::vector<Term> terms, int64_t limit) {
  int64_t common = 0;
  double largest = 0, sum = 0;
  for (const Term &term : terms) {
    common = std::gcd(common, int64_t(term.factor));
    largest = std::max(largest, term.factor);
    sum += term.factor;
  }
  if (!common)
    return;
  // Half a unit of room: what keeps the limit in integers keeps it here,
  // what breaks it is a whole unit above.
  double unit = double(common);
  double room = (double(limit / common) + 0.5) * unit;
  if (sum <= room)
    return;
  if (largest / unit > tame)
    unit = largest / tame;
  for (Term &term : terms)
    term.factor /= unit;
  milp.addRow(-Milp::infinity, room / unit, terms);
}

std::vector<Term> ExactModel::sumOf(uint32_t metric) const {
  std::vector<Term> terms;
  for (uint32_t o = 0; o < choices.size(); ++o)
    if (choices[o] >= 0 && problem.amount(o, metric))
      terms.push_back({choices[o], double(problem.amount(o, metric))});
  if (metric != 0)
    return terms;
  for (uint32_t e = 0; e < pairs.size(); ++e)
    for (const Pair &pair : pairs[e]) {
      Transfer transfer =
          problem.transfer(e, problem.options[pair.fromOption].device,
                           problem.options[pair.toOption].device);
      if (transfer.cost)
        terms.push_back({pair.column, double(transfer.cost)});
    }
  return terms;
}

void ExactModel::addSums() {
  for (const Requirement &one : problem.requirements)
    if (one.hard && one.metric != none)
      addLimit(sumOf(one.metric), one.limit);
  std::vector<std::vector<Term>> terms(problem.capacities.size());
  for (uint32_t o = 0; o < choices.size(); ++o) {
    const Option &option = problem.options[o];
    for (uint32_t u = option.firstUse; u < option.endUse && choices[o] >= 0;
         ++u)
      if (problem.uses[u].amount)
        terms[problem.uses[u].capacity].push_back(
            {choices[o], double(problem.uses[u].amount)});
  }
  for (uint32_t c = 0; c < terms.size(); ++c)
    addLimit(std::move(terms[c]), problem.capacities[c].limit);
}

void ExactModel::addTimes() {
  if (needsEnd())
    end = milp.addColumn(problem.objective.latencyWeight * timeUnit /
                             objectiveUnit,
                         time(filter.latencyBoundUs), timeLimit(overallLimit()),
                         Kind::Continuous);
  finishes.resize(problem.tasks.size());
  for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
    const Task &task = problem.tasks[t];
    int finish = finishes[t] =
        milp.addColumn(0, 0, timeLimit(horizonUs), Kind::Continuous);
    std::vector<Term> soonest = {{finish, 1}}, latest = {{finish, 1}}, rest;
    double room = 0;
    bool limited = false;
    for (uint32_t o = task.firstOption; o < task.endOption; ++o) {
      if (choices[o] < 0)
        continue;
      Micro timeUs = problem.options[o].timeUs;
      soonest.push_back({choices[o], -time(filter.head[o] + timeUs)});
      Micro late = std::min(filter.late[o], horizonUs);
      limited |= late < horizonUs;
      latest.push_back({choices[o], -timeLimit(late)});
      rest.push_back({choices[o], -time(filter.tail[o])});
    }
    milp.addRow(0, Milp::infinity, soonest);
    if (limited)
      milp.addRow(-Milp::infinity, room, latest);
    if (end >= 0) {
      rest.push_back({finish, -1});
      rest.push_back({end, 1});
      milp.addRow(0, Milp::infinity, rest);
    }
  }
  for (uint32_t e = 0; e < problem.edges.size(); ++e) {
    const Edge &edge = problem.edges[e];
    const Task &to = problem.tasks[edge.to];
    std::vector<Term> terms = {{finishes[edge.to], 1},
                               {finishes[edge.from], -1}};
    for (uint32_t o = to.firstOption; o < to.endOption; ++o)
      if (choices[o] >= 0 && problem.options[o].timeUs)
        terms.push_back({choices[o], -time(problem.options[o].timeUs)});
    for (const Pair &pair : pairs[e]) {
      Transfer transfer =
          problem.transfer(e, problem.options[pair.fromOption].device,
                           problem.options[pair.toOption].device);
      if (transfer.timeUs)
        terms.push_back({pair.column, -time(transfer.timeUs)});
    }
    milp.addRow(0, Milp::infinity, terms);
  }
}

void ExactModel::addSlots() {
  double limit = timeLimit(overallLimit());
  for (uint32_t d = 0; d < problem.devices.size(); ++d) {
    uint32_t slots = problem.slots(d);
    if (slots == 0)
      continue;
    std::vector<Term> load;
    int last = -1;
    for (uint32_t t : problem.order) {
      uint32_t o = problem.optionOn(t, d);
      if (o == none || choices[o] < 0)
        continue;
      int chosen = choices[o], finish = finishes[t];
      double took = time(problem.options[o].timeUs);
      load.push_back({chosen, -took});
      if (slots > 1)
        continue;
      // With one slot the last finish after this task's turn is never before
      // the one after the previous turn, grows by the task's time if it is
      // here, and is its finish then.
      int ready = milp.addColumn(0, 0, limit, Kind::Continuous);
      readies.push_back({d, t, ready});
      std::vector<Term> grows = {{ready, 1}, {chosen, -took}};
      if (last >= 0)
        grows.push_back({last, -1});
      milp.addRow(0, Milp::infinity, grows);
      double soonest = time(filter.head[o]) + took;
      milp.addRow(0, Milp::infinity,
                  std::vector<Term>{{ready, 1}, {chosen, -soonest}});
      // ready <= finish + limit (1 - chosen), and the other way round.
      milp.addRow(-Milp::infinity, limit,
                  std::vector<Term>{{ready, 1}, {finish, -1}, {chosen, limit}});
      milp.addRow(
          -limit, Milp::infinity,
          std::vector<Term>{{ready, 1}, {finish, -1}, {chosen, -limit}});
      double rest = time(filter.tail[o]);
      if (end >= 0)
        milp.addRow(0, Milp::infinity,
                    std::vector<Term>{{end, 1}, {ready, -1}, {chosen, -rest}});
      else if (rest > 0)
        milp.addRow(-Milp::infinity, limit,
                    std::vector<Term>{{ready, 1}, {chosen, rest}});
      last = ready;
    }
    if (slots > 1 && !load.empty()) {
      // Several slots are relaxed to their sum.
      if (end >= 0) {
        load.push_back({end, double(slots)});
        milp.addRow(0, Milp::infinity, load);
      } else {
        milp.addRow(-limit * slots, Milp::infinity, load);
      }
    }
  }
}

void ExactModel::addSoft() {
  if (problem.objective.penaltyUnit == 0)
    return;
  for (uint32_t r = 0; r < problem.requirements.size(); ++r) {
    const Requirement &one = problem.requirements[r];
    if (one.hard)
      continue;
    // over >= value / limit - 1
    int over = milp.addColumn(one.weight * problem.objective.penaltyUnit /
                                  objectiveUnit,
                              0, Milp::infinity, Kind::Continuous);
    softs.push_back({r, over});
    std::vector<Term> terms;
    if (one.metric != none) {
      terms = sumOf(one.metric);
      for (Term &term : terms)
        term.factor /= -double(one.limit);
    } else {
      terms = {{one.task == none ? end : finishes[one.task],
                -timeUnit / double(one.limit)}};
    }
    terms.push_back({over, 1});
    milp.addRow(-1, Milp::infinity, terms);
  }
}

Assignment ExactModel::read(const std::vector<double> &values) const {
  Assignment assignment;
  for (const Task &task : problem.tasks) {
    uint32_t best = none;
    double most = -1;
    for (uint32_t o = task.firstOption; o < task.endOption; ++o)
      if (choices[o] >= 0 && values[size_t(choices[o])] > most) {
        most = values[size_t(choices[o])];
        best = o;
      }
    assignment.push_back(best);
  }
  return assignment;
}

std::vector<double> ExactModel::valuesOf(const Assignment &assignment,
                                         const Evaluation &evaluation) const {
  std::vector<double> values(milp.columns());
  for (uint32_t option : assignment) {
    if (choices[option] < 0)
      return {};
    values[size_t(choices[option])] = 1;
  }
  for (uint32_t e = 0; e < pairs.size(); ++e)
    for (const Pair &pair : pairs[e])
      if (assignment[problem.edges[e].from] == pair.fromOption &&
          assignment[problem.edges[e].to] == pair.toOption)
        values[size_t(pair.column)] = 1;
  for (uint32_t t = 0; t < finishes.size(); ++t)
    values[size_t(finishes[t])] = time(evaluation.finishUs[t]);
  if (end >= 0)
    values[size_t(end)] = time(evaluation.latencyUs);
  std::vector<Micro> last(problem.devices.size());
  for (const Ready &ready : readies) {
    if (problem.options[assignment[ready.task]].device == ready.device)
      last[ready.device] = evaluation.finishUs[ready.task];
    values[size_t(ready.column)] = time(last[ready.device]);
  }
  for (auto [r, column] : softs) {
    const Requirement &one = problem.requirements[r];
    Micro value = one.metric != none ? evaluation.totals[one.metric]
                  : one.task == none ? evaluation.latencyUs
                                     : evaluation.finishUs[one.task];
    values[size_t(column)] =
        std::max(0.0, double(value) / double(one.limit) - 1);
  }
  return values;
}

double ExactModel::toObjective(double bound) const {
  if (bound <= -Milp::infinity)
    return -Milp::infinity;
  if (wholeObjective)
    bound = std::ceil(bound - 1e-4);
  return bound * objectiveUnit;
}

void ExactModel::cutOff(const Assignment &assignment) {
  std::vector<Term> terms;
  for (uint32_t option : assignment)
    terms.push_back({choices[option], 1});
  milp.addRow(-Milp::infinity, double(terms.size()) - 1, terms);
}

} // namespace hetagon::solver
