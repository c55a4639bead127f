// Both solvers against brute force on random instances: exact equals it, fast
// is near it, neither ever claims what is not so. HETAGON_PLANNER_INSTANCES
// sets how many (2000 for the full run).
#include "compiler/Solver/Evaluator.h"
#include "compiler/Solver/Solver.h"
#include "test/compiler/Solver/Oracle.h"
#include "test/compiler/Solver/Parsed.h"
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
    Problem problem = parsed(smallShape(seed));
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

TEST(Optimality, FastIsNearProvenOptimaOfFortyTasks) {
  Tally tally;
  uint64_t count = std::max<uint64_t>(instanceCount() / 25, 2), open = 0;
  for (uint64_t seed = 1; seed <= count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Problem problem = parsed(smallShape(seed, 40, 6));
    SolveOptions options;
    options.deadline = Clock::now() + std::chrono::seconds(4);
    Solution exact = createExactSolver()->solve(problem, options);
    Solution fast = createFastSolver()->solve(problem, {});
    if (exact.status == SolveStatus::Infeasible) {
      EXPECT_FALSE(fast.found());
      ++tally.infeasible;
      tally.proven += fast.status == SolveStatus::Infeasible;
      continue;
    }
    EXPECT_TRUE(!exact.found() || fast.status != SolveStatus::Infeasible);
    if (exact.status != SolveStatus::Optimal) {
      ++open;
      continue;
    }
    ++tally.feasible;
    tally.unknown += !fast.found();
    if (!fast.found())
      continue;
    EXPECT_LE(fast.bound, exact.objective * (1 + 1e-9));
    double excess = fast.objective / exact.objective - 1;
    EXPECT_GE(excess, -1e-6);
    tally.excess += excess;
    tally.worst = std::max(tally.worst, excess);
  }
  std::printf("%llu optima proven, %llu open after 4 s, %llu infeasible; fast: "
              "%.3f %% above on average, %.3f %% at worst, %llu unknown, %llu "
              "of the infeasible proven\n",
              (unsigned long long)tally.feasible, (unsigned long long)open,
              (unsigned long long)tally.infeasible,
              100 * tally.excess /
                  double(std::max<uint64_t>(1, tally.feasible)),
              100 * tally.worst, (unsigned long long)tally.unknown,
              (unsigned long long)tally.proven);
  EXPECT_LE(tally.excess, 0.03 * double(tally.feasible));
  EXPECT_LE(tally.worst, 0.10);
  EXPECT_LE(double(tally.unknown), 0.01 * double(tally.feasible));
}

TEST(Optimality, PricesTimesTenLeaveTheAssignment) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    InstanceShape shape = smallShape(seed);
    shape.goal = InstanceShape::Goal::Cost;
    shape.costRoom = -1;
    Problem problem = parsed(shape);
    for (Link &link : problem.links)
      link.dollarsPerGb = 0; // its rounding is not ten times another's
    ASSERT_TRUE(problem.prepare().isOk());
    Problem dear = problem;
    for (Micro &amount : dear.amounts)
      amount *= 10;
    for (Edge &edge : dear.edges)
      for (OwnTransfer &own : edge.transfers)
        own.cost *= 10;
    ASSERT_TRUE(dear.prepare().isOk());
    for (auto create : {createExactSolver, createFastSolver}) {
      Solution one = create()->solve(problem, {});
      Solution ten = create()->solve(dear, {});
      EXPECT_EQ(one.assignment, ten.assignment) << "seed " << seed;
    }
  }
}

TEST(Optimality, RelabelledDevicesLeaveTheOptimum) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Problem problem = parsed(smallShape(seed));
    uint32_t n = uint32_t(problem.devices.size());
    auto other = [&](uint32_t device) { return (device + 1) % n; };
    Problem turned = problem;
    for (uint32_t d = 0; d < n; ++d)
      turned.devices[other(d)] = problem.devices[d];
    for (Option &option : turned.options)
      option.device = other(option.device);
    for (Capacity &row : turned.capacities)
      row.device = other(row.device);
    for (Edge &edge : turned.edges)
      for (OwnTransfer &own : edge.transfers) {
        own.from = other(own.from);
        own.to = other(own.to);
      }
    for (uint32_t a = 0; a < n && !problem.links.empty(); ++a)
      for (uint32_t b = 0; b < n; ++b)
        turned.links[other(a) * n + other(b)] = problem.links[a * n + b];
    ASSERT_TRUE(turned.prepare().isOk());
    Solution one = createExactSolver()->solve(problem, {});
    Solution two = createExactSolver()->solve(turned, {});
    EXPECT_EQ(one.status, two.status) << "seed " << seed;
    EXPECT_NEAR(one.objective, two.objective, 1e-9 * one.objective);
  }
}
