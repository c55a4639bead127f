// Rows of a table by number, dequantised as GGUF defines each format.
#include "backends/cpu/lowering/Columns.h"
#include "backends/cpu/lowering/Kernels.h"

namespace hetagon::cpu {

namespace {

/// Calls store(first element, 16 values) for the elements of one block.
using StoreLanes = llvm::function_ref<void(int64_t, Val)>;

Val byteLanes(Emitter &e, Val source, int64_t offset) {
  return e.extendZero(e.load(e.vec(e.i8), source, offset), e.i32);
}

void dequantise32(Emitter &e, WeightFormat format, Val source,
                  StoreLanes store) {
  Val d = e.splat(e.toFloat(e.load(e.f16, source), e.f32));
  if (format == WeightFormat::Q8_0) {
    for (int64_t half : {0, 16}) {
      Val bytes = e.extendSigned(e.load(e.vec(e.i8), source, 2 + half), e.i32);
      store(half, e.toFloat(bytes, e.f32) * d);
    }
    return;
  }
  bool minima = format == WeightFormat::Q4_1;
  Val m = minima ? e.splat(e.toFloat(e.load(e.f16, source, 2), e.f32)) : Val();
  Val bytes = byteLanes(e, source, minima ? 4 : 2);
  for (int64_t half : {0, 16}) {
    Val quants = half ? e.shiftRight(bytes, 4) : bytes & 15;
    if (minima)
      store(half, e.toFloat(quants, e.f32) * d + m);
    else
      store(half, e.toFloat(quants - 8, e.f32) * d);
  }
}

void dequantiseQ4K(Emitter &e, Val source, StoreLanes store) {
  Val d = e.toFloat(e.load(e.f16, source), e.f32);
  Val dmin = e.toFloat(e.load(e.f16, source, 2), e.f32);
  for (int64_t j = 0; j < 8; ++j) {
    PackedScale packed = emitQ4KScale(e, e.at(source, 4), j);
    Val scale = e.splat(d * e.toFloat(packed.scale, e.f32));
    Val minimum = e.splat(dmin * e.toFloat(packed.minimum, e.f32));
    for (int64_t half : {0, 16}) {
      Val bytes = byteLanes(e, source, 16 + 32 * (j / 2) + half);
      Val quants = j % 2 ? e.shiftRight(bytes, 4) : bytes & 15;
      store(32 * j + half, e.toFloat(quants, e.f32) * scale - minimum);
    }
  }
}

void dequantiseQ6K(Emitter &e, Val source, StoreLanes store) {
  Val d = e.toFloat(e.load(e.f16, source, 208), e.f32);
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t quarter = 0; quarter < 4; ++quarter)
      for (int64_t l : {0, 16}) {
        Val lower = byteLanes(e, source, 64 * half + 32 * (quarter % 2) + l);
        Val upper = byteLanes(e, source, 128 + 32 * half + l);
        Val low = e.shiftRight(lower, 4 * (quarter / 2)) & 15;
        Val high = e.shiftLeft(e.shiftRight(upper, 2 * quarter) & 3, 4);
        Val packed =
            e.load(e.i8, source, 192 + 8 * half + 2 * quarter + l / 16);
        Val scale = d * e.toFloat(e.extendSigned(packed, e.i32), e.f32);
        store(128 * half + 32 * quarter + l,
              e.toFloat((low | high) - 32, e.f32) * e.splat(scale));
      }
}

void emitRow(Emitter &e, WeightFormat format, int64_t columns, Val source,
             Val target) {
  BlockShape block = blockShape(format);
  if (block.elements > 1)
    return e.loop(0, columns / block.elements, 1, [&](Val index) {
      Val from = e.at(source, index * block.bytes);
      Val to = e.at(target, index * (block.elements * 4));
      auto store = [&](int64_t first, Val value) {
        e.store(value, to, first * 4);
      };
      if (format == WeightFormat::Q4_K)
        dequantiseQ4K(e, from, store);
      else if (format == WeightFormat::Q6_K)
        dequantiseQ6K(e, from, store);
      else
        dequantise32(e, format, from, store);
    });
  forColumns(e, columns, [&](const Lanes &lanes) {
    Val address = e.at(source, lanes.first * block.bytes);
    Val value;
    if (format == WeightFormat::F32) {
      value = loadLanes(e, source, lanes);
    } else {
      mlir::Type bits = e.vec(e.i16);
      value = lanes.mask ? e.maskedLoad(bits, lanes.mask, address)
                         : e.load(bits, address);
      value = e.toFloat(
          e.bitcast(value, e.vec(format == WeightFormat::F16 ? e.f16 : e.bf16)),
          e.f32);
    }
    storeLanes(e, value, target, lanes);
  });
}

} // namespace

PackedScale emitQ4KScale(Emitter &e, Val scales, int64_t j) {
  auto packed = [&](int64_t index) {
    return e.extendZero(e.load(e.i8, scales, index), e.i32);
  };
  if (j < 4)
    return {packed(j) & 63, packed(j + 4) & 63};
  return {(packed(j + 4) & 15) | e.shiftLeft(e.shiftRight(packed(j - 4), 6), 4),
          e.shiftRight(packed(j + 4), 4) |
              e.shiftLeft(e.shiftRight(packed(j), 6), 4)};
}

std::string requireEmbedding(KernelSet &set, WeightFormat format,
                             int64_t tableRows, int64_t columns) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val ids = frame.binding(0), table = frame.binding(1);
    Val result = frame.binding(2);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      Val id = e.extendSigned(e.load(e.i32, e.at(ids, row * 4), 0, 4), e.i64);
      Val inside = (e.index(0) <= id) & (id < tableRows);
      Val target = e.at(result, row * (columns * 4));
      e.when(inside, [&] {
        emitRow(e, format, columns, e.at(table, id * rowBytes(format, columns)),
                target);
      });
      e.when(inside == e.integer(e.i1, 0), [&] {
        forColumns(e, columns, [&](const Lanes &lanes) {
          storeLanes(e, e.real(e.vf32, 0.0), target, lanes);
        });
      });
    });
    return Val();
  };
  return set.require({"embedding_" + formatName(format).str() + "_" +
                          std::to_string(tableRows) + "x" +
                          std::to_string(columns),
                      3, 1, 0},
                     body);
}

} // namespace hetagon::cpu
