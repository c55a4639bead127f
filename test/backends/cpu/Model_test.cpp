// Whole models on the cpu backend: close to the reference backend, and the same
// bits in any company, chunking and on any team.
#include "test/backends/cpu/ModelHarness.h"
#include "test/runtime/models/Models.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace hetagon;
using namespace hetagon::cpu;

namespace {

/// Ids of ordinary words; any would do.
std::vector<int32_t> someTokens(size_t count, uint32_t seed, int32_t limit) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t &token : tokens)
    token = 300 + int32_t(random() % (limit - 300));
  return tokens;
}

/// Kullback-Leibler divergence of softmax(actual) from softmax(expected).
double divergence(const float *expected, const float *actual, size_t count) {
  auto logSum = [&](const float *x) {
    double largest = *std::max_element(x, x + count), sum = 0;
    for (size_t i = 0; i < count; ++i)
      sum += std::exp(x[i] - largest);
    return largest + std::log(sum);
  };
  double a = logSum(expected), b = logSum(actual), total = 0;
  for (size_t i = 0; i < count; ++i)
    total += std::exp(expected[i] - a) * ((expected[i] - a) - (actual[i] - b));
  return total;
}

TEST(DecoderModel, IsCloseToReferenceAndIndependentOfCompany) {
  std::string path = test::exampleDecoder();
  if (path.empty())
    GTEST_SKIP() << test::modelsMissing;
  LoadedModel two(path, "cpu", 2, 128, 64), three(path, "cpu", 3, 128, 64);
  const size_t length = 40;
  const size_t vocabulary = two.service().vocabulary;
  std::vector<int32_t> tokens = someTokens(length, 7, 40000);
  std::vector<int32_t> all(length), zeros(length);
  std::iota(all.begin(), all.end(), 0);
  std::vector<float> prefill = two.decode(tokens, all, zeros, all, 1);

  LoadedModel reference(path, "reference", 2, 128, 64);
  std::vector<float> expected = reference.decode(tokens, all, zeros, all, 1);
  double mean = 0;
  for (size_t r = 0; r < length; ++r)
    mean += divergence(&expected[r * vocabulary], &prefill[r * vocabulary],
                       vocabulary) /
            length;
  RecordProperty("mean_divergence", std::to_string(mean));
  EXPECT_LT(mean, 0.01);
  EXPECT_GT(mean, 0); // the two are not one implementation

  // Chunks of random size, on three workers.
  std::mt19937 random(3);
  for (size_t begin = 0; begin < length;) {
    size_t count = std::min<size_t>(1 + random() % 9, length - begin);
    std::vector<int32_t> outs(count);
    std::iota(outs.begin(), outs.end(), 0);
    std::vector<float> chunk =
        three.decode({tokens.begin() + begin, tokens.begin() + begin + count},
                     {all.begin() + begin, all.begin() + begin + count},
                     std::vector<int32_t>(count), outs, 1);
    ASSERT_EQ(chunk, std::vector<float>(prefill.begin() + begin * vocabulary,
                                        prefill.begin() +
                                            (begin + count) * vocabulary))
        << "chunk of " << count << " rows from " << begin;
    begin += count;
  }

  // In one batch with other sequences, as the second of three.
  std::vector<int32_t> mixed, positions, sequence, outs;
  for (auto [s, count] : {std::pair(0, 29), {1, 40}, {2, 3}})
    for (int32_t p = 0; p < count; ++p) {
      if (s == 1)
        outs.push_back(mixed.size());
      mixed.push_back(s == 1 ? tokens[p] : 1000 + 31 * p + s);
      positions.push_back(p);
      sequence.push_back(s);
    }
  EXPECT_EQ(two.decode(mixed, positions, sequence, outs, 3), prefill);
}

TEST(EncoderModel, IsCloseToReferenceAndIndependentOfCompany) {
  std::string path = test::exampleEncoder();
  if (path.empty())
    GTEST_SKIP() << test::modelsMissing;
  LoadedModel cpu(path, "cpu", 2, 512, 0);
  LoadedModel reference(path, "reference", 2, 512, 0);
  std::vector<std::vector<int32_t>> texts;
  for (size_t length : {5, 1, 67, 128, 20})
    texts.push_back(someTokens(length, length, 30000));
  std::vector<float> actual = cpu.embed(texts),
                     expected = reference.embed(texts);
  size_t width = cpu.service().embedding_size;
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t t = 0; t < texts.size(); ++t) {
    double dot = 0, a = 0, b = 0;
    for (size_t i = t * width; i < (t + 1) * width; ++i) {
      dot += double(actual[i]) * expected[i];
      a += double(actual[i]) * actual[i];
      b += double(expected[i]) * expected[i];
    }
    EXPECT_GT(dot / std::sqrt(a * b), 0.99999) << "text " << t;
    EXPECT_EQ(cpu.embed({texts[t]}),
              std::vector<float>(actual.begin() + t * width,
                                 actual.begin() + (t + 1) * width))
        << "text " << t << " alone differs";
  }
}

} // namespace
