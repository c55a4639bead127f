// Models of random weights in every family, rotary scaling and element format:
// the reference backend against llama.cpp, the cpu backend against it. The
// files are made here, from a seed; test/data/models/make_random_models.py.
#include "runtime/base/File.h"
#include "runtime/base/Sha256.h"
#include "test/e2e/PlanFixture.h"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>

using namespace hetagon;
using namespace hetagon::test;

namespace {

const std::string data = HETAGON_TEST_DATA "/models/";

struct Golden {
  std::string model, sha256;
  std::vector<int32_t> prompt, tokens;
  std::vector<std::pair<int32_t, double>> top;
};

std::vector<Golden> readGolden() {
  std::vector<Golden> all;
  std::ifstream file(data + "random-models.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto json = parseJson(line, "random-models.jsonl");
    EXPECT_TRUE(json.isOk()) << json.status().str();
    all.push_back(
        {(*json)["model"], (*json)["sha256"],
         (*json)["prompt"].get<std::vector<int32_t>>(),
         (*json)["tokens"].get<std::vector<int32_t>>(),
         (*json)["top"].get<std::vector<std::pair<int32_t, double>>>()});
  }
  return all;
}

struct Answer {
  std::vector<int32_t> tokens;
  std::vector<TokenLogProbability> top;
  std::vector<float> firstLogits;
};

/// Greedy tokens after the prompt.
Answer generate(const std::string &model, const std::string &backend,
                const Golden &golden) {
  Answer answer;
  auto runtime = openModel(model, backend, /*threads=*/1);
  if (!runtime)
    return answer;
  GenerationRequest request;
  request.prompt = golden.prompt;
  request.maxTokens = uint32_t(golden.tokens.size());
  request.ignoreStopTokens = true;
  request.topLogProbabilities = uint32_t(golden.top.size());
  request.onLogits = [&](uint32_t index, std::span<const float> logits) {
    if (index == 0)
      answer.firstLogits.assign(logits.begin(), logits.end());
  };
  auto result = runtime->service(0).decoder->generate(std::move(request));
  EXPECT_TRUE(result.isOk()) << result.status().str();
  if (result.isOk()) {
    answer.tokens = result->tokens;
    answer.top = result->firstTop;
  }
  return answer;
}

} // namespace

TEST(RandomModels, ReferenceEqualsLlamaCppAndCpuFollows) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::string python = std::string(venv ? venv : "") + "/bin/python";
  if (modelPath("gguf").empty())
    GTEST_SKIP() << "the package gguf is not installed";
  std::string command =
      python + " '" + data + "make_random_models.py' '" + testFolder() + "'";
  ASSERT_EQ(0, std::system(command.c_str())) << command;
  std::vector<Golden> all = readGolden();
  ASSERT_EQ(7u, all.size());
  for (const Golden &golden : all) {
    SCOPED_TRACE(golden.model);
    std::string path = testFolder() + "/" + golden.model + ".gguf";
    auto bytes = readFile(path, size_t(64) << 20);
    ASSERT_TRUE(bytes.isOk()) << bytes.status().str();
    ASSERT_EQ(golden.sha256, hex(sha256(*bytes)))
        << "the script makes another file than the one with golden values";

    Answer reference = generate(path, "reference", golden);
    EXPECT_EQ(golden.tokens, reference.tokens);
    ASSERT_EQ(golden.top.size(), reference.top.size());
    double worst = 0;
    for (size_t i = 0; i < golden.top.size(); ++i) {
      EXPECT_EQ(golden.top[i].first, reference.top[i].id);
      worst = std::max(worst, std::abs(golden.top[i].second -
                                       reference.top[i].logProbability));
    }
    EXPECT_LT(worst, 1e-4);

    Answer cpu = generate(path, "cpu", golden);
    ASSERT_EQ(reference.firstLogits.size(), cpu.firstLogits.size());
    double error = 0, size = 0;
    for (size_t i = 0; i < cpu.firstLogits.size(); ++i) {
      double difference = cpu.firstLogits[i] - reference.firstLogits[i];
      error += difference * difference;
      size += double(reference.firstLogits[i]) * reference.firstLogits[i];
    }
    error = std::sqrt(error / size);
    // The cpu backend rounds activations to eight bits for quantised weights.
    EXPECT_LT(error, 0.05);
    size_t same = 0;
    while (same < cpu.tokens.size() && cpu.tokens[same] == golden.tokens[same])
      ++same;
    std::cout << golden.model << ": log-probabilities differ by at most "
              << worst << "; cpu: relative error " << error << ", " << same
              << " tokens equal\n";
  }
}
