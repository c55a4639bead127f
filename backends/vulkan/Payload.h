// The container in which the lowering half hands SPIR-V kernels to the device
// half: format "spirv" of a plan's executables. Both halves include this file;
// it needs the standard library only.
#ifndef HETAGON_BACKENDS_VULKAN_PAYLOAD_H
#define HETAGON_BACKENDS_VULKAN_PAYLOAD_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hetagon::vulkan {

inline constexpr char payloadFormat[] = "spirv";

/// A number that a dispatch's constants decide: `factor` times the constant, or
/// `factor` alone when `constant` is negative.
struct Extent {
  int32_t constant = -1;
  uint64_t factor = 1;
};

/// Workgroups along one dimension: ceil(items / divisor).
struct GridDim {
  Extent items;
  uint32_t divisor = 1;
};

/// A storage buffer at set 0 and the binding's index.
struct BindingShape {
  Extent bytes; // the least that the kernel may be given
  bool isWritten = false;
};

/// One kernel: a SPIR-V module with one entry point of this name, storage
/// buffers at set 0, bindings 0 onwards, and its constants as 32-bit integers
/// in a push constant block.
struct Entry {
  std::string name;
  uint32_t workgroupSize = 1; // along x; 1 along y and z
  std::array<GridDim, 3> grid;
  std::vector<BindingShape> bindings;
  uint32_t constantCount = 0;
  std::vector<uint32_t> words;
};

/// What decode() accepts at most.
struct PayloadLimits {
  static constexpr uint32_t entries = 4096, nameBytes = 255, bindings = 16,
                            constants = 8, workgroupSize = 1024;
};

/// The extent's value, or nothing when a constant is negative or the product
/// does not fit 64 bits.
std::optional<uint64_t> evaluate(const Extent &extent,
                                 std::span<const int64_t> constants);

std::vector<uint8_t> encode(std::span<const Entry> entries);

/// Fills `entries`, or says in `error` what is wrong and at which byte. Checks
/// the container and that each SPIR-V module is a well-formed stream of
/// instructions; what the instructions do is the driver's affair.
bool decode(std::span<const uint8_t> payload, std::vector<Entry> &entries,
            std::string &error);

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_PAYLOAD_H
