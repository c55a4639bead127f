// Products of every weight format against sums in f64, over random shapes; each
// row alone must equal the same row in a batch.
#include "test/backends/cpu/KernelTest.h"

using namespace hetagon;
using namespace hetagon::cpu;

namespace {

double referenceActivation(Activation kind, double x) {
  switch (kind) {
  case Activation::Silu:
    return x / (1 + std::exp(-x));
  case Activation::Gelu:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case Activation::GeluTanh:
    return x / 2 *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case Activation::Relu:
    return std::max(x, 0.0);
  }
  return 0;
}

class LinearTest : public KernelTest {
protected:
  /// The values that quantised rows stand for.
  static std::vector<double> valuesOf(RowForm form, const Bytes &rows) {
    std::vector<double> values;
    for (size_t at = 0; at < rows.size(); at += QuantisedBlock::size(form)) {
      float scale;
      std::memcpy(&scale, &rows[at + QuantisedBlock::scale], 4);
      for (int i = 0; i < 32; ++i)
        values.push_back(double(scale) * numberAt(form, &rows[at], i));
    }
    return values;
  }
  static int32_t numberAt(RowForm form, const uint8_t *block, int i) {
    int32_t high = static_cast<int8_t>(block[QuantisedBlock::bytes + i]);
    if (form == RowForm::Q8)
      return high;
    return high * 128 +
           static_cast<int8_t>(block[QuantisedBlock::lowBytes + i]);
  }
  /// Half a step of the numbers of a block, relative to its largest value, and
  /// a little for rounding in f32.
  static double halfStep(RowForm form) {
    return form == RowForm::Q16 ? 0.505 / 16256 : 0.5001 / 127;
  }
};

TEST_P(LinearTest, QuantisesRows) {
  const RowForm forms[] = {RowForm::Q8, RowForm::Q16};
  std::vector<std::string> entries;
  for (RowForm form : forms)
    entries.push_back(requireQuantise(*set, 96, form));
  compile();
  std::vector<float> x = floats(7 * 96, 3);
  std::fill(x.begin() + 32, x.begin() + 64, 0.0f);   // a block of zeros
  std::fill(x.begin() + 64, x.begin() + 96, 1e-36f); // as good as zeros
  for (size_t f = 0; f < 2; ++f) {
    RowForm form = forms[f];
    Bytes rows = run(entries[f], {toBytes(x)}, 7 * rowBytes(form, 96), {7});
    std::vector<double> values = valuesOf(form, rows);
    for (size_t block = 0; block < x.size(); block += 32) {
      float largest = 0;
      for (size_t i = block; i < block + 32; ++i)
        largest = std::max(largest, std::abs(x[i]));
      int32_t sum = 0;
      const uint8_t *raw = &rows[block / 32 * QuantisedBlock::size(form)];
      for (size_t i = block; i < block + 32; ++i) {
        EXPECT_NEAR(values[i], x[i], largest * halfStep(form) + 1e-35);
        sum += numberAt(form, raw, int(i - block));
      }
      float scale, scaledSum;
      int32_t minus8, minus128;
      std::memcpy(&scale, raw + QuantisedBlock::scale, 4);
      std::memcpy(&scaledSum, raw + QuantisedBlock::scaledSum, 4);
      std::memcpy(&minus8, raw + QuantisedBlock::minus8Sum, 4);
      std::memcpy(&minus128, raw + QuantisedBlock::minus128Sum, 4);
      EXPECT_EQ(scaledSum, scale * float(sum));
      EXPECT_EQ(minus8, -8 * sum);
      EXPECT_EQ(minus128, -128 * sum);
    }
  }
}

struct Shape {
  WeightFormat format;
  int64_t n, k;
  LinearSpec flags;
};

TEST_P(LinearTest, EqualsTheSumInF64) {
  LinearSpec none{.weights = {PanelKind::Float32}};
  auto with = [&](auto change) {
    LinearSpec spec = none;
    change(spec);
    return spec;
  };
  const LinearSpec fancy = with([](LinearSpec &s) {
    s.bias = s.residual = true;
    s.activation = Activation::Gelu;
  });
  const LinearSpec gated = with([](LinearSpec &s) {
    s.gated = true;
    s.output = RowForm::Q8;
    s.activation = Activation::Silu;
  });
  const LinearSpec gatedFine = with([](LinearSpec &s) {
    s.gated = true;
    s.output = RowForm::Q16;
    s.activation = Activation::Silu;
  });
  const LinearSpec residual = with([](LinearSpec &s) { s.residual = true; });
  const std::vector<Shape> shapes = {
      {WeightFormat::Q4_0, 96, 64, none},
      {WeightFormat::Q4_0, 64, 96, gated},
      {WeightFormat::Q4_1, 64, 576, residual},
      {WeightFormat::Q4_1, 96, 128, gated},
      {WeightFormat::Q4_1, 64, 96, gatedFine},
      {WeightFormat::Q4_1, 50, 32, fancy},
      {WeightFormat::Q8_0, 160, 96, none},
      {WeightFormat::Q8_0, 33, 64, fancy},
      {WeightFormat::Q4_K, 64, 512, none},
      {WeightFormat::Q6_K, 40, 256, residual},
      {WeightFormat::F32, 70, 37, fancy},
      {WeightFormat::F32, 64, 96, none},
      {WeightFormat::F16, 32, 48, none},
      {WeightFormat::BF16, 64, 24, residual},
  };
  struct Entries {
    WeightFormat format;
    LinearSpec spec;
    std::string repack, quantise, linear;
  };
  std::vector<Entries> entries;
  for (const Shape &shape : shapes) {
    LinearSpec spec = shape.flags;
    spec.weights = PanelLayout::of(shape.format, shape.n, shape.k);
    std::string repack = requireRepack(*set, shape.format, spec.weights);
    if (spec.weights.isFloat()) {
      entries.push_back(
          {shape.format, spec, repack, "", requireLinear(*set, spec)});
      continue;
    }
    for (RowForm form : {RowForm::Q8, RowForm::Q16}) {
      spec.input = form;
      entries.push_back({shape.format, spec, repack,
                         requireQuantise(*set, shape.k, form),
                         requireLinear(*set, spec)});
    }
  }
  compile();
  for (const Entries &entry : entries) {
    const LinearSpec &spec = entry.spec;
    const WeightFormat format = entry.format;
    const int64_t n = spec.weights.n, k = spec.weights.k;
    auto makeWeights = [&](std::vector<float> &values) {
      Bytes raw = blocks(format, n * k / blockShape(format).elements);
      values = expand(format, raw);
      return run(entry.repack, {raw}, spec.weights.bytes(), {});
    };
    std::vector<float> w1, w2;
    Bytes panels = makeWeights(w1), second;
    if (spec.gated)
      second = makeWeights(w2);
    std::vector<float> bias = floats(n);
    for (int64_t rows : {1, 2, 5, 8, 33, 61}) {
      std::string what = entry.linear + ", rows " + std::to_string(rows);
      std::vector<float> x = floats(rows * k), residuals = floats(rows * n);
      std::vector<double> exact(x.begin(), x.end());
      Bytes input = toBytes(x);
      if (!entry.quantise.empty()) {
        input = run(entry.quantise, {input}, rows * rowBytes(spec.input, k),
                    {rows});
        exact = valuesOf(spec.input, input);
      }
      size_t inputRow = input.size() / rows;
      size_t outputRow = rowBytes(spec.output, n);
      auto product = [&](int64_t first, int64_t count) {
        std::vector<Bytes> inputs = {
            Bytes(input.begin() + first * inputRow,
                  input.begin() + (first + count) * inputRow),
            panels};
        if (spec.gated)
          inputs.push_back(second);
        if (spec.bias)
          inputs.push_back(toBytes(bias));
        if (spec.residual)
          inputs.push_back(toBytes(
              std::vector<float>(residuals.begin() + first * n,
                                 residuals.begin() + (first + count) * n)));
        return run(entry.linear, inputs, count * outputRow, {count});
      };
      Bytes result = product(0, rows);
      std::vector<double> expected(rows * n);
      double magnitude = 0;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < n; ++c) {
          double a = 0, b = 0, size = 0;
          for (int64_t i = 0; i < k; ++i) {
            a += exact[r * k + i] * w1[c * k + i];
            size += std::abs(exact[r * k + i] * w1[c * k + i]);
            if (spec.gated)
              b += exact[r * k + i] * w2[c * k + i];
          }
          magnitude = std::max(magnitude, size);
          if (spec.bias)
            a += bias[c];
          if (spec.activation)
            a = referenceActivation(*spec.activation, a);
          if (spec.gated)
            a *= b;
          if (spec.residual)
            a += residuals[r * n + c];
          expected[r * n + c] = a;
        }
      if (spec.output != RowForm::F32) {
        // The sums' own error comes on top of the step.
        double tolerance = halfStep(spec.output) + 8e-5;
        std::vector<double> stored = valuesOf(spec.output, result);
        for (int64_t i = 0; i < rows * n; i += 32) {
          double largest = 0;
          for (int64_t j = i; j < i + 32; ++j)
            largest = std::max(largest, std::abs(expected[j]));
          for (int64_t j = i; j < i + 32; ++j)
            ASSERT_NEAR(stored[j], expected[j], tolerance * largest) << what;
        }
      } else {
        expectClose(as<float>(result), expected, 1e-6 * magnitude + 1e-5, what);
      }
      int64_t r = number(0, rows - 1);
      EXPECT_EQ(product(r, 1), Bytes(result.begin() + r * outputRow,
                                     result.begin() + (r + 1) * outputRow))
          << what << ": row " << r << " alone differs";
    }
  }
}

HETAGON_EACH_VARIANT(LinearTest);

} // namespace
