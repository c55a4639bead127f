// The device's own account of how long submissions ran: time stamps before and
// after each.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_TIMER_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_TIMER_H

#include "backends/vulkan/device/Context.h"
#include <vector>

namespace hetagon::vulkan {

/// A pair of time stamps for each submission that may be in flight. A device
/// without time stamps gives empty command buffers and no times.
class Timer {
public:
  Timer(Context &context, uint32_t slots) : context(context), slots(slots) {}
  ~Timer();
  Outcome create();
  /// What to run before and after the submission that uses the slot.
  VkCommandBuffer before(uint32_t slot) const { return commands[2 * slot]; }
  VkCommandBuffer after(uint32_t slot) const { return commands[2 * slot + 1]; }
  /// Nanoseconds between the slot's time stamps; its submission is done.
  uint64_t elapsedNs(uint32_t slot) const;

private:
  Outcome record(uint32_t slot, bool isAfter);

  Context &context;
  const uint32_t slots;
  VkQueryPool queries = VK_NULL_HANDLE;
  VkCommandPool pool = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> commands;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_TIMER_H
