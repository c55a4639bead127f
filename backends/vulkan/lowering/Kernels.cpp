// Generators of the encoder's kernels. No kernel uses memory shared by a
// workgroup or a barrier: each invocation owns what it writes, so that the same
// code suits a processor's vector lanes and a small GPU.
#include "backends/vulkan/lowering/Kernels.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

using namespace mlir;

namespace hetagon::vulkan {

namespace {

constexpr uint32_t pointwiseGroup = 32, rowGroup = 8, linearGroup = 8;
/// The tile of a product that one invocation keeps in registers: what it loads
/// once is used for all rows or columns of the tile.
constexpr int64_t linearRows = 8, linearColumns = 8;

constexpr uint32_t rowsConstant = 0, seqsConstant = 1;

Operand rowsOf(int64_t columns, int64_t width, bool isWritten = false,
               int32_t symbol = rowsConstant) {
  return {Operand::Float, width, {symbol, uint64_t(columns)}, isWritten};
}
Operand fixed(int64_t count, int64_t width) {
  return {Operand::Float, width, {-1, uint64_t(count)}};
}
Operand ids(int64_t each = 1, int32_t symbol = rowsConstant) {
  return {Operand::Integer, 1, {symbol, uint64_t(each)}};
}

std::string join(StringRef name, ArrayRef<int64_t> numbers) {
  std::string text = name.str();
  for (int64_t number : numbers)
    text += "_" + std::to_string(number);
  return text;
}

/// A float in a kernel's name, without characters that identifiers lack.
std::string word(double value) {
  float single = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof(bits));
  return "x" + llvm::utohexstr(bits, /*LowerCase=*/true);
}

/// Work items along x in one row of workgroups each: (columns, rows, 1).
std::array<GridDim, 3> gridOf(int64_t columns, uint32_t group,
                              int32_t symbol = rowsConstant,
                              uint32_t rowsTogether = 1) {
  return {GridDim{{-1, uint64_t(columns)}, group},
          GridDim{{symbol, 1}, rowsTogether}, GridDim{}};
}

/// erf by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26;
/// absolute error below 1.5e-7.
Val erf(Kernel &k, Val x) {
  int64_t width = k.widthOf(x);
  Val magnitude = k.abs(x);
  Val t = k.real(1, width) /
          k.fma(k.real(0.3275911, width), magnitude, k.real(1, width));
  Val sum = k.real(1.061405429, width);
  for (double factor : {-1.453152027, 1.421413741, -0.284496736, 0.254829592})
    sum = k.fma(sum, t, k.real(factor, width));
  Val positive = k.real(1, width) -
                 sum * t * k.exp(k.real(0, width) - magnitude * magnitude);
  return k.select(k.less(x, k.real(0, width)), k.real(0, width) - positive,
                  positive);
}

Val activate(Kernel &k, nn::ActivationKind kind, Val x) {
  int64_t width = k.widthOf(x);
  Val one = k.real(1, width), half = k.real(0.5, width);
  switch (kind) {
  case nn::ActivationKind::Silu:
    return x / (one + k.exp(k.real(0, width) - x));
  case nn::ActivationKind::Gelu:
    return half * x * (one + erf(k, x * k.real(0.70710678118654752, width)));
  case nn::ActivationKind::GeluTanh: {
    Val cube = k.real(0.044715, width) * x * x * x;
    return half * x *
           (one + k.tanh(k.real(0.79788456080286536, width) * (x + cube)));
  }
  case nn::ActivationKind::Relu:
    return k.max(x, k.real(0, width));
  }
  llvm_unreachable("activation");
}

/// Sum over a row of `body` of each piece, elementwise first.
Val sumOfRow(Kernel &k, int64_t pieces, int64_t width,
             llvm::function_ref<Val(Val, Val)> body) {
  Vals sums = k.loop(
      k.index(0), k.index(pieces), {k.real(0, width)},
      [&](Val i, ArrayRef<Val> carried) { return Vals{body(i, carried[0])}; });
  return k.sum(sums[0]);
}

} // namespace

KernelSet::KernelSet() {
  loadKernelDialects(context);
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    messages += messages.empty() ? "" : "; ";
    messages += diagnostic.str();
    return success();
  });
}

std::string KernelSet::require(const std::string &name,
                               ArrayRef<Operand> operands, uint32_t constants,
                               uint32_t workgroupSize,
                               std::array<GridDim, 3> grid, Body body) {
  if (!names.insert(name).second)
    return name;
  Kernel kernel(context, name, operands, constants, workgroupSize, grid);
  body(kernel);
  Entry entry;
  if (kernel.finish(entry).failed())
    hasFailed = true;
  list.push_back(std::move(entry));
  return name;
}

std::string
KernelSet::pointwise(const std::string &name, int64_t columns,
                     ArrayRef<bool> isRowVector,
                     llvm::function_ref<Val(Kernel &, const Vals &)> body) {
  int64_t width = widthFor(columns), pieces = columns / width;
  SmallVector<Operand> operands;
  for (bool isVector : isRowVector)
    operands.push_back(isVector ? fixed(columns, width)
                                : rowsOf(columns, width));
  operands.push_back(rowsOf(columns, width, /*isWritten=*/true));
  return require(name, operands, 1, pointwiseGroup,
                 gridOf(pieces, pointwiseGroup), [&](Kernel &k) {
                   Val piece = k.globalX(), row = k.group(1);
                   k.when(k.less(piece, k.index(pieces)), [&] {
                     Val at = row * pieces + piece;
                     Vals values;
                     for (auto [i, isVector] : llvm::enumerate(isRowVector))
                       values.push_back(k.load(i, isVector ? piece : at));
                     k.store(body(k, values), isRowVector.size(), at);
                   });
                 });
}

std::string KernelSet::add(int64_t columns, bool isVector) {
  return pointwise(join(isVector ? "add_vector" : "add", columns), columns,
                   {false, isVector},
                   [](Kernel &, const Vals &v) { return v[0] + v[1]; });
}

std::string KernelSet::mul(int64_t columns, bool isVector) {
  return pointwise(join(isVector ? "mul_vector" : "mul", columns), columns,
                   {false, isVector},
                   [](Kernel &, const Vals &v) { return v[0] * v[1]; });
}

std::string KernelSet::scale(int64_t columns, double factor) {
  return pointwise(join("scale", columns) + "_" + word(factor), columns,
                   {false}, [&](Kernel &k, const Vals &v) {
                     return v[0] * k.real(factor, k.widthOf(v[0]));
                   });
}

std::string KernelSet::activation(int64_t columns, nn::ActivationKind kind) {
  return pointwise(
      join(nn::stringifyActivationKind(kind), columns), columns, {false},
      [&](Kernel &k, const Vals &v) { return activate(k, kind, v[0]); });
}

std::string KernelSet::embedding(int64_t vocabulary, int64_t columns) {
  int64_t width = widthFor(columns), pieces = columns / width;
  return require(
      join("embedding", {vocabulary, columns}),
      {ids(), fixed(vocabulary * columns, width), rowsOf(columns, width, true)},
      1, pointwiseGroup, gridOf(pieces, pointwiseGroup), [&](Kernel &k) {
        Val piece = k.globalX(), row = k.group(1);
        k.when(k.less(piece, k.index(pieces)), [&] {
          Val id = k.load(0, row);
          Val isKnown = k.less(id, k.index(vocabulary));
          Val known = k.select(isKnown, id, k.index(0));
          Val value = k.load(1, known * pieces + piece);
          k.store(k.select(isKnown, value, k.real(0, width)), 2,
                  row * pieces + piece);
        });
      });
}

std::string KernelSet::linear(int64_t depth, int64_t columns, bool hasBias) {
  int64_t width = widthFor(depth), pieces = depth / width;
  SmallVector<Operand> operands{rowsOf(depth, width),
                                fixed(columns * depth, width)};
  if (hasBias)
    operands.push_back(fixed(columns, 1));
  operands.push_back(rowsOf(columns, 1, /*isWritten=*/true));
  uint32_t result = operands.size() - 1;
  return require(
      join(hasBias ? "linear_bias" : "linear", {depth, columns}), operands, 1,
      linearGroup,
      gridOf(columns, linearGroup * linearColumns, rowsConstant, linearRows),
      [&](Kernel &k) {
        // Neighbours compute neighbouring columns; one invocation's own columns
        // are a workgroup apart.
        Val firstColumn = k.group(0) * (linearGroup * linearColumns) + k.lane();
        Val firstRow = k.group(1) * linearRows;
        Val rows = k.constant(rowsConstant);
        // Rows and columns past the end repeat the last one and are not stored.
        Vals row, column, input, weight, zeros;
        for (int64_t i = 0; i < linearRows; ++i) {
          row.push_back(firstRow + i);
          input.push_back(k.min(row[i], rows - k.index(1)) * pieces);
        }
        for (int64_t j = 0; j < linearColumns; ++j) {
          column.push_back(firstColumn + j * linearGroup);
          weight.push_back(k.min(column[j], k.index(columns - 1)) * pieces);
        }
        zeros.append(linearRows * linearColumns, k.real(0));
        Vals sums =
            k.loop(k.index(0), k.index(pieces), zeros,
                   [&](Val piece, ArrayRef<Val> carried) {
                     Vals weights, next;
                     for (Val start : weight)
                       weights.push_back(k.load(1, start + piece));
                     for (int64_t i = 0; i < linearRows; ++i) {
                       Val value = k.load(0, input[i] + piece);
                       for (int64_t j = 0; j < linearColumns; ++j)
                         next.push_back(k.dot(value, weights[j],
                                              carried[i * linearColumns + j]));
                     }
                     return next;
                   });
        for (int64_t j = 0; j < linearColumns; ++j)
          k.when(k.less(column[j], k.index(columns)), [&] {
            Val bias = hasBias ? k.load(2, column[j]) : k.real(0);
            for (int64_t i = 0; i < linearRows; ++i)
              k.when(k.less(row[i], rows), [&] {
                k.store(sums[i * linearColumns + j] + bias, result,
                        row[i] * columns + column[j]);
              });
          });
      });
}

std::string KernelSet::layerNorm(int64_t columns, double eps) {
  int64_t width = widthFor(columns), pieces = columns / width;
  return require(
      join("layer_norm", columns) + "_" + word(eps),
      {rowsOf(columns, width), fixed(columns, width), fixed(columns, width),
       rowsOf(columns, width, true)},
      1, rowGroup, {GridDim{{rowsConstant, 1}, rowGroup}, {}, {}},
      [&](Kernel &k) {
        Val row = k.globalX();
        k.when(k.less(row, k.constant(rowsConstant)), [&] {
          Val start = row * pieces, count = k.real(double(columns));
          Val mean = sumOfRow(k, pieces, width,
                              [&](Val i, Val sum) {
                                return sum + k.load(0, start + i);
                              }) /
                     count;
          Val means = k.splat(mean, width);
          Val variance = sumOfRow(k, pieces, width,
                                  [&](Val i, Val sum) {
                                    Val x = k.load(0, start + i) - means;
                                    return k.fma(x, x, sum);
                                  }) /
                         count;
          Val factor =
              k.splat(k.real(1) / k.sqrt(variance + k.real(eps)), width);
          k.loop(k.index(0), k.index(pieces), [&](Val i) {
            Val x = (k.load(0, start + i) - means) * factor;
            k.store(k.fma(x, k.load(1, i), k.load(2, i)), 3, start + i);
          });
        });
      });
}

std::string KernelSet::l2Normalize(int64_t columns) {
  int64_t width = widthFor(columns), pieces = columns / width;
  return require(
      join("l2_normalize", columns),
      {rowsOf(columns, width), rowsOf(columns, width, true)}, 1, rowGroup,
      {GridDim{{rowsConstant, 1}, rowGroup}, {}, {}}, [&](Kernel &k) {
        Val row = k.globalX();
        k.when(k.less(row, k.constant(rowsConstant)), [&] {
          Val start = row * pieces;
          Val squares = sumOfRow(k, pieces, width, [&](Val i, Val sum) {
            Val x = k.load(0, start + i);
            return k.fma(x, x, sum);
          });
          Val factor =
              k.splat(k.real(1) / k.max(k.sqrt(squares), k.real(1e-12)), width);
          k.loop(k.index(0), k.index(pieces), [&](Val i) {
            k.store(k.load(0, start + i) * factor, 1, start + i);
          });
        });
      });
}

std::string KernelSet::segmentAttention(int64_t heads, int64_t headDim,
                                        double scale) {
  int64_t width = widthFor(headDim), pieces = headDim / width;
  int64_t columns = heads * headDim, rowPieces = columns / width;
  Operand input = rowsOf(columns, width);
  return require(
      join("segment_attention", {heads, headDim}) + "_" + word(scale),
      {input, input, input, ids(), ids(), rowsOf(columns, width, true)}, 1,
      rowGroup, {GridDim{{rowsConstant, uint64_t(heads)}, rowGroup}, {}, {}},
      [&](Kernel &k) {
        // One invocation a row and head, with the softmax's maximum and sum
        // corrected as keys come by.
        Val item = k.globalX(), rows = k.constant(rowsConstant);
        k.when(k.less(item, rows * heads), [&] {
          Val row = item / heads, head = item % heads;
          Val start = row * rowPieces + head * pieces;
          Val begin = k.min(k.load(3, row), rows);
          Val end = k.min(k.load(4, row), rows);
          Vals query;
          for (int64_t i = 0; i < pieces; ++i)
            query.push_back(k.load(0, start + i) * k.real(scale, width));
          Vals initial{k.real(std::numeric_limits<float>::lowest()), k.real(0)};
          initial.append(pieces, k.real(0, width));
          k.when(k.less(begin, end), [&] {
            Vals last = k.loop(
                begin, end, initial, [&](Val other, ArrayRef<Val> carried) {
                  Val at = other * rowPieces + head * pieces;
                  Val score = k.real(0, width);
                  for (int64_t i = 0; i < pieces; ++i)
                    score = k.fma(query[i], k.load(1, at + i), score);
                  score = k.sum(score);
                  Val maximum = k.max(carried[0], score);
                  Val fade = k.exp(carried[0] - maximum);
                  Val weight = k.exp(score - maximum);
                  Vals next{maximum, k.fma(carried[1], fade, weight)};
                  Val fades = k.splat(fade, width);
                  Val weights = k.splat(weight, width);
                  for (int64_t i = 0; i < pieces; ++i)
                    next.push_back(k.fma(weights, k.load(2, at + i),
                                         carried[2 + i] * fades));
                  return next;
                });
            Val factor = k.splat(k.real(1) / last[1], width);
            for (int64_t i = 0; i < pieces; ++i)
              k.store(last[2 + i] * factor, 5, start + i);
          });
        });
      });
}

std::string KernelSet::pool(int64_t columns, nn::PoolKind kind) {
  int64_t width = widthFor(columns), pieces = columns / width;
  return require(
      join("pool_" + nn::stringifyPoolKind(kind).str(), columns),
      {rowsOf(columns, width), ids(2, seqsConstant),
       rowsOf(columns, width, true, seqsConstant)},
      2, pointwiseGroup, gridOf(pieces, pointwiseGroup, seqsConstant),
      [&](Kernel &k) {
        Val piece = k.globalX(), seq = k.group(1);
        Val rows = k.constant(rowsConstant);
        k.when(k.less(piece, k.index(pieces)), [&] {
          Val at = seq * pieces + piece;
          Val begin = k.min(k.load(1, seq * 2), rows);
          Val end = k.min(k.load(1, seq * 2 + 1), rows);
          k.when(k.less(begin, end), [&] {
            if (kind == nn::PoolKind::First) {
              k.store(k.load(0, begin * pieces + piece), 2, at);
              return;
            }
            Vals sums = k.loop(begin, end, {k.real(0, width)},
                               [&](Val row, ArrayRef<Val> carried) {
                                 return Vals{carried[0] +
                                             k.load(0, row * pieces + piece)};
                               });
            k.store(sums[0] / k.splat(k.toFloat(end - begin), width), 2, at);
          });
        });
      });
}

} // namespace hetagon::vulkan
