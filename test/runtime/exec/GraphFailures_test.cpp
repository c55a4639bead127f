// Failures, time-outs, repetitions and cancellation: the first error is the
// result, with its place; everything else is brought to an end.
#include "test/runtime/exec/GraphPlans.h"
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::test;
using namespace hetagon::plan::fb;
using namespace std::chrono_literals;

namespace {

double msSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

/// Children of this process that have not been waited for.
size_t children() {
  size_t count = 0;
  for (const auto &task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(task.path() / "children");
    for (pid_t pid; list >> pid;)
      ++count;
  }
  return count;
}

} // namespace

TEST(GraphFailures, TheFirstErrorEndsTheRestAndIsLocated) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main");
  for (int i = 0; i < 5; ++i)
    addTool(plan, main, "hang" + std::to_string(i), "hang", {});
  addTool(plan, main, "broken", "fail", {});
  addRender(main, "never", {{"x", from(5)}}, "{{x}}");
  auto begin = std::chrono::steady_clock::now();
  {
    auto runtime = openPlan(plan);
    auto result = runPlan(*runtime, {});
    ASSERT_FALSE(result.isOk());
    EXPECT_EQ(result.status().str(),
              "flow.yaml:7:3: step 'main/broken': the tool 'echo' failed: it "
              "did not work");
    EXPECT_EQ(result.status().code(), Code::InvalidArgument);
    EXPECT_EQ(children(), 1u); // the server stays for further runs
  }
  EXPECT_LT(msSince(begin), 5000);
  EXPECT_EQ(children(), 0u);
}

// A failure deep inside must win against the cancellation that it causes
// further out.
TEST(GraphFailures, NestedErrorsAreNotMaskedByTheirOwnCancellation) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"x", "json"}});
  for (int i = 0; i < 8; ++i)
    addTool(plan, main, "hang" + std::to_string(i), "hang", {});
  addStep(main, "each", StepKind::map, {{"x", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"x\"]"}})
      .graphs = {1};
  StepGraphT &body = addGraph(plan, "body", {{"x", "json"}});
  addStep(body, "inner", StepKind::call, {{"x", graphInput()}},
          {{"out", "text"}})
      .graphs = {2};
  addResult(body, "out", "text", from(0));
  StepGraphT &inner = addGraph(plan, "inner", {{"x", "json"}});
  addTool(plan, inner, "broken", "fail", {}).location.reset();
  addResult(inner, "out", "text", from(0));
  auto runtime = openPlan(plan);
  for (int round = 0; round < 20; ++round) {
    RunOptions options;
    options.inputs["x"] = Value::json({1, 2, 3});
    auto result = runPlan(*runtime, options);
    ASSERT_FALSE(result.isOk());
    // Without a place of its own, the step has that of the step around it.
    EXPECT_TRUE(
        result.status().str().starts_with("flow.yaml:2:3: step 'main/each["))
        << result.status().str();
    EXPECT_NE(result.status().message().find("inner/broken': the tool"),
              std::string::npos);
  }
}

TEST(GraphFailures, TimeoutsOfStepsAndOfStepsAroundThem) {
  for (bool outer : {false, true}) {
    PlanT plan = emptyPlan();
    StepGraphT &main = addGraph(plan, "main");
    StepT &call = addStep(main, "call", StepKind::call, {}, {});
    call.graphs = {1};
    StepGraphT &body = addGraph(plan, "body");
    StepT &hang = addTool(plan, body, "hang", "hang", {});
    (outer ? call : hang).timeout_ms = 200;
    auto runtime = openPlan(plan);
    auto begin = std::chrono::steady_clock::now();
    auto result = runPlan(*runtime, {});
    EXPECT_EQ(result.status().code(), Code::DeadlineExceeded);
    EXPECT_NE(result.status().str().find("'main/call/hang'"),
              std::string::npos);
    EXPECT_GE(msSince(begin), 200);
    EXPECT_LT(msSince(begin), 3000);
  }
}

TEST(GraphFailures, OnlyPassingFailuresAreTriedAgain) {
  struct Case {
    const char *tool;
    uint32_t retries;
    Code code;
    int starts; ///< of the server: it dies or the tool hangs each time
  };
  const Case cases[] = {{"die", 2, Code::Unavailable, 3},
                        {"die", 0, Code::Unavailable, 1},
                        {"fail", 5, Code::InvalidArgument, 1},
                        {"missing", 5, Code::InvalidArgument, 1}};
  for (const Case &each : cases) {
    PlanT plan = emptyPlan();
    StepGraphT &main = addGraph(plan, "main");
    addTool(plan, main, "step", each.tool, {}).retries = each.retries;
    // The secret source is asked at each start of the server.
    plan.tools[0]->secrets.push_back(std::make_unique<KeyValueT>());
    plan.tools[0]->secrets[0]->key = "TOKEN";
    plan.tools[0]->secrets[0]->value = "token";
    std::atomic<int> starts{0};
    RuntimeOptions options;
    options.tools.secret = [&](const std::string &) -> StatusOr<std::string> {
      ++starts;
      return std::string("s3cr3t");
    };
    auto runtime = openPlan(plan, std::move(options));
    auto result = runPlan(*runtime, {});
    EXPECT_EQ(result.status().code(), each.code) << result.status().str();
    EXPECT_EQ(starts, each.starts) << each.tool;
  }
}

TEST(GraphFailures, TimedOutAttemptsAreRepeated) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main");
  StepT &step = addTool(plan, main, "step", "hang", {});
  step.retries = 2;
  step.timeout_ms = 150;
  auto runtime = openPlan(plan);
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(runPlan(*runtime, {}).status().code(), Code::DeadlineExceeded);
  EXPECT_GE(msSince(begin), 450);
}

TEST(GraphFailures, CancellationIsPrompt) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"x", "json"}});
  addStep(main, "each", StepKind::map, {{"x", graphInput()}},
          {{"out", "list<text>"}}, {{"over", "[\"x\"]"}})
      .graphs = {1};
  StepGraphT &body = addGraph(plan, "body", {{"x", "json"}});
  addEffect(plan, addTool(plan, body, "hang", "hang", {}), "crm", true);
  addResult(body, "out", "text", from(0));
  for (int delayMs : {0, 1, 50, 200}) {
    {
      auto runtime = openPlan(plan);
      RunOptions options;
      options.inputs["x"] = Value::json({1, 2, 3, 4, 5, 6, 7, 8});
      std::stop_source stop;
      options.cancel = stop.get_token();
      std::jthread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(delayMs));
        stop.request_stop();
      });
      auto begin = std::chrono::steady_clock::now();
      auto result = runPlan(*runtime, options);
      EXPECT_EQ(result.status().code(), Code::Cancelled);
      EXPECT_LT(msSince(begin), delayMs + 1500);
    }
    EXPECT_EQ(children(), 0u);
  }
}

TEST(GraphFailures, CancelledBeforeItStarts) {
  PlanT plan = emptyPlan();
  addConstant(addGraph(plan, "main"), "c", "text", "x");
  auto runtime = openPlan(plan);
  std::stop_source stop;
  stop.request_stop();
  RunOptions options;
  options.cancel = stop.get_token();
  EXPECT_EQ(runPlan(*runtime, options).status().code(), Code::Cancelled);
}

TEST(GraphFailures, RefusedToolsEndTheRunBeforeItStarts) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main");
  addTool(plan, main, "echo", "echo", {});
  RuntimeOptions options;
  options.tools.approve = [](const ToolCommand &) {
    return Status(Code::PermissionDenied, "no");
  };
  auto runtime = openPlan(plan, std::move(options));
  EXPECT_EQ(runPlan(*runtime, {}).status().code(), Code::PermissionDenied);
  EXPECT_EQ(children(), 0u);
}

TEST(GraphFailures, NobodyToAsk) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"q", "text"}});
  addStep(main, "ask", StepKind::ask, {{"question", graphInput()}},
          {{"answer", "text"}});
  addResult(main, "answer", "text", from(0));
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["q"] = Value::text("?");
  EXPECT_EQ(runPlan(*runtime, options).status().code(), Code::Unsupported);
  options.ask = [](const std::string &question) -> StatusOr<std::string> {
    return question + "!";
  };
  auto result = runPlan(*runtime, options);
  ASSERT_TRUE(result.isOk());
  EXPECT_EQ(result->outputs[0].second.toText(), "?!");
}
