// Packing of sequences does not change their embeddings.
#include "ToyService.h"
#include "runtime/exec/EmbeddingService.h"
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::toy;

namespace {
std::unique_ptr<EmbeddingService> make(const HostExecutor &executor,
                                       const Model &model,
                                       ServiceOptions options = {}) {
  auto service = ServiceInstance::load(encoder(model), openDevice(executor),
                                       sources(model), options);
  EXPECT_TRUE(service.isOk()) << service.status().str();
  return *EmbeddingService::create(*service);
}
} // namespace

TEST(EmbeddingService, RandomPackings) {
  HostExecutor executor;
  for (uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    Model model;
    model.maxRows = 8 + random() % 30;
    model.contextTokens = 4 + random() % 30;
    ServiceOptions options;
    options.maxSequences = 1 + random() % 6;
    auto service = make(executor, model, options);
    uint32_t limit = std::min(model.maxRows, model.contextTokens);
    ASSERT_EQ(service->maxTokens(), limit);
    EmbeddingOptions asked;
    asked.keepTail = random() % 3;
    std::vector<std::vector<int32_t>> sequences(random() % 25);
    for (auto &sequence : sequences) {
      sequence.resize(1 + random() % 40);
      for (int32_t &id : sequence)
        id = int32_t(random() % model.vocabulary);
    }
    auto result = service->embed(sequences, asked);
    ASSERT_TRUE(result.isOk()) << result.status().str();
    ASSERT_EQ(result->size(), sequences.size());
    for (size_t i = 0; i < sequences.size(); ++i) {
      std::vector<int32_t> kept = sequences[i];
      bool truncated = kept.size() > limit;
      if (truncated) {
        std::vector<int32_t> tail(kept.end() - asked.keepTail, kept.end());
        kept.resize(limit - asked.keepTail);
        kept.insert(kept.end(), tail.begin(), tail.end());
      }
      EXPECT_EQ((*result)[i].truncated, truncated);
      EXPECT_EQ((*result)[i].usedTokens, kept.size());
      EXPECT_EQ((*result)[i].values, expectedEmbedding(model, kept));
    }
  }
}

TEST(EmbeddingService, RefusesBadTokensAndCancelled) {
  HostExecutor executor;
  Model model;
  auto service = make(executor, model);
  EXPECT_EQ(service->embed({{{1}, {}}}).status().code(), Code::InvalidArgument);
  EXPECT_EQ(service->embed({{{-1}}}).status().code(), Code::InvalidArgument);
  EXPECT_EQ(service->embed({{{int32_t(model.vocabulary)}}}).status().code(),
            Code::InvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EmbeddingOptions options;
  options.cancel = stop.get_token();
  EXPECT_EQ(service->embed({{{1}}}, options).status().code(), Code::Cancelled);
  options = {};
  options.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(service->embed({{{1}}}, options).status().code(),
            Code::DeadlineExceeded);
}
