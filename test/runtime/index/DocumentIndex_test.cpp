// The index: exact and approximate search against a full scan, equal bytes,
// hostile files.
#include "runtime/index/DocumentIndex.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::index;

namespace {

struct Made {
  std::vector<Passage> passages;
  std::vector<float> vectors;
};

Made make(size_t count, uint32_t dimensions, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Made made;
  for (size_t i = 0; i < count; ++i) {
    std::string id = "d.md#" + std::to_string(i + 1);
    made.passages.push_back({id, "d.md", "t", "text " + std::to_string(i)});
    std::vector<float> v(dimensions);
    float sum = 0;
    for (float &x : v) {
      x = normal(random);
      sum += x * x;
    }
    for (float x : v)
      made.vectors.push_back(x / std::sqrt(sum));
  }
  return made;
}

std::span<const uint8_t> view(const std::string &bytes) {
  return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}

} // namespace

class IndexSizes : public testing::TestWithParam<size_t> {};

TEST_P(IndexSizes, FindsWhatAFullScanFinds) {
  constexpr uint32_t dimensions = 24;
  Made made = make(GetParam(), dimensions, 3);
  auto bytes = DocumentIndex::write(made.passages, made.vectors, dimensions);
  ASSERT_TRUE(bytes.isOk());
  auto index = DocumentIndex::open(view(*bytes), "x.index");
  ASSERT_TRUE(index.isOk()) << index.status().str();
  Made queries = make(50, dimensions, 11);
  size_t agreed = 0;
  for (size_t q = 0; q < 50; ++q) {
    std::span query(queries.vectors.data() + q * dimensions, dimensions);
    size_t best = 0;
    float bestScore = -2;
    for (size_t i = 0; i < made.passages.size(); ++i) {
      float score = 0;
      for (size_t d = 0; d < dimensions; ++d)
        score += query[d] * made.vectors[i * dimensions + d];
      if (score > bestScore)
        bestScore = score, best = i;
    }
    auto hits = (*index)->search(query, 3);
    ASSERT_TRUE(hits.isOk());
    ASSERT_EQ(hits->size(), std::min<size_t>(3, GetParam()));
    agreed += (*hits)[0].passage == &(*index)->passages()[best];
    EXPECT_LE((*hits)[0].score, bestScore + 1e-5f);
  }
  EXPECT_GE(agreed, GetParam() <= DocumentIndex::exactLimit ? 50u : 48u);
}
INSTANTIATE_TEST_SUITE_P(Sizes, IndexSizes, testing::Values(1, 2, 100, 5000));

TEST(DocumentIndex, SameInputSameBytes) {
  Made made = make(20, 8, 1);
  EXPECT_EQ(*DocumentIndex::write(made.passages, made.vectors, 8),
            *DocumentIndex::write(made.passages, made.vectors, 8));
}

TEST(DocumentIndex, HostileFilesAreRefused) {
  Made made = make(20, 8, 1);
  std::string good = *DocumentIndex::write(made.passages, made.vectors, 8);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DocumentIndex::open(view(good.substr(0, size)), "x").isOk());
  auto with = [&](size_t offset, uint64_t value, size_t width) {
    std::string bytes = good;
    std::memcpy(bytes.data() + offset, &value, width);
    return DocumentIndex::open(view(bytes), "x").status();
  };
  for (uint64_t value : {uint64_t(0), uint64_t(7), ~uint64_t(0),
                         uint64_t(1) << 63, uint64_t(1) << 62}) {
    EXPECT_FALSE(with(12, value, 4).isOk());
    EXPECT_FALSE(with(16, value, 8).isOk());
    EXPECT_FALSE(with(24, value, 8).isOk());
  }
  EXPECT_FALSE(with(good.size() - 4, 0x7fc00000, 4).isOk());
  // Any one byte changed must be read or refused, never crash.
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bytes = good;
    bytes[i] = char(bytes[i] ^ 0x55);
    auto opened = DocumentIndex::open(view(bytes), "x");
    if (opened.isOk())
      EXPECT_EQ((*opened)->passages().size(), 20u);
  }
}

TEST(DocumentIndex, AQueryOfAnotherWidthIsRefused) {
  Made made = make(3, 8, 1);
  std::string bytes = *DocumentIndex::write(made.passages, made.vectors, 8);
  auto index = DocumentIndex::open(view(bytes), "x");
  std::vector<float> query(7);
  EXPECT_EQ((*index)->search(query, 1).status().code(), Code::InvalidArgument);
}
