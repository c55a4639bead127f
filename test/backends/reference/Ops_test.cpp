// Each op but attention against a naive double-precision implementation, and
// the independence of its bits from threads and batches.
#include "runtime/models/TensorFormat.h"
#include "test/backends/reference/Harness.h"
#include <cmath>

using namespace hetagon;
using namespace hetagon::test;

namespace {

const char *formats[] = {"f32",  "f16",  "bf16", "q8_0",
                         "q4_0", "q4_1", "q4_k", "q6_k"};

/// Random raw elements of a format with tame scales, and what they mean.
struct Weights {
  Bytes raw;
  std::vector<float> values;
};

Weights randomWeights(Random &random, const std::string &word, size_t rows,
                      size_t columns) {
  TensorFormat format = *parseFormatWord(word);
  size_t blocks = rows * columns / blockElements(format);
  Weights weights{Bytes(blocks * blockBytes(format)),
                  std::vector<float>(rows * columns)};
  for (uint8_t &byte : weights.raw)
    byte = uint8_t(random());
  auto setHalf = [&](size_t block, size_t offset) {
    // Halves between 2^-8 and 2^-4, either sign.
    uint16_t bits = uint16_t((7 + random() % 4) << 10 | (random() & 0x83ff));
    std::memcpy(&weights.raw[block * blockBytes(format) + offset], &bits, 2);
  };
  for (size_t b = 0; b < blocks; ++b) {
    if (word == "f32" || word == "bf16") {
      float value = randomFloats(random, 1)[0];
      std::memcpy(&weights.raw[b * blockBytes(format)],
                  reinterpret_cast<uint8_t *>(&value) + (word == "f32" ? 0 : 2),
                  blockBytes(format));
    } else if (word == "q6_k") {
      setHalf(b, 208);
    } else {
      setHalf(b, 0);
      if (word == "q4_1" || word == "q4_k")
        setHalf(b, 2);
    }
  }
  EXPECT_TRUE(dequantize(format, weights.raw, weights.values).isOk());
  return weights;
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

TEST(ReferenceOps, EmbeddingExpandsExactly) {
  Random random(1);
  Harness harness;
  for (const char *format : formats) {
    SCOPED_TRACE(format);
    Weights table = randomWeights(random, format, 7, 512);
    std::vector<int32_t> ids = {6, 0, 3, 3};
    std::vector<float> result =
        harness.run(std::string("embedding vocab=7 d=512 format=") + format,
                    {bytesOf(ids), table.raw}, ids.size() * 512, {4});
    std::vector<float> expected;
    for (int32_t id : ids)
      expected.insert(expected.end(), table.values.begin() + id * 512,
                      table.values.begin() + (id + 1) * 512);
    expectSameBits(expected, result);
  }
}

/// The order of docs/reference-backend.md, written down once more.
float specifiedDot(const float *x, const float *w, size_t k) {
  float total = 0;
  for (size_t piece = 0; piece < k; piece += 256) {
    float lanes[16] = {};
    for (size_t i = piece; i < std::min(k, piece + 256); ++i)
      lanes[i % 16] = std::fma(x[i], w[i], lanes[i % 16]);
    for (int half = 8; half; half /= 2)
      for (int i = 0; i < half; ++i)
        lanes[i] += lanes[i + half];
    total = piece ? total + lanes[0] : lanes[0];
  }
  return total;
}

TEST(ReferenceOps, LinearSumsInTheSpecifiedOrder) {
  Random random(2);
  Harness harness(2);
  for (const char *format : formats)
    for (size_t round = 0; round < 4; ++round) {
      size_t block = blockElements(*parseFormatWord(format));
      size_t k = block == 1 ? 1 + random() % 700 : block * (1 + random() % 5);
      size_t n = 1 + random() % 70, rows = 1 + random() % 9;
      SCOPED_TRACE(std::string(format) + " k=" + std::to_string(k) +
                   " n=" + std::to_string(n) + " rows=" + std::to_string(rows));
      Weights weights = randomWeights(random, format, n, k);
      std::vector<float> x = randomFloats(random, rows * k);
      std::vector<float> bias = randomFloats(random, n);
      bool hasBias = round % 2;
      std::string line = "linear k=" + std::to_string(k) +
                         " n=" + std::to_string(n) + " format=" + format +
                         (hasBias ? " bias=f32" : "");
      std::vector<Bytes> inputs{bytesOf(x), weights.raw};
      if (hasBias)
        inputs.push_back(bytesOf(bias));
      std::vector<float> result =
          harness.run(line, inputs, rows * n, {int64_t(rows)});
      std::vector<float> expected(rows * n);
      std::vector<double> exact(rows * n);
      for (size_t r = 0; r < rows; ++r)
        for (size_t c = 0; c < n; ++c) {
          expected[r * n + c] =
              specifiedDot(&x[r * k], &weights.values[c * k], k);
          for (size_t i = 0; i < k; ++i)
            exact[r * n + c] +=
                double(x[r * k + i]) * double(weights.values[c * k + i]);
          if (hasBias) {
            expected[r * n + c] += bias[c];
            exact[r * n + c] += bias[c];
          }
        }
      expectSameBits(expected, result);
      expectNear(exact, result, 1e-3);
    }
}

TEST(ReferenceOps, LinearBitsDependOnNeitherThreadsNorBatch) {
  Random random(3);
  size_t k = 576, n = 200, rows = 23;
  Weights weights = randomWeights(random, "q4_1", n, k);
  std::vector<float> x = randomFloats(random, rows * k);
  std::string line = "linear k=576 n=200 format=q4_1";
  Harness one(1), two(2), three(3);
  std::vector<float> expected =
      one.run(line, {bytesOf(x), weights.raw}, rows * n, {int64_t(rows)});
  for (Harness *harness : {&two, &three})
    expectSameBits(expected, harness->run(line, {bytesOf(x), weights.raw},
                                          rows * n, {int64_t(rows)}));
  for (size_t begin = 0, size; begin < rows; begin += size) {
    size = std::min<size_t>(1 + random() % 6, rows - begin);
    std::vector<float> part(x.begin() + long(begin * k),
                            x.begin() + long((begin + size) * k));
    expectSameBits(
        {expected.begin() + long(begin * n),
         expected.begin() + long((begin + size) * n)},
        two.run(line, {bytesOf(part), weights.raw}, size * n, {int64_t(size)}));
  }
}

TEST(ReferenceOps, RmsNorm) {
  Random random(4);
  Harness harness(2);
  for (auto [d, g] : {std::pair<size_t, size_t>{96, 96}, {96, 16}, {5, 1}}) {
    size_t rows = 7;
    std::vector<float> x = randomFloats(random, rows * d, 3);
    Weights weight = randomWeights(random, "f16", 1, g);
    std::vector<double> expected;
    for (size_t p = 0; p < rows * d / g; ++p) {
      double sum = 0;
      for (size_t i = 0; i < g; ++i)
        sum += double(x[p * g + i]) * x[p * g + i];
      for (size_t i = 0; i < g; ++i)
        expected.push_back(x[p * g + i] / std::sqrt(sum / double(g) + 1e-5) *
                           weight.values[i]);
    }
    expectNear(expected,
               harness.run("rms_norm d=" + std::to_string(d) + " g=" +
                               std::to_string(g) + " eps=1e-05 format=f16",
                           {bytesOf(x), weight.raw}, rows * d, {7}),
               1e-6);
  }
}

TEST(ReferenceOps, LayerNorm) {
  Random random(5);
  Harness harness(3);
  size_t rows = 5, d = 384;
  std::vector<float> x = randomFloats(random, rows * d, 2);
  for (float &value : x)
    value += 10;
  std::vector<float> weight = randomFloats(random, d),
                     bias = randomFloats(random, d);
  std::vector<double> expected;
  for (size_t r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < d; ++i)
      mean += x[r * d + i] / double(d);
    for (size_t i = 0; i < d; ++i)
      variance += std::pow(x[r * d + i] - mean, 2) / double(d);
    for (size_t i = 0; i < d; ++i)
      expected.push_back((x[r * d + i] - mean) / std::sqrt(variance + 1e-12) *
                             weight[i] +
                         bias[i]);
  }
  expectNear(expected,
             harness.run("layer_norm d=384 eps=0x1.19799812dea11p-40",
                         {bytesOf(x), bytesOf(weight), bytesOf(bias)}, rows * d,
                         {5}),
             1e-6);
}

TEST(ReferenceOps, RopeOfBothPairings) {
  Random random(6);
  Harness harness(2);
  size_t rows = 6, heads = 3, headDim = 20, rotary = 16;
  std::vector<float> x = randomFloats(random, rows * heads * headDim);
  std::vector<int32_t> positions = {0, 1, 77, 4095, 2, 3};
  std::vector<float> frequencies;
  for (size_t i = 0; i < rotary / 2; ++i)
    frequencies.push_back(float(std::pow(10000.0, -2.0 * double(i) / 16)));
  for (bool interleaved : {true, false}) {
    std::vector<double> expected(x.begin(), x.end());
    for (size_t r = 0; r < rows; ++r)
      for (size_t h = 0; h < heads; ++h)
        for (size_t i = 0; i < rotary / 2; ++i) {
          size_t base = (r * heads + h) * headDim;
          size_t a = base + (interleaved ? 2 * i : i);
          size_t b = base + (interleaved ? 2 * i + 1 : i + rotary / 2);
          double angle = double(float(positions[r]) * frequencies[i]);
          double u = x[a], v = x[b];
          expected[a] = 1.25 * (u * std::cos(angle) - v * std::sin(angle));
          expected[b] = 1.25 * (u * std::sin(angle) + v * std::cos(angle));
        }
    expectNear(
        expected,
        harness.run(std::string("rope heads=3 head_dim=20 rotary=16 scale=1.25 "
                                "pairing=") +
                        (interleaved ? "interleaved" : "half"),
                    {bytesOf(x), bytesOf(positions), bytesOf(frequencies)},
                    x.size(), {int64_t(rows)}),
        1e-6);
  }
}

double activation(const std::string &kind, double x) {
  if (kind == "silu")
    return x / (1 + std::exp(-x));
  if (kind == "gelu")
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  if (kind == "gelu_tanh")
    return 0.5 * x *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  return std::max(x, 0.0);
}

TEST(ReferenceOps, Elementwise) {
  Random random(7);
  Harness harness(2);
  size_t rows = 40, d = 300, count = rows * d;
  std::vector<float> a = randomFloats(random, count, 3),
                     b = randomFloats(random, count, 3);
  Weights row = randomWeights(random, "bf16", 1, d);
  for (const char *kind : {"silu", "gelu", "gelu_tanh", "relu"}) {
    SCOPED_TRACE(kind);
    std::vector<double> plain, gated;
    for (size_t i = 0; i < count; ++i) {
      plain.push_back(activation(kind, a[i]));
      gated.push_back(activation(kind, a[i]) * b[i]);
    }
    std::string key = std::string(" d=300 kind=") + kind;
    expectNear(plain,
               harness.run("activation" + key, {bytesOf(a)}, count, {40}),
               2e-6);
    expectNear(gated,
               harness.run("glu" + key, {bytesOf(a), bytesOf(b)}, count, {40}),
               5e-6);
  }
  std::vector<double> sum, product, rowSum, rowProduct, scaled;
  for (size_t i = 0; i < count; ++i) {
    sum.push_back(double(a[i]) + b[i]);
    product.push_back(double(a[i]) * b[i]);
    rowSum.push_back(double(a[i]) + row.values[i % d]);
    rowProduct.push_back(double(a[i]) * row.values[i % d]);
    scaled.push_back(a[i] * 0.3f);
  }
  std::vector<Bytes> two{bytesOf(a), bytesOf(b)}, withRow{bytesOf(a), row.raw};
  std::string broadcast = " d=300 broadcast=1 format=bf16";
  expectNear(sum, harness.run("add d=300", two, count, {40}), 1e-6);
  expectNear(product, harness.run("mul d=300", two, count, {40}), 1e-6);
  expectNear(rowSum, harness.run("add" + broadcast, withRow, count, {40}),
             1e-6);
  expectNear(rowProduct, harness.run("mul" + broadcast, withRow, count, {40}),
             1e-6);
  expectNear(scaled,
             harness.run("scale d=300 factor=" + number(0.3f), {bytesOf(a)},
                         count, {40}),
             0);
}

TEST(ReferenceOps, RowsPoolsAndLengths) {
  Random random(8);
  Harness harness;
  size_t rows = 9, d = 33;
  std::vector<float> x = randomFloats(random, rows * d);
  std::vector<int32_t> wanted = {8, 0, 4, 4};
  std::vector<float> gathered;
  for (int32_t r : wanted)
    gathered.insert(gathered.end(), x.begin() + r * 33,
                    x.begin() + r * 33 + 33);
  expectSameBits(gathered,
                 harness.run("gather_rows d=33", {bytesOf(x), bytesOf(wanted)},
                             4 * d, {9, 4}));
  std::vector<int32_t> segments = {0, 4, 4, 5, 5, 9};
  std::vector<double> mean, first, unit;
  for (size_t s = 0; s < 3; ++s)
    for (size_t i = 0; i < d; ++i) {
      double sum = 0;
      for (int32_t r = segments[2 * s]; r < segments[2 * s + 1]; ++r)
        sum += x[size_t(r) * d + i];
      mean.push_back(sum / (segments[2 * s + 1] - segments[2 * s]));
      first.push_back(x[size_t(segments[2 * s]) * d + i]);
    }
  std::vector<Bytes> inputs{bytesOf(x), bytesOf(segments)};
  expectNear(mean, harness.run("pool d=33 kind=mean", inputs, 3 * d, {9, 3}),
             1e-6);
  expectNear(first, harness.run("pool d=33 kind=first", inputs, 3 * d, {9, 3}),
             0);
  std::fill(x.begin(), x.begin() + 33, 0.0f); // a row without length
  for (size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (size_t i = 0; i < d; ++i)
      sum += double(x[r * d + i]) * x[r * d + i];
    for (size_t i = 0; i < d; ++i)
      unit.push_back(x[r * d + i] / std::max(std::sqrt(sum), 1e-12));
  }
  expectNear(unit,
             harness.run("l2_normalize d=33", {bytesOf(x)}, rows * d, {9}),
             1e-6);
}

TEST(ReferenceOps, NoRowsAreFine) {
  Harness harness(2);
  std::vector<float> weight(32);
  EXPECT_TRUE(
      harness.run("linear k=32 n=1 format=f32", {{}, bytesOf(weight)}, 0, {0})
          .empty());
  EXPECT_TRUE(
      harness.run("rms_norm d=32 g=32 eps=0", {{}, bytesOf(weight)}, 0, {0})
          .empty());
}

TEST(ReferenceOps, IndicesOutOfRangeFail) {
  Harness harness;
  struct Case {
    const char *line;
    std::vector<Bytes> contents;
    std::vector<int64_t> constants;
  };
  auto ints = [](std::vector<int32_t> values) { return bytesOf(values); };
  auto floats = [](size_t count) { return bytesOf(std::vector<float>(count)); };
  std::vector<Case> cases = {
      {"e embedding vocab=3 d=2 format=f32",
       {ints({0, 3}), floats(6), floats(4)},
       {2}},
      {"e embedding vocab=3 d=2 format=f32",
       {ints({-1, 0}), floats(6), floats(4)},
       {2}},
      {"e rope heads=1 head_dim=2 rotary=2 pairing=half",
       {floats(2), ints({-5}), floats(1), floats(2)},
       {1}},
      {"e gather_rows d=2", {floats(4), ints({2}), floats(2)}, {2, 1}},
      {"e gather_rows d=2", {floats(4), ints({-1}), floats(2)}, {2, 1}},
      {"e pool d=2 kind=mean", {floats(4), ints({0, 3}), floats(2)}, {2, 1}},
      {"e pool d=2 kind=mean", {floats(4), ints({1, 1}), floats(2)}, {2, 1}},
      {"e segment_attention heads=1 head_dim=2 scale=1",
       {floats(2), floats(2), floats(2), ints({0}), ints({2}), floats(2)},
       {1}},
  };
  for (Case &bad : cases) {
    EXPECT_EQ(HETAGON_OUT_OF_RANGE,
              harness.tryRun(bad.line, bad.contents, bad.constants))
        << bad.line;
    EXPECT_NE(nullptr, std::strstr(harness.error.message, "entry 'e'"))
        << harness.error.message;
  }
}

} // namespace
