// Both solvers against brute force on random instances: exact equals it, fast
// is near it, neither ever claims what is not so. HETAGON_PLANNER_INSTANCES
// sets how many (2000 for the full run).
#include "compiler/Solver/Evaluator.h"
#include "compiler/Solver/Solver.h"
#include "frontend/Problems/Problems.h"
#include "test/compiler/Solver/Instances.h"
#include "test/compiler/Solver/Oracle.h"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::solver;
using namespace hetagon::test;

namespace {

uint64_t instanceCount() {
  if (const char *text = std::getenv("HETAGON_PLANNER_INSTANCES"))
    return std::strtoull(text, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) ||       \
    __has_feature(thread_sanitizer)
  return 20;
#else
  return 300;
#endif
}

Problem instance(const InstanceShape &shape) {
  Diagnostics diagnostics;
  std::optional<Problem> problem =
      parseProblem(randomInstance(shape), "instance.json", diagnostics);
  EXPECT_TRUE(problem) << diagnostics.str();
  return problem ? std::move(*problem) : Problem();
}

/// What is true of every solution: the evaluator and the oracle agree on it,
/// and the bound is one.
void checkClaims(const Problem &problem, const Oracle &oracle,
                 const OracleValue &best, const Solution &solution) {
  if (solution.status == SolveStatus::Infeasible)
    EXPECT_FALSE(best.feasible) << "a false claim: " << solution.note;
  if (!solution.found())
    return;
  OracleValue value = oracle.evaluate(solution.assignment);
  Evaluator evaluator(problem);
  const Evaluation &own = evaluator.evaluate(solution.assignment);
  EXPECT_TRUE(value.feasible);
  EXPECT_EQ(value.latencyUs, own.latencyUs);
  EXPECT_EQ(value.cost, own.totals[0]);
  EXPECT_DOUBLE_EQ(value.objective, solution.objective);
  double slack = 1e-9 * std::abs(best.objective);
  EXPECT_LE(solution.bound, best.objective + slack);
  if (solution.status == SolveStatus::Optimal)
    EXPECT_NEAR(solution.objective, best.objective, slack);
}

struct Tally {
  uint64_t feasible = 0, infeasible = 0, binding = 0, unknown = 0, proven = 0;
  double excess = 0, worst = 0;
};

} // namespace

TEST(Optimality, ExactEqualsBruteForceAndFastIsNear) {
  Tally tally;
  uint64_t count = instanceCount();
  for (uint64_t seed = 1; seed <= count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Problem problem = instance(smallShape(seed));
    Oracle oracle(problem);
    OracleValue best = oracle.best();
    tally.feasible += best.feasible;
    tally.infeasible += !best.feasible;
    tally.binding += oracle.limitsBind();

    Solution exact = createExactSolver()->solve(problem, {});
    checkClaims(problem, oracle, best, exact);
    EXPECT_EQ(exact.status,
              best.feasible ? SolveStatus::Optimal : SolveStatus::Infeasible);

    Solution fast = createFastSolver()->solve(problem, {});
    checkClaims(problem, oracle, best, fast);
    tally.proven += fast.status == SolveStatus::Infeasible;
    tally.unknown += best.feasible && !fast.found();
    if (best.feasible && fast.found()) {
      double excess = fast.objective / best.objective - 1;
      tally.excess += excess;
      tally.worst = std::max(tally.worst, excess);
    }
    if (HasFailure())
      break;
  }
  std::printf(
      "%llu feasible (%llu with a binding limit), %llu infeasible; "
      "fast: %.3f %% above on average, %.3f %% at worst, %llu unknown, "
      "%llu of the infeasible proven\n",
      (unsigned long long)tally.feasible, (unsigned long long)tally.binding,
      (unsigned long long)tally.infeasible,
      100 * tally.excess / double(tally.feasible), 100 * tally.worst,
      (unsigned long long)tally.unknown, (unsigned long long)tally.proven);
  EXPECT_GE(double(tally.binding), 0.3 * double(count));
  EXPECT_GE(double(tally.infeasible), 0.2 * double(count));
  EXPECT_LE(tally.excess / double(tally.feasible), 0.03);
  EXPECT_LE(tally.worst, 0.10);
  EXPECT_LE(double(tally.unknown), 0.01 * double(tally.feasible));
}
