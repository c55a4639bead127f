// Pipelines made from a payload of SPIR-V kernels.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_EXECUTABLE_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_EXECUTABLE_H

#include "backends/vulkan/Payload.h"
#include "backends/vulkan/device/Context.h"

namespace hetagon::vulkan {

/// One kernel, ready to be dispatched. `shape` has lost its words.
struct Kernel {
  Entry shape;
  VkDescriptorSetLayout bindings = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline pipeline = VK_NULL_HANDLE;
};

/// Never outlives the context.
class Executable {
public:
  explicit Executable(Context &context) : context(context) {}
  ~Executable();
  Outcome create(std::span<const uint8_t> payload);
  const std::vector<Kernel> &kernels() const { return list; }

private:
  Outcome create(Kernel &kernel);

  Context &context;
  std::vector<Kernel> list;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_EXECUTABLE_H
