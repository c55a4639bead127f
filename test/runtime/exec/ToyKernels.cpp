// Plain loops that check every index and size they are given.
#include "ToyKernels.h"
#include "ToyDevice.h"
#include <cmath>
#include <limits>
#include <mutex>

namespace hetagon::toy {

namespace {
using Arguments = std::span<const Argument>;
using Constants = std::span<const int64_t>;

template <typename T> T *as(const Argument &argument) {
  return reinterpret_cast<T *>(argument.data);
}

std::string checkSizes(Arguments arguments,
                       std::initializer_list<int64_t> bytes) {
  size_t i = 0;
  for (int64_t expected : bytes) {
    if (arguments[i].size != uint64_t(expected))
      return "binding " + std::to_string(i) + " has " +
             std::to_string(arguments[i].size) + " bytes, not " +
             std::to_string(expected);
    ++i;
  }
  return {};
}

/// The slot of one position, or null and a reason.
uint64_t *slotOf(uint64_t *kv, const int32_t *pageTable, int64_t seq,
                 int64_t position, Constants sizes, std::string &wrong) {
  int64_t seqs = sizes[1], maxPages = sizes[2], pages = sizes[3],
          pageTokens = sizes[4];
  if (seq < 0 || seq >= seqs || position < 0 ||
      position / pageTokens >= maxPages) {
    wrong = "sequence or position outside the page table";
    return nullptr;
  }
  int32_t page = pageTable[seq * maxPages + position / pageTokens];
  if (page < 0 || page >= pages) {
    wrong = "page outside the pool";
    return nullptr;
  }
  return kv + page * pageTokens + position % pageTokens;
}

// weight [V] u64, table [V] u64; constants: V
std::string repack(const hetagon_host &, Arguments a, Constants c) {
  if (auto wrong = checkSizes(a, {c[0] * 8, c[0] * 8}); !wrong.empty())
    return wrong;
  for (int64_t v = 0; v < c[0]; ++v)
    as<uint64_t>(a[1])[v] = repacked(as<uint64_t>(a[0])[v]);
  return {};
}

// tokens, positions, row_seq, page_table, kv;
// constants: rows, seqs, max_pages, pages, page_tokens
std::string append(const hetagon_host &, Arguments a, Constants c) {
  auto wrong = checkSizes(
      a, {c[0] * 4, c[0] * 4, c[0] * 4, c[1] * c[2] * 4, c[3] * c[4] * 8});
  for (int64_t row = 0; row < c[0] && wrong.empty(); ++row) {
    int32_t position = as<int32_t>(a[1])[row];
    uint64_t *slot = slotOf(as<uint64_t>(a[4]), as<int32_t>(a[3]),
                            as<int32_t>(a[2])[row], position, c, wrong);
    if (slot)
      *slot = slotValue(as<int32_t>(a[0])[row], position);
  }
  return wrong;
}

// positions, row_seq, page_table, kv, state [rows] u64; constants as append and
// the token that makes logits not a number. Rows are shared by a team.
std::string attend(const hetagon_host &host, Arguments a, Constants c) {
  struct Work {
    Arguments a;
    Constants c;
    std::mutex mutex;
    std::string wrong;
  } work{a, c, {}, {}};
  work.wrong = checkSizes(
      a, {c[0] * 4, c[0] * 4, c[1] * c[2] * 4, c[3] * c[4] * 8, c[0] * 8});
  if (!work.wrong.empty())
    return work.wrong;
  host.run_team(
      host.context, host.worker_count,
      [](void *argument, uint32_t part, uint32_t parts) {
        auto &[a, c, mutex, wrong] = *static_cast<Work *>(argument);
        for (int64_t row = part; row < c[0]; row += parts) {
          std::string mine;
          uint64_t state = 0, slotBits = 0;
          int32_t last = as<int32_t>(a[0])[row];
          for (int32_t p = 0; p <= last && mine.empty(); ++p) {
            uint64_t *slot = slotOf(as<uint64_t>(a[3]), as<int32_t>(a[2]),
                                    as<int32_t>(a[1])[row], p, c, mine);
            if (slot && *slot == 0)
              mine = "position " + std::to_string(p) + " was never written";
            if (slot)
              state = nextState(state, slotBits = *slot);
          }
          if (c[5] >= 0 &&
              slotBits == slotValue(static_cast<int32_t>(c[5]), last))
            state = UINT64_MAX;
          as<uint64_t>(a[4])[row] = state;
          if (!mine.empty()) {
            std::lock_guard lock(mutex);
            wrong = mine;
          }
        }
      },
      &work);
  return work.wrong;
}

// state [rows], out_rows, gathered [outs]; constants: rows, outs
std::string gather(const hetagon_host &, Arguments a, Constants c) {
  auto wrong = checkSizes(a, {c[0] * 8, c[1] * 4, c[1] * 8});
  for (int64_t i = 0; i < c[1] && wrong.empty(); ++i) {
    int32_t row = as<int32_t>(a[1])[i];
    if (row < 0 || row >= c[0])
      return "output row out of range";
    as<uint64_t>(a[2])[i] = as<uint64_t>(a[0])[row];
  }
  return wrong;
}

// gathered [outs], table [V], logits [outs, V]; constants: outs, V
std::string logits(const hetagon_host &, Arguments a, Constants c) {
  auto wrong = checkSizes(a, {c[0] * 8, c[1] * 8, c[0] * c[1] * 4});
  for (int64_t i = 0; i < c[0] && wrong.empty(); ++i)
    for (int64_t v = 0; v < c[1]; ++v) {
      uint64_t state = as<uint64_t>(a[0])[i];
      as<float>(a[2])[i * c[1] + v] =
          state == UINT64_MAX ? std::numeric_limits<float>::quiet_NaN()
                              : logitOf(state, as<uint64_t>(a[1])[v]);
    }
  return wrong;
}

// tokens, positions, row_begin, row_end, segments, embedding [seqs, D];
// constants: rows, seqs, D
std::string embed(const hetagon_host &, Arguments a, Constants c) {
  auto wrong = checkSizes(
      a, {c[0] * 4, c[0] * 4, c[0] * 4, c[0] * 4, c[1] * 8, c[1] * c[2] * 4});
  for (int64_t seq = 0; seq < c[1] && wrong.empty(); ++seq) {
    int32_t begin = as<int32_t>(a[4])[2 * seq],
            end = as<int32_t>(a[4])[2 * seq + 1];
    if (begin < 0 || begin >= end || end > c[0])
      return "segment out of range";
    uint64_t state = 0;
    for (int32_t row = begin; row < end; ++row) {
      if (as<int32_t>(a[2])[row] != begin || as<int32_t>(a[3])[row] != end)
        return "row_begin or row_end differs from the segment";
      state = nextState(
          state, slotValue(as<int32_t>(a[0])[row], as<int32_t>(a[1])[row]));
    }
    for (int64_t d = 0; d < c[2]; ++d)
      as<float>(a[5])[seq * c[2] + d] = logitOf(state, uint64_t(d));
  }
  return wrong;
}

constexpr Kernel table[] = {
    {"repack", 2, 1, repack}, {"append", 5, 5, append},
    {"attend", 5, 6, attend}, {"gather", 3, 2, gather},
    {"logits", 3, 2, logits}, {"embed", 6, 3, embed},
};
} // namespace

std::span<const Kernel> kernels() { return table; }

} // namespace hetagon::toy
