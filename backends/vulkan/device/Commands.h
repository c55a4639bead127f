// Command buffers: checked as they are recorded, turned into Vulkan's on first
// submission, then submitted any number of times.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_COMMANDS_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_COMMANDS_H

#include "backends/vulkan/device/Executable.h"
#include "backends/vulkan/device/Memory.h"
#include <array>
#include <variant>

namespace hetagon::vulkan {

/// A range of a buffer, kept alive.
struct Range {
  std::shared_ptr<Buffer> buffer;
  uint64_t offset = 0, size = 0;
};

/// Never outlives the context; not thread-safe.
class Commands {
public:
  explicit Commands(Context &context) : context(context) {}
  ~Commands();

  Outcome dispatch(std::shared_ptr<Executable> executable, uint32_t entry,
                   std::vector<Range> bindings,
                   std::span<const int64_t> constants);
  Outcome copy(Range source, Range target);

  /// Builds Vulkan's command buffers; recording has ended then.
  Outcome seal();
  /// To be submitted in this order, one batch each.
  const std::vector<VkCommandBuffer> &buffers() const { return sealed; }
  uint64_t dispatchCount() const { return dispatches; }

private:
  struct Dispatch {
    std::shared_ptr<Executable> executable;
    const Kernel *kernel;
    std::vector<Range> bindings;
    std::vector<int32_t> constants;
    std::array<uint32_t, 3> groups;
  };
  struct Copy {
    Range source, target;
  };

  Outcome createDescriptors();
  Outcome record(VkCommandBuffer buffer, size_t first, size_t last,
                 size_t &nextSet);
  size_t endOfBatch(size_t first) const;

  Context &context;
  std::vector<std::variant<Dispatch, Copy>> list;
  uint64_t dispatches = 0;
  bool isSealed = false;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkDescriptorPool descriptors = VK_NULL_HANDLE;
  std::vector<VkDescriptorSet> sets; // one for each dispatch
  std::vector<VkCommandBuffer> sealed;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_COMMANDS_H
