// The Vulkan instance, device and queue behind one open device, and what every
// call of the API is checked against.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_CONTEXT_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_CONTEXT_H

#include "backends/vulkan/device/Config.h"
#include <atomic>
#include <memory>
#include <mutex>
#include <vulkan/vulkan.h>

namespace hetagon::vulkan {

/// Everything but the queue may be used from any thread; the queue under
/// queueMutex. Destroyed after all that was made from it.
class Context {
public:
  static Outcome open(const Config &config, std::unique_ptr<Context> &context);
  ~Context();

  /// Turns a result into an outcome and remembers a loss of the device.
  Outcome check(VkResult result, const char *call);
  /// Fails once the device is lost or the validation layer has complained.
  Outcome health();
  /// A memory type of `bits` with all `flags`, or nothing.
  bool memoryType(uint32_t bits, VkMemoryPropertyFlags flags,
                  uint32_t &index) const;

  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  std::mutex queueMutex;
  uint32_t family = 0;
  uint32_t timestampBits = 0;
  VkPhysicalDeviceProperties properties{};
  VkPhysicalDeviceMemoryProperties memory{};

private:
  Context() = default;
  Outcome createInstance(const Config &config);
  Outcome choosePhysical(const Config &config);
  Outcome createDevice();
  static VkBool32 VKAPI_CALL
  onMessage(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
            VkDebugUtilsMessageTypeFlagsEXT types,
            const VkDebugUtilsMessengerCallbackDataEXT *data, void *context);

  VkInstance instance = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  std::mutex stateMutex;
  std::string lossReason; // empty: not lost
  uint64_t complaints = 0;
  std::string firstComplaint;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_CONTEXT_H
