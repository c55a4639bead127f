// The sampler against plain definitions: argmax, sorted sums, and the published
// vectors of the generator.
#include "runtime/exec/Sampler.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

using namespace hetagon;

namespace {
constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<float> randomLogits(std::mt19937 &random, size_t count) {
  std::vector<float> logits(count);
  for (float &logit : logits)
    logit = static_cast<float>(int(random() % 64) - 32) / 8.0f; // with ties
  return logits;
}

/// The ids that top-k and then top-p leave, by sorting everything.
std::vector<int32_t> allowed(const std::vector<float> &logits,
                             const SamplingParameters &parameters) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  if (parameters.topK)
    ids.resize(std::min<size_t>(ids.size(), parameters.topK));
  double total = 0, sum = 0;
  auto weight = [&](int32_t id) {
    return std::exp((double(logits[id]) - logits[ids[0]]) /
                    parameters.temperature);
  };
  for (int32_t id : ids)
    total += weight(id);
  size_t count = 0;
  while (count < ids.size() && sum < parameters.topP * total)
    sum += weight(ids[count++]);
  ids.resize(count);
  return ids;
}
} // namespace

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST(Philox, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                       {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Sampler, ExponentialAgreesWithTheLibrary) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 200000; ++i) {
    double x = -double(random() % 7000000) / double(1 << (random() % 20)) / 1e4;
    if (x < -700)
      continue;
    ASSERT_NEAR(expOfNonPositive(x) / std::exp(x), 1, 1e-15) << x;
  }
  EXPECT_EQ(expOfNonPositive(0), 1);
  EXPECT_EQ(expOfNonPositive(-infinity), 0);
  EXPECT_EQ(expOfNonPositive(-701), 0);
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  Sampler sampler;
  std::vector<float> logits = {1, 3, -infinity, 3, 2};
  EXPECT_EQ(*sampler.sample(logits, {}, 0), 1);
}

TEST(Sampler, DrawsOnlyWhatTopKAndTopPLeave) {
  Sampler sampler;
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    auto logits = randomLogits(random, 1 + random() % 300);
    SamplingParameters parameters;
    parameters.temperature = 0.1f + float(random() % 30) / 10;
    parameters.topK = random() % 3 ? random() % 40 : 0;
    parameters.topP = random() % 3 ? 0.05f + float(random() % 95) / 100 : 1;
    parameters.seed = random();
    auto ids = allowed(logits, parameters);
    for (uint64_t position = 0; position < 20; ++position) {
      auto token = sampler.sample(logits, parameters, position);
      ASSERT_TRUE(token.isOk());
      ASSERT_TRUE(std::count(ids.begin(), ids.end(), *token))
          << "round " << round << " token " << *token;
    }
  }
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  Sampler sampler;
  std::vector<float> logits = {0, 1, 2, -1, -infinity};
  for (float topP : {1.0f, 0.9999f}) {
    SamplingParameters parameters;
    parameters.temperature = 0.7f;
    parameters.topP = topP;
    parameters.seed = 42;
    std::vector<int> counts(logits.size());
    constexpr int draws = 40000;
    for (int i = 0; i < draws; ++i)
      ++counts[*sampler.sample(logits, parameters, uint64_t(i))];
    double total = 0;
    for (float logit : logits)
      total += std::exp(logit / 0.7);
    for (size_t id = 0; id < logits.size(); ++id) {
      double expected = std::exp(logits[id] / 0.7) / total;
      // Four standard deviations of a binomial.
      double margin = 4 * std::sqrt(expected * (1 - expected) / draws) + 1e-9;
      EXPECT_NEAR(counts[id] / double(draws), expected, margin) << id;
    }
  }
}

TEST(Sampler, SeedsAndPositionsAreStreamsOfTheirOwn) {
  Sampler first, second;
  std::mt19937 random(3);
  auto logits = randomLogits(random, 500);
  SamplingParameters a, b;
  a.temperature = b.temperature = 2;
  a.seed = 1;
  b.seed = uint64_t(1) << 32;
  int differ = 0, differBySeed = 0;
  for (uint64_t p = 0; p < 50; ++p) {
    // Whatever a sampler did before, the draw is the same.
    ASSERT_EQ(*first.sample(logits, a, p), *second.sample(logits, a, p));
    ASSERT_TRUE(first.top(logits, 3).isOk());
    differ += *first.sample(logits, a, p) != *first.sample(logits, a, p + 1);
    differBySeed += *first.sample(logits, a, p) != *first.sample(logits, b, p);
  }
  EXPECT_GT(differ, 40);
  EXPECT_GT(differBySeed, 40);
}

TEST(Sampler, LogProbabilitiesSumToOneAndAreOrdered) {
  Sampler sampler;
  std::mt19937 random(4);
  auto logits = randomLogits(random, 100);
  auto top = sampler.top(logits, 1000);
  ASSERT_TRUE(top.isOk());
  ASSERT_EQ(top->size(), 100u);
  double sum = 0;
  for (size_t i = 0; i < top->size(); ++i) {
    sum += std::exp(double((*top)[i].logProbability));
    EXPECT_EQ(*sampler.logProbability(logits, (*top)[i].id),
              (*top)[i].logProbability);
    if (i) {
      auto a = (*top)[i - 1], b = (*top)[i];
      EXPECT_TRUE(a.logProbability > b.logProbability ||
                  (a.logProbability == b.logProbability && a.id < b.id));
    }
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_FALSE(sampler.logProbability(logits, 100).isOk());
  EXPECT_FALSE(sampler.logProbability(logits, -1).isOk());
}

TEST(Sampler, WrongArithmeticIsAStatus) {
  Sampler sampler;
  float notANumber = std::numeric_limits<float>::quiet_NaN();
  SamplingParameters warm;
  warm.temperature = 1;
  for (const std::vector<float> &logits : {std::vector<float>{1, notANumber, 2},
                                           {infinity, 1},
                                           {-infinity, -infinity},
                                           {}})
    for (const SamplingParameters &parameters : {SamplingParameters(), warm}) {
      EXPECT_EQ(sampler.sample(logits, parameters, 0).status().code(),
                Code::Internal);
      EXPECT_FALSE(sampler.top(logits, 2).isOk());
    }
  SamplingParameters bad;
  bad.temperature = -1;
  EXPECT_EQ(bad.check().code(), Code::InvalidArgument);
  bad = {};
  bad.topP = 0;
  EXPECT_EQ(bad.check().code(), Code::InvalidArgument);
  bad.topP = notANumber;
  EXPECT_EQ(bad.check().code(), Code::InvalidArgument);
}
