// A barrier for the parts of one team: spins briefly, then yields, so that a
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
      return;
    }
    wait(round);
  }

private:
  void wait(uint32_t round) const;

  const uint32_t parts;
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> rounds{0};
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_TEAM_H
