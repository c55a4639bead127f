// The leaf kinds of steps: generation and embedding on the toy device, whose
// answers the test computes itself; endpoints; retrieval; tools.
#include "ToyService.h"
#include "runtime/index/DocumentIndex.h"
#include "test/runtime/exec/EndpointTestServer.h"
#include "test/runtime/exec/GraphPlans.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

using namespace hetagon;
using namespace hetagon::test;
using namespace hetagon::plan::fb;

namespace {

std::string folder() {
  static const std::string made = [] {
    std::string path =
        testing::TempDir() + "hetagon-steps-" + std::to_string(::getpid());
    std::filesystem::create_directories(path);
    writeToyFiles(path);
    return path;
  }();
  return made;
}

toy::Model toyModel() {
  toy::Model model;
  model.vocabulary = toyVocabulary;
  model.contextTokens = toyContext;
  return model;
}

std::vector<int32_t> tokensOf(const std::string &text) {
  std::vector<int32_t> tokens;
  for (char c : text)
    tokens.push_back(toyToken(c));
  return tokens;
}

/// What the toy answers greedily.
std::string greedy(const std::string &prompt, uint32_t maxTokens) {
  GenerationRequest request;
  request.prompt = tokensOf(prompt);
  request.maxTokens = maxTokens;
  std::string text;
  for (int32_t token : toy::expectedTokens(toyModel(), request))
    text += toyCharacter(token);
  return text;
}

/// main(prompt): a generate step with these attributes, streamed.
PlanT generatePlan(const Pairs &attributes) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"prompt", "text"}});
  addStep(main, "answer", StepKind::generate, {{"prompt", graphInput()}},
          {{"text", "stream<text>"}}, attributes)
      .service = int32_t(addToyDecoder(plan));
  addStreamedOutput(main, "answer", from(0));
  addResult(main, "answer", "text", from(0));
  return plan;
}

struct Generated {
  RunResult result;
  std::string text, streamed;
  size_t pieces = 0;
};

Generated generate(PlanRuntime &runtime, const std::string &prompt,
                   uint64_t seed = 0) {
  Generated generated;
  RunOptions options;
  options.inputs["prompt"] = Value::text(prompt);
  options.seed = seed;
  options.onStream = [&](const std::string &output, std::string_view piece) {
    EXPECT_EQ(output, "answer");
    generated.streamed += piece;
    ++generated.pieces;
  };
  auto result = runPlan(runtime, options);
  EXPECT_TRUE(result.isOk()) << result.status().str();
  if (result.isOk()) {
    generated.result = std::move(*result);
    generated.text = generated.result.outputs[0].second.toText();
  }
  return generated;
}

} // namespace

/// One track a queue, a span a submission; the text is nowhere.
TEST(Steps, SubmissionsAreTracedByQueue) {
  Trace trace;
  RuntimeOptions options;
  options.trace = &trace;
  PlanT plan = generatePlan({{"max_tokens", "20"}});
  StepGraphT &main = *plan.graphs[0];
  addStep(main, "embed", StepKind::embed, {{"text", graphInput()}},
          {{"embedding", "embedding"}})
      .service = int32_t(addToyEncoder(plan));
  auto runtime = openPlan(plan, std::move(options), folder());
  ASSERT_TRUE(runtime);
  std::string text = generate(*runtime, "Hello there").text;
  auto json = parseJson(trace.print(), "trace");
  ASSERT_TRUE(json.isOk());
  std::map<int, std::string> tracks;
  std::map<std::string, std::vector<Json>> spans;
  for (const Json &event : (*json)["traceEvents"])
    if (event["ph"] == "M")
      tracks[event["tid"]] = event["args"]["name"];
  for (const Json &event : (*json)["traceEvents"])
    if (event["ph"] == "X")
      spans[tracks[event["tid"]]].push_back(event);
  size_t queues = 0;
  for (const auto &[track, list] : spans) {
    if (!track.starts_with("queue of "))
      continue;
    ++queues;
    double end = 0; // a queue does one thing at a time
    for (const Json &span : list) {
      EXPECT_GE(span["ts"].get<double>(), end - 1) << track;
      end = span["ts"].get<double>() + span["dur"].get<double>();
    }
  }
  EXPECT_EQ(queues, 2u);
  const std::string decoder = "queue of " + plan.services[0]->name + " on " +
                              plan.devices[plan.services[0]->device]->id;
  size_t steps = 0, rows = 0;
  for (const Json &span : spans[decoder])
    if (span["name"] == "step") {
      ++steps;
      rows += span["args"]["rows"].get<size_t>();
    }
  EXPECT_EQ(steps, 20u) << decoder;
  EXPECT_EQ(rows, std::string("Hello there").size() + 19);
  EXPECT_EQ(trace.print().find(text), std::string::npos);
}

/// The answer is written two graphs further down, in one case of a branch.
TEST(Steps, GenerationInsideCallsAndBranchesIsStreamed) {
  PlanT plan = emptyPlan();
  uint32_t decoder = addToyDecoder(plan);
  addGraph(plan, "main", {{"prompt", "text"}});
  addGraph(plan, "inner", {{"prompt", "text"}});
  StepGraphT &chosen = addGraph(plan, "chosen", {{"prompt", "text"}});
  StepGraphT &other = addGraph(plan, "other", {{"prompt", "text"}});
  addStep(chosen, "answer", StepKind::generate, {{"prompt", graphInput()}},
          {{"text", "text"}}, {{"max_tokens", "20"}})
      .service = int32_t(decoder);
  addResult(chosen, "reply", "text", from(0));
  addConstant(other, "no", "text", "no");
  addResult(other, "reply", "text", from(0));
  StepGraphT &inner = *plan.graphs[1];
  addConstant(inner, "which", "text", "chosen");
  // Another generation, which nobody shows.
  addStep(inner, "unseen", StepKind::generate, {{"prompt", graphInput()}},
          {{"text", "text"}}, {{"max_tokens", "5"}})
      .service = int32_t(decoder);
  addStep(inner, "route", StepKind::branch,
          {{"selector", from(0)}, {"prompt", graphInput()}},
          {{"reply", "text"}}, {{"cases", R"(["other", "chosen"])"}})
      .graphs = {3, 2};
  addResult(inner, "reply", "text", from(2));
  StepGraphT &main = *plan.graphs[0];
  addStep(main, "call", StepKind::call, {{"prompt", graphInput()}},
          {{"reply", "text"}})
      .graphs = {1};
  addStreamedOutput(main, "answer", from(0));
  addResult(main, "answer", "text", from(0));
  auto runtime = openPlan(plan, {}, folder());
  ASSERT_TRUE(runtime);
  Generated made = generate(*runtime, "Hello there");
  EXPECT_EQ(made.text, greedy("Hello there", 20));
  EXPECT_EQ(made.streamed, made.text);
  EXPECT_EQ(made.pieces, 20u);
}

TEST(Steps, GenerationIsStreamed) {
  auto runtime = openPlan(generatePlan({{"max_tokens", "20"}}), {}, folder());
  ASSERT_TRUE(runtime);
  Generated made = generate(*runtime, "Hello there");
  EXPECT_EQ(made.text, greedy("Hello there", 20));
  EXPECT_EQ(made.streamed, made.text);
  EXPECT_EQ(made.pieces, 20u);
  const StepReport &step = made.result.steps[0];
  EXPECT_EQ(step.device, "toy:0");
  EXPECT_EQ(step.promptTokens, 11u);
  EXPECT_EQ(step.generatedTokens, 20u);
  EXPECT_GT(step.ttftMs, 0);
  EXPECT_EQ(step.gapsMs.size(), 19u);
  ASSERT_TRUE(made.result.ttftMs);
  EXPECT_LE(*made.result.ttftMs, made.result.latencyMs);
}

TEST(Steps, StopTextsCutAcrossTokens) {
  std::string whole = greedy("Some prompt", 40);
  for (size_t at : {0u, 3u, 17u, 36u}) {
    std::string stop = whole.substr(at, 4);
    size_t first = whole.find(stop);
    Json stops = {stop, "not to be found 55"};
    auto runtime = openPlan(
        generatePlan({{"max_tokens", "40"}, {"stop", printJson(stops)}}), {},
        folder());
    Generated made = generate(*runtime, "Some prompt");
    EXPECT_EQ(made.text, whole.substr(0, first));
    EXPECT_EQ(made.streamed, made.text);
    EXPECT_EQ(made.result.steps[0].generatedTokens, first + 4);
    EXPECT_GT(made.result.steps[0].ttftMs, 0);
  }
}

TEST(Steps, EqualPromptsOfAMap) {
  for (bool sampled : {true, false}) {
    PlanT plan = emptyPlan();
    StepGraphT &main = addGraph(plan, "main", {{"prompt", "list<text>"}});
    addStep(main, "each", StepKind::map, {{"prompt", graphInput()}},
            {{"out", "list<text>"}}, {{"over", "[\"prompt\"]"}})
        .graphs = {1};
    addResult(main, "out", "list<text>", from(0));
    StepGraphT &body = addGraph(plan, "body", {{"prompt", "text"}});
    addStep(body, "answer", StepKind::generate, {{"prompt", graphInput()}},
            {{"text", "text"}},
            {{"max_tokens", "24"}, {"temperature", sampled ? "1" : "0"}})
        .service = int32_t(addToyDecoder(plan));
    addResult(body, "out", "text", from(0));
    auto runtime = openPlan(plan, {}, folder());
    auto answers = [&](uint64_t seed) {
      RunOptions options;
      options.seed = seed;
      options.inputs["prompt"] = *Value::parse(
          printJson(std::vector<std::string>(8, "the same prompt")),
          "list<text>", "prompt");
      auto result = runPlan(*runtime, options);
      EXPECT_TRUE(result.isOk()) << result.status().str();
      return result->outputs[0].second.toJson().get<std::vector<std::string>>();
    };
    std::vector<std::string> first = answers(1);
    EXPECT_EQ(std::set(first.begin(), first.end()).size(), sampled ? 8u : 1u);
    EXPECT_EQ(answers(1), first);
    EXPECT_EQ(answers(2) == first, !sampled);
  }
}

TEST(Steps, PromptsThatDoNotFitAreErrors) {
  auto runtime = openPlan(generatePlan({}), {}, folder());
  for (const std::string &prompt : {std::string(), std::string(200, 'a')}) {
    RunOptions options;
    options.inputs["prompt"] = Value::text(prompt);
    auto result = runPlan(*runtime, options);
    ASSERT_FALSE(result.isOk());
    EXPECT_TRUE(result.status().str().starts_with("flow.yaml:2:3: step"))
        << result.status().str();
  }
}

TEST(Steps, GenerationsAreCancelled) {
  PlanT plan = generatePlan({{"max_tokens", "60"}});
  plan.devices[0]->config = "{\"delay_us\": 50000}";
  auto runtime = openPlan(plan, {}, folder());
  std::stop_source stop;
  RunOptions options;
  options.inputs["prompt"] = Value::text("Hello");
  options.cancel = stop.get_token();
  options.onStream = [&](const std::string &, std::string_view) {
    stop.request_stop();
  };
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(runPlan(*runtime, options).status().code(), Code::Cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

namespace {
PlanT endpointPlan(const std::string &url, const char *model,
                   const char *promptType) {
  PlanT plan = emptyPlan();
  plan.devices.push_back(std::make_unique<DeviceT>());
  plan.devices[0]->id = "cloud";
  plan.devices[0]->backend = "remote";
  auto &service = *plan.services.emplace_back(std::make_unique<ServiceT>());
  service.name = "large";
  service.kind = ServiceKind::endpoint;
  service.endpoint = std::make_unique<EndpointT>();
  service.endpoint->url = url;
  service.endpoint->model = model;
  service.endpoint->secret = "KEY";
  service.endpoint->price_per_million_input = 1000;
  service.endpoint->price_per_million_output = 100000;
  StepGraphT &main = addGraph(plan, "main", {{"prompt", promptType}});
  StepT &step =
      addStep(main, "answer", StepKind::generate, {{"prompt", graphInput()}},
              {{"text", "text"}}, {{"max_tokens", "10"}});
  step.service = 0;
  step.retries = 1;
  addStreamedOutput(main, "answer", from(0));
  addResult(main, "answer", "text", from(0));
  return plan;
}

RuntimeOptions withKey(const char *key) {
  RuntimeOptions options;
  options.secret = [key](const std::string &) -> StatusOr<std::string> {
    return std::string(key);
  };
  return options;
}
} // namespace

TEST(Steps, EndpointsAnswerWithCostAndTimes) {
  EndpointTestServer server("k3y-of-the-test");
  auto runtime = openPlan(endpointPlan(server.url(), "slow", "text"),
                          withKey("k3y-of-the-test"));
  Generated made = generate(*runtime, "one two three");
  EXPECT_EQ(made.text, "one two three");
  EXPECT_EQ(made.streamed, made.text);
  const StepReport &step = made.result.steps[0];
  EXPECT_EQ(step.device, "cloud");
  EXPECT_EQ(step.promptTokens, 10u);
  EXPECT_EQ(step.generatedTokens, 3u);
  EXPECT_NEAR(step.costUsd, 10 * 0.001 + 3 * 0.1, 1e-9);
  EXPECT_GE(step.ttftMs, 50);
  EXPECT_LT(step.ttftMs, made.result.latencyMs - 80);
  EXPECT_EQ(step.gapsMs.size(), 2u);
}

TEST(Steps, EndpointFailures) {
  EndpointTestServer server("k3y-of-the-test");
  struct Case {
    const char *model, *key;
    Code code;
    uint32_t attempts;
  };
  const Case cases[] = {{"busy", "k3y-of-the-test", Code::Unavailable, 2},
                        {"broken", "k3y-of-the-test", Code::Unavailable, 2},
                        {"echo", "wr0ng-k3y", Code::PermissionDenied, 1},
                        {"other", "k3y-of-the-test", Code::InvalidArgument, 1},
                        // Half an answer was streamed: no second try.
                        {"cut", "k3y-of-the-test", Code::DataLoss, 1}};
  for (const Case &each : cases) {
    Trace trace;
    RuntimeOptions runtimeOptions = withKey(each.key);
    runtimeOptions.trace = &trace;
    auto runtime = openPlan(endpointPlan(server.url(), each.model, "text"),
                            std::move(runtimeOptions));
    RunOptions options;
    options.inputs["prompt"] = Value::text("one two");
    auto result = runPlan(*runtime, options);
    EXPECT_EQ(result.status().code(), each.code) << result.status().str();
    EXPECT_EQ(runtime->service(0).endpoint->counts().requests, each.attempts);
    EXPECT_EQ(result.status().str().find(each.key), std::string::npos);
    EXPECT_EQ(trace.print().find(each.key), std::string::npos);
  }
}

TEST(Steps, MessagesOfAnyShapeAreCheckedNotTrusted) {
  EndpointTestServer server;
  auto runtime =
      openPlan(endpointPlan(server.url(), "echo", "message"), withKey("none"));
  auto ask = [&](Json prompt) {
    RunOptions options;
    options.inputs["prompt"] = Value::json(std::move(prompt));
    auto result = runPlan(*runtime, options);
    return result.isOk() ? result->outputs[0].second.toText()
                         : std::string(codeName(result.status().code()));
  };
  std::string refused(codeName(Code::InvalidArgument));
  EXPECT_EQ(ask("hi there"), "hi there");
  EXPECT_EQ(ask({{"role", "user"}, {"content", "one"}}), "one");
  EXPECT_EQ(ask(Json::array({{{"role", "system"}, {"content", "be brief"}},
                             {{"role", "user"}, {"content", "two"}}})),
            "two");
  EXPECT_EQ(ask(Json::array()), refused);
  EXPECT_EQ(ask(Json::array({1})), refused);
  EXPECT_EQ(ask(Json::array({{{"role", 5}, {"content", "x"}}})), refused);
  EXPECT_EQ(ask(Json::array({{{"role", "user"}, {"content", 5}}})), refused);
  EXPECT_EQ(ask(Json::array({{{"role", "user"}}})), refused);
  EXPECT_EQ(ask(true), refused);
}

TEST(Steps, RenderMakesMessages) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"x", "text"}});
  addStep(main, "prompt", StepKind::render, {{"x", graphInput()}},
          {{"text", "message"}},
          {{"template", "Say {{x}}."}, {"system", "You are {{x}}."}});
  addResult(main, "prompt", "message", from(0));
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["x"] = Value::text("calm");
  auto result = runPlan(*runtime, options);
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->outputs[0].second.toJson(),
            Json::array({{{"role", "system"}, {"content", "You are calm."}},
                         {{"role", "user"}, {"content", "Say calm."}}}));
}

TEST(Steps, TokenizeAndBack) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"x", "text"}});
  int32_t service = int32_t(addToyDecoder(plan));
  addStep(main, "tokens", StepKind::tokenize, {{"text", graphInput()}},
          {{"tokens", "tokens"}})
      .service = service;
  addStep(main, "text", StepKind::detokenize, {{"tokens", from(0)}},
          {{"text", "text"}})
      .service = service;
  addStep(main, "answer", StepKind::generate, {{"prompt", from(0)}},
          {{"text", "text"}}, {{"max_tokens", "5"}})
      .service = service;
  for (int i = 0; i < 3; ++i)
    addResult(main, std::to_string(i), i ? "text" : "tokens", from(i));
  auto runtime = openPlan(plan, {}, folder());
  RunOptions options;
  options.inputs["x"] = Value::text("Abc 12.");
  auto result = runPlan(*runtime, options);
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->outputs[0].second.toJson(), Json(tokensOf("Abc 12.")));
  EXPECT_EQ(result->outputs[1].second.toText(), "Abc 12.");
  EXPECT_EQ(result->outputs[2].second.toText(), greedy("Abc 12.", 5));
}

namespace {
std::vector<float> toyEmbedding(const std::string &text) {
  return toy::expectedEmbedding(toyModel(), tokensOf(text));
}

double dot(const std::vector<float> &a, const std::vector<float> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += double(a[i]) * b[i];
  return sum;
}

std::vector<float> unit(std::vector<float> values) {
  double norm = std::sqrt(dot(values, values));
  for (float &x : values)
    x = float(x / norm);
  return values;
}
} // namespace

TEST(Steps, SearchRanksByTheWeightedQueries) {
  std::vector<index::Passage> passages;
  std::vector<float> embeddings;
  for (int i = 0; i < 20; ++i) {
    std::string text = "passage " + std::string(1, char('a' + i));
    passages.push_back({"d.md#" + std::to_string(i), "d.md", "T", text});
    std::vector<float> one = unit(toyEmbedding(text));
    embeddings.insert(embeddings.end(), one.begin(), one.end());
  }
  auto written = index::DocumentIndex::write(passages, embeddings, 5);
  ASSERT_TRUE(written.isOk()) << written.status().str();
  std::ofstream(folder() + "/index", std::ios::binary) << *written;

  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"q", "text"}, {"r", "text"}});
  int32_t service = int32_t(addToyEncoder(plan));
  plan.artefacts.push_back(std::make_unique<ArtefactT>());
  plan.artefacts.back()->id = "index";
  plan.artefacts.back()->kind = ArtefactKind::index;
  plan.artefacts.back()->sha256.resize(32);
  for (uint32_t i = 0; i < 2; ++i)
    addStep(main, "embed" + std::to_string(i), StepKind::embed,
            {{"text", graphInput(i)}}, {{"embedding", "embedding"}})
        .service = service;
  addStep(main, "search", StepKind::search,
          {{"question", from(0)}, {"rewrite", from(1)}}, {{"passages", "json"}},
          {{"top_k", "4"}})
      .artefact = int32_t(plan.artefacts.size() - 1);
  addResult(main, "passages", "json", from(2));
  auto runtime = openPlan(plan, {}, folder());
  ASSERT_TRUE(runtime);
  RunOptions options;
  options.inputs["q"] = Value::text("what is it");
  options.inputs["r"] = Value::text("it is what");
  auto result = runPlan(*runtime, options);
  ASSERT_TRUE(result.isOk()) << result.status().str();

  std::vector<float> query = toyEmbedding("what is it");
  std::vector<float> second = toyEmbedding("it is what");
  for (size_t i = 0; i < query.size(); ++i)
    query[i] = 2 * query[i] + second[i];
  query = unit(query);
  std::vector<std::pair<double, std::string>> ranked;
  for (const index::Passage &passage : passages)
    ranked.emplace_back(-dot(query, unit(toyEmbedding(passage.text))),
                        passage.id);
  std::sort(ranked.begin(), ranked.end(),
            [](auto &a, auto &b) { return a.first < b.first; });
  Json found = result->outputs[0].second.toJson();
  ASSERT_EQ(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(found[i]["score"].get<double>(), -ranked[i].first, 1e-5);
  EXPECT_EQ(found[0]["id"], ranked[0].second);
  EXPECT_EQ(found[0]["source"], "d.md");
  EXPECT_EQ(found[0]["title"], "T");
}

TEST(Steps, AttributionTakesTheNearestPassage) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"t", "text"}, {"p", "json"}});
  addStep(main, "cite", StepKind::attribute,
          {{"text", graphInput(0)}, {"passages", graphInput(1)}},
          {{"citations", "json"}}, {{"threshold", "0.999"}})
      .service = int32_t(addToyEncoder(plan));
  addResult(main, "c", "json", from(0));
  auto runtime = openPlan(plan, {}, folder());
  auto cite = [&](const std::string &text, Json passages) {
    RunOptions options;
    options.inputs["t"] = Value::text(text);
    options.inputs["p"] = Value::json(std::move(passages));
    auto result = runPlan(*runtime, options);
    return result.isOk() ? result->outputs[0].second.toJson()
                         : Json(codeName(result.status().code()));
  };
  Json passages = Json::array({{{"id", "one"}, {"text", "It is so."}},
                               {{"id", "two"}, {"text", "Not at all."}}});
  EXPECT_EQ(cite("Not at all.", passages), Json::array({"two"}));
  EXPECT_EQ(cite("", passages), Json::array());
  EXPECT_EQ(cite("Not at all.", Json::array()), Json::array());
  std::string refused(codeName(Code::InvalidArgument));
  EXPECT_EQ(cite("x", {{"id", "one"}}), refused);
  EXPECT_EQ(cite("x", Json::array({{{"id", "one"}, {"text", 5}}})), refused);
  EXPECT_EQ(cite("x", Json::array({{{"id", 1}, {"text", "t"}}})), refused);
}

TEST(Steps, ToolResultsByType) {
  PlanT plan = emptyPlan();
  StepGraphT &main = addGraph(plan, "main", {{"text", "text"}});
  const std::pair<const char *, const char *> calls[] = {
      {"get_current_time", "json"},
      {"get_current_time", "text"},
      {"echo", "json"},
      {"echo", "text"}};
  int i = 0;
  for (auto [tool, type] : calls) {
    addTool(plan, main, "t" + std::to_string(i), tool, {{"text", graphInput()}})
        .outputs[0]
        ->type = type;
    addResult(main, "r" + std::to_string(i), type, from(i));
    ++i;
  }
  auto runtime = openPlan(plan);
  RunOptions options;
  options.inputs["text"] = Value::text("{\"a\": [1]}");
  auto result = runPlan(*runtime, options);
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->outputs[0].second.toJson()["timezone"], "UTC");
  EXPECT_TRUE(result->outputs[1].second.asText());
  EXPECT_EQ(result->outputs[2].second.toJson(),
            Json({{"a", Json::array({1})}}));
  EXPECT_EQ(result->outputs[3].second.toText(), "{\"a\": [1]}");
}
