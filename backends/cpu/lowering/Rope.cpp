// Rotary embedding: a table of cosines and sines once for each submission, then
// rotations of every head in every layer.
#include "backends/cpu/lowering/Columns.h"
#include "backends/cpu/lowering/Kernels.h"
#include "llvm/ADT/bit.h"

namespace hetagon::cpu {

std::string requireRopeTable(KernelSet &set, int64_t pairs, double scale) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val positions = frame.binding(0), frequencies = frame.binding(1);
    Val result = frame.binding(2);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      Val position =
          e.toFloat(e.load(e.i32, e.at(positions, row * 4), 0, 4), e.f64);
      Val wide = e.splat(position);
      Val cosines = e.at(result, row * (pairs * 8));
      Val sines = e.at(cosines, pairs * 4);
      forColumns(e, pairs, [&](const Lanes &lanes) {
        // The product of a 24-bit frequency and a position is exact in f64.
        Val angle = e.toFloat(loadLanes(e, frequencies, lanes), e.f64) * wide;
        SinCos values = emitSinCos(e, angle);
        storeLanes(e, values.cos * scale, cosines, lanes);
        storeLanes(e, values.sin * scale, sines, lanes);
      });
    });
    return Val();
  };
  uint32_t bits = llvm::bit_cast<uint32_t>(static_cast<float>(scale));
  return set.require(
      {"rope_table_" + std::to_string(pairs) + "_scale" + std::to_string(bits),
       3, 1, 0},
      body);
}

/// Pair i is columns i and i + pairs.
static void rotateHalves(Emitter &e, int64_t pairs, Val source, Val target,
                         Val cosines, Val sines) {
  forColumns(e, pairs, [&](const Lanes &lanes) {
    Lanes upper{lanes.first + pairs, lanes.mask};
    Val a = loadLanes(e, source, lanes), b = loadLanes(e, source, upper);
    Val c = loadLanes(e, cosines, lanes), s = loadLanes(e, sines, lanes);
    storeLanes(e, a * c - b * s, target, lanes);
    storeLanes(e, a * s + b * c, target, upper);
  });
}

/// Pair i is columns 2i and 2i + 1.
static void rotateNeighbours(Emitter &e, int64_t pairs, Val source, Val target,
                             Val cosines, Val sines) {
  e.loop(0, pairs, 1, [&](Val pair) {
    Val from = e.at(source, pair * 8), to = e.at(target, pair * 8);
    Val a = e.load(e.f32, from), b = e.load(e.f32, from, 4);
    Val c = e.load(e.f32, e.at(cosines, pair * 4));
    Val s = e.load(e.f32, e.at(sines, pair * 4));
    e.store(a * c - b * s, to);
    e.store(a * s + b * c, to, 4);
  });
}

std::string requireRope(KernelSet &set, const RopeSpec &spec) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val x = frame.binding(0), table = frame.binding(1);
    Val result = frame.binding(2);
    forRows(e, frame, frame.constant(0), [&](Val row) {
      Val cosines = e.at(table, row * (spec.pairs * 8));
      Val sines = e.at(cosines, spec.pairs * 4);
      e.loop(0, spec.columns, spec.headDim, [&](Val first) {
        Val offset = (row * spec.columns + first) * 4;
        Val source = e.at(x, offset), target = e.at(result, offset);
        if (spec.interleaved)
          rotateNeighbours(e, spec.pairs, source, target, cosines, sines);
        else
          rotateHalves(e, spec.pairs, source, target, cosines, sines);
        int64_t kept = spec.headDim - 2 * spec.pairs;
        if (kept == 0)
          return;
        Val from = e.at(source, spec.pairs * 8);
        Val to = e.at(target, spec.pairs * 8);
        forColumns(e, kept, [&](const Lanes &lanes) {
          storeLanes(e, loadLanes(e, from, lanes), to, lanes);
        });
      });
    });
    return Val();
  };
  return set.require(
      {std::string(spec.interleaved ? "rope_interleaved_" : "rope_half_") +
           std::to_string(spec.columns) + "_head" +
           std::to_string(spec.headDim) + "_pairs" + std::to_string(spec.pairs),
       3, 1, 0},
      body);
}

} // namespace hetagon::cpu
