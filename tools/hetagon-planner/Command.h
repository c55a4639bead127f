// hetagon-planner's parts: the command, and the reports it prints.
#ifndef HETAGON_TOOLS_HETAGON_PLANNER_COMMAND_H
#define HETAGON_TOOLS_HETAGON_PLANNER_COMMAND_H

#include "compiler/Solver/Planning.h"
#include "runtime/base/Json.h"
#include <string>
#include <vector>

namespace hetagon::planner {

enum ExitStatus {
  exitOk = 0,
  exitUsage = 2,
  exitBadInput = 3,
  exitUnmet = 4,
  exitFailed = 5
};

struct PlanCommand {
  std::string problem, previous, solver;
  double timeLimitSeconds = 60;
  std::vector<std::string> pareto;
  size_t paretoPoints = 100;
  bool json = false;
};

int runPlan(const PlanCommand &command);

/// Names and numbers as the user wrote them.
class Words {
public:
  explicit Words(const solver::Problem &problem) : problem(problem) {}
  std::string metric(uint32_t metric) const;
  /// In milliseconds, dollars or the metric's unit.
  double value(uint32_t metric, solver::Micro amount) const;
  std::string limit(const solver::Requirement &one) const;
  double objective(double value) const;
  std::string device(uint32_t option) const;
  std::string number(double value) const;
  std::string kind(const solver::Item &item) const;
  /// 0, "HP/memory", "prefill->decode".
  Json id(const solver::Item &item) const;
  Json item(const solver::Item &item) const;
  std::string describe(const solver::Item &item) const;
  std::string describe(const solver::Relaxation &one) const;

private:
  const solver::Problem &problem;
};

Json planJson(const solver::Problem &problem, const solver::Plan &plan);
std::string planText(const solver::Problem &problem, const solver::Plan &plan);

} // namespace hetagon::planner

#endif // HETAGON_TOOLS_HETAGON_PLANNER_COMMAND_H
