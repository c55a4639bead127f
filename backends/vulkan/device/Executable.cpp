// Builds one compute pipeline for each entry of a payload.
#include "backends/vulkan/device/Executable.h"

namespace hetagon::vulkan {

Executable::~Executable() {
  for (const Kernel &kernel : list) {
    vkDestroyPipeline(context.device, kernel.pipeline, nullptr);
    vkDestroyPipelineLayout(context.device, kernel.layout, nullptr);
    vkDestroyDescriptorSetLayout(context.device, kernel.bindings, nullptr);
  }
}

Outcome Executable::create(std::span<const uint8_t> payload) {
  std::vector<Entry> entries;
  std::string error;
  if (!decode(payload, entries, error))
    return {HETAGON_INVALID_ARGUMENT, "vulkan: " + error};
  for (Entry &entry : entries) {
    list.push_back({std::move(entry)});
    if (Outcome outcome = create(list.back()); !outcome.ok())
      return outcome;
    list.back().shape.words.clear();
    list.back().shape.words.shrink_to_fit();
  }
  return {};
}

Outcome Executable::create(Kernel &kernel) {
  const Entry &shape = kernel.shape;
  const VkPhysicalDeviceLimits &limits = context.properties.limits;
  if (shape.bindings.size() > limits.maxPerStageDescriptorStorageBuffers ||
      shape.workgroupSize > limits.maxComputeWorkGroupInvocations ||
      shape.workgroupSize > limits.maxComputeWorkGroupSize[0])
    return {HETAGON_UNSUPPORTED, "vulkan: entry '" + shape.name +
                                     "' is larger than this device allows"};

  std::vector<VkDescriptorSetLayoutBinding> bindings(shape.bindings.size());
  for (uint32_t i = 0; i < bindings.size(); ++i)
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                   VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo setInfo{
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  setInfo.bindingCount = uint32_t(bindings.size());
  setInfo.pBindings = bindings.data();
  if (Outcome outcome =
          context.check(vkCreateDescriptorSetLayout(context.device, &setInfo,
                                                    nullptr, &kernel.bindings),
                        "vkCreateDescriptorSetLayout");
      !outcome.ok())
    return outcome;

  VkPushConstantRange constants{VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                shape.constantCount * 4};
  VkPipelineLayoutCreateInfo layoutInfo{
      VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layoutInfo.setLayoutCount = 1;
  layoutInfo.pSetLayouts = &kernel.bindings;
  layoutInfo.pushConstantRangeCount = shape.constantCount ? 1 : 0;
  layoutInfo.pPushConstantRanges = &constants;
  if (Outcome outcome =
          context.check(vkCreatePipelineLayout(context.device, &layoutInfo,
                                               nullptr, &kernel.layout),
                        "vkCreatePipelineLayout");
      !outcome.ok())
    return outcome;

  VkShaderModuleCreateInfo moduleInfo{
      VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  moduleInfo.codeSize = shape.words.size() * 4;
  moduleInfo.pCode = shape.words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  if (Outcome outcome = context.check(
          vkCreateShaderModule(context.device, &moduleInfo, nullptr, &module),
          "vkCreateShaderModule");
      !outcome.ok())
    return outcome;
  VkComputePipelineCreateInfo info{
      VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = shape.name.c_str();
  info.layout = kernel.layout;
  Outcome outcome =
      context.check(vkCreateComputePipelines(context.device, VK_NULL_HANDLE, 1,
                                             &info, nullptr, &kernel.pipeline),
                    "vkCreateComputePipelines");
  vkDestroyShaderModule(context.device, module, nullptr);
  return outcome;
}

} // namespace hetagon::vulkan
