// The paged cache, causal attention over it and segment attention, against
// softmax in f64; a row's bits do not depend on its company or on page places.
#include "test/backends/cpu/KernelTest.h"

using namespace hetagon;
using namespace hetagon::cpu;

namespace {

/// One head's attention in f64: key and value give element d of position p.
template <typename Key, typename Value>
std::vector<double> attend(const float *query, int64_t headDim, double scale,
                           int64_t begin, int64_t end, Key key, Value value) {
  std::vector<double> weights, result(headDim);
  double largest = -1e300, sum = 0;
  for (int64_t p = begin; p < end; ++p) {
    double score = 0;
    for (int64_t d = 0; d < headDim; ++d)
      score += double(query[d]) * key(p, d);
    weights.push_back(score * scale);
    largest = std::max(largest, weights.back());
  }
  for (double &weight : weights)
    sum += weight = std::exp(weight - largest);
  for (int64_t p = begin; p < end; ++p)
    for (int64_t d = 0; d < headDim; ++d)
      result[d] += weights[p - begin] / sum * value(p, d);
  return result;
}

class AttentionTest : public KernelTest {};

struct PagedCase {
  AttentionSpec spec;
  std::vector<int64_t> lengths; ///< tokens of each sequence
};

TEST_P(AttentionTest, PagedEqualsSoftmax) {
  auto spec = [](KvSpec kv, int64_t heads, int64_t window = 0) {
    return AttentionSpec{kv, heads, 1 / std::sqrt(double(kv.headDim)), window,
                         RowForm::F32};
  };
  const std::vector<PagedCase> cases = {
      {spec({2, 3, 64, 32, WeightFormat::F32}, 9), {70, 1, 33}},
      {spec({1, 2, 16, 16, WeightFormat::F16}, 2), {40}},
      {spec({1, 1, 128, 32, WeightFormat::BF16}, 8), {35, 3}},
      {spec({2, 2, 8, 4, WeightFormat::F32}, 4, 7), {13, 6, 9}},
      {spec({1, 1, 40, 64, WeightFormat::F32}, 5, 20), {90}},
  };
  std::vector<std::string> appends, attentions;
  for (const PagedCase &c : cases) {
    appends.push_back(requireKvAppend(*set, c.spec.kv));
    attentions.push_back(requireAttention(*set, c.spec));
  }
  compile();
  for (size_t index = 0; index < cases.size(); ++index) {
    const AttentionSpec &spec = cases[index].spec;
    const KvSpec &kv = spec.kv;
    const std::vector<int64_t> &lengths = cases[index].lengths;
    int64_t seqs = lengths.size(), maxPages = 0, rows = 0;
    for (int64_t length : lengths) {
      maxPages =
          std::max(maxPages, (length + kv.pageTokens - 1) / kv.pageTokens);
      rows += length;
    }
    int64_t pages = seqs * maxPages + 2, layer = kv.layers - 1;
    std::vector<int32_t> rowSeq, positions, table(pages);
    for (int64_t s = 0; s < seqs; ++s)
      for (int64_t p = 0; p < lengths[s]; ++p) {
        rowSeq.push_back(s);
        positions.push_back(p);
      }
    std::iota(table.begin(), table.end(), 0);
    std::shuffle(table.begin(), table.end(), random);
    table.resize(seqs * maxPages);
    int64_t kvColumns = kv.heads * kv.headDim;
    int64_t columns = spec.heads * kv.headDim;
    std::vector<float> k = floats(rows * kvColumns),
                       v = floats(rows * kvColumns);
    std::vector<float> q = floats(rows * columns, 2);

    // Appends everything, then attends with the chosen rows only.
    auto compute = [&](KernelHost &host, const std::vector<int32_t> &places,
                       int64_t first, int64_t count) {
      Buffer pool = host.allocate(pages * kv.pageBytes());
      // Stale memory must not leak into results: fill with NaN patterns.
      host.write(pool, Bytes(pages * kv.pageBytes(), 0xff));
      Buffer keys = host.upload(bytesOf(k)), values = host.upload(bytesOf(v));
      Buffer rs = host.upload(bytesOf(rowSeq)),
             ps = host.upload(bytesOf(positions));
      Buffer pt = host.upload(bytesOf(places));
      host.run(appends[index], {&keys, &values, &pool, &rs, &ps, &pt},
               {rows, layer, seqs, maxPages, pages});
      auto slice = [&](const auto &list, int64_t width) {
        return host.upload(
            bytesOf(std::vector(list.begin() + first * width,
                                list.begin() + (first + count) * width)));
      };
      Buffer queries = slice(q, columns), rs2 = slice(rowSeq, 1);
      Buffer ps2 = slice(positions, 1),
             result = host.allocate(count * columns * 4);
      host.run(attentions[index], {&queries, &pool, &rs2, &ps2, &pt, &result},
               {count, layer, maxPages});
      return as<float>(host.download(result, count * columns * 4));
    };

    std::vector<float> all = compute(*hosts[0], table, 0, rows);
    auto rounded = [&](float value) {
      if (kv.format == WeightFormat::F32)
        return double(value);
      if (kv.format == WeightFormat::F16)
        return double(static_cast<float>(static_cast<_Float16>(value)));
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
      std::memcpy(&value, &bits, 4);
      return double(value);
    };
    std::vector<double> expected(rows * columns);
    int64_t start = 0;
    for (int64_t s = 0; s < seqs; start += lengths[s++])
      for (int64_t p = 0; p < lengths[s]; ++p)
        for (int64_t h = 0; h < spec.heads; ++h) {
          int64_t kvHead = h / (spec.heads / kv.heads);
          auto element = [&](const std::vector<float> &list, int64_t at,
                             int64_t d) {
            return rounded(
                list[(start + at) * kvColumns + kvHead * kv.headDim + d]);
          };
          int64_t begin =
              spec.window ? std::max<int64_t>(0, p + 1 - spec.window) : 0;
          std::vector<double> head = attend(
              &q[(start + p) * columns + h * kv.headDim], kv.headDim,
              spec.scale, begin, p + 1,
              [&](int64_t at, int64_t d) { return element(k, at, d); },
              [&](int64_t at, int64_t d) { return element(v, at, d); });
          std::copy(head.begin(), head.end(),
                    expected.begin() + (start + p) * columns + h * kv.headDim);
        }
    expectClose(all, expected, 2e-5, attentions[index]);

    std::vector<int32_t> moved = table;
    for (int32_t &page : moved)
      page = pages - 1 - page;
    EXPECT_EQ(compute(*hosts[1], moved, 0, rows), all) << "pages moved";
    EXPECT_EQ(compute(*hosts[2], table, 0, rows), all) << "three workers";
    for (int trial = 0; trial < 4; ++trial) {
      int64_t first = number(0, rows - 1), count = number(1, rows - first);
      EXPECT_EQ(compute(*hosts[trial % 3], table, first, count),
                std::vector<float>(all.begin() + first * columns,
                                   all.begin() + (first + count) * columns))
          << attentions[index] << ": rows from " << first << ", " << count;
    }
  }
}

TEST_P(AttentionTest, QuantisedResultHoldsTheSameValues) {
  KvSpec kv{1, 1, 32, 16, WeightFormat::F32};
  std::string append = requireKvAppend(*set, kv);
  std::string plain = requireAttention(*set, {kv, 2, 0.2, 0, RowForm::F32});
  struct Form {
    RowForm form;
    std::string attention, quantise;
  };
  std::vector<Form> forms;
  for (RowForm form : {RowForm::Q8, RowForm::Q16})
    forms.push_back({form, requireAttention(*set, {kv, 2, 0.2, 0, form}),
                     requireQuantise(*set, 64, form)});
  compile();
  KernelHost &host = *hosts[1];
  const int64_t rows = 20;
  std::vector<int32_t> zeros(rows), positions(rows), table = {1, 0};
  std::iota(positions.begin(), positions.end(), 0);
  Buffer pool = host.allocate(2 * kv.pageBytes());
  Buffer k = host.upload(bytesOf(floats(rows * 32)));
  Buffer q = host.upload(bytesOf(floats(rows * 64)));
  Buffer rs = host.upload(bytesOf(zeros)), ps = host.upload(bytesOf(positions));
  Buffer pt = host.upload(bytesOf(table));
  host.run(append, {&k, &k, &pool, &rs, &ps, &pt}, {rows, 0, 1, 2, 2});
  Buffer a = host.allocate(rows * 256);
  host.run(plain, {&q, &pool, &rs, &ps, &pt, &a}, {rows, 0, 2});
  for (const Form &form : forms) {
    size_t bytes = rows * rowBytes(form.form, 64);
    Buffer b = host.allocate(bytes), c = host.allocate(bytes);
    host.run(form.quantise, {&a, &b}, {rows});
    host.run(form.attention, {&q, &pool, &rs, &ps, &pt, &c}, {rows, 0, 2});
    EXPECT_EQ(host.download(b, bytes), host.download(c, bytes));
  }
}

TEST_P(AttentionTest, AppendRefusesNumbersOutOfRange) {
  KvSpec kv{1, 1, 16, 16, WeightFormat::F32};
  std::string append = requireKvAppend(*set, kv);
  compile();
  KernelHost &host = *hosts[1];
  Buffer pool = host.allocate(2 * kv.pageBytes()), k = host.allocate(64);
  struct Case {
    int32_t seq, position, page;
  };
  for (Case c : {Case{1, 0, 0},
                 {-1, 0, 0},
                 {0, 16, 0},
                 {0, -1, 0},
                 {0, 0, 2},
                 {0, 0, -1}}) {
    Buffer rs = host.upload(bytesOf(std::vector{c.seq}));
    Buffer ps = host.upload(bytesOf(std::vector{c.position}));
    Buffer pt = host.upload(bytesOf(std::vector{c.page}));
    Status status =
        host.tryRun(append, {&k, &k, &pool, &rs, &ps, &pt}, {1, 0, 1, 1, 2});
    EXPECT_EQ(status.code(), Code::OutOfRange) << status.str();
    host.renewFence();
  }
}

TEST_P(AttentionTest, SegmentsEqualSoftmax) {
  const std::vector<SegmentAttentionSpec> specs = {
      {12, 32, 0.17677669}, {2, 20, 0.3}, {1, 64, 0.125}};
  std::vector<std::string> entries;
  for (const SegmentAttentionSpec &spec : specs)
    entries.push_back(requireSegmentAttention(*set, spec));
  compile();
  for (size_t i = 0; i < specs.size(); ++i) {
    const SegmentAttentionSpec &spec = specs[i];
    int64_t columns = spec.heads * spec.headDim, rows = 0;
    std::vector<int32_t> begins, ends;
    for (int64_t length : {5, 70, 1, 33, 8}) {
      for (int64_t r = 0; r < length; ++r) {
        begins.push_back(rows);
        ends.push_back(rows + length);
      }
      rows += length;
    }
    std::vector<float> q = floats(rows * columns, 2),
                       k = floats(rows * columns);
    std::vector<float> v = floats(rows * columns);
    std::vector<float> all = run<float>(
        entries[i],
        {toBytes(q), toBytes(k), toBytes(v), toBytes(begins), toBytes(ends)},
        rows * columns, {rows});
    std::vector<double> expected(rows * columns);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t h = 0; h < spec.heads; ++h) {
        auto at = [&](const std::vector<float> &list) {
          return [&](int64_t p, int64_t d) {
            return double(list[p * columns + h * spec.headDim + d]);
          };
        };
        std::vector<double> head =
            attend(&q[r * columns + h * spec.headDim], spec.headDim, spec.scale,
                   begins[r], ends[r], at(k), at(v));
        std::copy(head.begin(), head.end(),
                  expected.begin() + r * columns + h * spec.headDim);
      }
    expectClose(all, expected, 2e-5, entries[i]);
    // The second segment alone.
    auto slice = [&](const std::vector<float> &list) {
      return toBytes(std::vector<float>(list.begin() + 5 * columns,
                                        list.begin() + 75 * columns));
    };
    std::vector<float> alone = run<float>(
        entries[i],
        {slice(q), slice(k), slice(v), toBytes(std::vector<int32_t>(70, 0)),
         toBytes(std::vector<int32_t>(70, 70))},
        70 * columns, {70});
    EXPECT_EQ(alone, std::vector<float>(all.begin() + 5 * columns,
                                        all.begin() + 75 * columns))
        << entries[i];
  }
}

HETAGON_EACH_VARIANT(AttentionTest);

} // namespace
