// A kernel object in memory: checked in full, then mapped. The loader is our
// own: what it accepts is smaller than what dlopen does, it needs no file
// system, and nothing in the object runs before a kernel is called.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_KERNELIMAGE_H
#define HETAGON_BACKENDS_CPU_DEVICE_KERNELIMAGE_H

#include "backends/cpu/KernelTable.h"
#include "hetagon/device.h"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hetagon::cpu {

/// One callable entry.
struct KernelEntry {
  std::string name;
  hetagon_cpu_kernel code = nullptr;
  uint32_t bindingCount = 0, constantCount = 0;
  uint64_t scratchBytes = 0;    ///< for each part
  uint64_t writtenBindings = 0; ///< by bit
};

/// Immutable and thread-safe once loaded; code stays mapped for its life.
class KernelImage {
public:
  /// Refuses (Unsupported, InvalidArgument) whatever KernelTable.h does not
  /// allow, and objects that need features this processor lacks. The features
  /// are compared before anything of the object is executable.
  /// Null, with *error filled, on refusal.
  static std::shared_ptr<const KernelImage>
  load(std::span<const uint8_t> object, uint64_t processorFeatures,
       hetagon_error *error);
  ~KernelImage();
  KernelImage(const KernelImage &) = delete;
  KernelImage &operator=(const KernelImage &) = delete;

  const std::vector<KernelEntry> &entries() const { return list; }

private:
  KernelImage() = default;

  uint8_t *base = nullptr;
  size_t size = 0;
  std::vector<KernelEntry> list;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_KERNELIMAGE_H
