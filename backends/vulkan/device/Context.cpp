// Opens and closes Vulkan.
#include "backends/vulkan/device/Context.h"
#include <algorithm>
#include <cstring>
#include <vector>

namespace hetagon::vulkan {

static constexpr char validationLayer[] = "VK_LAYER_KHRONOS_validation";
static constexpr uint32_t apiVersion = VK_API_VERSION_1_2;

static hetagon_code codeOf(VkResult result) {
  switch (result) {
  case VK_SUCCESS:
    return HETAGON_OK;
  case VK_ERROR_DEVICE_LOST:
    return HETAGON_DEVICE_LOST;
  case VK_ERROR_OUT_OF_HOST_MEMORY:
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
  case VK_ERROR_OUT_OF_POOL_MEMORY:
  case VK_ERROR_TOO_MANY_OBJECTS:
    return HETAGON_RESOURCE_EXHAUSTED;
  case VK_ERROR_INCOMPATIBLE_DRIVER:
  case VK_ERROR_LAYER_NOT_PRESENT:
  case VK_ERROR_EXTENSION_NOT_PRESENT:
  case VK_ERROR_INITIALIZATION_FAILED:
    return HETAGON_UNAVAILABLE;
  case VK_ERROR_FEATURE_NOT_PRESENT:
    return HETAGON_UNSUPPORTED;
  default:
    return HETAGON_INTERNAL;
  }
}

Outcome Context::check(VkResult result, const char *call) {
  if (result == VK_SUCCESS)
    return {};
  std::string message =
      std::string("vulkan: ") + call + " returned " + std::to_string(result) +
      (result == VK_ERROR_DEVICE_LOST ? " (device lost)" : "");
  if (result == VK_ERROR_DEVICE_LOST) {
    std::lock_guard lock(stateMutex);
    if (lossReason.empty())
      lossReason = message;
  }
  return {codeOf(result), message};
}

Outcome Context::health() {
  std::lock_guard lock(stateMutex);
  if (!lossReason.empty())
    return {HETAGON_DEVICE_LOST, lossReason};
  if (complaints)
    return {HETAGON_INTERNAL, "vulkan: the validation layer has " +
                                  std::to_string(complaints) +
                                  " complaints; the first: " + firstComplaint};
  return {};
}

bool Context::memoryType(uint32_t bits, VkMemoryPropertyFlags flags,
                         uint32_t &index) const {
  for (index = 0; index < memory.memoryTypeCount; ++index)
    if ((bits >> index & 1) &&
        (memory.memoryTypes[index].propertyFlags & flags) == flags)
      return true;
  return false;
}

VkBool32 Context::onMessage(VkDebugUtilsMessageSeverityFlagBitsEXT,
                            VkDebugUtilsMessageTypeFlagsEXT,
                            const VkDebugUtilsMessengerCallbackDataEXT *data,
                            void *context) {
  Context &self = *static_cast<Context *>(context);
  std::lock_guard lock(self.stateMutex);
  if (self.complaints++ == 0)
    self.firstComplaint = data->pMessage ? data->pMessage : "(no text)";
  return VK_FALSE;
}

static bool hasValidationLayer() {
  uint32_t count = 0;
  if (vkEnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS)
    return false;
  std::vector<VkLayerProperties> layers(count);
  if (vkEnumerateInstanceLayerProperties(&count, layers.data()) < 0)
    return false;
  layers.resize(count);
  return std::any_of(layers.begin(), layers.end(), [](const auto &layer) {
    return std::strcmp(layer.layerName, validationLayer) == 0;
  });
}

Outcome Context::createInstance(const Config &config) {
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "hetagon";
  application.apiVersion = apiVersion;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;

  const char *layers[] = {validationLayer};
  const char *extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                              VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
  VkValidationFeatureEnableEXT enabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = enabled;
  VkDebugUtilsMessengerCreateInfoEXT messages{
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  messages.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                             VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  messages.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  messages.pfnUserCallback = onMessage;
  messages.pUserData = this;
  if (config.validation) {
    if (!hasValidationLayer())
      return {HETAGON_UNAVAILABLE,
              "vulkan: validation is asked for, but the layer " +
                  std::string(validationLayer) + " is not installed"};
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = layers;
    info.enabledExtensionCount = 2;
    info.ppEnabledExtensionNames = extensions;
    features.pNext = &messages;
    info.pNext = &features;
  }
  if (Outcome outcome = check(vkCreateInstance(&info, nullptr, &instance),
                              "vkCreateInstance");
      !outcome.ok())
    return outcome;
  if (!config.validation)
    return {};
  auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT"));
  if (!create)
    return {HETAGON_INTERNAL, "vulkan: the layer offers no messenger"};
  return check(create(instance, &messages, nullptr, &messenger),
               "vkCreateDebugUtilsMessengerEXT");
}

/// The first compute family of a device that can do what this backend needs.
static bool isSuitable(VkPhysicalDevice physical,
                       const VkPhysicalDeviceProperties &properties,
                       uint32_t &family, uint32_t &timestampBits) {
  if (properties.apiVersion < apiVersion)
    return false;
  VkPhysicalDeviceVulkan12Features newer{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 features{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  features.pNext = &newer;
  vkGetPhysicalDeviceFeatures2(physical, &features);
  if (!newer.timelineSemaphore)
    return false;
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
  for (family = 0; family < count; ++family)
    if (families[family].queueFlags & VK_QUEUE_COMPUTE_BIT) {
      timestampBits = families[family].timestampValidBits;
      return true;
    }
  return false;
}

static int rank(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return 3;
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return 2;
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return 1;
  default:
    return 0;
  }
}

Outcome Context::choosePhysical(const Config &config) {
  uint32_t count = 0;
  if (Outcome outcome =
          check(vkEnumeratePhysicalDevices(instance, &count, nullptr),
                "vkEnumeratePhysicalDevices");
      !outcome.ok())
    return outcome;
  std::vector<VkPhysicalDevice> devices(count);
  if (Outcome outcome =
          check(vkEnumeratePhysicalDevices(instance, &count, devices.data()),
                "vkEnumeratePhysicalDevices");
      !outcome.ok())
    return outcome;
  std::string found;
  for (VkPhysicalDevice candidate : devices) {
    VkPhysicalDeviceProperties candidateProperties;
    vkGetPhysicalDeviceProperties(candidate, &candidateProperties);
    std::string name = candidateProperties.deviceName;
    found += (found.empty() ? "" : ", ") + name;
    uint32_t candidateFamily = 0, bits = 0;
    if (name.find(config.device) == std::string::npos ||
        !isSuitable(candidate, candidateProperties, candidateFamily, bits))
      continue;
    if (physical &&
        rank(candidateProperties.deviceType) <= rank(properties.deviceType))
      continue;
    physical = candidate;
    properties = candidateProperties;
    family = candidateFamily;
    timestampBits = bits;
  }
  if (!physical)
    return {HETAGON_UNAVAILABLE,
            "vulkan: no device" +
                (config.device.empty()
                     ? std::string()
                     : " whose name contains '" + config.device + "'") +
                " offers Vulkan 1.2 compute with timeline semaphores; found: " +
                (found.empty() ? "none" : found)};
  vkGetPhysicalDeviceMemoryProperties(physical, &memory);
  return {};
}

Outcome Context::createDevice() {
  VkPhysicalDeviceFeatures supported;
  vkGetPhysicalDeviceFeatures(physical, &supported);
  float priority = 1;
  VkDeviceQueueCreateInfo queueInfo{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queueInfo.queueFamilyIndex = family;
  queueInfo.queueCount = 1;
  queueInfo.pQueuePriorities = &priority;
  VkPhysicalDeviceVulkan12Features newer{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  newer.timelineSemaphore = VK_TRUE;
  VkPhysicalDeviceFeatures2 features{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  features.pNext = &newer;
  // A kernel that leaves its bindings must not reach other memory.
  features.features.robustBufferAccess = supported.robustBufferAccess;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queueInfo;
  if (Outcome outcome = check(vkCreateDevice(physical, &info, nullptr, &device),
                              "vkCreateDevice");
      !outcome.ok())
    return outcome;
  vkGetDeviceQueue(device, family, 0, &queue);
  return {};
}

Outcome Context::open(const Config &config, std::unique_ptr<Context> &context) {
  context.reset(new Context);
  for (auto step : {&Context::createInstance, &Context::choosePhysical})
    if (Outcome outcome = (context.get()->*step)(config); !outcome.ok())
      return outcome;
  return context->createDevice();
}

Context::~Context() {
  if (device)
    vkDestroyDevice(device, nullptr);
  if (messenger) {
    auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(instance, "vkDestroyDebugUtilsMessengerEXT"));
    if (destroy)
      destroy(instance, messenger, nullptr);
  }
  if (instance)
    vkDestroyInstance(instance, nullptr);
}

} // namespace hetagon::vulkan
