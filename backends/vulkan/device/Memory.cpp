// Allocates buffers and moves bytes through a staging buffer.
#include "backends/vulkan/device/Memory.h"
#include <algorithm>
#include <cstring>

namespace hetagon::vulkan {

Buffer::~Buffer() {
  if (handle)
    vkDestroyBuffer(context.device, handle, nullptr);
  if (memory)
    vkFreeMemory(context.device, memory, nullptr);
}

Outcome Buffer::create(VkBufferUsageFlags usage, VkMemoryPropertyFlags flags) {
  constexpr uint64_t step = 16; // kernels move four floats at a time
  if (size > context.properties.limits.maxStorageBufferRange)
    return {
        HETAGON_RESOURCE_EXHAUSTED,
        "vulkan: a buffer of " + std::to_string(size) +
            " bytes; this device's largest has " +
            std::to_string(context.properties.limits.maxStorageBufferRange)};
  capacity = std::max(step, (size + step - 1) / step * step);
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = capacity;
  info.usage = usage;
  if (Outcome outcome =
          context.check(vkCreateBuffer(context.device, &info, nullptr, &handle),
                        "vkCreateBuffer");
      !outcome.ok())
    return outcome;
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(context.device, handle, &needs);
  VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.allocationSize = needs.size;
  if (!context.memoryType(needs.memoryTypeBits, flags,
                          allocation.memoryTypeIndex))
    return {HETAGON_UNSUPPORTED, "vulkan: no memory type fits a buffer"};
  if (Outcome outcome = context.check(
          vkAllocateMemory(context.device, &allocation, nullptr, &memory),
          "vkAllocateMemory");
      !outcome.ok())
    return outcome;
  return context.check(vkBindBufferMemory(context.device, handle, memory, 0),
                       "vkBindBufferMemory");
}

Stager::~Stager() {
  if (done)
    vkDestroyFence(context.device, done, nullptr);
  if (pool)
    vkDestroyCommandPool(context.device, pool, nullptr);
}

Outcome Stager::create() {
  if (Outcome outcome = staging.create(
          VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
          VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
              VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
      !outcome.ok())
    return outcome;
  if (Outcome outcome =
          context.check(vkMapMemory(context.device, staging.memory, 0,
                                    VK_WHOLE_SIZE, 0, &mapped),
                        "vkMapMemory");
      !outcome.ok())
    return outcome;
  VkCommandPoolCreateInfo poolInfo{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  poolInfo.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  poolInfo.queueFamilyIndex = context.family;
  if (Outcome outcome = context.check(
          vkCreateCommandPool(context.device, &poolInfo, nullptr, &pool),
          "vkCreateCommandPool");
      !outcome.ok())
    return outcome;
  VkCommandBufferAllocateInfo buffers{
      VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  buffers.commandPool = pool;
  buffers.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffers.commandBufferCount = 1;
  if (Outcome outcome = context.check(
          vkAllocateCommandBuffers(context.device, &buffers, &commands),
          "vkAllocateCommandBuffers");
      !outcome.ok())
    return outcome;
  VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  return context.check(vkCreateFence(context.device, &fence, nullptr, &done),
                       "vkCreateFence");
}

/// Records, submits and waits. Earlier commands of the queue come before the
/// transfer, and what the transfer wrote is visible to the host afterwards.
template <typename Record> Outcome Stager::run(Record record) {
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  if (Outcome outcome = context.check(vkBeginCommandBuffer(commands, &begin),
                                      "vkBeginCommandBuffer");
      !outcome.ok())
    return outcome;
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask =
      VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask =
      VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  vkCmdPipelineBarrier(
      commands,
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
      VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  record(commands);
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                       VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr,
                       0, nullptr);
  if (Outcome outcome =
          context.check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
      !outcome.ok())
    return outcome;
  VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  {
    std::lock_guard lock(context.queueMutex);
    if (Outcome outcome = context.check(
            vkQueueSubmit(context.queue, 1, &submit, done), "vkQueueSubmit");
        !outcome.ok())
      return outcome;
  }
  if (Outcome outcome = context.check(
          vkWaitForFences(context.device, 1, &done, VK_TRUE, UINT64_MAX),
          "vkWaitForFences");
      !outcome.ok())
    return outcome;
  return context.check(vkResetFences(context.device, 1, &done),
                       "vkResetFences");
}

Outcome Stager::zero(Buffer &target) {
  std::lock_guard lock(mutex);
  return run([&](VkCommandBuffer commands) {
    vkCmdFillBuffer(commands, target.handle, 0, VK_WHOLE_SIZE, 0);
  });
}

Outcome Stager::write(Buffer &target, uint64_t offset, const void *data,
                      uint64_t size) {
  std::lock_guard lock(mutex);
  for (uint64_t at = 0; at < size; at += chunkBytes) {
    VkBufferCopy copy{0, offset + at, std::min(chunkBytes, size - at)};
    std::memcpy(mapped, static_cast<const char *>(data) + at, copy.size);
    if (Outcome outcome = run([&](VkCommandBuffer commands) {
          vkCmdCopyBuffer(commands, staging.handle, target.handle, 1, &copy);
        });
        !outcome.ok())
      return outcome;
  }
  return {};
}

Outcome Stager::read(Buffer &source, uint64_t offset, void *data,
                     uint64_t size) {
  std::lock_guard lock(mutex);
  for (uint64_t at = 0; at < size; at += chunkBytes) {
    VkBufferCopy copy{offset + at, 0, std::min(chunkBytes, size - at)};
    if (Outcome outcome = run([&](VkCommandBuffer commands) {
          vkCmdCopyBuffer(commands, source.handle, staging.handle, 1, &copy);
        });
        !outcome.ok())
      return outcome;
    std::memcpy(static_cast<char *>(data) + at, mapped, copy.size);
  }
  return {};
}

} // namespace hetagon::vulkan
