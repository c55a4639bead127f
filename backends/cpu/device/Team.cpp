// The waiting side of the team's barrier.
#include "backends/cpu/device/Team.h"
#include <immintrin.h>
#include <sched.h>

namespace hetagon::cpu {

void TeamBarrier::wait(uint32_t round) const {
  // About 50 microseconds: longer than almost any imbalance between parts that
  // are both running, short beside a scheduler's time slice.
  constexpr uint64_t spinCycles = 150000;
  uint64_t start = __rdtsc();
  while (rounds.load(std::memory_order_acquire) == round) {
    if (__rdtsc() - start < spinCycles)
      _mm_pause();
    else
      sched_yield();
  }
}

} // namespace hetagon::cpu
