// Which steps run, how often, in which order and at the same time as which:
// on random graphs, on maps, branches and calls, and at sizes that would
// overflow a stack.
#include "test/runtime/exec/GraphPlans.h"
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <thread>

using namespace hetagon;
using namespace hetagon::test;
using namespace hetagon::plan::fb;

namespace {

RunResult runOk(PlanRuntime &runtime, RunOptions options = {}) {
  auto result = runPlan(runtime, std::move(options));
  EXPECT_TRUE(result.isOk()) << result.status().str();
  return result.isOk() ? std::move(*result) : RunResult{};
}

std::string textOf(const RunResult &result, size_t output = 0) {
  return output < result.outputs.size() ? result.outputs[output].second.toText()
                                        : "(no output)";
}

const StepReport &reportOf(const RunResult &result, const std::string &path) {
  for (const StepReport &report : result.steps)
    if (report.path == path)
      return report;
  ADD_FAILURE() << "no report of " << path;
  static const StepReport none;
  return none;
}

/// A constant with the milliseconds that the tool "sleep" takes, and so many
/// calls of it.
void addSleepers(PlanT &plan, StepGraphT &graph, int count, int ms) {
  addConstant(graph, "ms", "json", std::to_string(ms));
  for (int i = 0; i < count; ++i)
    addTool(plan, graph, "sleep" + std::to_string(i), "sleep",
            {{"ms", from(0)}});
}

} // namespace

TEST(GraphRunner, RandomGraphs) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    PlanT plan = emptyPlan();
    StepGraphT &graph = addGraph(plan, "main", {{"x", "text"}});
    size_t count = 1 + random() % 40;
    std::vector<std::set<uint32_t>> before(count);
    std::vector<std::string> expected(count);
    for (uint32_t i = 0; i < count; ++i) {
      std::string name = "s" + std::to_string(i);
      Sources inputs;
      std::string first = "X";
      for (uint32_t k = 0; k < random() % 4; ++k) {
        uint32_t source = random() % (i + 1);
        bool outer = source == i;
        inputs.emplace_back("in" + std::to_string(k),
                            outer ? graphInput() : from(int(source)));
        if (!outer)
          before[i].insert(source);
        if (k == 0)
          first = outer ? "X" : expected[source];
      }
      std::string body = inputs.empty() ? "X" : "{{in0}}";
      expected[i] = name + ":" + first;
      StepT &step = addRender(graph, name, inputs, name + ":" + body);
      for (uint32_t k = 0; i && k < random() % 3; ++k) {
        step.after.push_back(random() % i);
        before[i].insert(step.after.back());
      }
      addResult(graph, "o" + std::to_string(i), "text", from(int(i)));
    }
    auto runtime = openPlan(plan);
    ASSERT_TRUE(runtime);
    RunOptions options;
    options.inputs["x"] = Value::text("X");
    RunResult result = runOk(*runtime, std::move(options));
    ASSERT_EQ(result.steps.size(), count); // each exactly once
    ASSERT_EQ(result.outputs.size(), count);
    for (uint32_t i = 0; i < count; ++i) {
      EXPECT_EQ(textOf(result, i), expected[i]) << "seed " << seed;
      const StepReport &step = reportOf(result, "main/s" + std::to_string(i));
      for (uint32_t earlier : before[i])
        EXPECT_GE(step.beginMs,
                  reportOf(result, "main/s" + std::to_string(earlier)).endMs);
    }
  }
}

TEST(GraphRunner, IndependentStepsOverlap) {
  PlanT plan = emptyPlan();
  addSleepers(plan, addGraph(plan, "main"), 4, 400);
  auto runtime = openPlan(plan);
  RunResult result = runOk(*runtime);
  EXPECT_LT(result.latencyMs, 1200);
  EXPECT_GE(result.latencyMs, 400);
}

TEST(GraphRunner, WritersOfOneResourceTakeTurns) {
  PlanT plan = emptyPlan();
  StepGraphT &graph = addGraph(plan, "main");
  addSleepers(plan, graph, 3, 150);
  for (size_t i = 1; i < graph.steps.size(); ++i)
    addEffect(plan, *graph.steps[i], "crm", true);
  auto runtime = openPlan(plan);
  RunResult result = runOk(*runtime);
  EXPECT_GE(result.latencyMs, 450);
  for (const StepReport &one : result.steps)
    for (const StepReport &other : result.steps)
      if (&one != &other && one.name != "ms" && other.name != "ms") {
        // A turn ends before the next begins.
        EXPECT_TRUE(one.endMs <= other.beginMs || other.endMs <= one.beginMs);
      }
}

TEST(GraphRunner, ReadersOverlapAndTheWorldExcludesAll) {
  for (bool world : {false, true}) {
    PlanT plan = emptyPlan();
    StepGraphT &graph = addGraph(plan, "main");
    addSleepers(plan, graph, 4, 300);
    for (size_t i = 1; i < 4; ++i)
      addEffect(plan, *graph.steps[i], i == 1 ? "crm" : "calendar", false);
    addEffect(plan, *graph.steps[4], world ? "world" : "crm", world);
    auto runtime = openPlan(plan);
    RunResult result = runOk(*runtime);
    if (world)
      EXPECT_GE(result.latencyMs, 600);
    else
      EXPECT_LT(result.latencyMs, 900);
  }
}

TEST(GraphRunner, ItemsOfAMapConflictToo) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"ms", "json"}});
  addStep(main, "each", StepKind::map, {{"ms", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"ms\"]"}})
      .graphs = {1};
  StepGraphT &body = addGraph(plan, "body", {{"ms", "json"}});
  addEffect(plan, addTool(plan, body, "sleep", "sleep", {{"ms", graphInput()}}),
            "crm", true);
  addResult(body, "out", "text", from(0));
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["ms"] = Value::json({100, 100, 100, 100});
  EXPECT_GE(runOk(*runtime, options).latencyMs, 400);
}

namespace {
/// main: map over "x" (and "y") of a body that renders both.
PlanT mapPlan(const char *parallel) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(
      plan, "main", {{"x", "json"}, {"y", "list<text>"}, {"z", "text"}});
  addStep(main, "each", StepKind::map,
          {{"x", graphInput(0)}, {"y", graphInput(1)}, {"z", graphInput(2)}},
          {{"a", "list<text>"}, {"b", "list<text>"}},
          {{"over", "[\"x\", \"y\"]"}, {"parallel", parallel}})
      .graphs = {1};
  addResult(main, "a", "list<text>", from(0, 0));
  addResult(main, "b", "list<text>", from(0, 1));
  StepGraphT &body =
      addGraph(plan, "body", {{"z", "text"}, {"x", "json"}, {"y", "text"}});
  addRender(body, "join",
            {{"x", graphInput(1)}, {"y", graphInput(2)}, {"z", graphInput(0)}},
            "{{x}}{{y}}{{z}}");
  addResult(body, "a", "text", from(0));
  addResult(body, "b", "text", graphInput(2));
  return plan;
}

RunOptions mapInputs(Json x, const std::vector<std::string> &y) {
  RunOptions options;
  options.inputs["x"] = Value::json(std::move(x));
  Value::List list;
  for (const std::string &text : y)
    list.push_back(Value::text(text));
  options.inputs["y"] = Value::list(std::move(list));
  options.inputs["z"] = Value::text("!");
  return options;
}
} // namespace

TEST(GraphRunner, MapsRunInStep) {
  for (const char *parallel : {"0", "1", "2", "100"}) {
    auto runtime = openPlan(mapPlan(parallel));
    RunResult result =
        runOk(*runtime, mapInputs({1, "two", {{"k", 3}}}, {"a", "b", "c"}));
    ASSERT_EQ(result.outputs.size(), 2u);
    EXPECT_EQ(result.outputs[0].second.toJson(),
              Json({"1a!", "twob!", "{\"k\":3}c!"}));
    EXPECT_EQ(result.outputs[1].second.toJson(), Json({"a", "b", "c"}));
    result = runOk(*runtime, mapInputs(Json::array(), {}));
    EXPECT_EQ(result.outputs[0].second.toJson(), Json::array());
    EXPECT_EQ(result.outputs[1].second.toJson(), Json::array());
    auto unequal = runPlan(*runtime, mapInputs({1, 2}, {"a"}));
    ASSERT_FALSE(unequal.isOk());
    EXPECT_EQ(unequal.status().str(),
              "flow.yaml:2:3: step 'main/each': the lists to map over have 2 "
              "and 1 elements");
    auto noList = runPlan(*runtime, mapInputs("text", {"a"}));
    ASSERT_FALSE(noList.isOk());
    EXPECT_NE(noList.status().str().find("no list"), std::string::npos);
  }
}

TEST(GraphRunner, MapsKeepToTheirLimit) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"ms", "json"}});
  addStep(main, "each", StepKind::map, {{"ms", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"ms\"]"}, {"parallel", "2"}})
      .graphs = {1};
  StepGraphT &body = addGraph(plan, "body", {{"ms", "json"}});
  addTool(plan, body, "sleep", "sleep", {{"ms", graphInput()}});
  addResult(body, "out", "text", from(0));
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["ms"] = Value::json({60, 60, 60, 60, 60, 60, 60, 60});
  RunResult result = runOk(*runtime, options);
  EXPECT_GE(result.latencyMs, 240);
  for (const StepReport &one : result.steps) {
    int others = 0; // under way when this one began
    for (const StepReport &other : result.steps)
      others += &one != &other && other.beginMs <= one.beginMs &&
                one.beginMs < other.endMs;
    EXPECT_LE(others, 1);
  }
}

TEST(GraphRunner, NestedMapsAndCalls) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"rows", "json"}});
  addStep(main, "rows", StepKind::map, {{"row", graphInput()}},
          {{"out", "list<list<text>>"}}, {{"over", "[\"row\"]"}})
      .graphs = {1};
  addResult(main, "out", "list<list<text>>", from(0));
  StepGraphT &row = addGraph(plan, "row", {{"row", "json"}});
  addStep(row, "cells", StepKind::map, {{"cell", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"cell\"]"}})
      .graphs = {2};
  addResult(row, "out", "list<text>", from(0));
  StepGraphT &cell = addGraph(plan, "cell", {{"cell", "json"}});
  addStep(cell, "through", StepKind::call, {{"cell", graphInput()}},
          {{"out", "text"}})
      .graphs = {3};
  addResult(cell, "out", "text", from(0));
  StepGraphT &leaf = addGraph(plan, "leaf", {{"cell", "json"}});
  addRender(leaf, "print", {{"cell", graphInput()}}, "<{{cell}}>");
  addResult(leaf, "out", "text", from(0));
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["rows"] =
      Value::json({Json::array({1, 2}), Json::array(), Json::array({3})});
  RunResult result = runOk(*runtime, options);
  EXPECT_EQ(
      result.outputs[0].second.toJson(),
      Json({Json::array({"<1>", "<2>"}), Json::array(), Json::array({"<3>"})}));
  reportOf(result, "main/rows[0]/cells[1]/through/print");
}

TEST(GraphRunner, BranchesByCaseAndDefault) {
  for (bool withDefault : {false, true}) {
    PlanT plan = emptyPlan();
    StepGraphT &main = addGraph(plan, "main", {{"which", "json"}});
    Pairs attributes = {{"cases", "[\"true\", \"b\", \"\"]"}};
    if (withDefault)
      attributes.emplace_back("default", "b");
    addStep(main, "choose", StepKind::branch, {{"selector", graphInput()}},
            {{"out", "text"}}, attributes)
        .graphs = {1, 2, 3};
    addResult(main, "out", "text", from(0));
    for (const char *name : {"first", "second", "third"}) {
      StepGraphT &graph = addGraph(plan, name);
      addConstant(graph, name, "text", name);
      addResult(graph, "out", "text", from(0));
    }
    auto runtime = openPlan(plan);
    auto choose = [&](Json which) {
      RunOptions options;
      options.inputs["which"] = Value::json(std::move(which));
      auto result = runPlan(*runtime, std::move(options));
      return result.isOk() ? textOf(*result) : result.status().str();
    };
    EXPECT_EQ(choose(true), "first");
    EXPECT_EQ(choose("b"), "second");
    EXPECT_EQ(choose(""), "third");
    EXPECT_EQ(choose("c"), withDefault
                               ? "second"
                               : "flow.yaml:2:3: step 'main/choose': no branch "
                                 "for 'c', and no default; the branches are "
                                 "[\"true\",\"b\",\"\"]");
  }
}

TEST(GraphRunner, LongChainsOfCallsAndSteps) {
  constexpr int length = 10000;
  for (bool calls : {false, true}) {
    PlanT plan = emptyPlan();
    addGraph(plan, "main", {{"x", "text"}});
    if (calls) {
      // Without a step inside, nothing leaves the stack by itself.
      StepGraphT &body = addGraph(plan, "body", {{"x", "text"}});
      addResult(body, "x", "text", graphInput());
    }
    StepGraphT &main = *plan.graphs[0];
    for (int i = 0; i < length; ++i) {
      std::string name = "s" + std::to_string(i);
      if (calls)
        addStep(main, name, StepKind::call, {{"x", from(i - 1)}},
                {{"x", "text"}})
            .graphs = {1};
      else
        addRender(main, name, {{"x", from(i - 1)}}, "{{x}}");
    }
    addResult(main, "x", "text", from(length - 1));
    auto runtime = openPlan(plan);
    RunOptions options;
    options.inputs["x"] = Value::text("end");
    EXPECT_EQ(textOf(runOk(*runtime, options)), "end");
  }
}

TEST(GraphRunner, HugeMaps) {
  constexpr int count = 100000;
  for (bool empty : {true, false}) {
    PlanT plan = emptyPlan();
    StepGraphT &main = addGraph(plan, "main", {{"x", "json"}});
    addStep(main, "each", StepKind::map, {{"x", graphInput()}},
            {{"x", "list<json>"}}, {{"over", "[\"x\"]"}})
        .graphs = {1};
    addResult(main, "x", "list<json>", from(0));
    StepGraphT &body = addGraph(plan, "body", {{"x", "json"}});
    if (!empty)
      addRender(body, "print", {{"x", graphInput()}}, "{{x}}");
    addResult(body, "x", "json", empty ? graphInput() : from(0));
    auto runtime = openPlan(plan);
    Json list = Json::array();
    for (int i = 0; i < count; ++i)
      list.push_back(std::to_string(i));
    RunOptions options;
    options.inputs["x"] = Value::json(list);
    RunResult result = runOk(*runtime, options);
    EXPECT_TRUE(result.outputs[0].second.toJson() == list);
    EXPECT_EQ(result.steps.size(), empty ? 0u : size_t(count));
  }
}

TEST(GraphRunner, SeveralRunsOfOneRuntime) {
  auto runtime = openPlan(mapPlan("3"));
  std::vector<std::thread> threads;
  for (int run = 0; run < 8; ++run)
    threads.emplace_back([&, run] {
      for (int round = 0; round < 5; ++round) {
        std::string name = std::to_string(run * 10 + round);
        RunResult result =
            runOk(*runtime, mapInputs({1, 2}, {name, name + "b"}));
        EXPECT_EQ(result.outputs[0].second.toJson(),
                  Json({"1" + name + "!", "2" + name + "b!"}));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(GraphRunner, InputsAreChecked) {
  auto runtime = openPlan(mapPlan("0"));
  RunOptions options = mapInputs({1}, {"a"});
  options.inputs.erase("z");
  EXPECT_EQ(runPlan(*runtime, options).status().message(),
            "the flow needs the input 'z': give it as --input z=VALUE; its "
            "inputs are: x (json), y (list<text>), z (text)");
  options = mapInputs({1}, {"a"});
  options.inputs["w"] = Value::text("");
  EXPECT_EQ(runPlan(*runtime, options).status().message(),
            "the flow has no input 'w'; its inputs are: x (json), y "
            "(list<text>), z (text)");
}
