// Attention over the paged cache and within segments. Positions are cut into
// pieces of fixed size, each reduced to (maximum, sum, weighted values); pieces
// are merged in rising order, so that a row's result depends on its own
// sequence only.
#include "backends/reference/device/Execute.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace hetagon::reference {

namespace {

/// Rounds to nearest, ties to even.
uint16_t toHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return sign | 0x7e00;
  if (bits >= 0x477ff000) // rounds to 65536 or is larger
    return sign | 0x7c00;
  if (bits < 0x38800000) { // subnormal: adding 0.5 leaves units of 2^-24
    float shifted = std::bit_cast<float>(bits) + 0.5f;
    return sign | uint16_t(std::bit_cast<uint32_t>(shifted) - 0x3f000000);
  }
  bits += 0xfff + (bits >> 13 & 1);
  return sign | uint16_t((bits - 0x38000000) >> 13);
}

uint16_t toBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void store(Format format, const float *values, int64_t count, uint8_t *to) {
  if (format == Format::F32) {
    std::memcpy(to, values, size_t(count) * 4);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits =
        format == Format::F16 ? toHalf(values[i]) : toBfloat(values[i]);
    std::memcpy(to + 2 * i, &bits, 2);
  }
}

/// Where rows of the cache lie, after the canonical layout
/// [page][layer][key|value][kv_head][page_tokens][head_dim].
class Cache {
public:
  Cache(const Call &call, size_t binding, size_t table)
      : op(*call.op), data(call.data[binding]),
        elementBytes(blockBytes(op.format)),
        pages(int64_t(call.sizes[binding]) /
              (op.pageElements() * elementBytes)),
        table(call.integers(table)), seqs(call.constants[1]),
        maxPages(call.constants[2]) {}

  /// Whether positions `first` to `last` of the sequence have pages.
  bool holds(int32_t seq, int64_t first, int64_t last) const {
    if (seq < 0 || seq >= seqs || last / op.pageTokens >= maxPages)
      return false;
    for (int64_t i = first / op.pageTokens; i <= last / op.pageTokens; ++i)
      if (table[seq * maxPages + i] < 0 || table[seq * maxPages + i] >= pages)
        return false;
    return true;
  }

  uint8_t *row(int32_t seq, int64_t position, bool isValue,
               int64_t head) const {
    int64_t page = table[seq * maxPages + position / op.pageTokens];
    int64_t plane = ((page * op.layers + op.layer) * 2 + isValue) * op.kvHeads;
    int64_t slot = (plane + head) * op.pageTokens + position % op.pageTokens;
    return data + slot * op.headDim * elementBytes;
  }

private:
  const Op &op;
  uint8_t *data;
  int64_t elementBytes, pages;
  const int32_t *table;
  int64_t seqs, maxPages;
};

/// Softmax-weighted sum over positions [begin, end) for one query. keyAt and
/// valueAt give the rows of a position; scratch holds `piece` scores and two
/// rows of head_dim sums.
template <typename RowAt>
void attendOne(const float *query, int64_t begin, int64_t end, int64_t piece,
               const Op &op, float *scratch, float *out, RowAt keyAt,
               RowAt valueAt) {
  const Kernels &inner = kernels();
  float *scores = scratch, *partial = scratch + piece;
  float best = 0, total = 0;
  bool isFirst = true;
  for (int64_t from = begin; from < end;) {
    int64_t to = std::min((from / piece + 1) * piece, end);
    float localBest = -INFINITY, localTotal = 0;
    for (int64_t p = from; p < to; ++p) {
      scores[p - from] = inner.dot(query, keyAt(p), op.headDim) * op.scale;
      localBest = std::max(localBest, scores[p - from]);
    }
    float *sums = isFirst ? out : partial;
    std::fill(sums, sums + op.headDim, 0.0f);
    for (int64_t p = from; p < to; ++p) {
      float weight = std::exp(scores[p - from] - localBest);
      localTotal += weight;
      inner.accumulate(weight, valueAt(p), sums, op.headDim);
    }
    if (isFirst) {
      best = localBest;
      total = localTotal;
    } else {
      float newBest = std::max(best, localBest);
      float keep = std::exp(best - newBest);
      float take = std::exp(localBest - newBest);
      for (int64_t i = 0; i < op.headDim; ++i)
        out[i] = out[i] * keep + partial[i] * take;
      total = total * keep + localTotal * take;
      best = newBest;
    }
    isFirst = false;
    from = to;
  }
  for (int64_t i = 0; i < op.headDim; ++i)
    out[i] /= total;
}

} // namespace

Outcome appendToCache(const Call &call) {
  const Op &op = *call.op;
  const int32_t *rowSeq = call.integers(3), *positions = call.integers(4);
  Cache cache(call, 2, 5);
  for (int64_t r = 0; r < call.rows(); ++r)
    if (positions[r] < 0 || !cache.holds(rowSeq[r], positions[r], positions[r]))
      return badIndex(op, "position", r, positions[r]);
  int64_t width = op.kvHeads * op.headDim;
  for (int64_t r = 0; r < call.rows(); ++r)
    for (int64_t h = 0; h < op.kvHeads; ++h)
      for (bool isValue : {false, true})
        store(op.format,
              call.floats(isValue ? 1 : 0) + r * width + h * op.headDim,
              op.headDim, cache.row(rowSeq[r], positions[r], isValue, h));
  return {};
}

Outcome attend(const Call &call, const Team &team) {
  const Op &op = *call.op;
  const int32_t *rowSeq = call.integers(2), *positions = call.integers(3);
  Cache cache(call, 1, 4);
  auto firstOf = [&](int64_t position) {
    return op.window ? std::max<int64_t>(0, position - op.window + 1) : 0;
  };
  double work = 0;
  for (int64_t r = 0; r < call.rows(); ++r) {
    if (positions[r] < 0 ||
        !cache.holds(rowSeq[r], firstOf(positions[r]), positions[r]))
      return badIndex(op, "position", r, positions[r]);
    work += double(positions[r] + 1) * 2 * double(op.heads * op.headDim);
  }
  // Scores, partial sums, and rows of other formats as floats.
  size_t share = size_t(op.pageTokens + 2 * op.headDim);
  std::vector<float> scratch(team.width() * share);
  int64_t group = op.heads / op.kvHeads, width = op.heads * op.headDim;
  auto body = [&](int64_t begin, int64_t end, uint32_t part) {
    float *own = &scratch[part * share];
    float *expanded = own + op.pageTokens + op.headDim;
    for (int64_t item = begin; item < end; ++item) {
      int64_t r = item / op.heads, h = item % op.heads;
      auto rowAt = [&](bool isValue) {
        return [&, isValue](int64_t position) -> const float * {
          uint8_t *row = cache.row(rowSeq[r], position, isValue, h / group);
          if (op.format == Format::F32)
            return reinterpret_cast<const float *>(row);
          kernels().expand(op.format, row, op.headDim, expanded);
          return expanded;
        };
      };
      attendOne(call.floats(0) + r * width + h * op.headDim,
                firstOf(positions[r]), positions[r] + 1, op.pageTokens, op, own,
                call.floats(5) + r * width + h * op.headDim, rowAt(false),
                rowAt(true));
    }
  };
  team.split(call.rows() * op.heads, work, body);
  return {};
}

Outcome attendSegments(const Call &call, const Team &team) {
  const Op &op = *call.op;
  constexpr int64_t piece = 64;
  const int32_t *begins = call.integers(3), *ends = call.integers(4);
  double work = 0;
  int64_t width = op.heads * op.headDim;
  for (int64_t r = 0; r < call.rows(); ++r) {
    if (begins[r] < 0 || begins[r] >= ends[r] || ends[r] > call.rows())
      return badIndex(op, "segment ending at", r, ends[r]);
    work += double(ends[r] - begins[r]) * 2 * double(width);
  }
  size_t share = size_t(piece + op.headDim);
  std::vector<float> scratch(team.width() * share);
  auto body = [&](int64_t begin, int64_t end, uint32_t part) {
    for (int64_t item = begin; item < end; ++item) {
      int64_t r = item / op.heads, h = item % op.heads;
      // Positions count from the segment's start, wherever it was packed.
      auto rowAt = [&](size_t binding) {
        return [&, binding](int64_t position) -> const float * {
          return call.floats(binding) + (begins[r] + position) * width +
                 h * op.headDim;
        };
      };
      attendOne(call.floats(0) + r * width + h * op.headDim, 0,
                ends[r] - begins[r], piece, op, &scratch[part * share],
                call.floats(5) + r * width + h * op.headDim, rowAt(1),
                rowAt(2));
    }
  };
  team.split(call.rows() * op.heads, work, body);
  return {};
}

} // namespace hetagon::reference
