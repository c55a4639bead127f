// Planning problems from JSON: what is read, how it is rounded, and where what
// is wrong stands.
#include "frontend/Problems/Problems.h"
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::solver;

namespace {

std::optional<Problem> parse(const std::string &text, Diagnostics &found) {
  return parseProblem(text, "p.json", found);
}

/// "LINE:COLUMN message" of the first error.
std::string firstError(const std::string &text) {
  Diagnostics found;
  std::optional<Problem> problem = parse(text, found);
  EXPECT_EQ(problem.has_value(), !found.hasErrors());
  for (const Diagnostic &one : found.all()) {
    EXPECT_FALSE(one.mend.empty() && one.message.find("expected") != 0)
        << one.str();
    return std::to_string(one.place.line) + ":" +
           std::to_string(one.place.column) + " " + one.message;
  }
  return "none";
}

const std::string two =
    R"({"devices": [{"id": "A"}, {"id": "B"}],
"tasks": [{"id": "x", "options": [{"device": "A", "time_ms": 1}]},
{"id": "y", "options": [{"device": "A", "time_ms": 1},
{"device": "B", "time_ms": 2}]}])";

std::string with(const std::string &more) { return two + ",\n" + more + "}"; }

} // namespace

TEST(Problems, ReadsEverything) {
  Diagnostics found;
  // Requirements and tasks stand before what they name.
  auto problem = parse(R"({
    "requirements": [{"metric": "latency", "max_ms": 1.5, "on": "y"},
      {"metric": "energy", "max": 2, "soft": true, "weight": 3},
      {"metric": "latency", "max_ms": 9, "at": "p95"}],
    "edges": [{"from": "x", "to": "y", "bytes": 1e9, "transfers": [
      {"from": "B", "to": "A", "time_ms": 7, "cost": 0.5}]}],
    "tasks": [{"options": [{"uses": {"memory": 0.1, "disk": 5},
        "cost": 0.0000015, "time_ms": 0.0004, "device": "A", "energy": 1.5}],
        "id": "x"},
      {"id": "y", "options": [{"device": "B", "time_ms": {"p50": 2, "p95": 4},
        "metrics": {"noise": 3}}]}],
    "links": [{"from": "A", "to": "B", "latency_ms": 0.1, "gb_per_s": 4,
      "cost_per_gb": 0.25}],
    "capacities": [{"device": "A", "resource": "memory", "capacity": 0.3}],
    "objective": {"weights": {"cost": 2, "latency": 0.5}, "scale": 4},
    "devices": [{"id": "A", "concurrency": 2}, {"id": "B"}]})",
                       found);
  ASSERT_TRUE(problem) << found.str();
  EXPECT_EQ(problem->devices[0].concurrency, 2u);
  EXPECT_EQ(problem->options[0].timeUs, 0); // 0.4 us
  EXPECT_EQ(problem->amount(0, 0), 2);      // 1.5 micro-dollars
  EXPECT_EQ(problem->metrics,
            (std::vector<std::string>{"cost", "energy", "noise"}));
  EXPECT_EQ(problem->amount(0, 1), 1'500'000);
  EXPECT_EQ(problem->amount(1, 2), 3'000'000);
  EXPECT_NEAR(problem->options[1].sigma, 0.42140, 1e-4);
  ASSERT_EQ(problem->uses.size(), 1u);
  EXPECT_EQ(problem->uses[0].amount, 1);
  EXPECT_EQ(problem->capacities[0].limit, 3);
  Transfer linked = problem->transfer(0, 0, 1),
           own = problem->transfer(0, 1, 0);
  EXPECT_EQ(linked.timeUs, 250'100);
  EXPECT_EQ(linked.cost, 250'000);
  EXPECT_EQ(own.timeUs, 7'000);
  EXPECT_TRUE(problem->transfer(0, 0, 0).allowed);
  EXPECT_EQ(problem->requirements[0].task, 1u);
  EXPECT_EQ(problem->requirements[0].limit, 1'500);
  EXPECT_FALSE(problem->requirements[1].hard);
  EXPECT_EQ(problem->requirements[2].percentile, 95);
  EXPECT_EQ(problem->objective.weights[0], 2);
  EXPECT_EQ(problem->objective.latencyWeight, 500);
  EXPECT_EQ(problem->objective.statedScale, 4e6);
}

TEST(Problems, ErrorsAreLocated) {
  EXPECT_EQ(firstError(with("\"edgs\": []")),
            "5:1 unknown key 'edgs' in the problem; did you mean 'edges'?");
  EXPECT_EQ(firstError("{\"devices\": [],\n\"tasks\": []}"),
            "2:10 there are no tasks");
  EXPECT_EQ(firstError("{\"devices\": []}"), "1:1 the problem has no 'tasks'");
  EXPECT_EQ(firstError("{\"devices\": [{\"id\": \"A\"},\n {\"id\": \"A\"}], "
                       "\"tasks\": []}"),
            "2:9 a second device with the id 'A'");
  EXPECT_EQ(firstError("{\"devices\": [{\"id\": \"A\"}], \"tasks\": [{\"id\": "
                       "\"x\",\n\"options\": [{\"device\": \"C\", \"time_ms\": "
                       "1}]}]}"),
            "2:24 there is no device 'C'; did you mean 'A'?");
  EXPECT_EQ(
      firstError("{\"devices\": [{\"id\": \"A\"}], \"tasks\": [\n{\"id\": "
                 "\"x\", \"options\": []}]}"),
      "2:1 the task 'x' has no option");
  EXPECT_EQ(firstError(with(R"("edges": [{"from": "x", "to": "y"},
{"from": "x", "to": "y"}])")),
            "6:10 a second edge from 'x' to 'y'");
  EXPECT_EQ(firstError(with(R"("links": [{"from": "A", "to": "B"},
{"from": "A", "to": "B"}])")),
            "6:10 a second link from 'A' to 'B'");
  EXPECT_EQ(firstError(with(R"("edges": [{"from": "x", "to": "y", "transfers":
[{"from": "A", "to": "B"}, {"from": "A", "to": "B"}]}])")),
            "6:37 a second transfer from 'A' to 'B' for one edge");
  EXPECT_EQ(firstError(with(R"("capacities": [
{"device": "A", "resource": "m", "capacity": 1},
{"device": "A", "resource": "m", "capacity": 1}])")),
            "7:12 a second capacity for 'A/m'");
  EXPECT_EQ(firstError(with(R"("edges": [{"from": "x", "to": "y"},
{"from": "y", "to": "x"}])")),
            "5:10 the edges form a cycle: x -> y -> x");
  EXPECT_EQ(firstError(with(R"("edges": [{"from": "x", "to": "x"}])")),
            "5:10 the edges form a cycle: x -> x");
  EXPECT_EQ(firstError(with(R"("objective": {"minimize": "energy"})")),
            "5:27 no option states the metric 'energy'");
  EXPECT_EQ(firstError(with(R"("requirements": [{"metric": "latency"}])")),
            "5:18 a requirement on latency needs one limit");
  EXPECT_EQ(firstError(with(R"("objective": {"minimize": "cost",
"minimize": "cost"})")),
            "6:1 the key 'minimize' stands twice in one map");
  EXPECT_EQ(firstError(two), "4:33 expected ',' or '}' but found the end of "
                             "the file");
}

TEST(Problems, SecondOptionsOnOneDeviceAreRefused) {
  EXPECT_EQ(firstError("{\"devices\": [{\"id\": \"A\"}], \"tasks\": [{\"id\": "
                       "\"x\", \"options\": [{\"device\": \"A\", \"time_ms\": "
                       "1},\n{\"device\": \"A\", \"time_ms\": 2}]}]}"),
            "2:12 a second option on 'A' for one task");
}

TEST(Problems, NumbersAreChecked) {
  auto time = [](const std::string &number) {
    return firstError(
        "{\"devices\": [{\"id\": \"A\"}], \"tasks\": [{\"id\": "
        "\"x\", \"options\": [{\"device\": \"A\",\n\"time_ms\": " +
        number + "}]}]}");
  };
  EXPECT_EQ(time("1"), "none");
  EXPECT_EQ(time("1e-400"), "none");
  EXPECT_EQ(time("-1"), "2:12 'time_ms' is negative");
  EXPECT_EQ(time("1e400"), "2:12 'time_ms' is too large");
  EXPECT_EQ(time("1e16"), "2:12 'time_ms' is too large");
  EXPECT_NE(time("1e13").find("may add up to more than 4e12 ms"),
            std::string::npos);
  EXPECT_EQ(time("NaN"), "2:12 expected a JSON value but found 'N'");
  EXPECT_EQ(time("\"1\""), "2:12 'time_ms' must be a number, not a string");
  EXPECT_EQ(time("{\"p50\": 2, \"p95\": 1}").substr(0, 37),
            "2:12 no lognormal time has these perc");
  EXPECT_EQ(firstError("{\"devices\": [{\"id\": \"A\", \"concurrency\": 0}], "
                       "\"tasks\": []}")
                .substr(0, 5),
            "1:41 ");
}
