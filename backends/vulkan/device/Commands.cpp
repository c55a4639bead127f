// Checks and records dispatches and copies.
#include "backends/vulkan/device/Commands.h"
#include <limits>

namespace hetagon::vulkan {

/// Drivers end the process of a batch that runs too long; programs are cut into
/// batches of at most this many commands and workgroups.
static constexpr size_t maxBatchCommands = 256;
static constexpr uint64_t maxBatchGroups = 1 << 18;

Commands::~Commands() {
  if (descriptors)
    vkDestroyDescriptorPool(context.device, descriptors, nullptr);
  if (pool)
    vkDestroyCommandPool(context.device, pool, nullptr);
}

Outcome Commands::dispatch(std::shared_ptr<Executable> executable,
                           uint32_t entry, std::vector<Range> bindings,
                           std::span<const int64_t> constants) {
  if (isSealed)
    return {HETAGON_INVALID_ARGUMENT,
            "vulkan: the command buffer was submitted already"};
  if (entry >= executable->kernels().size())
    return {HETAGON_INVALID_ARGUMENT, "vulkan: no such entry"};
  const Kernel &kernel = executable->kernels()[entry];
  const Entry &shape = kernel.shape;
  auto refuse = [&](hetagon_code code, const std::string &why) {
    return Outcome{code, "vulkan: entry '" + shape.name + "': " + why};
  };
  if (constants.size() != shape.constantCount)
    return refuse(HETAGON_INVALID_ARGUMENT,
                  std::to_string(constants.size()) + " constants instead of " +
                      std::to_string(shape.constantCount));
  if (bindings.size() != shape.bindings.size())
    return refuse(HETAGON_INVALID_ARGUMENT,
                  std::to_string(bindings.size()) + " bindings instead of " +
                      std::to_string(shape.bindings.size()));
  Dispatch command{executable, &kernel, std::move(bindings), {}, {}};
  for (int64_t constant : constants) {
    if (constant < 0 || constant > std::numeric_limits<int32_t>::max())
      return refuse(HETAGON_OUT_OF_RANGE, "constant " +
                                              std::to_string(constant) +
                                              " is no size of 31 bits");
    command.constants.push_back(int32_t(constant));
  }
  const VkPhysicalDeviceLimits &limits = context.properties.limits;
  bool isEmpty = false;
  for (int dim = 0; dim < 3; ++dim) {
    auto items = evaluate(shape.grid[dim].items, constants);
    uint64_t divisor = shape.grid[dim].divisor;
    uint64_t groups = items ? *items / divisor + (*items % divisor != 0) : 0;
    if (!items || groups > limits.maxComputeWorkGroupCount[dim])
      return refuse(HETAGON_OUT_OF_RANGE,
                    "the grid is larger than this device allows");
    command.groups[dim] = uint32_t(groups);
    isEmpty |= groups == 0;
  }
  for (size_t i = 0; i < command.bindings.size(); ++i) {
    const Range &range = command.bindings[i];
    std::string which = "binding " + std::to_string(i);
    auto needed = evaluate(shape.bindings[i].bytes, constants);
    if (!needed || range.size < *needed)
      return refuse(HETAGON_OUT_OF_RANGE,
                    which + " has " + std::to_string(range.size) +
                        " bytes; the shapes need " +
                        (needed ? std::to_string(*needed) : "too many"));
    if (!range.buffer->contains(range.offset, range.size))
      return refuse(HETAGON_OUT_OF_RANGE, which + " passes its buffer's end");
    if (range.offset % limits.minStorageBufferOffsetAlignment != 0 ||
        range.offset % 16 != 0)
      return refuse(HETAGON_INVALID_ARGUMENT, which + " is not aligned");
    if (range.size == 0 && !isEmpty)
      return refuse(HETAGON_OUT_OF_RANGE, which + " is empty");
  }
  if (isEmpty)
    return {};
  ++dispatches;
  list.emplace_back(std::move(command));
  return {};
}

Outcome Commands::copy(Range source, Range target) {
  if (isSealed)
    return {HETAGON_INVALID_ARGUMENT,
            "vulkan: the command buffer was submitted already"};
  if (!source.buffer->contains(source.offset, source.size) ||
      !target.buffer->contains(target.offset, target.size))
    return {HETAGON_OUT_OF_RANGE, "vulkan: the copy passes a buffer's end"};
  if (source.buffer == target.buffer &&
      source.offset < target.offset + target.size &&
      target.offset < source.offset + source.size)
    return {HETAGON_INVALID_ARGUMENT, "vulkan: the copy overlaps itself"};
  if (source.size)
    list.emplace_back(Copy{std::move(source), std::move(target)});
  return {};
}

Outcome Commands::createDescriptors() {
  std::vector<VkDescriptorSetLayout> layouts;
  uint32_t buffers = 0;
  for (const auto &command : list)
    if (auto *dispatch = std::get_if<Dispatch>(&command)) {
      layouts.push_back(dispatch->kernel->bindings);
      buffers += uint32_t(dispatch->bindings.size());
    }
  if (layouts.empty())
    return {};
  VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers};
  VkDescriptorPoolCreateInfo info{
      VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  info.maxSets = uint32_t(layouts.size());
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  if (Outcome outcome = context.check(
          vkCreateDescriptorPool(context.device, &info, nullptr, &descriptors),
          "vkCreateDescriptorPool");
      !outcome.ok())
    return outcome;
  VkDescriptorSetAllocateInfo allocation{
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  allocation.descriptorPool = descriptors;
  allocation.descriptorSetCount = uint32_t(layouts.size());
  allocation.pSetLayouts = layouts.data();
  sets.resize(layouts.size());
  return context.check(
      vkAllocateDescriptorSets(context.device, &allocation, sets.data()),
      "vkAllocateDescriptorSets");
}

size_t Commands::endOfBatch(size_t first) const {
  uint64_t groups = 0;
  size_t last = first;
  while (last < list.size() && last - first < maxBatchCommands) {
    if (auto *dispatch = std::get_if<Dispatch>(&list[last])) {
      uint64_t own = uint64_t(dispatch->groups[0]) * dispatch->groups[1] *
                     dispatch->groups[2];
      if (last > first && groups + own > maxBatchGroups)
        break;
      groups += own;
    }
    ++last;
  }
  return last;
}

Outcome Commands::record(VkCommandBuffer buffer, size_t first, size_t last,
                         size_t &nextSet) {
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  if (Outcome outcome = context.check(vkBeginCommandBuffer(buffer, &begin),
                                      "vkBeginCommandBuffer");
      !outcome.ok())
    return outcome;
  for (size_t at = first; at < last; ++at) {
    // Each command sees the effects of all before it, those of earlier
    // submissions to the queue among them.
    constexpr VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask =
        VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = barrier.srcAccessMask | VK_ACCESS_SHADER_READ_BIT |
                            VK_ACCESS_TRANSFER_READ_BIT;
    vkCmdPipelineBarrier(buffer, stages, stages, 0, 1, &barrier, 0, nullptr, 0,
                         nullptr);
    if (auto *copy = std::get_if<Copy>(&list[at])) {
      VkBufferCopy range{copy->source.offset, copy->target.offset,
                         copy->source.size};
      vkCmdCopyBuffer(buffer, copy->source.buffer->handle,
                      copy->target.buffer->handle, 1, &range);
      continue;
    }
    const Dispatch &dispatch = std::get<Dispatch>(list[at]);
    VkDescriptorSet set = sets[nextSet++];
    std::vector<VkDescriptorBufferInfo> infos;
    for (const Range &range : dispatch.bindings)
      infos.push_back({range.buffer->handle, range.offset, range.size});
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set;
    write.descriptorCount = uint32_t(infos.size());
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = infos.data();
    vkUpdateDescriptorSets(context.device, 1, &write, 0, nullptr);
    const Kernel &kernel = *dispatch.kernel;
    vkCmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline);
    vkCmdBindDescriptorSets(buffer, VK_PIPELINE_BIND_POINT_COMPUTE,
                            kernel.layout, 0, 1, &set, 0, nullptr);
    if (!dispatch.constants.empty())
      vkCmdPushConstants(buffer, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                         uint32_t(dispatch.constants.size() * 4),
                         dispatch.constants.data());
    vkCmdDispatch(buffer, dispatch.groups[0], dispatch.groups[1],
                  dispatch.groups[2]);
  }
  return context.check(vkEndCommandBuffer(buffer), "vkEndCommandBuffer");
}

Outcome Commands::seal() {
  if (isSealed)
    return {};
  if (Outcome outcome = createDescriptors(); !outcome.ok())
    return outcome;
  VkCommandPoolCreateInfo poolInfo{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  poolInfo.queueFamilyIndex = context.family;
  if (Outcome outcome = context.check(
          vkCreateCommandPool(context.device, &poolInfo, nullptr, &pool),
          "vkCreateCommandPool");
      !outcome.ok())
    return outcome;
  size_t nextSet = 0;
  for (size_t first = 0, last = 0; first < list.size(); first = last) {
    last = endOfBatch(first);
    VkCommandBufferAllocateInfo info{
        VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = pool;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    VkCommandBuffer buffer = VK_NULL_HANDLE;
    if (Outcome outcome = context.check(
            vkAllocateCommandBuffers(context.device, &info, &buffer),
            "vkAllocateCommandBuffers");
        !outcome.ok())
      return outcome;
    if (Outcome outcome = record(buffer, first, last, nextSet); !outcome.ok())
      return outcome;
    sealed.push_back(buffer);
  }
  isSealed = true;
  return {};
}

} // namespace hetagon::vulkan
