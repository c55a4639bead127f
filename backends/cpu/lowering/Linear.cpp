// Matrix products: panels of 32 output columns times tiles of rows, with the
// product's consumers fused behind the sum.
//
// Many rows are divided between the parts, each passing over all panels (a
// panel stays in L1, its rows in L2); few rows leave the panels divided. Each
// element of the result is summed over k in order whatever the division.
#include "backends/cpu/lowering/Kernels.h"

namespace hetagon::cpu {

namespace {

/// From this many rows on, rows are divided rather than panels.
constexpr int64_t rowsToDivide = 48;

class LinearGenerator {
public:
  LinearGenerator(Emitter &e, const KernelFrame &frame, const LinearSpec &spec)
      : e(e), frame(frame), spec(spec), panel(spec.weights) {}

  void emit();

private:
  struct Operands {
    Val x, panels, second, bias, residual, result;
  };
  Operands bind() const;
  int64_t inputRowBytes() const { return rowBytes(spec.input, panel.k); }
  int64_t outputRowBytes() const { return rowBytes(spec.output, panel.n); }
  /// Rows of the largest tile: what fits the registers, see emitQuantisedStep.
  int64_t tileRows() const {
    if (!e.isa().vnni)
      return panel.isFloat() ? 2 : 1;
    return panel.isFloat() ? 8 : 4;
  }

  void emitPanel(const Operands &operands, Val index, Val rowBegin, Val rowEnd,
                 Val lastPanel);
  void emitTile(const Operands &operands, Val index, Val row, int64_t rows,
                Val prefetched);
  /// The sums of rows x 2 column groups over all k.
  Vals sum(Val weights, Val x, int64_t rows, Val prefetched);
  Vals quantisedStep(Val weights, Val x, int64_t rows, const Vals &sums);
  Vals floatStep(Val weights, Val x, int64_t rows, const Vals &sums);
  Val integerStart(Val x);
  void storeRow(const Operands &operands, Val index, Val row, Val low,
                Val high);
  /// The lanes of a column group that exist, or an empty Val for all.
  Val columnMask(Val firstColumn);

  Emitter &e;
  const KernelFrame &frame;
  const LinearSpec &spec;
  const PanelLayout &panel;
};

LinearGenerator::Operands LinearGenerator::bind() const {
  unsigned next = 0;
  Operands operands;
  operands.x = frame.binding(next++);
  operands.panels = frame.binding(next++);
  if (spec.gated)
    operands.second = frame.binding(next++);
  if (spec.bias)
    operands.bias = frame.binding(next++);
  if (spec.residual)
    operands.residual = frame.binding(next++);
  operands.result = frame.binding(next++);
  return operands;
}

void LinearGenerator::emit() {
  Operands operands = bind();
  Val rows = frame.constant(0);
  Val panels = e.index(panel.panels());
  // Rows go out in whole tiles, so that only the last part has a remainder.
  Val tiles = (rows + (tileRows() - 1)) / tileRows();
  Share rowShare = shareOf(e, frame, tiles),
        panelShare = shareOf(e, frame, panels);
  Val byRows = e.index(rowsToDivide) <= rows;
  Val zero = e.index(0);
  Val panelBegin = e.select(byRows, zero, panelShare.begin);
  Val panelEnd = e.select(byRows, panels, panelShare.end);
  Val rowBegin = e.select(byRows, rowShare.begin * tileRows(), zero);
  Val rowEnd = e.select(byRows, e.min(rowShare.end * tileRows(), rows), rows);
  Val last = panelEnd - 1;
  e.loop(panelBegin, panelEnd, 1, [&](Val index) {
    emitPanel(operands, index, rowBegin, rowEnd, last);
  });
}

void LinearGenerator::emitPanel(const Operands &operands, Val index,
                                Val rowBegin, Val rowEnd, Val lastPanel) {
  Val ahead = e.min(index + 1, lastPanel);
  Val begin = rowBegin;
  for (int64_t rows = tileRows(); rows >= 1; rows /= 2) {
    Val end = begin + (rowEnd - begin) / rows * rows;
    e.loop(begin, end, rows, [&](Val row) {
      // The first tile of a panel fetches the next panel; later ones touch
      // lines that are in L1 already.
      Val prefetched = e.select(row == rowBegin, ahead, index);
      emitTile(operands, index, row, rows, prefetched);
    });
    begin = end;
  }
}

void LinearGenerator::emitTile(const Operands &operands, Val index, Val row,
                               int64_t rows, Val prefetched) {
  Val x = e.at(operands.x, row * inputRowBytes());
  auto product = [&](Val panels) {
    return sum(e.at(panels, index * panel.panelBytes()), x, rows,
               e.at(panels, prefetched * panel.panelBytes()));
  };
  Vals sums = product(operands.panels);
  auto biasOf = [&](int64_t group) {
    Val column = index * panel.columns + group * Emitter::lanes;
    Val address = e.at(operands.bias, column * 4);
    Val mask = columnMask(column);
    return mask ? e.maskedLoad(e.vf32, mask, address) : e.load(e.vf32, address);
  };
  if (spec.bias) {
    Val bias[2] = {biasOf(0), biasOf(1)};
    for (int64_t i = 0; i < rows * 2; ++i)
      sums[i] = sums[i] + bias[i % 2];
  }
  if (spec.gated) {
    Vals second = product(operands.second);
    for (int64_t i = 0; i < rows * 2; ++i)
      sums[i] = emitActivation(e, *spec.activation, sums[i]) * second[i];
  } else if (spec.activation) {
    for (Val &value : sums)
      value = emitActivation(e, *spec.activation, value);
  }
  for (int64_t r = 0; r < rows; ++r)
    storeRow(operands, index, row + r, sums[2 * r], sums[2 * r + 1]);
}

Vals LinearGenerator::sum(Val weights, Val x, int64_t rows, Val prefetched) {
  Vals zeros(rows * 2, e.real(e.vf32, 0.0));
  int64_t steps = panel.k / panel.stepElements();
  int64_t xStep = panel.isFloat() ? 4 : QuantisedBlock::size(spec.input);
  // Float panels have small steps; several share the loop's overhead.
  int64_t unroll = panel.isFloat() ? (steps % 4 == 0 ? 4 : 1) : 1;
  return e.loop(e.index(0), e.index(steps), unroll, zeros,
                [&](Val step, const Vals &carried) {
                  Vals sums = carried;
                  Val w = e.at(weights, step * panel.stepBytes());
                  Val xs = e.at(x, step * xStep);
                  Val ahead = e.at(prefetched, step * panel.stepBytes());
                  for (int64_t line = 0; line < panel.stepBytes() * unroll;
                       line += 64)
                    e.prefetch(ahead, line);
                  for (int64_t u = 0; u < unroll; ++u) {
                    Val wu = e.at(w, u * panel.stepBytes());
                    Val xu = e.at(xs, u * xStep);
                    sums = panel.isFloat() ? floatStep(wu, xu, rows, sums)
                                           : quantisedStep(wu, xu, rows, sums);
                  }
                  return sums;
                });
}

Val LinearGenerator::integerStart(Val x) {
  switch (panel.kind) {
  case PanelKind::Nibbles:
    return e.splat(e.load(e.i32, x, QuantisedBlock::minus8Sum, 4));
  case PanelKind::Bytes:
    return e.splat(e.load(e.i32, x, QuantisedBlock::minus128Sum, 4));
  default:
    return e.integer(e.vi32, 0);
  }
}

/// One block of 32 along k. Registers: rows * 2 integer sums for each plane of
/// the activations and rows * 2 float sums, weights and their upper nibbles,
/// the mask, a product of scales: at most 32 for 5 rows of one plane and 4 of
/// two. The planes' sums meet as integers, so that two planes are exact too:
/// at most 32 * 255 * 16256 < 2^27.
Vals LinearGenerator::quantisedStep(Val weights, Val x, int64_t rows,
                                    const Vals &carried) {
  int64_t rowStride = inputRowBytes();
  bool twoPlanes = spec.input == RowForm::Q16;
  Vals integers, lowIntegers;
  for (int64_t r = 0; r < rows; ++r) {
    Val start = integerStart(e.at(x, r * rowStride));
    integers.append(2, twoPlanes ? e.integer(e.vi32, 0) : start);
    lowIntegers.append(2, start);
  }
  auto accumulate = [&](int64_t group, Val bytes, int64_t offset) {
    for (int64_t r = 0; r < rows; ++r) {
      auto add = [&](Val &sum, int64_t plane) {
        Val activations =
            e.splat(e.load(e.i32, x, r * rowStride + plane + offset, 4));
        sum = e.dotBytes(sum, bytes, activations);
      };
      add(integers[2 * r + group], QuantisedBlock::bytes);
      if (twoPlanes)
        add(lowIntegers[2 * r + group], QuantisedBlock::lowBytes);
    }
  };
  bool nibbles = panel.kind != PanelKind::Bytes;
  int64_t lines = nibbles ? 4 : 8;
  for (int64_t line = 0; line < lines; ++line)
    for (int64_t group : {0, 1}) {
      Val bytes = e.load(e.vi32, weights, line * 128 + group * 64, 64);
      if (nibbles) {
        accumulate(group, bytes & 0x0f0f0f0f, line * 4);
        accumulate(group, e.shiftRight(bytes, 4) & 0x0f0f0f0f, 16 + line * 4);
      } else {
        accumulate(group, bytes, line * 4);
      }
    }
  if (twoPlanes)
    for (int64_t i = 0; i < rows * 2; ++i)
      integers[i] = e.shiftLeft(integers[i], 7) + lowIntegers[i];
  int64_t scaleBytes = panel.hasWideScales() ? 4 : 2;
  auto perColumn = [&](int64_t group, int64_t array) {
    int64_t offset =
        panel.weightBytes() +
        (array * panel.columns + group * Emitter::lanes) * scaleBytes;
    if (panel.hasWideScales())
      return e.load(e.vf32, weights, offset, 64);
    return e.toFloat(e.load(e.vec(e.f16), weights, offset, 32), e.f32);
  };
  Vals sums = carried;
  for (int64_t group : {0, 1}) {
    Val scales = perColumn(group, 0);
    for (int64_t r = 0; r < rows; ++r) {
      Val scale =
          e.splat(e.load(e.f32, x, r * rowStride + QuantisedBlock::scale, 4));
      Val &sum = sums[2 * r + group];
      sum =
          e.fma(e.toFloat(integers[2 * r + group], e.f32), scales * scale, sum);
    }
    if (!panel.hasMinima())
      continue;
    Val minima = perColumn(group, 1);
    for (int64_t r = 0; r < rows; ++r) {
      Val scaledSum = e.splat(
          e.load(e.f32, x, r * rowStride + QuantisedBlock::scaledSum, 4));
      Val &sum = sums[2 * r + group];
      sum = e.fma(minima, scaledSum, sum);
    }
  }
  return sums;
}

Vals LinearGenerator::floatStep(Val weights, Val x, int64_t rows,
                                const Vals &carried) {
  Vals sums = carried;
  int64_t elementBytes = panel.kind == PanelKind::Float32 ? 4 : 2;
  mlir::Type element = panel.kind == PanelKind::Float32   ? e.f32
                       : panel.kind == PanelKind::Float16 ? e.f16
                                                          : e.bf16;
  Val columns[2];
  for (int64_t group : {0, 1}) {
    int64_t offset = group * Emitter::lanes * elementBytes;
    if (element == e.bf16) {
      Val bits = e.load(e.vec(e.i16), weights, offset, 32);
      columns[group] =
          e.bitcast(e.shiftLeft(e.extendZero(bits, e.i32), 16), e.vf32);
    } else {
      columns[group] = e.toFloat(e.load(e.vec(element), weights, offset,
                                        Emitter::lanes * elementBytes),
                                 e.f32);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    Val activation = e.splat(e.load(e.f32, x, r * inputRowBytes(), 4));
    for (int64_t group : {0, 1}) {
      Val &sum = sums[2 * r + group];
      sum = e.fma(columns[group], activation, sum);
    }
  }
  return sums;
}

Val LinearGenerator::columnMask(Val firstColumn) {
  if (panel.n % panel.columns == 0)
    return Val();
  Val remaining = e.truncate(panel.n - firstColumn, e.i32);
  return e.laneIndices() < e.splat(remaining);
}

void LinearGenerator::storeRow(const Operands &operands, Val index, Val row,
                               Val low, Val high) {
  Val column = index * panel.columns;
  Val values[2] = {low, high};
  if (spec.output != RowForm::F32) {
    Val block =
        e.at(operands.result, row * outputRowBytes() +
                                  index * QuantisedBlock::size(spec.output));
    emitQuantiseBlock(e, spec.output, low, high, block);
    return;
  }
  for (int64_t group : {0, 1}) {
    Val first = column + group * Emitter::lanes;
    Val offset = row * outputRowBytes() + first * 4;
    Val mask = columnMask(first);
    Val value = values[group];
    if (spec.residual) {
      Val address = e.at(operands.residual, offset);
      value = value + (mask ? e.maskedLoad(e.vf32, mask, address)
                            : e.load(e.vf32, address));
    }
    Val target = e.at(operands.result, offset);
    if (mask)
      e.maskedStore(value, mask, target);
    else
      e.store(value, target);
  }
}

} // namespace

std::string requireLinear(KernelSet &set, const LinearSpec &spec) {
  const PanelLayout &panel = spec.weights;
  std::string name = "linear_" + panel.name().str() + "_" +
                     std::to_string(panel.n) + "x" + std::to_string(panel.k);
  if (spec.input == RowForm::Q16)
    name += "_of_q16";
  if (spec.bias)
    name += "_bias";
  if (spec.activation)
    name += "_" + activationName(*spec.activation).str();
  if (spec.gated)
    name += "_gated";
  if (spec.residual)
    name += "_residual";
  name += formSuffix(spec.output);
  uint32_t bindings = 3 + spec.gated + spec.bias + spec.residual;
  return set.require({name, bindings, /*constants=*/1, /*scratchBytes=*/0},
                     [&](Emitter &e, const KernelFrame &frame) {
                       LinearGenerator(e, frame, spec).emit();
                       return Val();
                     });
}

} // namespace hetagon::cpu
