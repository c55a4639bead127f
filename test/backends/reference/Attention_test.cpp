// Attention over the paged cache and within segments: against double precision,
// and bit for bit under chunking, page placement, batching and threads.
#include "test/backends/reference/Harness.h"
#include <cmath>
#include <numeric>

using namespace hetagon::test;

namespace {

/// Exact softmax attention of one query over rows [begin, end).
std::vector<double> naive(const float *q, const std::vector<float> &k,
                          const std::vector<float> &v, size_t begin, size_t end,
                          size_t stride, size_t offset, size_t headDim,
                          double scale) {
  std::vector<double> scores, out(headDim);
  double best = -1e300, sum = 0;
  for (size_t p = begin; p < end; ++p) {
    double score = 0;
    for (size_t i = 0; i < headDim; ++i)
      score += double(q[i]) * k[p * stride + offset + i];
    scores.push_back(score * scale);
    best = std::max(best, scores.back());
  }
  for (size_t p = begin; p < end; ++p) {
    double weight = std::exp(scores[p - begin] - best);
    sum += weight;
    for (size_t i = 0; i < headDim; ++i)
      out[i] += weight * v[p * stride + offset + i];
  }
  for (double &value : out)
    value /= sum;
  return out;
}

/// Sequences with their queries, keys and values, attended to through a cache.
struct Batch {
  static constexpr size_t heads = 6, kvHeads = 2, headDim = 24, pageTokens = 8;
  static constexpr size_t layers = 2, pages = 40;
  static constexpr size_t qWidth = heads * headDim, kvWidth = kvHeads * headDim;
  std::string format = "f32";
  size_t window = 0;
  std::vector<size_t> lengths = {37, 8, 1, 20};
  std::vector<std::vector<float>> q, k, v; ///< of each sequence

  explicit Batch(uint32_t seed) {
    Random random(seed);
    for (size_t length : lengths) {
      q.push_back(randomFloats(random, length * qWidth));
      k.push_back(randomFloats(random, length * kvWidth));
      v.push_back(randomFloats(random, length * kvWidth));
    }
  }

  std::string keys() const {
    return "layers=2 kv_heads=2 head_dim=24 page_tokens=8 layer=1 format=" +
           format;
  }

  /// Feeds the sequences in chunks that `seed` chooses (0: everything at once)
  /// with pages in an order that it chooses; returns each sequence's result.
  std::vector<std::vector<float>> run(Harness &harness, uint32_t seed) const {
    Random random(seed);
    size_t maxPages = 6, seqs = lengths.size();
    std::vector<int32_t> order(pages), table(seqs * maxPages, -1);
    std::iota(order.begin(), order.end(), 0);
    if (seed)
      std::shuffle(order.begin(), order.end(), random);
    size_t next = 0;
    for (size_t s = 0; s < seqs; ++s)
      for (size_t i = 0; i * pageTokens < lengths[s]; ++i)
        table[s * maxPages + i] = order[next++];
    size_t element = format == "f32" ? 4 : 2;
    Bytes pool(pages * layers * 2 * kvHeads * pageTokens * headDim * element,
               0xff);
    std::vector<std::vector<float>> results(seqs);
    std::vector<size_t> done(seqs);
    while (true) {
      std::vector<float> rowsQ, rowsK, rowsV;
      std::vector<int32_t> rowSeq, positions;
      for (size_t s = 0; s < seqs; ++s) {
        size_t left = lengths[s] - done[s];
        size_t take = seed ? std::min<size_t>(left, random() % 10) : left;
        for (size_t i = 0; i < take; ++i, ++done[s]) {
          auto add = [&](std::vector<float> &to, const std::vector<float> &from,
                         size_t width) {
            to.insert(to.end(), from.begin() + long(done[s] * width),
                      from.begin() + long((done[s] + 1) * width));
          };
          add(rowsQ, q[s], qWidth);
          add(rowsK, k[s], kvWidth);
          add(rowsV, v[s], kvWidth);
          rowSeq.push_back(int32_t(s));
          positions.push_back(int32_t(done[s]));
        }
      }
      std::vector<int64_t> constants = {int64_t(rowSeq.size()), int64_t(seqs),
                                        int64_t(maxPages)};
      std::vector<Bytes> append = {
          bytesOf(rowsK),  bytesOf(rowsV),     pool,
          bytesOf(rowSeq), bytesOf(positions), bytesOf(table)};
      harness.check(harness.tryRun("a kv_append " + keys(), append, constants));
      pool = append[2];
      std::vector<float> out = harness.run(
          "attention heads=6 scale=0.2 window=" + std::to_string(window) + " " +
              keys(),
          {bytesOf(rowsQ), pool, bytesOf(rowSeq), bytesOf(positions),
           bytesOf(table)},
          rowsQ.size(), constants);
      for (size_t r = 0; r < rowSeq.size(); ++r)
        results[size_t(rowSeq[r])].insert(results[size_t(rowSeq[r])].end(),
                                          out.begin() + long(r * qWidth),
                                          out.begin() + long((r + 1) * qWidth));
      if (done == lengths)
        return results;
    }
  }

  void compare(const std::vector<std::vector<float>> &results,
               double tolerance) const {
    for (size_t s = 0; s < lengths.size(); ++s)
      for (size_t p = 0; p < lengths[s]; ++p)
        for (size_t h = 0; h < heads; ++h) {
          size_t begin = window && p + 1 > window ? p + 1 - window : 0;
          size_t at = p * qWidth + h * headDim;
          expectNear(naive(&q[s][at], k[s], v[s], begin, p + 1, kvWidth,
                           h / 3 * headDim, headDim, 0.2f),
                     {results[s].begin() + long(at),
                      results[s].begin() + long(at + headDim)},
                     tolerance);
        }
  }
};

TEST(ReferenceAttention, EqualsDoublePrecision) {
  Harness harness(2);
  Batch setup(1);
  setup.compare(setup.run(harness, 0), 1e-5);
  for (size_t window : {1, 5, 8, 100}) {
    setup.window = window;
    setup.compare(setup.run(harness, 0), 1e-5);
  }
  setup.window = 0;
  setup.format = "f16";
  setup.compare(setup.run(harness, 0), 2e-3);
  setup.format = "bf16";
  setup.compare(setup.run(harness, 0), 2e-2);
}

TEST(ReferenceAttention, BitsDependOnTheSequenceOnly) {
  Harness one(1), three(3);
  for (const char *format : {"f32", "f16"}) {
    Batch setup(2);
    setup.format = format;
    std::vector<std::vector<float>> expected = setup.run(one, 0);
    for (uint32_t seed = 1; seed < 6; ++seed) {
      std::vector<std::vector<float>> results =
          setup.run(seed % 2 ? three : one, seed);
      for (size_t s = 0; s < expected.size(); ++s)
        expectSameBits(expected[s], results[s]);
    }
  }
}

TEST(ReferenceAttention, CacheKeepsTheNearestHalf) {
  // Values between two halves, ties, the largest and the subnormal.
  std::vector<float> values = {1.0f,      1.00048828f, 1.00146484f, 65504.0f,
                               65519.99f, 65520.0f,    5.96e-8f,    2.98e-8f,
                               2.981e-8f, -6.1e-5f,    0.1f,        -0.0f};
  std::vector<uint16_t> halves = {0x3c00, 0x3c00, 0x3c02, 0x7bff,
                                  0x7bff, 0x7c00, 0x0001, 0x0000,
                                  0x0001, 0x83ff, 0x2e66, 0x8000};
  Harness harness;
  std::vector<Bytes> contents = {bytesOf(values),
                                 bytesOf(values),
                                 Bytes(values.size() * 4),
                                 bytesOf(std::vector<int32_t>{0}),
                                 bytesOf(std::vector<int32_t>{0}),
                                 bytesOf(std::vector<int32_t>{0})};
  harness.check(harness.tryRun("a kv_append layers=1 kv_heads=1 head_dim=12 "
                               "page_tokens=1 layer=0 format=f16",
                               contents, {1, 1, 1}));
  std::vector<uint16_t> stored(12);
  std::memcpy(stored.data(), contents[2].data(), 24);
  for (size_t i = 0; i < stored.size(); ++i)
    EXPECT_EQ(halves[i], stored[i]) << values[i];
}

TEST(ReferenceAttention, RefusesPagesOutOfRange) {
  Harness harness;
  struct Case {
    int32_t rowSeq, position, page;
  };
  for (Case bad : {Case{1, 0, 0},
                   {-1, 0, 0},
                   {0, 2, 0},
                   {0, -1, 0},
                   {0, 0, 3},
                   {0, 0, -1}}) {
    std::vector<Bytes> append = {bytesOf(std::vector<float>(2)),
                                 bytesOf(std::vector<float>(2)),
                                 Bytes(3 * 4 * 4 * 2),
                                 bytesOf(std::vector<int32_t>{bad.rowSeq}),
                                 bytesOf(std::vector<int32_t>{bad.position}),
                                 bytesOf(std::vector<int32_t>{bad.page})};
    const char *keys = "layers=1 kv_heads=1 head_dim=2 page_tokens=2 layer=0 "
                       "format=f32";
    EXPECT_EQ(
        HETAGON_OUT_OF_RANGE,
        harness.tryRun(std::string("e kv_append ") + keys, append, {1, 1, 1}));
    std::vector<Bytes> attend = {append[0], append[2], append[3],
                                 append[4], append[5], append[1]};
    EXPECT_EQ(HETAGON_OUT_OF_RANGE,
              harness.tryRun(std::string("e attention heads=1 scale=1 ") + keys,
                             attend, {1, 1, 1}));
  }
}

TEST(ReferenceAttention, SegmentsAttendWithinThemselves) {
  Random random(9);
  size_t heads = 4, headDim = 10, width = heads * headDim;
  std::vector<size_t> lengths = {5, 130, 1, 64};
  size_t rows = std::accumulate(lengths.begin(), lengths.end(), size_t(0));
  std::vector<float> q = randomFloats(random, rows * width),
                     k = randomFloats(random, rows * width),
                     v = randomFloats(random, rows * width);
  std::vector<int32_t> begins, ends;
  for (size_t length : lengths) {
    size_t begin = begins.size();
    for (size_t i = 0; i < length; ++i) {
      begins.push_back(int32_t(begin));
      ends.push_back(int32_t(begin + length));
    }
  }
  std::string line = "segment_attention heads=4 head_dim=10 scale=0.3";
  Harness one(1), two(2);
  std::vector<float> result = two.run(
      line,
      {bytesOf(q), bytesOf(k), bytesOf(v), bytesOf(begins), bytesOf(ends)},
      rows * width, {int64_t(rows)});
  for (size_t r = 0; r < rows; ++r)
    for (size_t h = 0; h < heads; ++h) {
      size_t at = r * width + h * headDim;
      expectNear(
          naive(&q[at], k, v, size_t(begins[r]), size_t(ends[r]), width,
                h * headDim, headDim, 0.3f),
          {result.begin() + long(at), result.begin() + long(at + headDim)},
          1e-5);
    }
  // Each segment alone gives the same bits.
  for (size_t begin = 0, i = 0; i < lengths.size(); begin += lengths[i++]) {
    auto cut = [&](const std::vector<float> &from) {
      return std::vector<float>(from.begin() + long(begin * width),
                                from.begin() +
                                    long((begin + lengths[i]) * width));
    };
    std::vector<int32_t> zero(lengths[i], 0),
        all(lengths[i], int32_t(lengths[i]));
    expectSameBits(cut(result),
                   one.run(line,
                           {bytesOf(cut(q)), bytesOf(cut(k)), bytesOf(cut(v)),
                            bytesOf(zero), bytesOf(all)},
                           lengths[i] * width, {int64_t(lengths[i])}));
  }
}

} // namespace
