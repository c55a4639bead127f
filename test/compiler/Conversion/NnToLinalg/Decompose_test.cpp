// The numbers of every decomposition against naive loops in double precision;
// block formats against runtime/models, which is tested against PyPI gguf.
#include "Jit.h"
#include "runtime/models/TensorFormat.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

using Floats = std::vector<float>;

class Random {
public:
  explicit Random(unsigned seed) : engine(seed) {}
  Floats floats(size_t count, float low = -2, float high = 2) {
    std::uniform_real_distribution<float> distribution(low, high);
    Floats values(count);
    for (float &value : values)
      value = distribution(engine);
    return values;
  }
  int below(int bound) { return int(engine() % unsigned(bound)); }
  std::vector<uint8_t> bytes(size_t count) {
    std::vector<uint8_t> values(count);
    for (uint8_t &value : values)
      value = uint8_t(engine());
    return values;
  }

private:
  std::mt19937 engine;
};

void expectNear(const Floats &actual, const std::vector<double> &expected,
                double tolerance = 2e-5) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i],
                tolerance * std::max(1.0, std::abs(expected[i])))
        << "at " << i;
}

/// Runs a program of f32 results of rank 2 and returns the first.
Floats evaluate(const std::string &text, const std::vector<Tensor> &arguments) {
  auto jit = Jit::compile(text);
  if (!jit) {
    ADD_FAILURE() << "does not compile:\n" << text;
    return {};
  }
  return jit->run(arguments, {2})[0].asFloats();
}

// --- element by element ------------------------------------------------------

TEST(Decompose, Activations) {
  Random random(1);
  Floats x = random.floats(5 * 7, -6, 6);
  std::pair<const char *, std::function<double(double)>> kinds[] = {
      {"silu", [](double v) { return v / (1 + std::exp(-v)); }},
      {"gelu", [](double v) { return v / 2 * (1 + std::erf(v / M_SQRT2)); }},
      {"gelu_tanh",
       [](double v) {
         return v / 2 *
                (1 +
                 std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
       }},
      {"relu", [](double v) { return std::max(v, 0.0); }}};
  for (auto &[kind, function] : kinds) {
    SCOPED_TRACE(kind);
    std::vector<double> expected;
    for (float value : x)
      expected.push_back(function(value) * (double(value) + 1) * -0.5);
    // glu(x, x + 1) * -0.5, so that add, scale and a constant are used too.
    std::string text =
        "nn.func @f(%x: tensor<?x7xf32>) -> (%y: tensor<?x7xf32>) {\n"
        "  %one = nn.constant dense<1.0> : tensor<7xf32>\n"
        "  %u = nn.add %x, %one : tensor<?x7xf32>, tensor<7xf32>\n"
        "  %a = nn.activation " +
        std::string(kind) +
        " %x : tensor<?x7xf32>\n"
        "  %m = nn.mul %a, %u : tensor<?x7xf32>, tensor<?x7xf32>\n"
        "  %g = nn.glu " +
        std::string(kind) +
        " %x, %u : tensor<?x7xf32>\n"
        "  %s = nn.add %m, %g : tensor<?x7xf32>, tensor<?x7xf32>\n"
        "  %r = nn.scale %s by -0.25 : tensor<?x7xf32>\n"
        "  nn.return %r : tensor<?x7xf32>\n}";
    expectNear(evaluate(text, {Tensor::floats({5, 7}, x)}), expected);
  }
}

// --- norms -------------------------------------------------------------------

TEST(Decompose, RmsNormOfPieces) {
  Random random(2);
  Floats x = random.floats(3 * 12), w = random.floats(4);
  std::vector<double> expected;
  for (size_t piece = 0; piece < x.size(); piece += 4) {
    double sum = 0;
    for (size_t i = 0; i < 4; ++i)
      sum += double(x[piece + i]) * x[piece + i];
    for (size_t i = 0; i < 4; ++i)
      expected.push_back(x[piece + i] / std::sqrt(sum / 4 + 0.25) * w[i]);
  }
  expectNear(evaluate(R"(
nn.func @f(%x: tensor<?x12xf32>) -> (%y: tensor<?x12xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<4xf32>
  %r = nn.rms_norm %x, %w eps 0.25 : tensor<?x12xf32>, tensor<4xf32>
  nn.return %r : tensor<?x12xf32>
})",
                      {Tensor::floats({3, 12}, x), Tensor::floats({4}, w)}),
             expected);
}

TEST(Decompose, LayerNormAndL2) {
  Random random(3);
  Floats x = random.floats(4 * 6), w = random.floats(6), b = random.floats(6);
  std::vector<double> expected;
  for (size_t row = 0; row < 4; ++row) {
    double mean = 0, variance = 0, norm = 0;
    for (size_t i = 0; i < 6; ++i)
      mean += x[row * 6 + i] / 6.0;
    for (size_t i = 0; i < 6; ++i)
      variance += std::pow(x[row * 6 + i] - mean, 2) / 6;
    std::vector<double> y(6);
    for (size_t i = 0; i < 6; ++i) {
      y[i] = (x[row * 6 + i] - mean) / std::sqrt(variance + 0.1) * w[i] + b[i];
      norm += y[i] * y[i];
    }
    for (double value : y)
      expected.push_back(value / std::sqrt(norm));
  }
  expectNear(evaluate(R"(
nn.func @f(%x: tensor<?x6xf32>) -> (%y: tensor<?x6xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<6xf32>
  %b = nn.weight "b" : tensor<6xf32>
  %n = nn.layer_norm %x, %w, %b eps 0.1 : tensor<?x6xf32>, tensor<6xf32>
  %r = nn.l2_normalize %n : tensor<?x6xf32>
  nn.return %r : tensor<?x6xf32>
})",
                      {Tensor::floats({4, 6}, x), Tensor::floats({6}, w),
                       Tensor::floats({6}, b)}),
             expected);
}

TEST(Decompose, L2OfZeros) {
  expectNear(evaluate(R"(
nn.func @f(%x: tensor<?x2xf32>) -> (%y: tensor<?x2xf32>) {
  %r = nn.l2_normalize %x : tensor<?x2xf32>
  nn.return %r : tensor<?x2xf32>
})",
                      {Tensor::floats({1, 2}, {0, 0})}),
             {0, 0});
}

// --- rows --------------------------------------------------------------------

TEST(Decompose, GatherAndPool) {
  Random random(4);
  Floats x = random.floats(6 * 3);
  // A row that no segment holds is no number, and must not matter.
  x[3 * 3] = std::numeric_limits<float>::quiet_NaN();
  std::string text = R"(
nn.func @f(%x: tensor<?x3xf32>, %out_rows: tensor<?xi32>, %segments: tensor<?x2xi32>)
    -> (%g: tensor<?x3xf32>, %m: tensor<?x3xf32>, %h: tensor<?x3xf32>) {
  %g = nn.gather_rows %x, %out_rows : tensor<?x3xf32>
  %m = nn.pool mean %x, %segments : tensor<?x3xf32>
  %h = nn.pool first %x, %segments : tensor<?x3xf32>
  nn.return %g, %m, %h : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
})";
  auto jit = Jit::compile(text);
  ASSERT_TRUE(jit);
  auto results = jit->run({Tensor::floats({6, 3}, x), Tensor::ids({5, 0, 5}),
                           Tensor::ids({2, 2}, {0, 3, 4, 6})},
                          {2, 2, 2});
  std::vector<double> gathered, mean, first;
  for (int row : {5, 0, 5})
    for (int i = 0; i < 3; ++i)
      gathered.push_back(x[row * 3 + i]);
  for (int i = 0; i < 3; ++i)
    mean.push_back((double(x[i]) + x[3 + i] + x[6 + i]) / 3);
  for (int i = 0; i < 3; ++i)
    mean.push_back((double(x[12 + i]) + x[15 + i]) / 2);
  for (int row : {0, 4})
    for (int i = 0; i < 3; ++i)
      first.push_back(x[row * 3 + i]);
  expectNear(results[0].asFloats(), gathered, 0);
  expectNear(results[1].asFloats(), mean);
  expectNear(results[2].asFloats(), first, 0);
}

// --- formats -----------------------------------------------------------------

class DecomposeFormat : public testing::TestWithParam<TensorFormat> {
protected:
  std::string word() const { return std::string(formatWord(GetParam())); }
  std::string elementType() const {
    return blockElements(GetParam()) == 1 ? word()
                                          : "!nn.quant<" + word() + ">";
  }
  /// Random blocks whose scales are numbers, as a tensor of the converted type.
  Tensor matrix(Random &random, int64_t rows, int64_t columns) const {
    TensorFormat format = GetParam();
    size_t block = blockBytes(format);
    size_t count = rows * columns / blockElements(format);
    std::vector<uint8_t> bytes = random.bytes(count * block);
    // Halves with exponent bits below all ones, also of plain f16 and bf16.
    auto tame = [&](size_t at) {
      bytes[at] = uint8_t((bytes[at] & 0x83) | 0x2c);
    };
    for (size_t i = 0; i < count; ++i)
      switch (format) {
      case TensorFormat::F32:
        bytes[i * 4 + 3] = 0x3e;
        break;
      case TensorFormat::F16:
        tame(i * block + 1);
        break;
      case TensorFormat::BF16:
        bytes[i * block + 1] = 0x3e;
        break;
      case TensorFormat::Q6_K:
        tame(i * block + 209);
        break;
      default:
        tame(i * block + 1);
        tame(i * block + 3);
        break;
      }
    int64_t innermost =
        blockElements(format) == 1 ? columns : int64_t(bytes.size()) / rows;
    return {{rows, innermost}, bytes};
  }
  Floats expand(const Tensor &tensor, size_t elements) const {
    Floats values(elements);
    EXPECT_TRUE(dequantize(GetParam(), tensor.bytes, values).isOk());
    return values;
  }
};

TEST_P(DecomposeFormat, EmbeddingIsExact) {
  Random random(5);
  Tensor table = matrix(random, 3, 512);
  Floats values = expand(table, 3 * 512);
  std::string type = "tensor<3x512x" + elementType() + ">";
  Floats actual = evaluate(
      "nn.func @f(%tokens: tensor<?xi32>) -> (%y: tensor<?x512xf32>) artefact "
      "\"w\" {\n  %w = nn.weight \"w\" : " +
          type + "\n  %r = nn.embedding %tokens, %w : " + type +
          " -> tensor<?x512xf32>\n  nn.return %r : tensor<?x512xf32>\n}",
      {Tensor::ids({2, 0, 1, 2}), table});
  ASSERT_EQ(actual.size(), 4u * 512);
  int rows[] = {2, 0, 1, 2};
  for (int r = 0; r < 4; ++r)
    for (int i = 0; i < 512; ++i)
      ASSERT_EQ(actual[r * 512 + i], values[rows[r] * 512 + i])
          << word() << " element " << i << " of row " << rows[r];
}

TEST_P(DecomposeFormat, Linear) {
  Random random(6);
  constexpr int rows = 3, k = 256, n = 5;
  Tensor w = matrix(random, n, k);
  Floats values = expand(w, n * k);
  Floats x = random.floats(rows * k), bias = random.floats(n);
  std::vector<double> expected, scale;
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < n; ++j) {
      double sum = bias[j], size = 1;
      for (int i = 0; i < k; ++i) {
        double product = double(x[r * k + i]) * values[j * k + i];
        sum += product;
        size += std::abs(product);
      }
      expected.push_back(sum);
      scale.push_back(size);
    }
  std::string type = "tensor<5x256x" + elementType() + ">";
  Floats actual = evaluate(
      "nn.func @f(%x: tensor<?x256xf32>) -> (%y: tensor<?x5xf32>) artefact "
      "\"w\" {\n  %w = nn.weight \"w\" : " +
          type +
          "\n  %b = nn.weight \"b\" : tensor<5xf32>\n"
          "  %r = nn.linear %x, %w bias %b : tensor<?x256xf32>, " +
          type +
          ", tensor<5xf32> -> tensor<?x5xf32>\n"
          "  nn.return %r : tensor<?x5xf32>\n}",
      {Tensor::floats({rows, k}, x), w, Tensor::floats({n}, bias)});
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 1e-5 * scale[i]);
}

INSTANTIATE_TEST_SUITE_P(
    All, DecomposeFormat,
    testing::Values(TensorFormat::F32, TensorFormat::F16, TensorFormat::BF16,
                    TensorFormat::Q8_0, TensorFormat::Q4_0, TensorFormat::Q4_1,
                    TensorFormat::Q4_K, TensorFormat::Q6_K),
    [](const auto &info) { return std::string(formatWord(info.param)); });

TEST(Decompose, AnIdOutsideTheTableReadsNothingElse) {
  for (int id : {-1, 2, 1 << 30}) {
    Floats row = evaluate(R"(
nn.func @f(%tokens: tensor<?xi32>) -> (%y: tensor<?x1xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<2x1xf32>
  %r = nn.embedding %tokens, %w : tensor<2x1xf32> -> tensor<?x1xf32>
  nn.return %r : tensor<?x1xf32>
})",
                          {Tensor::ids({id}), Tensor::floats({2, 1}, {7, 9})});
    ASSERT_EQ(row.size(), 1u);
    EXPECT_TRUE(row[0] == 7 || row[0] == 9) << row[0];
  }
}

// --- attention ---------------------------------------------------------------

class DecomposeRope : public testing::TestWithParam<bool> {};

TEST_P(DecomposeRope, TurnsPairs) {
  bool interleaved = GetParam();
  Random random(7);
  constexpr int rows = 3, heads = 2, dim = 8, pairs = 3;
  Floats x = random.floats(rows * heads * dim);
  float inverse[pairs] = {1, 0.5f, 0.125f};
  std::vector<int32_t> positions{0, 5, 117};
  std::vector<double> expected(x.begin(), x.end());
  for (int r = 0; r < rows; ++r)
    for (int h = 0; h < heads; ++h)
      for (int i = 0; i < pairs; ++i) {
        int base = (r * heads + h) * dim;
        int a = base + (interleaved ? 2 * i : i);
        int b = base + (interleaved ? 2 * i + 1 : i + pairs);
        double angle = positions[r] * inverse[i];
        double c = 1.5 * std::cos(angle), s = 1.5 * std::sin(angle);
        expected[a] = x[a] * c - x[b] * s;
        expected[b] = x[a] * s + x[b] * c;
      }
  expectNear(
      evaluate(
          std::string(R"(
nn.func @f(%x: tensor<?x16xf32>, %positions: tensor<?xi32>) -> (%y: tensor<?x16xf32>) {
  %freq = nn.constant dense<[1.0, 0.5, 0.125]> : tensor<3xf32>
  %r = nn.rope )") +
              (interleaved ? "interleaved" : "half") +
              R"( %x, %positions, %freq head_dim 8 scale 1.5 : tensor<?x16xf32>, tensor<3xf32>
  nn.return %r : tensor<?x16xf32>
})",
          {Tensor::floats({rows, heads * dim}, x), Tensor::ids(positions)}),
      expected);
}
INSTANTIATE_TEST_SUITE_P(All, DecomposeRope, testing::Bool());

struct Softmax {
  /// Adds exp(score) * value, later divided; scores of tests are small.
  double sum = 0;
  std::vector<double> values;
  explicit Softmax(size_t size) : values(size) {}
  void add(double score, const float *value) {
    double weight = std::exp(score);
    sum += weight;
    for (size_t i = 0; i < values.size(); ++i)
      values[i] += weight * value[i];
  }
};

TEST(Decompose, SegmentAttention) {
  Random random(8);
  constexpr int rows = 7, heads = 2, dim = 3, width = heads * dim;
  Floats q = random.floats(rows * width), k = random.floats(rows * width),
         v = random.floats(rows * width);
  std::vector<int32_t> begin{0, 0, 0, 0, 4, 4, 6}, end{4, 4, 4, 4, 6, 6, 7};
  std::vector<double> expected;
  for (int r = 0; r < rows; ++r)
    for (int h = 0; h < heads; ++h) {
      Softmax softmax(dim);
      for (int p = begin[r]; p < end[r]; ++p) {
        double score = 0;
        for (int i = 0; i < dim; ++i)
          score +=
              double(q[r * width + h * dim + i]) * k[p * width + h * dim + i];
        softmax.add(0.5 * score, &v[p * width + h * dim]);
      }
      for (double value : softmax.values)
        expected.push_back(value / softmax.sum);
    }
  expectNear(evaluate(R"(
nn.func @f(%q: tensor<?x6xf32>, %k: tensor<?x6xf32>, %v: tensor<?x6xf32>,
           %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>) -> (%y: tensor<?x6xf32>) {
  %r = nn.segment_attention %q, %k, %v, %row_begin, %row_end heads 2 scale 0.5 : tensor<?x6xf32>
  nn.return %r : tensor<?x6xf32>
})",
                      {Tensor::floats({rows, width}, q),
                       Tensor::floats({rows, width}, k),
                       Tensor::floats({rows, width}, v), Tensor::ids(begin),
                       Tensor::ids(end)}),
             expected);
}

/// Two sequences in shuffled pages, filled by a first call and read by a second
/// with more rows; what no sequence has written is no number.
class DecomposeAttention : public testing::TestWithParam<int> {};

TEST_P(DecomposeAttention, OverPages) {
  int window = GetParam();
  Random random(9);
  constexpr int kvHeads = 2, heads = 4, dim = 3, pageTokens = 4, pages = 6;
  constexpr int keyWidth = kvHeads * dim, width = heads * dim;
  constexpr int layers = 2, layer = 1;
  std::string kv = "!nn.kv<layers = 2, kv_heads = 2, head_dim = 3, page_tokens "
                   "= 4, format = f32>";
  std::string text =
      "nn.func @f(%q: tensor<?x12xf32>, %k: tensor<?x6xf32>, %v: "
      "tensor<?x6xf32>, %row_seq: tensor<?xi32>, %positions: tensor<?xi32>, "
      "%page_table: tensor<?x?xi32>, %kv: " +
      kv +
      ") -> (%y: tensor<?x12xf32>) {\n"
      "  %kv1 = nn.kv_append %k, %v, %kv, %row_seq, %positions, %page_table "
      "layer 1 : tensor<?x6xf32>, " +
      kv +
      "\n"
      "  %r = nn.attention %q, %kv1, %row_seq, %positions, %page_table layer 1 "
      "heads 4 scale 0.5 window " +
      std::to_string(window) + " : tensor<?x12xf32>, " + kv +
      "\n"
      "  nn.return %r : tensor<?x12xf32>\n}";
  auto jit = Jit::compile(text);
  ASSERT_TRUE(jit);

  // Sequence 0 has 9 positions in pages 4, 0, 2; sequence 1 has 3 in page 5.
  // Entries behind a sequence's end point nowhere.
  Tensor pageTable = Tensor::ids({2, 3}, {4, 0, 2, 5, 1 << 29, -7});
  Floats keys = random.floats(12 * keyWidth),
         values = random.floats(12 * keyWidth);
  auto place = [](int sequence, int position) {
    return (sequence == 0 ? 0 : 9) + position; // row of keys and values
  };
  Floats pool(pages * layers * 2 * kvHeads * pageTokens * dim,
              std::numeric_limits<float>::quiet_NaN());

  std::vector<std::vector<std::pair<int, int>>> calls = {
      {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}},
      {{1, 0}, {0, 6}, {1, 1}, {0, 7}, {0, 8}, {1, 2}}};
  for (const auto &rows : calls) {
    int count = int(rows.size());
    Floats q = random.floats(count * width), k, v;
    std::vector<int32_t> rowSeq, positions;
    for (auto [sequence, position] : rows) {
      rowSeq.push_back(sequence);
      positions.push_back(position);
      auto from = place(sequence, position) * keyWidth;
      k.insert(k.end(), &keys[from], &keys[from] + keyWidth);
      v.insert(v.end(), &values[from], &values[from] + keyWidth);
    }
    auto results = jit->run(
        {Tensor::floats({count, width}, q),
         Tensor::floats({count, keyWidth}, k),
         Tensor::floats({count, keyWidth}, v), Tensor::ids(rowSeq),
         Tensor::ids(positions), pageTable,
         Tensor::floats({pages, layers, 2, kvHeads, pageTokens, dim}, pool)},
        {2, 6});
    ASSERT_EQ(results.size(), 2u);
    pool = results[1].asFloats();

    std::vector<double> expected;
    for (int r = 0; r < count; ++r)
      for (int h = 0; h < heads; ++h) {
        Softmax softmax(dim);
        auto [sequence, own] = rows[r];
        int first = window == 0 ? 0 : std::max(0, own - window + 1);
        for (int p = first; p <= own; ++p) {
          int at = place(sequence, p) * keyWidth + h / 2 * dim;
          double score = 0;
          for (int i = 0; i < dim; ++i)
            score += double(q[r * width + h * dim + i]) * keys[at + i];
          softmax.add(0.5 * score, &values[at]);
        }
        for (double value : softmax.values)
          expected.push_back(value / softmax.sum);
      }
    expectNear(results[0].asFloats(), expected);
  }
  // One key where the canonical layout has it: sequence 0, position 6.
  int head = 1, slot = 6 % pageTokens, page = 0;
  size_t at = ((((size_t(page) * layers + layer) * 2 + 0) * kvHeads + head) *
                   pageTokens +
               slot) *
              dim;
  EXPECT_EQ(pool[at], keys[place(0, 6) * keyWidth + head * dim]);
  EXPECT_TRUE(std::isnan(pool[0])) << "layer 0 was written";
}
INSTANTIATE_TEST_SUITE_P(All, DecomposeAttention,
                         testing::Values(0, 1, 3, 100));

} // namespace
