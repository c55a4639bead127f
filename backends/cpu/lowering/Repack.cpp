// Load-time kernels that turn an artefact's raw tensor into panels.
#include "backends/cpu/lowering/Kernels.h"

namespace hetagon::cpu {

namespace {

/// Emits the copy of one column of one panel, block by block.
class RepackGenerator {
public:
  RepackGenerator(Emitter &e, const KernelFrame &frame, WeightFormat format,
                  const PanelLayout &layout)
      : e(e), frame(frame), format(format), panel(layout) {}

  void emit();

private:
  /// `source`: the row's first byte; `target`: the column's place in its panel
  /// as if every element of a step had one byte a column (see columnStride).
  void emitColumn(Val source, Val panelStart, Val column);
  void emitFloats(Val source, Val panelStart, Val column);
  void emitNibbles(Val source, Val target, Val column);
  void emitBytes(Val source, Val target, Val column);
  void emitQ4K(Val source, Val target, Val column);
  void emitQ6K(Val source, Val panelStart, Val column);

  Emitter &e;
  const KernelFrame &frame;
  WeightFormat format;
  const PanelLayout &panel;
};

void RepackGenerator::emit() {
  Val raw = frame.binding(0), panels = frame.binding(1);
  Share share = shareOf(e, frame, e.index(panel.panels()));
  e.loop(share.begin, share.end, 1, [&](Val index) {
    Val start = e.at(panels, index * panel.panelBytes());
    e.loop(0, PanelLayout::columns, 1, [&](Val column) {
      Val row = index * PanelLayout::columns + column;
      e.when(row < panel.n, [&] {
        emitColumn(e.at(raw, row * rowBytes(format, panel.k)), start, column);
      });
    });
  });
}

void RepackGenerator::emitColumn(Val source, Val panelStart, Val column) {
  BlockShape block = blockShape(format);
  if (block.elements == 1)
    return emitFloats(source, panelStart, column);
  int64_t steps = block.elements / panel.stepElements();
  e.loop(0, panel.k / block.elements, 1, [&](Val index) {
    Val from = e.at(source, index * block.bytes);
    Val to = e.at(panelStart, index * (steps * panel.stepBytes()));
    switch (format) {
    case WeightFormat::Q4_0:
    case WeightFormat::Q4_1:
      return emitNibbles(from, to, column);
    case WeightFormat::Q8_0:
      return emitBytes(from, to, column);
    case WeightFormat::Q4_K:
      return emitQ4K(from, to, column);
    default:
      return emitQ6K(from, to, column);
    }
  });
}

void RepackGenerator::emitFloats(Val source, Val panelStart, Val column) {
  int64_t bytes = blockShape(format).bytes;
  mlir::Type type = bytes == 4 ? e.i32 : e.i16;
  Val target = e.at(panelStart, column * bytes);
  e.loop(0, panel.k, 1, [&](Val k) {
    e.store(e.load(type, e.at(source, k * bytes)),
            e.at(target, k * panel.stepBytes()));
  });
}

void RepackGenerator::emitNibbles(Val source, Val target, Val column) {
  bool minima = format == WeightFormat::Q4_1;
  int64_t quants = minima ? 4 : 2;
  Val words = e.at(target, column * 4);
  for (int64_t d = 0; d < 4; ++d)
    e.store(e.load(e.i32, source, quants + 4 * d), words, d * 128);
  Val scales = e.at(target, column * 2);
  e.store(e.load(e.i16, source), scales, panel.weightBytes());
  if (minima)
    e.store(e.load(e.i16, source, 2), scales, panel.weightBytes() + 64);
}

void RepackGenerator::emitBytes(Val source, Val target, Val column) {
  Val words = e.at(target, column * 4);
  Val flip = e.integer(e.i32, int32_t(0x80808080));
  for (int64_t d = 0; d < 8; ++d) {
    Val word = e.load(e.i32, source, 2 + 4 * d);
    e.store(e.make<mlir::arith::XOrIOp>(word, flip), words, d * 128);
  }
  e.store(e.load(e.i16, source), e.at(target, column * 2), panel.weightBytes());
}

/// 256 elements: f16 d, f16 dmin, 8 pairs of 6-bit scale and minimum in 12
/// bytes, 128 bytes of nibbles. Sub-block j of 32 takes the low (j even) or
/// high (j odd) nibbles of 32 bytes.
void RepackGenerator::emitQ4K(Val source, Val target, Val column) {
  Val d = e.toFloat(e.load(e.f16, source), e.f32);
  Val dmin = e.toFloat(e.load(e.f16, source, 2), e.f32);
  for (int64_t j = 0; j < 8; ++j) {
    PackedScale packed = emitQ4KScale(e, e.at(source, 4), j);
    Val step = e.at(target, j * panel.stepBytes());
    Val words = e.at(step, column * 4);
    int64_t quants = 16 + 32 * (j / 2), shift = 4 * (j % 2);
    for (int64_t word = 0; word < 4; ++word) {
      auto nibbles = [&](int64_t offset) {
        Val bytes = e.load(e.i32, source, quants + offset + 4 * word);
        return e.shiftRight(bytes, shift) & 0x0f0f0f0f;
      };
      e.store(nibbles(0) | e.shiftLeft(nibbles(16), 4), words, word * 128);
    }
    e.store(d * e.toFloat(packed.scale, e.f32), words, panel.weightBytes());
    e.store(0.0 - dmin * e.toFloat(packed.minimum, e.f32), words,
            panel.weightBytes() + 128);
  }
}

/// 256 elements: 128 bytes of low nibbles, 64 of upper two bits, 16 signed
/// scales for pieces of 16, f16 d. Value: d * scale * (q - 32).
void RepackGenerator::emitQ6K(Val source, Val panelStart, Val column) {
  Val d = e.toFloat(e.load(e.f16, source, 208), e.f32);
  Val target = e.at(panelStart, column * 4);
  for (int64_t half = 0; half < 2; ++half)
    e.loop(0, 32, 1, [&](Val l) {
      auto byteAt = [&](int64_t offset) {
        return e.extendZero(e.load(e.i8, e.at(source, l), offset), e.i32);
      };
      Val upper = byteAt(128 + 32 * half);
      for (int64_t quarter = 0; quarter < 4; ++quarter) {
        Val lower = byteAt(64 * half + 32 * (quarter % 2));
        Val low = e.shiftRight(lower, 4 * (quarter / 2)) & 15;
        Val high = e.shiftLeft(e.shiftRight(upper, 2 * quarter) & 3, 4);
        Val quant = e.toFloat((low | high) - 32, e.f32);
        Val scaleAt = e.at(source, l / 16 + (192 + 8 * half + 2 * quarter));
        Val scale =
            e.toFloat(e.extendSigned(e.load(e.i8, scaleAt), e.i32), e.f32);
        Val element = l + (128 * half + 32 * quarter);
        e.store(d * scale * quant, e.at(target, element * panel.stepBytes()));
      }
    });
}

} // namespace

std::string requireRepack(KernelSet &set, WeightFormat format,
                          const PanelLayout &layout) {
  std::string name = "repack_" + formatName(format).str() + "_" +
                     std::to_string(layout.n) + "x" + std::to_string(layout.k);
  return set.require({name, 2, 0, 0},
                     [&](Emitter &e, const KernelFrame &frame) {
                       RepackGenerator(e, frame, format, layout).emit();
                       return Val();
                     });
}

} // namespace hetagon::cpu
