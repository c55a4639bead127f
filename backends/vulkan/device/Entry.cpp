// The C table of the vulkan device: translates between hetagon/device.h and
// Device, and keeps exceptions inside.
#include "backends/vulkan/device/Device.h"
#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

using namespace hetagon::vulkan;

struct hetagon_device {
  std::unique_ptr<Device> device;
  std::string name;
};

namespace {

hetagon_code report(const Outcome &outcome, hetagon_error *error) {
  if (!outcome.ok() && error) {
    error->code = outcome.code;
    size_t length =
        std::min(outcome.message.size(), sizeof(error->message) - 1);
    std::memcpy(error->message, outcome.message.data(), length);
    error->message[length] = 0;
  }
  return outcome.code;
}

/// Runs `body`, which returns an Outcome, and reports it.
template <typename Body> hetagon_code guarded(hetagon_error *error, Body body) {
  try {
    return report(body(), error);
  } catch (const std::bad_alloc &) {
    return report({HETAGON_RESOURCE_EXHAUSTED, "vulkan: out of memory"}, error);
  } catch (...) {
    return report({HETAGON_INTERNAL, "vulkan: an unexpected exception"}, error);
  }
}

hetagon_code openDevice(const hetagon_host *host, const char *config,
                        hetagon_device **device, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!host || !device || host->abi_version != HETAGON_DEVICE_ABI_VERSION ||
        host->struct_size < sizeof(hetagon_host))
      return {HETAGON_INVALID_ARGUMENT,
              "vulkan: the host's structure is not of ABI version " +
                  std::to_string(HETAGON_DEVICE_ABI_VERSION)};
    Config settings;
    if (Outcome outcome = parseConfig(config ? config : "{}", settings);
        !outcome.ok())
      return outcome;
    auto opened = std::make_unique<hetagon_device>();
    if (Outcome outcome = Device::open(settings, opened->device); !outcome.ok())
      return outcome;
    opened->name = opened->device->vulkan().properties.deviceName;
    *device = opened.release();
    return {};
  });
}

void closeDevice(hetagon_device *device) { delete device; }

hetagon_code describe(hetagon_device *device, hetagon_device_info *info,
                      hetagon_error *error) {
  if (!info || info->struct_size < sizeof(hetagon_device_info))
    return report(
        {HETAGON_INVALID_ARGUMENT, "vulkan: struct_size is too small"}, error);
  const Context &vulkan = device->device->vulkan();
  const VkPhysicalDeviceLimits &limits = vulkan.properties.limits;
  info->own_address_space = 1;
  info->name = device->name.c_str();
  info->architecture = "spirv1.3";
  info->memory_bytes = 0;
  for (uint32_t i = 0; i < vulkan.memory.memoryHeapCount; ++i)
    if (vulkan.memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      info->memory_bytes += vulkan.memory.memoryHeaps[i].size;
  info->max_buffer_bytes = limits.maxStorageBufferRange;
  info->buffer_alignment =
      uint32_t(std::max<uint64_t>(16, limits.minStorageBufferOffsetAlignment));
  info->max_in_flight = Device::maxInFlight;
  info->preference = 100; // the encoders only, and perhaps in software
  return HETAGON_OK;
}

hetagon_code status(hetagon_device *device, hetagon_error *error) {
  return guarded(error, [&] { return device->device->status(); });
}

uint64_t clockNs(hetagon_device *) {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

hetagon_code counters(hetagon_device *device, hetagon_counters *counters,
                      hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!counters || counters->struct_size < sizeof(hetagon_counters))
      return {HETAGON_INVALID_ARGUMENT, "vulkan: struct_size is too small"};
    uint32_t size = counters->struct_size;
    *counters = device->device->counters();
    counters->struct_size = size;
    return {};
  });
}

hetagon_code allocate(hetagon_device *device, uint64_t size,
                      hetagon_buffer *buffer, hetagon_error *error) {
  return guarded(error,
                 [&] { return device->device->allocate(size, *buffer); });
}

hetagon_code importHost(hetagon_device *, const void *, uint64_t,
                        hetagon_buffer *, hetagon_error *error) {
  return report({HETAGON_UNSUPPORTED,
                 "vulkan: this device has memory of its own; allocate and "
                 "write instead"},
                error);
}

void release(hetagon_device *device, hetagon_buffer buffer) {
  device->device->release(buffer);
}

hetagon_code writeBuffer(hetagon_device *device, hetagon_buffer buffer,
                         uint64_t offset, const void *data, uint64_t size,
                         hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!data && size)
      return {HETAGON_INVALID_ARGUMENT, "vulkan: write from no memory"};
    return device->device->write(buffer, offset, data, size);
  });
}

hetagon_code readBuffer(hetagon_device *device, hetagon_buffer buffer,
                        uint64_t offset, void *data, uint64_t size,
                        hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!data && size)
      return {HETAGON_INVALID_ARGUMENT, "vulkan: read to no memory"};
    return device->device->read(buffer, offset, data, size);
  });
}

hetagon_code load(hetagon_device *device, const char *format,
                  const void *payload, uint64_t size,
                  hetagon_executable *executable, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!payload && size)
      return {HETAGON_INVALID_ARGUMENT, "vulkan: no payload"};
    return device->device->load(format ? format : "",
                                {static_cast<const uint8_t *>(payload), size},
                                *executable);
  });
}

void unload(hetagon_device *device, hetagon_executable executable) {
  device->device->unload(executable);
}

hetagon_code entry(hetagon_device *device, hetagon_executable executable,
                   const char *name, uint32_t *index, uint32_t *bindingCount,
                   uint32_t *constantCount, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->entry(executable, name ? name : "", *index,
                                 *bindingCount, *constantCount);
  });
}

hetagon_code createCommands(hetagon_device *device, hetagon_commands *commands,
                            hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    *commands = device->device->createCommands();
    return {};
  });
}

void destroyCommands(hetagon_device *device, hetagon_commands commands) {
  device->device->destroyCommands(commands);
}

hetagon_code recordDispatch(hetagon_device *device, hetagon_commands commands,
                            hetagon_executable executable, uint32_t entry,
                            const hetagon_binding *bindings,
                            uint32_t bindingCount, const int64_t *constants,
                            uint32_t constantCount, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->recordDispatch(commands, executable, entry,
                                          {bindings, bindingCount},
                                          {constants, constantCount});
  });
}

hetagon_code recordCopy(hetagon_device *device, hetagon_commands commands,
                        hetagon_buffer source, uint64_t sourceOffset,
                        hetagon_buffer target, uint64_t targetOffset,
                        uint64_t size, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->recordCopy(commands, source, sourceOffset, target,
                                      targetOffset, size);
  });
}

hetagon_code createQueue(hetagon_device *device, hetagon_queue *queue,
                         hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    *queue = device->device->createQueue();
    return {};
  });
}

void destroyQueue(hetagon_device *device, hetagon_queue queue) {
  device->device->destroyQueue(queue);
}

hetagon_code createFence(hetagon_device *device, hetagon_fence *fence,
                         hetagon_error *error) {
  return guarded(error, [&] { return device->device->createFence(*fence); });
}

void destroyFence(hetagon_device *device, hetagon_fence fence) {
  device->device->destroyFence(fence);
}

hetagon_code submit(hetagon_device *device, hetagon_queue queue,
                    hetagon_commands commands, hetagon_fence waitFence,
                    uint64_t waitValue, hetagon_fence signalFence,
                    uint64_t signalValue, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->submit(queue, commands, waitFence, waitValue,
                                  signalFence, signalValue);
  });
}

hetagon_code queryFence(hetagon_device *device, hetagon_fence fence,
                        uint64_t *value, hetagon_error *error) {
  return guarded(error, [&] { return device->device->query(fence, *value); });
}

hetagon_code waitFence(hetagon_device *device, hetagon_fence fence,
                       uint64_t value, uint64_t timeoutNs,
                       hetagon_error *error) {
  return guarded(error,
                 [&] { return device->device->wait(fence, value, timeoutNs); });
}

hetagon_code cancel(hetagon_device *device, hetagon_queue queue,
                    hetagon_error *error) {
  return guarded(error, [&] { return device->device->cancel(queue); });
}

const hetagon_device_api api{sizeof(hetagon_device_api),
                             HETAGON_DEVICE_ABI_VERSION,
                             "vulkan",
                             openDevice,
                             closeDevice,
                             describe,
                             status,
                             clockNs,
                             counters,
                             allocate,
                             importHost,
                             release,
                             writeBuffer,
                             readBuffer,
                             load,
                             unload,
                             entry,
                             createCommands,
                             destroyCommands,
                             recordDispatch,
                             recordCopy,
                             createQueue,
                             destroyQueue,
                             createFence,
                             destroyFence,
                             submit,
                             queryFence,
                             waitFence,
                             cancel};

} // namespace

extern "C" __attribute__((visibility("default"))) const hetagon_device_api *
hetagon_device_query(uint32_t hostAbiVersion, hetagon_error *error) {
  if (hostAbiVersion != HETAGON_DEVICE_ABI_VERSION) {
    report({HETAGON_UNSUPPORTED,
            "vulkan: the host speaks device ABI version " +
                std::to_string(hostAbiVersion) + ", this device half version " +
                std::to_string(HETAGON_DEVICE_ABI_VERSION)},
           error);
    return nullptr;
  }
  return &api;
}
