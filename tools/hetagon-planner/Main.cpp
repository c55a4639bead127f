// hetagon-planner: the command line. Solves planning problems that the user
// gives; links the solver and no LLVM.
#include "tools/hetagon-planner/Command.h"
#include <CLI/CLI.hpp>

using namespace hetagon::planner;

int main(int argc, char **argv) {
  CLI::App app{"Decides which device runs each task of a planning problem."};
  app.name("hetagon-planner");
  PlanCommand command;
  app.add_option("problem", command.problem, "The problem, a JSON file")
      ->required();
  app.add_flag("--json", command.json, "Prints the plan as JSON");
  app.add_option("--solver", command.solver,
                 "exact or fast (default: exact where it is within reach)")
      ->check(CLI::IsMember({"exact", "fast"}));
  app.add_option("--time-limit", command.timeLimitSeconds,
                 "Seconds after which the best so far is printed")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option(
      "--keep", command.previous,
      "A plan printed with --json, to move as little as needed from");
  app.add_option("--pareto", command.pareto,
                 "Two metrics: prints all plans that are best in both, such as "
                 "cost,latency")
      ->delimiter(',');
  app.add_option("--points", command.paretoPoints,
                 "Plans of a Pareto front at most")
      ->check(CLI::Range(1, 100000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }
  return runPlan(command);
}
