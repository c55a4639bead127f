// plan: the stages around a solver.
#include "compiler/Solver/Planning.h"
#include <algorithm>
#include <cmath>

namespace hetagon::solver {

std::unique_ptr<Solver> createSolver(SolverKind kind) {
  return kind == SolverKind::Exact ? createExactSolver() : createFastSolver();
}

SolverKind usualSolver(const Problem &problem) {
  size_t pairs =
      problem.edges.size() * problem.devices.size() * problem.devices.size();
  constexpr size_t most = 100'000;
  return std::max(pairs, problem.options.size()) <= most ? SolverKind::Exact
                                                         : SolverKind::Fast;
}

namespace {

class Planner {
public:
  Planner(Problem &problem, const PlanOptions &options)
      : problem(problem), options(options) {
    result.solver = options.solver ? *options.solver : usualSolver(problem);
    solver = createSolver(result.solver);
  }

  Plan run() {
    if (!options.previous.empty())
      keepPrevious();
    if (result.solution.status != SolveStatus::Infeasible)
      result.solution = solveWithSoft();
    const Solution &solution = result.solution;
    if (solution.found()) {
      describe();
      reject();
    } else if (solution.status == SolveStatus::Infeasible) {
      explain();
    }
    return std::move(result);
  }

private:
  Problem &problem;
  const PlanOptions &options;
  std::unique_ptr<Solver> solver;
  Plan result;
  Assignment start;
  double effort = 1;

  bool hasSoft() const {
    return std::any_of(problem.requirements.begin(), problem.requirements.end(),
                       [](const Requirement &one) { return !one.hard; });
  }

  /// First the best plan without penalties, whose value is their unit.
  Solution solveWithSoft() {
    problem.objective.penaltyUnit = 0;
    Solution best = solveWithPercentiles();
    if (!hasSoft() || !best.found())
      return best;
    double unit = best.objective;
    if (unit == 0)
      unit = problem.objective.statedScale.value_or(
          problem.plainObjective() && problem.objective.latencyWeight != 0
              ? 1e3
              : 1e6);
    problem.objective.penaltyUnit = unit;
    start = best.assignment;
    return solveWithPercentiles();
  }

  Solution solve(const Problem &one) {
    SolveOptions solveOptions;
    solveOptions.deadline = options.deadline;
    solveOptions.start = start;
    solveOptions.effort = effort;
    return solver->solve(one, solveOptions);
  }

  /// The medians' longest path is never above the median of the longest path
  /// (and so never above a higher percentile): solving for medians bounds and
  /// may refute. What the simulation does not confirm is solved again with
  /// times drawn out by some deviations and limits scaled to what was seen.
  Solution solveWithPercentiles() {
    if (!problem.hasPercentiles())
      return solve(problem);
    Problem medians = problem;
    for (Requirement &one : medians.requirements)
      one.percentile = 0;
    Solution best = solve(medians);
    if (!best.found())
      return best;
    double bound = best.bound;
    if (confirms(problem, Simulation(problem, best.assignment)))
      return best;
    best = {};
    best.bound = bound;
    best.note = "no plan was found whose percentiles the simulation confirms";
    Evaluator evaluator(medians);
    for (double deviations : {0.0, 0.4, 0.8, 1.2, 1.645, 2.5})
      tryDeviations(medians, deviations, evaluator, best);
    return best;
  }

  void tryDeviations(const Problem &medians, double deviations,
                     Evaluator &evaluator, Solution &best) {
    Problem drawn = medians;
    for (Option &option : drawn.options)
      option.timeUs = std::llround(double(option.timeUs) *
                                   std::exp(option.sigma * deviations));
    if (!drawn.prepare().isOk())
      return;
    Evaluator drawnEvaluator(drawn);
    Assignment last;
    for (int round = 0; round < 4 && Clock::now() < options.deadline; ++round) {
      Solution solution = solve(drawn);
      if (!solution.found() || solution.assignment == last)
        return;
      last = solution.assignment;
      Simulation simulation(problem, last);
      const Evaluation &found = evaluator.evaluate(last);
      bool holds = confirms(problem, simulation);
      for (const Requirement &one : problem.requirements)
        if (one.hard && one.percentile == 0)
          holds &= evaluator.valueOf(one) <= one.limit;
      if (holds && (!best.found() || found.objective < best.objective)) {
        best.assignment = last;
        best.objective = found.objective;
        best.status = SolveStatus::Feasible;
        best.note = "times are distributed: the best of several trials";
      }
      drawnEvaluator.evaluate(last);
      for (size_t r = 0; r < problem.requirements.size(); ++r) {
        const Requirement &one = problem.requirements[r];
        if (one.metric != none)
          continue;
        Micro real = evaluator.valueOf(one);
        if (one.percentile > 0) {
          Percentile seen = simulation.at(one.percentile, one.task);
          real = seen.valueUs + seen.halfWidthUs;
        }
        double ratio = double(drawnEvaluator.valueOf(one)) /
                       double(std::max<Micro>(real, 1));
        drawn.requirements[r].limit = Micro(double(one.limit) * ratio);
      }
    }
  }

  /// The fewest moves that any plan needs become a limit on moves.
  void keepPrevious() {
    uint32_t moves = problem.addMetric("moves");
    Assignment kept;
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      const Task &task = problem.tasks[t];
      uint32_t stays = none;
      auto before = options.previous.find(task.id);
      for (uint32_t o = task.firstOption;
           o < task.endOption && before != options.previous.end(); ++o) {
        if (problem.devices[problem.options[o].device].id == before->second)
          stays = o;
        else
          problem.setAmount(o, moves, 1);
      }
      kept.push_back(stays == none ? task.firstOption : stays);
    }
    start = kept;
    effort = 0.05;
    Problem fewest = problem;
    fewest.objective.latencyWeight = 0;
    fewest.objective.weights.assign(problem.metrics.size(), 0);
    fewest.objective.weights[moves] = 1;
    fewest.objective.penaltyUnit = 0;
    for (Requirement &one : fewest.requirements)
      one.percentile = 0;
    Solution least = solve(fewest);
    if (!least.found()) {
      result.solution = least;
      return;
    }
    start = least.assignment;
    Requirement limit;
    limit.id = none;
    limit.metric = moves;
    limit.limit = Micro(least.objective);
    problem.requirements.push_back(limit);
  }

  void describe() {
    Evaluator evaluator(problem);
    const Assignment &assignment = result.solution.assignment;
    const Evaluation &found = evaluator.evaluate(assignment);
    result.latencyUs = found.latencyUs;
    result.totals = found.totals;
    bool distributed =
        std::any_of(assignment.begin(), assignment.end(), [&](uint32_t option) {
          return problem.options[option].sigma > 0;
        });
    if (distributed || problem.hasPercentiles())
      result.simulation.emplace(problem, assignment);
    for (uint32_t r = 0; r < problem.requirements.size(); ++r) {
      const Requirement &one = problem.requirements[r];
      RequirementOutcome outcome;
      outcome.requirement = r;
      outcome.value = evaluator.valueOf(one);
      if (one.percentile > 0) {
        Percentile seen = result.simulation->at(one.percentile, one.task);
        outcome.value = seen.valueUs;
        outcome.halfWidthUs = seen.halfWidthUs;
      }
      outcome.met = outcome.value + outcome.halfWidthUs <= one.limit;
      result.outcomes.push_back(outcome);
    }
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      auto before = options.previous.find(problem.tasks[t].id);
      if (before != options.previous.end() &&
          before->second !=
              problem.devices[problem.options[assignment[t]].device].id)
        result.moved.push_back(t);
    }
  }

  void reject() {
    double work = double(problem.options.size()) *
                  double(problem.tasks.size() + problem.edges.size());
    constexpr double most = 2e7;
    if (work > most) {
      result.rejectionsLeftOut = true;
      return;
    }
    Evaluator evaluator(problem);
    Assignment other = result.solution.assignment;
    for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
      uint32_t chosen = other[t];
      for (uint32_t o = problem.tasks[t].firstOption;
           o < problem.tasks[t].endOption; ++o) {
        if (o == chosen)
          continue;
        other[t] = o;
        Rejection rejection{t, o, brokenBy(problem, evaluator, other), 0};
        rejection.objective = evaluator.evaluate(other).objective;
        result.rejections.push_back(std::move(rejection));
      }
      other[t] = chosen;
    }
  }

  /// Where the exact solver is within reach its proofs are used, whoever found
  /// that there is no plan.
  void explain() {
    Problem medians = problem;
    for (Requirement &one : medians.requirements)
      one.percentile = 0;
    std::unique_ptr<Solver> prover = createSolver(usualSolver(problem));
    result.conflicts = findConflicts(medians, *prover, options.deadline);
  }
};

} // namespace

Plan plan(Problem &problem, const PlanOptions &options) {
  return Planner(problem, options).run();
}

ParetoFront paretoFront(const Problem &problem, uint32_t first, uint32_t second,
                        const PlanOptions &options, size_t mostPoints) {
  std::unique_ptr<Solver> solver =
      createSolver(options.solver.value_or(SolverKind::Exact));
  SolveOptions solveOptions;
  solveOptions.deadline = options.deadline;
  auto aim = [&](Problem &one, uint32_t metric) {
    one.objective = {};
    one.objective.weights.assign(one.metrics.size(), 0);
    if (metric == none)
      one.objective.latencyWeight = 1;
    else
      one.objective.weights[metric] = 1;
  };
  auto limited = [](Problem one, uint32_t metric, Micro limit) {
    Requirement added;
    added.id = none;
    added.metric = metric;
    added.limit = limit;
    one.requirements.push_back(added);
    return one;
  };
  ParetoFront front;
  Problem rest = problem;
  while (true) {
    aim(rest, first);
    Solution least = solver->solve(rest, solveOptions);
    if (front.points.empty())
      front.status = least.status;
    if (least.status == SolveStatus::Infeasible)
      return front;
    if (least.status == SolveStatus::Optimal) {
      Problem tie = limited(rest, first, Micro(least.objective));
      aim(tie, second);
      Solution point = solver->solve(tie, solveOptions);
      if (point.status == SolveStatus::Optimal) {
        front.points.push_back(
            {point.assignment, Micro(least.objective), Micro(point.objective)});
        if (point.objective < 1)
          return front;
        rest = limited(problem, second, Micro(point.objective) - 1);
        if (front.points.size() < mostPoints)
          continue;
      }
    }
    front.complete = false;
    return front;
  }
}

} // namespace hetagon::solver
