// Kernels whose rows are independent: norms, element-by-element operations,
// quantisation, gathering, pooling.
#include "backends/cpu/lowering/Columns.h"
#include "backends/cpu/lowering/Kernels.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"

namespace hetagon::cpu {

/// A float parameter in a kernel name: its f32 bits, so that equal names mean
/// equal values.
static std::string numberName(double value) {
  return std::to_string(llvm::bit_cast<uint32_t>(static_cast<float>(value)));
}

// --- element by element ------------------------------------------------------

std::string requirePointwise(KernelSet &set, const PointwiseSpec &spec) {
  bool rowVector =
      spec.op == PointwiseOp::AddVector || spec.op == PointwiseOp::MulVector;
  bool twoInputs = rowVector || spec.op == PointwiseOp::Add ||
                   spec.op == PointwiseOp::Mul || spec.op == PointwiseOp::Glu;
  std::string name;
  switch (spec.op) {
  case PointwiseOp::Add:
    name = "add";
    break;
  case PointwiseOp::AddVector:
    name = "add_vector";
    break;
  case PointwiseOp::Mul:
    name = "mul";
    break;
  case PointwiseOp::MulVector:
    name = "mul_vector";
    break;
  case PointwiseOp::Scale:
    name = "scale_" + numberName(spec.factor);
    break;
  case PointwiseOp::Activate:
    name = activationName(spec.activation).str();
    break;
  case PointwiseOp::Glu:
    name = "glu_" + activationName(spec.activation).str();
    break;
  }
  name += "_" + std::to_string(spec.columns);
  name += formSuffix(spec.output);
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val first = frame.binding(0);
    Val second = twoInputs ? frame.binding(1) : Val();
    Val result = frame.binding(twoInputs ? 2 : 1);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      Val a = e.at(first, row * (spec.columns * 4));
      Val b = second;
      if (twoInputs && !rowVector)
        b = e.at(second, row * (spec.columns * 4));
      Val target = e.at(result, row * rowBytes(spec.output, spec.columns));
      storeRow(e, spec.columns, spec.output, target, [&](const Lanes &lanes) {
        Val x = loadLanes(e, a, lanes);
        Val y = twoInputs ? loadLanes(e, b, lanes) : Val();
        switch (spec.op) {
        case PointwiseOp::Add:
        case PointwiseOp::AddVector:
          return x + y;
        case PointwiseOp::Mul:
        case PointwiseOp::MulVector:
          return x * y;
        case PointwiseOp::Scale:
          return x * spec.factor;
        case PointwiseOp::Activate:
          return emitActivation(e, spec.activation, x);
        case PointwiseOp::Glu:
          return emitActivation(e, spec.activation, x) * y;
        }
        llvm_unreachable("pointwise operation");
      });
    });
    return Val();
  };
  return set.require({name, twoInputs ? 3u : 2u, 1, 0}, body);
}

std::string requireQuantise(KernelSet &set, int64_t columns, RowForm form) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val x = frame.binding(0), result = frame.binding(1);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      Val source = e.at(x, row * (columns * 4));
      storeRow(e, columns, form, e.at(result, row * rowBytes(form, columns)),
               [&](const Lanes &lanes) { return loadLanes(e, source, lanes); });
    });
    return Val();
  };
  std::string name = "quantise_" + std::to_string(columns);
  name += formSuffix(form);
  return set.require({name, 2, 1, 0}, body);
}

// --- norms -------------------------------------------------------------------

std::string requireNorm(KernelSet &set, const NormSpec &spec) {
  static constexpr const char *kinds[] = {"rms_norm", "layer_norm",
                                          "l2_normalize"};
  std::string name =
      std::string(kinds[int(spec.kind)]) + "_" + std::to_string(spec.columns);
  if (spec.piece != spec.columns)
    name += "by" + std::to_string(spec.piece);
  name += "_eps" + numberName(spec.eps);
  name += formSuffix(spec.output);
  unsigned parameters = spec.kind == NormKind::Layer ? 2
                        : spec.kind == NormKind::Rms ? 1
                                                     : 0;
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val x = frame.binding(0);
    Val weight = parameters >= 1 ? frame.binding(1) : Val();
    Val bias = parameters >= 2 ? frame.binding(2) : Val();
    Val result = frame.binding(parameters + 1);
    Val zeros = e.real(e.vf32, 0.0);
    double count = static_cast<double>(spec.piece);

    auto sumOf = [&](Val row, llvm::function_ref<Val(const Lanes &, Val)> add) {
      Vals sum = forColumns(e, spec.piece, {zeros},
                            [&](const Lanes &lanes, const Vals &sums) {
                              return Vals{add(lanes, sums[0])};
                            });
      return e.reduceAdd(sum[0]);
    };
    auto emitPiece = [&](Val source, Val target) {
      Val mean = zeros;
      if (spec.kind == NormKind::Layer)
        mean = e.splat(sumOf(source,
                             [&](const Lanes &lanes, Val sum) {
                               return sum + loadLanes(e, source, lanes);
                             }) /
                       count);
      Val squares = sumOf(source, [&](const Lanes &lanes, Val sum) {
        Val value = loadLanes(e, source, lanes);
        if (spec.kind == NormKind::Layer)
          value = value - mean;
        if (lanes.mask)
          value = e.select(lanes.mask, value, zeros);
        return e.fma(value, value, sum);
      });
      Val factor;
      if (spec.kind == NormKind::L2)
        factor = 1.0 / e.max(e.sqrt(squares), e.real(e.f32, spec.eps));
      else
        factor = 1.0 / e.sqrt(squares / count + spec.eps);
      factor = e.splat(factor);
      storeRow(e, spec.piece, spec.output, target, [&](const Lanes &lanes) {
        Val value = loadLanes(e, source, lanes);
        if (spec.kind == NormKind::Layer)
          value = value - mean;
        value = value * factor;
        if (weight)
          value = value * loadLanes(e, weight, lanes);
        if (bias)
          value = value + loadLanes(e, bias, lanes);
        return value;
      });
    };
    int64_t pieces = spec.columns / spec.piece;
    int64_t pieceBytes = rowBytes(spec.output, spec.piece);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      e.loop(0, pieces, 1, [&](Val piece) {
        Val index = row * pieces + piece;
        emitPiece(e.at(x, index * (spec.piece * 4)),
                  e.at(result, index * pieceBytes));
      });
    });
    return Val();
  };
  return set.require({name, 2 + parameters, 1, 0}, body);
}

// --- rows by number ----------------------------------------------------------

std::string requireGatherRows(KernelSet &set, int64_t columns) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val x = frame.binding(0), numbers = frame.binding(1);
    Val result = frame.binding(2), sourceRows = frame.constant(1);
    Share share = shareOf(e, frame, frame.constant(0));
    Val good = e.integer(e.i32, 0);
    Vals status = e.loop(
        share.begin, share.end, 1, {good}, [&](Val row, const Vals &carried) {
          Val number = e.extendSigned(
              e.load(e.i32, e.at(numbers, row * 4), 0, 4), e.i64);
          Val inside = (e.index(0) <= number) & (number < sourceRows);
          e.when(inside, [&] {
            Val source = e.at(x, number * (columns * 4));
            Val target = e.at(result, row * (columns * 4));
            forColumns(e, columns, [&](const Lanes &lanes) {
              storeLanes(e, loadLanes(e, source, lanes), target, lanes);
            });
          });
          return Vals{e.select(inside, carried[0], e.integer(e.i32, 1))};
        });
    return status[0];
  };
  return set.require({"gather_rows_" + std::to_string(columns), 3, 2, 0}, body);
}

std::string requirePool(KernelSet &set, int64_t columns, bool mean) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val x = frame.binding(0), segments = frame.binding(1);
    Val result = frame.binding(2), sourceRows = frame.constant(1);
    Share share = shareOf(e, frame, frame.constant(0));
    Val good = e.integer(e.i32, 0);
    Vals status = e.loop(
        share.begin, share.end, 1, {good}, [&](Val row, const Vals &carried) {
          auto bound = [&](int64_t offset) {
            return e.extendSigned(
                e.load(e.i32, e.at(segments, row * 8), offset, 4), e.i64);
          };
          Val begin = bound(0), end = bound(4);
          Val inside =
              (e.index(0) <= begin) & (begin < end) & (end <= sourceRows);
          e.when(inside, [&] {
            Val target = e.at(result, row * (columns * 4));
            Val last = mean ? end : begin + 1;
            Val inverse = e.splat(
                1.0 / e.toFloat(e.truncate(last - begin, e.i32), e.f32));
            forColumns(e, columns, [&](const Lanes &lanes) {
              Vals sum =
                  e.loop(begin, last, 1, {e.real(e.vf32, 0.0)},
                         [&](Val source, const Vals &sums) {
                           Val from = e.at(x, source * (columns * 4));
                           return Vals{sums[0] + loadLanes(e, from, lanes)};
                         });
              storeLanes(e, sum[0] * inverse, target, lanes);
            });
          });
          return Vals{e.select(inside, carried[0], e.integer(e.i32, 1))};
        });
    return status[0];
  };
  std::string name = std::string(mean ? "pool_mean_" : "pool_first_") +
                     std::to_string(columns);
  return set.require({name, 3, 2, 0}, body);
}

std::string requireWiden(KernelSet &set, WeightFormat format, int64_t count) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val source = frame.binding(0), result = frame.binding(1);
    Share share = shareOf(e, frame, e.index(count));
    e.loop(share.begin, share.end, 1, [&](Val i) {
      mlir::Type type = format == WeightFormat::F16 ? e.f16 : e.bf16;
      Val wide = e.toFloat(e.load(type, e.at(source, i * 2)), e.f32);
      e.store(wide, e.at(result, i * 4));
    });
    return Val();
  };
  return set.require(
      {"widen_" + formatName(format).str() + "_" + std::to_string(count), 2, 0,
       0},
      body);
}

} // namespace hetagon::cpu
