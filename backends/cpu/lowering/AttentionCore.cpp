// Blocks of keys and values against queries.
#include "backends/cpu/lowering/AttentionCore.h"
#include "backends/cpu/lowering/Columns.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

namespace hetagon::cpu {

namespace {
constexpr int64_t lanes = Emitter::lanes;
constexpr int64_t queryLimit = 8;
constexpr double minusInfinity = -std::numeric_limits<double>::infinity();

int64_t padded(int64_t count) { return llvm::alignTo(count, lanes); }
} // namespace

AttentionCore::AttentionCore(Emitter &e, Val scratch, int64_t headDim,
                             int64_t blockTokens, WeightFormat format,
                             double scale)
    : e(e), headDim(headDim), paddedDim(padded(headDim)),
      blockTokens(blockTokens), paddedTokens(padded(blockTokens)),
      format(format), scale(scale) {
  keys = scratch;
  probabilities = e.at(keys, paddedDim * paddedTokens * 4);
  states = e.at(probabilities, queryLimit * paddedTokens * 4);
}

int64_t AttentionCore::scratchBytes(int64_t headDim, int64_t blockTokens,
                                    int64_t states) {
  int64_t dim = padded(headDim), tokens = padded(blockTokens);
  return (dim * tokens + queryLimit * tokens + states * (dim + lanes)) * 4;
}

int64_t AttentionCore::maxQueries() const {
  // Registers: accumulators of scores and of values for all queries.
  int64_t vectors = std::max(paddedDim, paddedTokens) / lanes;
  return std::clamp<int64_t>(24 / vectors, 1, queryLimit);
}

Val AttentionCore::state(Val index) const {
  return e.at(states, index * stateBytes());
}

void AttentionCore::clearState(Val state) {
  for (int64_t first = 0; first < paddedDim; first += lanes)
    e.store(e.real(e.vf32, 0.0), state, first * 4, 4);
  e.store(e.real(e.f32, minusInfinity), state, paddedDim * 4, 4);
  e.store(e.real(e.f32, 0.0), state, paddedDim * 4 + 4, 4);
}

/// Sixteen elements of a key or value as f32; beyond headDim they are zero.
Val AttentionCore::loadElements(Val address, int64_t first) {
  int64_t bytes = blockShape(format).bytes;
  mlir::Type type = e.vec(bytes == 4 ? e.f32 : e.i16);
  Val source = e.at(address, first * bytes);
  Val raw;
  if (headDim - first >= lanes)
    raw = e.load(type, source);
  else
    raw = e.maskedLoad(
        type, e.laneIndices() < e.integer(e.vi32, headDim - first), source);
  if (bytes == 4)
    return raw;
  return e.toFloat(
      e.bitcast(raw, e.vec(format == WeightFormat::F16 ? e.f16 : e.bf16)),
      e.f32);
}

/// Transposes 16 vectors of 16 by exchanging ever larger squares.
static void transpose16(Emitter &e, Vals &rows) {
  for (int64_t square = 1; square < lanes; square *= 2) {
    llvm::SmallVector<int64_t> upper, lower;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool right = lane & square;
      upper.push_back(right ? lanes + lane - square : lane);
      lower.push_back(right ? lanes + lane : lane + square);
    }
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & square)
        continue;
      Val a = rows[row], b = rows[row + square];
      rows[row] = e.shuffle(a, b, upper);
      rows[row + square] = e.shuffle(a, b, lower);
    }
  }
}

void AttentionCore::transposeKeys(llvm::function_ref<Val(Val)> keyAt) {
  e.loop(0, paddedTokens, lanes, [&](Val firstToken) {
    llvm::SmallVector<Val> addresses;
    for (int64_t t = 0; t < lanes; ++t) {
      Val token = firstToken + t;
      if (paddedTokens != blockTokens)
        token = e.min(token, e.index(blockTokens - 1));
      addresses.push_back(keyAt(token));
    }
    for (int64_t first = 0; first < paddedDim; first += lanes) {
      Vals rows;
      for (Val address : addresses)
        rows.push_back(loadElements(address, first));
      transpose16(e, rows);
      for (int64_t d = 0; d < lanes; ++d)
        e.store(rows[d], e.at(keys, firstToken * 4),
                (first + d) * paddedTokens * 4, 4);
    }
  });
}

void AttentionCore::attend(llvm::ArrayRef<Query> queries, Val begin, Val end,
                           llvm::function_ref<Val(Val)> valueAt) {
  int64_t tokenVectors = paddedTokens / lanes;
  int64_t count = static_cast<int64_t>(queries.size());
  Vals zeros(count * tokenVectors, e.real(e.vf32, 0.0));
  Vals scores =
      e.loop(e.index(0), e.index(headDim), headDim % 4 == 0 ? 4 : 1, zeros,
             [&](Val d, const Vals &carried) {
               Vals sums = carried;
               for (int64_t u = 0; u < (headDim % 4 == 0 ? 4 : 1); ++u) {
                 Val row = e.at(keys, (d + u) * (paddedTokens * 4));
                 for (int64_t v = 0; v < tokenVectors; ++v) {
                   Val key = e.load(e.vf32, row, v * lanes * 4, 4);
                   for (int64_t q = 0; q < count; ++q) {
                     Val element = e.load(
                         e.f32, e.at(queries[q].vector, (d + u) * 4), 0, 4);
                     Val &sum = sums[q * tokenVectors + v];
                     sum = e.fma(key, e.splat(element), sum);
                   }
                 }
               }
               return sums;
             });

  Val first = e.splat(e.truncate(begin, e.i32));
  Val past = e.splat(e.truncate(end, e.i32));
  Vals maxima, sums;
  for (int64_t q = 0; q < count; ++q) {
    Vals masked;
    Val largest;
    for (int64_t v = 0; v < tokenVectors; ++v) {
      Val token = e.laneIndices() + v * lanes;
      Val valid = (first <= token) & (token < past);
      masked.push_back(e.select(valid, scores[q * tokenVectors + v] * scale,
                                e.real(e.vf32, minusInfinity)));
      largest = v == 0 ? masked[0] : e.max(largest, masked[v]);
    }
    Val maximum = e.reduceMax(largest);
    Val total;
    for (int64_t v = 0; v < tokenVectors; ++v) {
      Val power = emitExp(e, masked[v] - e.splat(maximum));
      e.store(power, probabilities, (q * paddedTokens + v * lanes) * 4, 4);
      total = v == 0 ? power : total + power;
    }
    maxima.push_back(maximum);
    sums.push_back(e.reduceAdd(total));
  }

  int64_t dimVectors = paddedDim / lanes;
  Vals none(count * dimVectors, e.real(e.vf32, 0.0));
  Vals weighted =
      e.loop(begin, end, 1, none, [&](Val token, const Vals &carried) {
        Vals values = carried;
        Val address = valueAt(token);
        for (int64_t v = 0; v < dimVectors; ++v) {
          Val value = loadElements(address, v * lanes);
          for (int64_t q = 0; q < count; ++q) {
            Val probability = e.load(e.f32, e.at(probabilities, token * 4),
                                     q * paddedTokens * 4, 4);
            Val &sum = values[q * dimVectors + v];
            sum = e.fma(value, e.splat(probability), sum);
          }
        }
        return values;
      });
  for (int64_t q = 0; q < count; ++q)
    mergeBlock(
        queries[q].state, maxima[q], sums[q],
        Vals(llvm::ArrayRef(weighted).slice(q * dimVectors, dimVectors)));
}

void AttentionCore::mergeBlock(Val state, Val blockMax, Val blockSum,
                               const Vals &values) {
  int64_t maxAt = paddedDim * 4, sumAt = maxAt + 4;
  Val oldMax = e.load(e.f32, state, maxAt, 4);
  Val newMax = e.max(oldMax, blockMax);
  // Both factors in one vector: lane 0 for the old state, lane 1 for the block.
  Val differences = e.select(e.laneIndices() == 0, e.splat(oldMax - newMax),
                             e.splat(blockMax - newMax));
  Val factors = emitExp(e, differences);
  Val keep = e.extract(factors, 0), add = e.extract(factors, 1);
  Val oldSum = e.load(e.f32, state, sumAt, 4);
  e.store(e.fma(oldSum, keep, blockSum * add), state, sumAt, 4);
  e.store(newMax, state, maxAt, 4);
  Val keepLanes = e.splat(keep), addLanes = e.splat(add);
  for (auto [index, value] : llvm::enumerate(values)) {
    int64_t offset = int64_t(index) * lanes * 4;
    Val old = e.load(e.vf32, state, offset, 4);
    e.store(e.fma(old, keepLanes, value * addLanes), state, offset, 4);
  }
}

void AttentionCore::finish(Val state, Val target, RowForm form) {
  Val inverse = e.splat(1.0 / e.load(e.f32, state, paddedDim * 4 + 4, 4));
  storeRow(e, headDim, form, target, [&](const Lanes &columns) {
    return loadLanes(e, state, columns) * inverse;
  });
}

} // namespace hetagon::cpu
