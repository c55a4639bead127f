// The command: reads the problem, plans, prints.
#include "frontend/Problems/Problems.h"
#include "runtime/base/File.h"
#include "tools/hetagon-planner/Command.h"
#include <iostream>

namespace hetagon::planner {

using namespace solver;

namespace {

int fail(const Status &status, int exitStatus = exitBadInput) {
  std::cerr << "error: " << status.str() << "\n";
  return exitStatus;
}

int exitOf(SolveStatus status) {
  return status == SolveStatus::Infeasible ? exitUnmet
         : status == SolveStatus::Unknown  ? exitFailed
                                           : exitOk;
}

/// The assignment of a plan that was printed as JSON.
StatusOr<std::map<std::string, std::string>>
readPrevious(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(path));
  HETAGON_ASSIGN_OR_RETURN(Json json, parseJson(text, path));
  Status wrong(Code::InvalidArgument,
               "this is no plan: it has no 'assignment' of tasks to devices; "
               "give what --json printed",
               Place{path, 0, 0, {}});
  auto found = json.is_object() ? json.find("assignment") : json.end();
  if (found == json.end() || !found->is_object() || found->empty())
    return wrong;
  std::map<std::string, std::string> previous;
  for (const auto &[task, device] : found->items()) {
    if (!device.is_string())
      return wrong;
    previous[task] = device.get<std::string>();
  }
  return previous;
}

StatusOr<uint32_t> metricNamed(const Problem &problem,
                               const std::string &name) {
  if (name == "latency")
    return none;
  for (uint32_t m = 0; m < problem.metrics.size(); ++m)
    if (problem.metrics[m] == name)
      return m;
  return Status(Code::InvalidArgument,
                "no option states the metric '" + name + "'");
}

int runPareto(const Problem &problem, const PlanCommand &command,
              const PlanOptions &options) {
  if (command.pareto.size() != 2 || command.pareto[0] == command.pareto[1]) {
    std::cerr << "error: --pareto takes two metrics, such as cost,latency\n";
    return exitUsage;
  }
  if (problem.hasPercentiles())
    return fail(Status(Code::Unsupported,
                       "a Pareto front of problems with percentile "
                       "requirements is not there"));
  StatusOr<uint32_t> first = metricNamed(problem, command.pareto[0]);
  StatusOr<uint32_t> second = metricNamed(problem, command.pareto[1]);
  if (!first.isOk() || !second.isOk())
    return fail(first.isOk() ? second.status() : first.status(), exitUsage);
  ParetoFront front =
      paretoFront(problem, *first, *second, options, command.paretoPoints);
  Words words(problem);
  Json points = Json::array();
  Evaluator evaluator(problem);
  for (const ParetoPoint &point : front.points) {
    Json assignment = Json::object();
    for (uint32_t t = 0; t < problem.tasks.size(); ++t)
      assignment[problem.tasks[t].id] = words.device(point.assignment[t]);
    const Evaluation &found = evaluator.evaluate(point.assignment);
    Json one = {{"assignment", std::move(assignment)},
                {"cost", words.value(0, found.totals[0])},
                {"latency_ms", words.value(none, found.latencyUs)}};
    for (uint32_t m = 1; m < problem.metrics.size(); ++m)
      one[problem.metrics[m]] = words.value(m, found.totals[m]);
    points.push_back(std::move(one));
  }
  if (command.json) {
    std::cout << printJson({{"status", statusName(front.status)},
                            {"complete", front.complete},
                            {"points", points}})
              << "\n";
  } else {
    for (const Json &point : points)
      std::cout << "$" << words.number(point["cost"].get<double>()) << ", "
                << words.number(point["latency_ms"].get<double>())
                << " ms: " << printJson(point["assignment"]) << "\n";
    std::cout << front.points.size() << " plans"
              << (front.complete ? "" : "; there may be more") << "\n";
  }
  return front.points.empty() ? exitOf(front.status) : exitOk;
}

} // namespace

int runPlan(const PlanCommand &command) {
  Clock::time_point begin = Clock::now();
  Diagnostics diagnostics;
  std::optional<Problem> problem = readProblem(command.problem, diagnostics);
  std::cerr << diagnostics.str();
  if (!problem)
    return exitBadInput;
  PlanOptions options;
  options.deadline = begin + std::chrono::microseconds(
                                 int64_t(command.timeLimitSeconds * 1e6));
  if (!command.solver.empty())
    options.solver =
        command.solver == "exact" ? SolverKind::Exact : SolverKind::Fast;
  if (!command.pareto.empty())
    return runPareto(*problem, command, options);
  if (!command.previous.empty()) {
    StatusOr<std::map<std::string, std::string>> previous =
        readPrevious(command.previous);
    if (!previous.isOk())
      return fail(previous.status());
    options.previous = std::move(*previous);
    // Re-planning must be quick; a plan that must not be improved is kept.
    if (!options.solver)
      options.solver = SolverKind::Fast;
  }
  Plan found = plan(*problem, options);
  if (command.json)
    std::cout << printJson(planJson(*problem, found)) << "\n";
  else
    std::cout << planText(*problem, found);
  return exitOf(found.solution.status);
}

} // namespace hetagon::planner
