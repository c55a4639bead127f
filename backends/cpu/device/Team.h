// A barrier for the parts of one team: spins briefly, then sleeps, so that a
// team larger than the free cores makes progress instead of stalling.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_TEAM_H
#define HETAGON_BACKENDS_CPU_DEVICE_TEAM_H

#include <atomic>
#include <cstdint>

namespace hetagon::cpu {

/// Reusable; every part of the team arrives once in each round.
class TeamBarrier {
public:
  explicit TeamBarrier(uint32_t parts) : parts(parts) {}

  /// Returns when all parts have arrived; what any did before is then visible
  /// to all. The last to arrive runs `lastWork` before the others go on.
  template <typename Work> void arrive(Work lastWork) {
    uint32_t round = rounds.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == parts) {
      lastWork();
      arrived.store(0, std::memory_order_relaxed);
      rounds.store(round + 1, std::memory_order_release);
      rounds.notify_all();
      return;
    }
    wait(round);
  }

  /// Cycles that all parts together have waited longer than a spin, once the
  /// team is done: next to none where every part has a core.
  uint64_t sleptCycles() const { return slept.load(std::memory_order_relaxed); }

private:
  void wait(uint32_t round);

  const uint32_t parts;
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> rounds{0};
  alignas(64) std::atomic<uint64_t> slept{0};
};

/// How many parts run a list of commands the next time. On a crowded machine
/// each barrier waits until the system lets the last part run; from some point
/// on one part alone is faster. Thread-safe; a lost update costs one bad
/// choice.
class TeamSize {
public:
  uint32_t parts(uint32_t workers);
  /// What came of it: `sleptCycles` of the barrier in a run of `cycles`.
  void report(uint32_t parts, uint64_t sleptCycles, uint64_t cycles);

private:
  std::atomic<uint32_t> alone{0};     ///< runs left without a team
  std::atomic<uint32_t> nextAlone{8}; ///< how many, when a team fails again
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_TEAM_H
