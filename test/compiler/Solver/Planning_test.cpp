// plan(): the paper's example, soft requirements, percentiles, conflicts
// against brute force, re-planning, Pareto fronts, and the rules of time.
#include "compiler/Solver/Planning.h"
#include "test/compiler/Solver/Oracle.h"
#include "test/compiler/Solver/Parsed.h"
#include <cmath>
#include <random>

using namespace hetagon;
using namespace hetagon::solver;
using namespace hetagon::test;

namespace {

/// Prefill and decode on two devices, figures of arXiv 2507.19635.
std::string paper(const std::string &requirements,
                  const std::string &objective = R"({"minimize": "cost"})") {
  return R"({"devices": [{"id": "HP"}, {"id": "CO"}], "tasks": [
    {"id": "prefill", "options": [
      {"device": "HP", "time_ms": 80, "cost": 0.08},
      {"device": "CO", "time_ms": 130, "cost": 0.05}]},
    {"id": "decode", "options": [
      {"device": "HP", "time_ms": 25, "cost": 0.03},
      {"device": "CO", "time_ms": 30, "cost": 0.01}]}],
    "edges": [{"from": "prefill", "to": "decode", "transfers": [
      {"from": "HP", "to": "CO", "time_ms": 10, "cost": 0.005}]}],
    "requirements": [)" +
         requirements + R"(], "objective": )" + objective + "}";
}

const std::string sla = R"({"metric": "latency", "max_ms": 120})";

std::string placement(const Problem &problem, const Assignment &assignment) {
  std::string text;
  for (uint32_t option : assignment)
    text += problem.devices[problem.options[option].device].id + " ";
  return text;
}

std::string planned(const std::string &text, SolverKind kind) {
  Problem problem = parsed(text);
  PlanOptions options;
  options.solver = kind;
  Plan found = plan(problem, options);
  return std::string(statusName(found.solution.status)) + " " +
         placement(problem, found.solution.assignment);
}

} // namespace

TEST(Planning, PaperExample) {
  Problem problem = parsed(paper(sla));
  Evaluator evaluator(problem);
  auto check = [&](Assignment assignment, Micro latency, Micro cost,
                   bool feasible) {
    const Evaluation &found = evaluator.evaluate(assignment);
    EXPECT_EQ(found.latencyUs, latency);
    EXPECT_EQ(found.totals[0], cost);
    EXPECT_EQ(found.feasible(), feasible);
  };
  check({0, 2}, 105'000, 110'000, true);
  check({0, 3}, 120'000, 95'000, true);
  check({1, 3}, 160'000, 60'000, false);
  check({1, 2}, 155'000, 80'000, false); // no transfer from CO to HP
  for (SolverKind kind : {SolverKind::Exact, SolverKind::Fast})
    EXPECT_EQ(planned(paper(sla), kind), "optimal HP CO ");
}

TEST(Planning, TasksAreScheduledInOrderWithoutBackfill) {
  // c waits for a slow input on the only slot; d, ready at once, comes after
  // it in order and may not slip in before.
  Problem problem = parsed(R"({"devices": [{"id": "A"},
    {"id": "B", "concurrency": 1}], "tasks": [
    {"id": "a", "options": [{"device": "A", "time_ms": 50}]},
    {"id": "c", "options": [{"device": "B", "time_ms": 10}]},
    {"id": "d", "options": [{"device": "B", "time_ms": 10}]}],
    "edges": [{"from": "a", "to": "c"}],
    "links": [{"from": "A", "to": "B", "latency_ms": 5}]})");
  Evaluator evaluator(problem);
  const Evaluation &found = evaluator.evaluate({0, 1, 2});
  EXPECT_EQ(found.finishUs, (std::vector<Micro>{50'000, 65'000, 75'000}));
}

TEST(Planning, SeveralSlotsTakeTheEarliestFree) {
  std::string tasks;
  for (int time : {30, 10, 10, 10})
    tasks += (tasks.empty() ? "" : ", ") + std::string(R"({"id": "t)") +
             std::to_string(tasks.size()) +
             R"(", "options": [{"device": "A", "time_ms": )" +
             std::to_string(time) + "}]}";
  Problem problem = parsed(R"({"devices": [{"id": "A", "concurrency": 2}],
    "tasks": [)" + tasks + "]}");
  Evaluator evaluator(problem);
  EXPECT_EQ(evaluator.evaluate({0, 1, 2, 3}).finishUs,
            (std::vector<Micro>{30'000, 10'000, 20'000, 30'000}));
}

TEST(Planning, SoftRequirementsWeighWhatTheyMiss) {
  auto soft = [](double weight) {
    return R"({"metric": "latency", "max_ms": 100, "soft": true, "weight": )" +
           std::to_string(weight) + "}";
  };
  // Without limits CO CO is best at 0.06 (160 ms): penalty 0.6 w 0.06 against
  // HP HP at 0.11 (105 ms): 0.05 w 0.06, HP CO at 0.095 (120 ms): 0.2 w 0.06.
  for (SolverKind kind : {SolverKind::Exact, SolverKind::Fast}) {
    EXPECT_NE(planned(paper(soft(1)), kind).find("CO CO"), std::string::npos);
    EXPECT_NE(planned(paper(soft(1.5)), kind).find("HP CO"), std::string::npos);
  }
  Problem problem = parsed(paper(soft(1.5)));
  Plan found = plan(problem, {});
  EXPECT_EQ(found.solution.status, SolveStatus::Optimal);
  EXPECT_NEAR(found.solution.objective, 95'000 + 1.5 * 0.2 * 60'000, 1e-3);
  EXPECT_EQ(planned(paper(soft(10)), SolverKind::Exact), "optimal HP HP ");
}

TEST(Planning, WeightedSum) {
  EXPECT_EQ(planned(paper("", R"({"weights": {"cost": 1, "latency": 0.0001}})"),
                    SolverKind::Exact),
            "optimal CO CO ");
  EXPECT_EQ(planned(paper("", R"({"weights": {"cost": 1, "latency": 0.01}})"),
                    SolverKind::Exact),
            "optimal HP HP ");
}

TEST(Planning, ConflictsAreIrreducibleAndTheirMendsLeast) {
  int seen = 0;
  for (uint64_t seed = 1; seed <= 120 && seen < 25; ++seed) {
    InstanceShape shape = smallShape(seed, 5, 3);
    if (shape.slots == InstanceShape::Slots::Mixed)
      continue;
    Problem problem = parsed(shape);
    if (Oracle(problem).best().feasible)
      continue;
    SCOPED_TRACE("seed " + std::to_string(seed));
    ++seen;
    Plan found = plan(problem, {});
    ASSERT_EQ(found.solution.status, SolveStatus::Infeasible);
    ASSERT_FALSE(found.conflicts.empty());
    auto feasible = [&](const Problem &one) {
      return Oracle(one).best().feasible;
    };
    std::vector<Item> all;
    for (const Conflict &conflict : found.conflicts) {
      EXPECT_TRUE(conflict.irreducible);
      EXPECT_FALSE(feasible(restrictedTo(problem, conflict.items)));
      for (size_t i = 0; i < conflict.items.size(); ++i) {
        std::vector<Item> rest = conflict.items;
        rest.erase(rest.begin() + std::ptrdiff_t(i));
        EXPECT_TRUE(feasible(restrictedTo(problem, rest)));
        const Relaxation &mend = conflict.relaxations[i];
        ASSERT_TRUE(mend.known && mend.least);
        Problem mended = restrictedTo(problem, conflict.items);
        auto atLimit = [&](int64_t limit) {
          if (mend.item.kind == Item::Kind::Requirement)
            mended.requirements[mend.item.index].limit = limit;
          else
            mended.capacities[mend.item.index].limit = limit;
          return feasible(mended);
        };
        if (mend.item.kind == Item::Kind::Edge) {
          mended.edges[mend.item.index].transfers.push_back(
              {mend.from, mend.to, 0, 0});
          EXPECT_TRUE(mended.prepare().isOk() && feasible(mended));
        } else {
          EXPECT_TRUE(atLimit(mend.limit));
          EXPECT_FALSE(atLimit(mend.limit - 1));
        }
        all.push_back(conflict.items[i]);
      }
    }
    for (size_t i = 0; i < all.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        EXPECT_FALSE(all[i] == all[j]) << "the sets are not disjoint";
  }
  EXPECT_GE(seen, 15);
}

TEST(Planning, PercentilesAreSimulated) {
  // One task: the percentiles are those of its lognormal.
  Problem one = parsed(R"({"devices": [{"id": "A"}], "tasks": [{"id": "a",
    "options": [{"device": "A", "time_ms": {"p50": 20, "p95": 50}}]}]})");
  Simulation simulation(one, {0});
  EXPECT_GE(simulation.draws(), 100'000u);
  Percentile median = simulation.at(50), high = simulation.at(95);
  EXPECT_NEAR(double(median.valueUs), 20'000, 2.5 * double(median.halfWidthUs));
  EXPECT_NEAR(double(high.valueUs), 50'000, 2.5 * double(high.halfWidthUs));
  EXPECT_LT(double(high.halfWidthUs), 0.01 * double(high.valueUs));

  // Two branches and a join against the standard library's generator.
  Problem graph = parsed(R"({"devices": [{"id": "A"}], "tasks": [
    {"id": "a", "options": [{"device": "A", "time_ms": {"p50": 20, "p95": 50}}]},
    {"id": "b", "options": [{"device": "A", "time_ms": {"p50": 25, "p95": 30}}]},
    {"id": "c", "options": [{"device": "A", "time_ms": 5}]}],
    "edges": [{"from": "a", "to": "c"}, {"from": "b", "to": "c"}]})");
  std::mt19937 engine(7);
  std::normal_distribution<double> normal;
  std::vector<double> ends;
  for (int i = 0; i < 200'000; ++i)
    ends.push_back(
        std::max(20 * std::exp(std::log(2.5) / 1.6449 * normal(engine)),
                 25 * std::exp(std::log(1.2) / 1.6449 * normal(engine))) +
        5);
  std::sort(ends.begin(), ends.end());
  Simulation joined(graph, {0, 1, 2});
  for (double percent : {50.0, 95.0, 99.0})
    EXPECT_NEAR(double(joined.at(percent).valueUs) / 1e3,
                ends[size_t(percent / 100 * 200'000)],
                0.02 * double(joined.at(percent).valueUs) / 1e3);
}

TEST(Planning, HardPercentilesAreClaimedOnlyWhenConfirmed) {
  auto text = [](double limit) {
    return R"({"devices": [{"id": "A"}, {"id": "B"}], "tasks": [
      {"id": "a", "options": [
        {"device": "A", "time_ms": {"p50": 20, "p95": 80}, "cost": 1},
        {"device": "B", "time_ms": {"p50": 25, "p95": 30}, "cost": 2}]}],
      "requirements": [{"metric": "latency", "at": "p95", "max_ms": )" +
           std::to_string(limit) + "}]}";
  };
  for (SolverKind kind : {SolverKind::Exact, SolverKind::Fast}) {
    EXPECT_EQ(planned(text(90), kind), "optimal A ");
    EXPECT_EQ(planned(text(40), kind), "feasible B ");
    EXPECT_EQ(planned(text(27), kind), "unknown ");
    EXPECT_EQ(planned(text(15), kind), "infeasible ");
  }
}

TEST(Planning, ReplanningMovesAsLittleAsNeeded) {
  InstanceShape shape;
  shape.tasks = 200;
  shape.devices = 10;
  shape.graph = InstanceShape::Graph::Layers;
  shape.linked = 1;
  shape.latencyRoom = 1;
  shape.memoryRoom = 4;
  Problem problem = parsed(shape);
  Plan before = plan(problem, {SolverKind::Fast, {}, {}});
  ASSERT_TRUE(before.solution.found());
  PlanOptions options;
  options.solver = SolverKind::Fast;
  size_t lost = 0;
  Problem changed = parsed(shape);
  for (uint32_t t = 0; t < problem.tasks.size(); ++t) {
    uint32_t device = problem.options[before.solution.assignment[t]].device;
    options.previous[problem.tasks[t].id] = problem.devices[device].id;
    lost += device == 0;
  }
  Problem same = parsed(shape);
  EXPECT_TRUE(plan(same, options).moved.empty());
  // Device 0 is lost: its memory is gone.
  for (Capacity &row : changed.capacities)
    if (row.device == 0)
      row.limit = 0;
  Clock::time_point begin = Clock::now();
  Plan after = plan(changed, options);
  double ms =
      std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  std::printf("%zu tasks lost their device, %zu moved, %.0f ms\n", lost,
              after.moved.size(), ms);
  ASSERT_TRUE(after.solution.found());
  EXPECT_GE(after.moved.size(), lost);
  EXPECT_LE(after.moved.size(), lost + lost / 2 + 3);
}

TEST(Planning, ParetoFrontIsWholeAgainstBruteForce) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    InstanceShape shape = smallShape(seed, 5, 3);
    Problem problem = parsed(shape);
    Oracle oracle(problem);
    std::vector<std::pair<Micro, Micro>> all, best;
    std::vector<uint32_t> options;
    for (const Task &task : problem.tasks)
      options.push_back(task.firstOption);
    for (size_t t = 0; t < options.size();) {
      OracleValue value = oracle.evaluate(options);
      if (value.feasible)
        all.push_back({value.cost, value.latencyUs});
      for (t = 0;
           t < options.size() && ++options[t] == problem.tasks[t].endOption;
           ++t)
        options[t] = problem.tasks[t].firstOption;
    }
    std::sort(all.begin(), all.end());
    for (auto point : all)
      if (best.empty() || point.second < best.back().second)
        best.push_back(point);
    ParetoFront front = paretoFront(problem, 0, none, {}, 1000);
    ASSERT_EQ(front.points.size(), best.size()) << "seed " << seed;
    for (size_t i = 0; i < best.size(); ++i) {
      EXPECT_EQ(front.points[i].first, best[i].first);
      EXPECT_EQ(front.points[i].second, best[i].second);
    }
  }
}
