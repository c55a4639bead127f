// Records and reads time stamps.
#include "backends/vulkan/device/Timer.h"

namespace hetagon::vulkan {

Timer::~Timer() {
  if (pool)
    vkDestroyCommandPool(context.device, pool, nullptr);
  if (queries)
    vkDestroyQueryPool(context.device, queries, nullptr);
}

Outcome Timer::create() {
  if (context.timestampBits) {
    VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = 2 * slots;
    if (Outcome outcome = context.check(
            vkCreateQueryPool(context.device, &info, nullptr, &queries),
            "vkCreateQueryPool");
        !outcome.ok())
      return outcome;
  }
  VkCommandPoolCreateInfo poolInfo{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  poolInfo.queueFamilyIndex = context.family;
  if (Outcome outcome = context.check(
          vkCreateCommandPool(context.device, &poolInfo, nullptr, &pool),
          "vkCreateCommandPool");
      !outcome.ok())
    return outcome;
  commands.resize(2 * slots);
  VkCommandBufferAllocateInfo buffers{
      VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  buffers.commandPool = pool;
  buffers.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffers.commandBufferCount = uint32_t(commands.size());
  if (Outcome outcome = context.check(
          vkAllocateCommandBuffers(context.device, &buffers, commands.data()),
          "vkAllocateCommandBuffers");
      !outcome.ok())
    return outcome;
  for (uint32_t slot = 0; slot < slots; ++slot)
    for (bool isAfter : {false, true})
      if (Outcome outcome = record(slot, isAfter); !outcome.ok())
        return outcome;
  return {};
}

Outcome Timer::record(uint32_t slot, bool isAfter) {
  VkCommandBuffer buffer = isAfter ? after(slot) : before(slot);
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  if (Outcome outcome = context.check(vkBeginCommandBuffer(buffer, &begin),
                                      "vkBeginCommandBuffer");
      !outcome.ok())
    return outcome;
  if (queries) {
    if (!isAfter)
      vkCmdResetQueryPool(buffer, queries, 2 * slot, 2);
    vkCmdWriteTimestamp(buffer,
                        isAfter ? VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT
                                : VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                        queries, 2 * slot + isAfter);
  }
  return context.check(vkEndCommandBuffer(buffer), "vkEndCommandBuffer");
}

uint64_t Timer::elapsedNs(uint32_t slot) const {
  uint64_t stamps[2] = {};
  if (!queries ||
      vkGetQueryPoolResults(context.device, queries, 2 * slot, 2,
                            sizeof(stamps), stamps, sizeof(stamps[0]),
                            VK_QUERY_RESULT_64_BIT) != VK_SUCCESS)
    return 0;
  uint64_t mask = context.timestampBits >= 64
                      ? ~uint64_t(0)
                      : (uint64_t(1) << context.timestampBits) - 1;
  double ticks = double((stamps[1] - stamps[0]) & mask);
  return uint64_t(ticks * context.properties.limits.timestampPeriod);
}

} // namespace hetagon::vulkan
