// The ops of docs/reference-backend.md, as plainly as their arithmetic allows.
#include "backends/reference/device/Execute.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

namespace hetagon::reference {

namespace {

/// A vector of any VFORMAT as floats.
std::vector<float> vectorOf(const Call &call, size_t index, Format format,
                            int64_t size) {
  std::vector<float> values(static_cast<size_t>(size));
  kernels().expand(format, call.data[index], size, values.data());
  return values;
}

float activate(Activation kind, float x) {
  switch (kind) {
  case Activation::Silu:
    return x / (1 + std::exp(-x));
  case Activation::Gelu:
    return 0.5f * x * (1 + std::erf(x * float(M_SQRT1_2)));
  case Activation::GeluTanh:
    return 0.5f * x *
           (1 + std::tanh(0.7978845608028654f * (x + 0.044715f * x * x * x)));
  case Activation::Relu:
    return x > 0 ? x : 0;
  }
  return x;
}

Outcome embedding(const Call &call) {
  const Op &op = *call.op;
  const int32_t *ids = call.integers(0);
  for (int64_t r = 0; r < call.rows(); ++r)
    if (ids[r] < 0 || ids[r] >= op.vocab)
      return badIndex(op, "id", r, ids[r]);
  int64_t rowBytes = op.d / blockElements(op.format) * blockBytes(op.format);
  for (int64_t r = 0; r < call.rows(); ++r)
    kernels().expand(op.format, call.data[1] + ids[r] * rowBytes, op.d,
                     call.floats(2) + r * op.d);
  return {};
}

Outcome linear(const Call &call, const Team &team) {
  const Op &op = *call.op;
  constexpr int64_t panelColumns = 16;
  int64_t rows = call.rows(), k = op.k, n = op.n;
  int64_t padded = (k + laneCount - 1) / laneCount * laneCount;
  const float *x = call.floats(0);
  const uint8_t *weight = call.data[1];
  int64_t rowBytes = k / blockElements(op.format) * blockBytes(op.format);
  float *out = call.floats(op.bias ? 3 : 2);
  std::vector<float> bias;
  if (op.bias)
    bias = vectorOf(call, 2, *op.bias, n);
  // Zeros behind each row, so that the inner loop has no rest.
  std::vector<float> paddedInput;
  if (padded != k) {
    paddedInput.resize(size_t(rows * padded));
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(&paddedInput[size_t(r * padded)], x + r * k, size_t(k) * 4);
    x = paddedInput.data();
  }
  int64_t panels = (n + panelColumns - 1) / panelColumns;
  std::unique_ptr<float[]> scratch(
      new float[size_t(team.width()) * panelColumns * padded]);
  double work = double(n) * double(k) * double(rows + 1);
  team.split(panels, work, [&](int64_t begin, int64_t end, uint32_t part) {
    float *panel = scratch.get() + part * panelColumns * padded;
    for (int64_t p = begin; p < end; ++p) {
      int64_t first = p * panelColumns;
      int64_t columns = std::min(panelColumns, n - first);
      for (int64_t c = 0; c < columns; ++c) {
        float *row = panel + c * padded;
        kernels().expand(op.format, weight + (first + c) * rowBytes, k, row);
        std::fill(row + k, row + padded, 0.0f);
      }
      kernels().multiply(x, padded, rows, panel, columns, padded, out + first,
                         n);
      if (op.bias)
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = first; c < first + columns; ++c)
            out[r * n + c] += bias[size_t(c)];
    }
  });
  return {};
}

Outcome rmsNorm(const Call &call, const Team &team) {
  const Op &op = *call.op;
  std::vector<float> weight = vectorOf(call, 1, op.format, op.g);
  const float *x = call.floats(0);
  float *out = call.floats(2);
  int64_t pieces = call.rows() * (op.d / op.g);
  team.split(pieces, double(pieces) * double(op.g) * 4,
             [&](int64_t begin, int64_t end, uint32_t) {
               for (int64_t p = begin; p < end; ++p) {
                 const float *in = x + p * op.g;
                 double sum = 0;
                 for (int64_t i = 0; i < op.g; ++i)
                   sum += double(in[i]) * in[i];
                 float root =
                     float(1 / std::sqrt(sum / double(op.g) + double(op.eps)));
                 for (int64_t i = 0; i < op.g; ++i)
                   out[p * op.g + i] = in[i] * root * weight[size_t(i)];
               }
             });
  return {};
}

Outcome layerNorm(const Call &call, const Team &team) {
  const Op &op = *call.op;
  std::vector<float> weight = vectorOf(call, 1, op.format, op.d);
  std::vector<float> bias = vectorOf(call, 2, op.format, op.d);
  const float *x = call.floats(0);
  float *out = call.floats(3);
  team.split(call.rows(), double(call.rows()) * double(op.d) * 8,
             [&](int64_t begin, int64_t end, uint32_t) {
               for (int64_t r = begin; r < end; ++r) {
                 const float *in = x + r * op.d;
                 double sum = 0, squares = 0;
                 for (int64_t i = 0; i < op.d; ++i)
                   sum += in[i];
                 double mean = sum / double(op.d);
                 for (int64_t i = 0; i < op.d; ++i)
                   squares += (in[i] - mean) * (in[i] - mean);
                 double root =
                     1 / std::sqrt(squares / double(op.d) + double(op.eps));
                 for (int64_t i = 0; i < op.d; ++i)
                   out[r * op.d + i] =
                       float((in[i] - mean) * root) * weight[size_t(i)] +
                       bias[size_t(i)];
               }
             });
  return {};
}

Outcome rope(const Call &call, const Team &team) {
  const Op &op = *call.op;
  const float *x = call.floats(0);
  const int32_t *positions = call.integers(1);
  const float *frequencies = call.floats(2);
  float *out = call.floats(3);
  int64_t width = op.heads * op.headDim, half = op.rotary / 2;
  for (int64_t r = 0; r < call.rows(); ++r)
    if (positions[r] < 0)
      return badIndex(op, "position", r, positions[r]);
  std::vector<float> scratch(team.width() * size_t(op.rotary));
  team.split(call.rows(), double(call.rows()) * double(width) * 8,
             [&](int64_t begin, int64_t end, uint32_t part) {
               float *cosines = &scratch[part * size_t(op.rotary)];
               float *sines = cosines + half;
               for (int64_t r = begin; r < end; ++r) {
                 for (int64_t i = 0; i < half; ++i) {
                   float angle = float(positions[r]) * frequencies[i];
                   cosines[i] = float(std::cos(double(angle))) * op.scale;
                   sines[i] = float(std::sin(double(angle))) * op.scale;
                 }
                 for (int64_t h = 0; h < op.heads; ++h) {
                   const float *in = x + r * width + h * op.headDim;
                   float *to = out + r * width + h * op.headDim;
                   for (int64_t i = 0; i < half; ++i) {
                     int64_t a = op.interleaved ? 2 * i : i;
                     int64_t b = op.interleaved ? 2 * i + 1 : i + half;
                     float u = in[a], v = in[b];
                     to[a] = u * cosines[i] - v * sines[i];
                     to[b] = u * sines[i] + v * cosines[i];
                   }
                   for (int64_t i = op.rotary; i < op.headDim; ++i)
                     to[i] = in[i];
                 }
               }
             });
  return {};
}

/// add, mul, glu, activation, scale: out = function of elements.
Outcome elementwise(const Call &call, const Team &team) {
  const Op &op = *call.op;
  const float *a = call.floats(0);
  bool isBinary = op.code == Opcode::Add || op.code == Opcode::Mul ||
                  op.code == Opcode::Glu;
  std::vector<float> vector;
  if (op.broadcast)
    vector = vectorOf(call, 1, op.format, op.d);
  const float *b = op.broadcast ? vector.data()
                   : isBinary   ? call.floats(1)
                                : nullptr;
  float *out = call.floats(isBinary ? 2 : 1);
  bool isCheap = op.code != Opcode::Glu && op.code != Opcode::Activation;
  team.split(call.rows(),
             double(call.rows()) * double(op.d) * (isCheap ? 1 : 16),
             [&](int64_t begin, int64_t end, uint32_t) {
               for (int64_t r = begin; r < end; ++r)
                 for (int64_t i = 0; i < op.d; ++i) {
                   int64_t at = r * op.d + i;
                   float other = b ? b[op.broadcast ? i : at] : 0;
                   out[at] = op.code == Opcode::Add   ? a[at] + other
                             : op.code == Opcode::Mul ? a[at] * other
                             : op.code == Opcode::Glu
                                 ? activate(op.kind, a[at]) * other
                             : op.code == Opcode::Activation
                                 ? activate(op.kind, a[at])
                                 : a[at] * op.factor;
                 }
             });
  return {};
}

Outcome gatherRows(const Call &call) {
  const Op &op = *call.op;
  const int32_t *rows = call.integers(1);
  for (int64_t i = 0; i < call.constants[1]; ++i)
    if (rows[i] < 0 || rows[i] >= call.rows())
      return badIndex(op, "row", i, rows[i]);
  for (int64_t i = 0; i < call.constants[1]; ++i)
    std::memcpy(call.floats(2) + i * op.d, call.floats(0) + rows[i] * op.d,
                size_t(op.d) * 4);
  return {};
}

Outcome pool(const Call &call) {
  const Op &op = *call.op;
  const int32_t *segments = call.integers(1);
  int64_t count = call.constants[1];
  for (int64_t s = 0; s < count; ++s) {
    int32_t begin = segments[2 * s], end = segments[2 * s + 1];
    if (begin < 0 || begin >= end || end > call.rows())
      return badIndex(op, "segment ending at", s, end);
  }
  for (int64_t s = 0; s < count; ++s) {
    int64_t begin = segments[2 * s], end = segments[2 * s + 1];
    float *out = call.floats(2) + s * op.d;
    std::memcpy(out, call.floats(0) + begin * op.d, size_t(op.d) * 4);
    if (op.first)
      continue;
    for (int64_t r = begin + 1; r < end; ++r)
      for (int64_t i = 0; i < op.d; ++i)
        out[i] += call.floats(0)[r * op.d + i];
    for (int64_t i = 0; i < op.d; ++i)
      out[i] /= float(end - begin);
  }
  return {};
}

Outcome l2Normalize(const Call &call) {
  const Op &op = *call.op;
  for (int64_t r = 0; r < call.rows(); ++r) {
    const float *in = call.floats(0) + r * op.d;
    float *out = call.floats(1) + r * op.d;
    double sum = 0;
    for (int64_t i = 0; i < op.d; ++i)
      sum += double(in[i]) * in[i];
    float norm = float(std::max(std::sqrt(sum), 1e-12));
    for (int64_t i = 0; i < op.d; ++i)
      out[i] = in[i] / norm;
  }
  return {};
}

} // namespace

Outcome badIndex(const Op &op, const char *what, int64_t row, int64_t value) {
  return {HETAGON_OUT_OF_RANGE,
          "entry '" + op.name + "', row " + std::to_string(row) + ": the " +
              what + " " + std::to_string(value) + " is out of range"};
}

Outcome execute(const Call &call, const Team &team) {
  switch (call.op->code) {
  case Opcode::Embedding:
    return embedding(call);
  case Opcode::Linear:
    return linear(call, team);
  case Opcode::RmsNorm:
    return rmsNorm(call, team);
  case Opcode::LayerNorm:
    return layerNorm(call, team);
  case Opcode::Rope:
    return rope(call, team);
  case Opcode::KvAppend:
    return appendToCache(call);
  case Opcode::Attention:
    return attend(call, team);
  case Opcode::SegmentAttention:
    return attendSegments(call, team);
  case Opcode::Add:
  case Opcode::Mul:
  case Opcode::Activation:
  case Opcode::Glu:
  case Opcode::Scale:
    return elementwise(call, team);
  case Opcode::GatherRows:
    return gatherRows(call);
  case Opcode::Pool:
    return pool(call);
  case Opcode::L2Normalize:
    return l2Normalize(call);
  }
  return {HETAGON_INTERNAL, "an opcode without code"};
}

} // namespace hetagon::reference
