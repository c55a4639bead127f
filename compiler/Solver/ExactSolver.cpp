// The exact solver: filter, a first plan from the fast solver, then the
// mixed-integer program until its result stands before the evaluator.
#include "compiler/Solver/ExactModel.h"
#include "compiler/Solver/Solver.h"
#include <algorithm>
#include <cmath>

namespace hetagon::solver {

namespace {

double secondsUntil(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max())
    return 1e9;
  return std::chrono::duration<double>(deadline - Clock::now()).count();
}

/// No plan takes longer than everything one after the other.
Micro sumOfAllTimes(const Problem &problem) {
  Micro sum = 1;
  for (const Task &task : problem.tasks) {
    Micro longest = 0;
    for (uint32_t o = task.firstOption; o < task.endOption; ++o)
      longest = std::max(longest, problem.options[o].timeUs);
    sum += longest;
  }
  for (uint32_t e = 0; e < problem.edges.size(); ++e) {
    const Edge &edge = problem.edges[e];
    Micro longest = 0;
    for (uint32_t a = problem.tasks[edge.from].firstOption;
         a < problem.tasks[edge.from].endOption; ++a)
      for (uint32_t b = problem.tasks[edge.to].firstOption;
           b < problem.tasks[edge.to].endOption; ++b)
        longest = std::max(longest, problem
                                        .transfer(e, problem.options[a].device,
                                                  problem.options[b].device)
                                        .timeUs);
    sum += longest;
  }
  return sum;
}

class ExactSolver : public Solver {
public:
  Solution solve(const Problem &problem, const SolveOptions &options) override {
    SolveOptions first = options;
    // A good plan at the start lets most options be dropped on large problems.
    constexpr size_t large = 60;
    if (problem.tasks.size() > large)
      first.effort *= 8;
    if (options.deadline != Clock::time_point::max())
      first.deadline = Clock::now() + (options.deadline - Clock::now()) / 4;
    Solution best = createFastSolver()->solve(problem, first);
    if (best.status == SolveStatus::Optimal ||
        best.status == SolveStatus::Infeasible)
      return best;

    Cutoff cutoff;
    Micro horizon = sumOfAllTimes(problem);
    const Objective &objective = problem.objective;
    if (best.found()) {
      cutoff.objective = best.objective;
      if (objective.latencyWeight > 0) {
        // What the sums leave at their least is all that latency may weigh.
        Filter least = filter(problem);
        double room = best.objective - least.objectiveBound;
        double most =
            double(least.latencyBoundUs) + room / objective.latencyWeight;
        if (problem.plainObjective() && objective.penaltyUnit == 0)
          most = best.objective;
        if (most < double(horizon))
          horizon = cutoff.latencyUs = Micro(std::ceil(most));
      }
    }
    Filter bounds = filter(problem, cutoff);
    if (!bounds.proof.empty()) {
      // Nothing is left within the cut-off, which a known plan would keep.
      if (!best.found()) {
        best.status = SolveStatus::Infeasible;
        best.note = bounds.proof;
      }
      return best;
    }
    return search(problem, options, bounds, horizon, std::move(best));
  }

private:
  static Solution search(const Problem &problem, const SolveOptions &options,
                         const Filter &bounds, Micro horizon, Solution best) {
    Evaluator evaluator(problem);
    ExactModel model(problem, bounds, horizon);
    std::vector<double> start;
    if (best.found())
      start =
          model.valuesOf(best.assignment, evaluator.evaluate(best.assignment));
    // A weighted sum is proven to within the rounding of doubles.
    auto closed = [&] {
      double slack = problem.plainObjective() && !problem.objective.penaltyUnit
                         ? 0.5
                         : 1e-7 * std::max(1.0, std::abs(best.objective));
      return best.found() && best.objective <= best.bound + slack;
    };
    auto conclude = [&](SolveStatus status) {
      best.status = status;
      if (status == SolveStatus::Optimal)
        best.bound = best.objective;
      return best;
    };
    while (true) {
      Milp::Result result =
          model.milp.solve(secondsUntil(options.deadline), start);
      // Assignments that were cut off are never better than `best`.
      if (result.status == Milp::Result::Status::Infeasible)
        return conclude(best.found() ? SolveStatus::Optimal
                                     : SolveStatus::Infeasible);
      double bound = model.toObjective(result.bound);
      best.bound = std::max(
          best.bound, best.found() ? std::min(bound, best.objective) : bound);
      bool disagrees = false;
      if (!result.values.empty()) {
        Assignment assignment = model.read(result.values);
        const Evaluation &found = evaluator.evaluate(assignment);
        if (found.feasible() &&
            (!best.found() || found.objective < best.objective)) {
          best.assignment = assignment;
          best.objective = found.objective;
        }
        disagrees = true;
        model.cutOff(assignment);
      }
      if (closed())
        return conclude(SolveStatus::Optimal);
      if (result.status != Milp::Result::Status::Optimal || !disagrees ||
          secondsUntil(options.deadline) <= 0) {
        best.note = result.status == Milp::Result::Status::Failed
                        ? "the mixed-integer solver failed"
                        : "the time was up";
        return conclude(best.found() ? SolveStatus::Feasible
                                     : SolveStatus::Unknown);
      }
      start.clear();
    }
  }
};

} // namespace

std::unique_ptr<Solver> createExactSolver() {
  return std::make_unique<ExactSolver>();
}

std::string_view statusName(SolveStatus status) {
  switch (status) {
  case SolveStatus::Optimal:
    return "optimal";
  case SolveStatus::Feasible:
    return "feasible";
  case SolveStatus::Infeasible:
    return "infeasible";
  case SolveStatus::Unknown:
    return "unknown";
  }
  return "unknown";
}

double Solution::gap() const {
  if (!found() || objective <= bound)
    return 0;
  return (objective - bound) / objective;
}

} // namespace hetagon::solver
