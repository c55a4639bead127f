// Norms, rotations, element-by-element operations, embedding and pooling
// against loops in f64.
#include "test/backends/cpu/KernelTest.h"

using namespace hetagon;
using namespace hetagon::cpu;

namespace {

class RowWiseTest : public KernelTest {};

TEST_P(RowWiseTest, Pointwise) {
  struct Case {
    PointwiseSpec spec;
    double (*value)(double, double);
  };
  const std::vector<Case> cases = {
      {{.op = PointwiseOp::Add, .columns = 37},
       [](double a, double b) { return a + b; }},
      {{.op = PointwiseOp::AddVector, .columns = 48},
       [](double a, double b) { return a + b; }},
      {{.op = PointwiseOp::Mul, .columns = 16},
       [](double a, double b) { return a * b; }},
      {{.op = PointwiseOp::MulVector, .columns = 5},
       [](double a, double b) { return a * b; }},
      {{.op = PointwiseOp::Scale, .columns = 20, .factor = 0.75},
       [](double a, double) { return a * 0.75; }},
      {{.op = PointwiseOp::Activate,
        .columns = 64,
        .activation = Activation::Gelu},
       [](double a, double) { return a / 2 * (1 + std::erf(a / M_SQRT2)); }},
      {{.op = PointwiseOp::Activate,
        .columns = 33,
        .activation = Activation::GeluTanh},
       [](double a, double) {
         return a / 2 *
                (1 +
                 std::tanh(std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
       }},
      {{.op = PointwiseOp::Activate,
        .columns = 32,
        .activation = Activation::Silu},
       [](double a, double) { return a / (1 + std::exp(-a)); }},
      {{.op = PointwiseOp::Glu, .columns = 40, .activation = Activation::Relu},
       [](double a, double b) { return std::max(a, 0.0) * b; }},
  };
  std::vector<std::string> entries;
  for (const Case &c : cases)
    entries.push_back(requirePointwise(*set, c.spec));
  compile();
  for (size_t i = 0; i < cases.size(); ++i) {
    const PointwiseSpec &spec = cases[i].spec;
    int64_t rows = number(1, 9), columns = spec.columns;
    bool vector =
        spec.op == PointwiseOp::AddVector || spec.op == PointwiseOp::MulVector;
    bool two = vector || spec.op == PointwiseOp::Add ||
               spec.op == PointwiseOp::Mul || spec.op == PointwiseOp::Glu;
    std::vector<float> a = floats(rows * columns, 4);
    std::vector<float> b = floats(vector ? columns : rows * columns);
    std::vector<Bytes> inputs = {toBytes(a)};
    if (two)
      inputs.push_back(toBytes(b));
    std::vector<double> expected;
    for (size_t at = 0; at < a.size(); ++at)
      expected.push_back(cases[i].value(a[at], b[vector ? at % columns : at]));
    expectClose(run<float>(entries[i], inputs, a.size(), {rows}), expected,
                4e-6, entries[i]);
  }
}

TEST_P(RowWiseTest, ExtremeActivations) {
  std::string silu = requirePointwise(*set, {.op = PointwiseOp::Activate,
                                             .columns = 6,
                                             .activation = Activation::Silu});
  std::string gelu = requirePointwise(*set, {.op = PointwiseOp::Activate,
                                             .columns = 6,
                                             .activation = Activation::Gelu});
  compile();
  std::vector<float> x = {-1000, -88, -1e-30f, 0, 88, 1000};
  for (const std::string &entry : {silu, gelu})
    expectClose(run<float>(entry, {toBytes(x)}, 6, {1}), {0, 0, 0, 0, 88, 1000},
                1e-5, entry);
}

TEST_P(RowWiseTest, Norms) {
  const std::vector<NormSpec> specs = {{NormKind::Rms, 576, 576, 1e-5},
                                       {NormKind::Rms, 96, 24, 1e-6},
                                       {NormKind::Layer, 384, 384, 1e-12},
                                       {NormKind::Layer, 37, 37, 1e-5},
                                       {NormKind::L2, 50, 50, 1e-12}};
  std::vector<std::string> entries;
  for (const NormSpec &spec : specs)
    entries.push_back(requireNorm(*set, spec));
  compile();
  for (size_t i = 0; i < specs.size(); ++i) {
    const NormSpec &spec = specs[i];
    int64_t rows = number(1, 6), piece = spec.piece;
    std::vector<float> x = floats(rows * spec.columns, 2);
    for (float &value : x)
      value += 1;
    std::vector<float> weight = floats(piece), bias = floats(piece);
    std::vector<Bytes> inputs = {toBytes(x)};
    if (spec.kind != NormKind::L2)
      inputs.push_back(toBytes(weight));
    if (spec.kind == NormKind::Layer)
      inputs.push_back(toBytes(bias));
    std::vector<double> expected;
    for (size_t start = 0; start < x.size(); start += piece) {
      double mean = 0, squares = 0;
      for (int64_t c = 0; c < piece; ++c)
        mean += x[start + c] / double(piece);
      if (spec.kind != NormKind::Layer)
        mean = 0;
      for (int64_t c = 0; c < piece; ++c)
        squares += (x[start + c] - mean) * (x[start + c] - mean);
      for (int64_t c = 0; c < piece; ++c) {
        double value = x[start + c] - mean;
        if (spec.kind == NormKind::L2)
          value /= std::max(std::sqrt(squares), spec.eps);
        else
          value *= weight[c] / std::sqrt(squares / piece + spec.eps);
        expected.push_back(spec.kind == NormKind::Layer ? value + bias[c]
                                                        : value);
      }
    }
    expectClose(run<float>(entries[i], inputs, x.size(), {rows}), expected,
                5e-6, entries[i]);
  }
}

TEST_P(RowWiseTest, RotatesAccurately) {
  const int64_t pairs = 24, headDim = 64, heads = 3;
  const int64_t columns = heads * headDim;
  std::string table = requireRopeTable(*set, pairs, 1.0);
  std::string half = requireRope(*set, {columns, headDim, pairs, false});
  std::string neighbours = requireRope(*set, {columns, headDim, pairs, true});
  compile();
  std::vector<int32_t> positions = {0, 1, 7, 511, 8191, 65537, 131071};
  int64_t rows = positions.size();
  std::vector<float> frequencies;
  for (int64_t i = 0; i < pairs; ++i)
    frequencies.push_back(std::pow(1e4, -double(i) / pairs));
  Bytes angles = run(table, {toBytes(positions), toBytes(frequencies)},
                     rows * pairs * 8, {rows});
  std::vector<double> expected, halves, interleaved;
  for (int32_t position : positions) {
    for (float frequency : frequencies)
      expected.push_back(std::cos(double(position) * double(frequency)));
    for (float frequency : frequencies)
      expected.push_back(std::sin(double(position) * double(frequency)));
  }
  expectClose(as<float>(angles), expected, 1e-6, table);
  std::vector<float> x = floats(rows * columns);
  halves.assign(x.begin(), x.end());
  interleaved = halves;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t start = r * columns; start < (r + 1) * columns;
         start += headDim)
      for (int64_t i = 0; i < pairs; ++i) {
        double c = expected[r * 2 * pairs + i];
        double s = expected[(r * 2 + 1) * pairs + i];
        auto rotate = [&](std::vector<double> &y, int64_t a, int64_t b) {
          y[a] = x[a] * c - x[b] * s;
          y[b] = x[a] * s + x[b] * c;
        };
        rotate(halves, start + i, start + pairs + i);
        rotate(interleaved, start + 2 * i, start + 2 * i + 1);
      }
  expectClose(run<float>(half, {toBytes(x), angles}, x.size(), {rows}), halves,
              5e-6, half);
  expectClose(run<float>(neighbours, {toBytes(x), angles}, x.size(), {rows}),
              interleaved, 5e-6, neighbours);
}

TEST_P(RowWiseTest, EmbedsEveryFormatExactly) {
  const std::vector<WeightFormat> formats = {
      WeightFormat::F32,  WeightFormat::F16,  WeightFormat::BF16,
      WeightFormat::Q4_0, WeightFormat::Q4_1, WeightFormat::Q8_0,
      WeightFormat::Q4_K, WeightFormat::Q6_K};
  const int64_t tableRows = 11;
  std::vector<std::string> entries;
  auto columnsOf = [](WeightFormat format) {
    int64_t elements = blockShape(format).elements;
    return elements == 1 ? 37 : 2 * elements;
  };
  for (WeightFormat format : formats)
    entries.push_back(
        requireEmbedding(*set, format, tableRows, columnsOf(format)));
  compile();
  std::vector<int32_t> ids = {3, 0, 10, 3, -1, 11, INT32_MIN};
  for (size_t i = 0; i < formats.size(); ++i) {
    int64_t columns = columnsOf(formats[i]);
    Bytes table = blocks(formats[i],
                         tableRows * columns / blockShape(formats[i]).elements);
    std::vector<float> values = expand(formats[i], table), expected;
    for (int32_t id : ids)
      for (int64_t c = 0; c < columns; ++c)
        expected.push_back(
            id < 0 || id >= tableRows ? 0 : values[id * columns + c]);
    EXPECT_EQ(run<float>(entries[i], {toBytes(ids), table}, expected.size(),
                         {int64_t(ids.size())}),
              expected)
        << entries[i];
  }
}

TEST_P(RowWiseTest, GathersPoolsAndWidens) {
  const int64_t columns = 21, rows = 9;
  std::string gather = requireGatherRows(*set, columns);
  std::string mean = requirePool(*set, columns, true);
  std::string first = requirePool(*set, columns, false);
  std::string half = requireWiden(*set, WeightFormat::F16, 19);
  std::string brain = requireWiden(*set, WeightFormat::BF16, 19);
  compile();
  std::vector<float> x = floats(rows * columns);
  std::vector<int32_t> numbers = {8, 0, 3};
  std::vector<float> gathered;
  for (int32_t n : numbers)
    gathered.insert(gathered.end(), x.begin() + n * columns,
                    x.begin() + (n + 1) * columns);
  EXPECT_EQ(run<float>(gather, {toBytes(x), toBytes(numbers)}, 3 * columns,
                       {3, rows}),
            gathered);

  std::vector<int32_t> segments = {0, 4, 4, 5, 5, 9};
  std::vector<double> means, firsts;
  for (int s = 0; s < 3; ++s)
    for (int64_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (int32_t r = segments[2 * s]; r < segments[2 * s + 1]; ++r)
        sum += x[r * columns + c];
      means.push_back(sum / (segments[2 * s + 1] - segments[2 * s]));
      firsts.push_back(x[segments[2 * s] * columns + c]);
    }
  std::vector<Bytes> inputs = {toBytes(x), toBytes(segments)};
  expectClose(run<float>(mean, inputs, 3 * columns, {3, rows}), means, 1e-6,
              mean);
  expectClose(run<float>(first, inputs, 3 * columns, {3, rows}), firsts, 0,
              first);

  for (auto [entry, format] : {std::pair(half, WeightFormat::F16),
                               std::pair(brain, WeightFormat::BF16)}) {
    Bytes narrow = blocks(format, 19);
    EXPECT_EQ(run<float>(entry, {narrow}, 19, {}), expand(format, narrow));
  }
}

TEST_P(RowWiseTest, RefusesNumbersOutOfRange) {
  std::string gather = requireGatherRows(*set, 16);
  std::string pool = requirePool(*set, 16, true);
  compile();
  for (auto &host : hosts) {
    Buffer x = host->allocate(4 * 64), y = host->allocate(2 * 64);
    for (std::vector<int32_t> numbers :
         {std::vector<int32_t>{0, 4}, {-1, 0}, {2, INT32_MAX}}) {
      Buffer n = host->upload(bytesOf(numbers));
      Status status = host->tryRun(gather, {&x, &n, &y}, {2, 4});
      EXPECT_EQ(status.code(), Code::OutOfRange) << status.str();
      host->renewFence();
    }
    for (std::vector<int32_t> bounds :
         {std::vector<int32_t>{0, 5}, {-1, 2}, {2, 2}}) {
      Buffer s = host->upload(bytesOf(bounds));
      Status status = host->tryRun(pool, {&x, &s, &y}, {1, 4});
      EXPECT_EQ(status.code(), Code::OutOfRange) << status.str();
      host->renewFence();
    }
  }
}

HETAGON_EACH_VARIANT(RowWiseTest);

} // namespace
