// Compiles a set of kernels, loads it through the device half and runs single
// entries on teams of a chosen size.
#ifndef HETAGON_TEST_BACKENDS_CPU_KERNELHARNESS_H
#define HETAGON_TEST_BACKENDS_CPU_KERNELHARNESS_H

#include "backends/cpu/lowering/Kernels.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/device/Device.h"
#include "runtime/sched/HostExecutor.h"
#include <cstring>
#include <map>

namespace hetagon::cpu {

/// One device on a team of `workers`.
class KernelHost {
public:
  explicit KernelHost(uint32_t workers);

  Device &device() { return *opened; }
  /// Loads an object; aborts the test program on failure.
  void load(std::span<const uint8_t> object);

  /// Device memory with these bytes.
  Buffer upload(std::span<const uint8_t> bytes);
  Buffer allocate(uint64_t bytes);
  void write(const Buffer &buffer, std::span<const uint8_t> bytes);
  /// A fence stays failed: after an expected failure the next run needs a new
  /// one.
  void renewFence();
  std::vector<uint8_t> download(const Buffer &buffer, uint64_t bytes);
  /// Runs one entry and waits; `repeats` records it several times in one
  /// command buffer. Returns the seconds that the submission took.
  double run(const std::string &entry,
             const std::vector<const Buffer *> &bindings,
             const std::vector<int64_t> &constants, int repeats = 1);
  /// The same, reporting failure instead of aborting.
  Status tryRun(const std::string &entry,
                const std::vector<const Buffer *> &bindings,
                const std::vector<int64_t> &constants, int repeats = 1);

private:
  HostExecutor executor;
  std::shared_ptr<hetagon::Device> opened;
  Executable executable;
  Queue queue;
  Fence fence;
  uint64_t ticks = 0;
  std::map<uint64_t, uint64_t> sizes; ///< bytes by buffer
};

/// The running machine's variant, or "x86_64+avx2".
std::string hostArchitecture();

template <typename T>
std::span<const uint8_t> bytesOf(const std::vector<T> &v) {
  return {reinterpret_cast<const uint8_t *>(v.data()), v.size() * sizeof(T)};
}
template <typename T> std::vector<T> as(const std::vector<uint8_t> &bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

} // namespace hetagon::cpu

#endif // HETAGON_TEST_BACKENDS_CPU_KERNELHARNESS_H
