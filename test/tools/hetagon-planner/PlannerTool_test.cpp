// The built hetagon-planner: exit statuses, the JSON it prints, and that bad
// input is told of on standard error.
#include "runtime/base/File.h"
#include "runtime/base/Json.h"
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/wait.h>

using namespace hetagon;

namespace {

struct Outcome {
  int status = -1;
  std::string out;
  Json json() const {
    StatusOr<Json> parsed = parseJson(out, "output");
    EXPECT_TRUE(parsed.isOk()) << out;
    return parsed.isOk() ? *parsed : Json();
  }
};

std::string write(const std::string &name, const std::string &text) {
  std::string path = testing::TempDir() + name;
  EXPECT_TRUE(writeFileAtomically(path, text).isOk());
  return path;
}

Outcome run(const std::string &words) {
  const char *program = std::getenv("HETAGON_PLANNER");
  FILE *pipe =
      ::popen((std::string(program) + " " + words + " 2>&1").c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    outcome.out.append(buffer, got);
  outcome.status = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

std::string problem(const std::string &limit) {
  return R"({"devices": [{"id": "HP", "concurrency": 1}, {"id": "CO"}],
    "tasks": [{"id": "prefill", "options": [
      {"device": "HP", "time_ms": 80, "cost": 0.08, "uses": {"memory": 40}},
      {"device": "CO", "time_ms": 130, "cost": 0.05}]},
    {"id": "decode", "options": [
      {"device": "HP", "time_ms": 25, "cost": 0.03, "uses": {"memory": 50}},
      {"device": "CO", "time_ms": 30, "cost": 0.01}]}],
    "edges": [{"from": "prefill", "to": "decode", "bytes": 1e6, "transfers": [
      {"from": "HP", "to": "CO", "time_ms": 10, "cost": 0.005}]}],
    "capacities": [{"device": "HP", "resource": "memory", "capacity": 80}],
    "requirements": [{"metric": "latency", "max_ms": )" +
         limit + R"(}], "objective": {"minimize": "cost"}})";
}

} // namespace

TEST(PlannerTool, PrintsThePlan) {
  std::string path = write("plan.json", problem("120"));
  for (const char *solver : {"exact", "fast"}) {
    Outcome outcome = run(path + " --json --solver " + solver);
    EXPECT_EQ(outcome.status, 0);
    Json json = outcome.json();
    EXPECT_EQ(json["status"], "optimal");
    EXPECT_EQ(printJson(json["assignment"]),
              R"({"prefill":"HP","decode":"CO"})");
    EXPECT_EQ(json["cost"], 0.095);
    EXPECT_EQ(json["latency_ms"], 120);
    EXPECT_EQ(json["gap"], 0);
    EXPECT_EQ(json["conflict"], Json::array());
  }
  Outcome text = run(path);
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.out.find("not CO: breaks latency at most 120 ms"),
            std::string::npos)
      << text.out;
}

TEST(PlannerTool, ExplainsWhatConflicts) {
  std::string path = write("conflict.json", problem("110"));
  Outcome outcome = run(path + " --json");
  EXPECT_EQ(outcome.status, 4);
  Json json = outcome.json();
  EXPECT_EQ(json["status"], "infeasible");
  EXPECT_EQ(printJson(json["conflict"]),
            R"([{"kind":"requirement","id":0},)"
            R"({"kind":"capacity","id":"HP/memory"}])");
  EXPECT_EQ(json["conflicts"][0]["relaxations"][0]["max_ms"], 120);
  EXPECT_EQ(json["conflicts"][0]["relaxations"][1]["capacity"], 90);
  Outcome text = run(path);
  EXPECT_EQ(text.status, 4);
  EXPECT_NE(text.out.find("raise the limit to 120 ms"), std::string::npos);
}

TEST(PlannerTool, KeepsWhatItCan) {
  std::string wide = problem("200");
  std::string previous = write(
      "previous.json", R"({"assignment": {"prefill": "CO", "decode": "CO"}})");
  Json kept =
      run(write("wide.json", wide) + " --json --keep " + previous).json();
  EXPECT_EQ(printJson(kept["assignment"]), R"({"prefill":"CO","decode":"CO"})");
  Json moved =
      run(write("plan.json", problem("120")) + " --json --keep " + previous)
          .json();
  EXPECT_EQ(printJson(moved["moved"]), R"(["prefill"])");
}

TEST(PlannerTool, ParetoFront) {
  Outcome outcome = run(write("front.json", problem("200")) +
                        " --json --pareto cost,latency");
  EXPECT_EQ(outcome.status, 0);
  Json json = outcome.json();
  EXPECT_EQ(json["complete"], true);
  ASSERT_EQ(json["points"].size(), 2u);
  EXPECT_EQ(json["points"][0]["cost"], 0.06);
  EXPECT_EQ(json["points"][1]["latency_ms"], 120);
}

TEST(PlannerTool, RefusesWhatIsWrong) {
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("x.json --solver brute").status, 2);
  EXPECT_EQ(run("/nowhere/x.json").status, 3);
  Outcome bad = run(write("bad.json", "{\"tasks\": [],\n\"devices\": 3}"));
  EXPECT_EQ(bad.status, 3);
  EXPECT_NE(bad.out.find("bad.json:2:12: error: "), std::string::npos)
      << bad.out;
  std::string good = write("plan.json", problem("120"));
  EXPECT_EQ(run(good + " --pareto cost").status, 2);
  EXPECT_EQ(run(good + " --keep " + write("k.json", "[]")).status, 3);
}
