// Buffers, and lists of kernel calls and copies that a team runs in order.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_COMMANDS_H
#define HETAGON_BACKENDS_CPU_DEVICE_COMMANDS_H

#include "backends/cpu/device/KernelImage.h"
#include "backends/cpu/device/Team.h"
#include <atomic>

namespace hetagon::cpu {

/// Memory of the device: allocated (zeroed, page-aligned) or the host's.
struct Buffer {
  uint8_t *data = nullptr;
  uint64_t size = 0;
  uint64_t mapped = 0; ///< bytes of an own mapping; 0 for imports
  bool imported = false;
  std::shared_ptr<std::atomic<uint64_t>> account; ///< bytes allocated

  ~Buffer();
};

/// Offsets of bindings must be multiples of this, imports excepted.
inline constexpr uint32_t bufferAlignment = 64;

/// Recorded by one thread; immutable while it runs. Holds what it uses.
class CommandList {
public:
  /// A piece of memory that a command touches.
  struct Span {
    const uint8_t *begin;
    uint64_t size;
  };
  void dispatch(std::shared_ptr<const KernelImage> image,
                const KernelEntry &entry,
                std::vector<std::shared_ptr<Buffer>> held,
                const std::vector<Span> &bindings, const int64_t *constants,
                uint32_t constantCount);
  void copy(std::shared_ptr<Buffer> source, uint64_t sourceOffset,
            std::shared_ptr<Buffer> target, uint64_t targetOffset,
            uint64_t size);

  uint64_t dispatchCount() const { return dispatches; }
  uint64_t scratchBytes() const { return maxScratch; }

  /// Runs everything on a team of the host. `scratch` has scratchBytes() for
  /// each of host.worker_count parts. Stops between two commands when
  /// `cancelled` is set or a kernel fails; fills *error then.
  hetagon_code run(const hetagon_host &host, uint8_t *scratch,
                   const std::atomic<bool> &cancelled,
                   hetagon_error *error) const;

private:
  struct Command {
    hetagon_cpu_kernel code = nullptr; ///< null: a copy
    uint32_t firstBinding = 0, firstConstant = 0;
    const KernelEntry *entry = nullptr;
    const uint8_t *source = nullptr;
    uint8_t *target = nullptr;
    uint64_t size = 0;
    bool afterBarrier = false; ///< all parts have finished what came before
  };
  struct Execution;
  /// Appends the command, behind a barrier if it depends on one since the last.
  void add(Command command, const std::vector<Span> &spans,
           uint64_t writtenSpans);

  std::vector<Command> commands;
  std::vector<const uint8_t *> bindingPool;
  std::vector<int64_t> constantPool;
  std::vector<std::shared_ptr<const KernelImage>> heldImages;
  std::vector<std::shared_ptr<Buffer>> heldBuffers;
  std::vector<Span> touched; ///< since the last barrier
  std::vector<bool> wrote;   ///< parallel to touched
  uint64_t dispatches = 0, maxScratch = 0;
  mutable TeamSize teamSize; ///< what running has taught
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_COMMANDS_H
