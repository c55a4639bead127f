// The waiting side of the team's barrier, and the choice of the team's size.
#include "backends/cpu/device/Team.h"
#include <algorithm>
#include <immintrin.h>

namespace hetagon::cpu {

namespace {
constexpr uint32_t fewestAlone = 8, mostAlone = 256;
} // namespace

void TeamBarrier::wait(uint32_t round) {
  // About 50 microseconds: longer than almost any imbalance between parts that
  // are both running, short beside a scheduler's time slice.
  constexpr uint64_t spinCycles = 150000;
  uint64_t start = __rdtsc();
  while (rounds.load(std::memory_order_acquire) == round) {
    if (__rdtsc() - start < spinCycles) {
      _mm_pause();
      continue;
    }
    rounds.wait(round, std::memory_order_acquire);
    slept.fetch_add(__rdtsc() - start, std::memory_order_relaxed);
    return;
  }
}

uint32_t TeamSize::parts(uint32_t workers) {
  uint32_t left = alone.load(std::memory_order_relaxed);
  if (left == 0)
    return workers;
  alone.store(left - 1, std::memory_order_relaxed);
  return 1;
}

void TeamSize::report(uint32_t parts, uint64_t sleptCycles, uint64_t cycles) {
  if (parts == 1)
    return;
  // Of parts * cycles, what was not slept is work; one part alone does `cycles`
  // of it in the same time.
  if (sleptCycles <= (parts - 1) * cycles) {
    nextAlone.store(fewestAlone, std::memory_order_relaxed);
    return;
  }
  uint32_t runs = nextAlone.load(std::memory_order_relaxed);
  alone.store(runs, std::memory_order_relaxed);
  nextAlone.store(std::min(2 * runs, mostAlone), std::memory_order_relaxed);
}

} // namespace hetagon::cpu
