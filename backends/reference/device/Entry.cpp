// The C table of the reference device: translates between hetagon/device.h and
// Device, and keeps exceptions inside.
#include "backends/reference/device/Device.h"
#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <unistd.h>

using namespace hetagon::reference;

struct hetagon_device {
  std::shared_ptr<Device> device;
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
    return report({HETAGON_RESOURCE_EXHAUSTED, "out of memory"}, error);
  } catch (...) {
    return report({HETAGON_INTERNAL, "an unexpected exception"}, error);
  }
}

/// A configuration without members; this device has nothing to set.
bool isEmptyObject(const char *config) {
  std::string text;
  for (const char *c = config; *c; ++c)
    if (!std::strchr(" \t\r\n", *c))
      text += *c;
  return text == "{}";
}

hetagon_code openDevice(const hetagon_host *host, const char *config,
                        hetagon_device **device, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!host || host->abi_version != HETAGON_DEVICE_ABI_VERSION ||
        host->struct_size < sizeof(hetagon_host) || host->worker_count < 1)
      return {HETAGON_INVALID_ARGUMENT,
              "the host's structure is not of ABI version " +
                  std::to_string(HETAGON_DEVICE_ABI_VERSION)};
    if (config && !isEmptyObject(config))
      return {HETAGON_INVALID_ARGUMENT,
              "the reference device has no settings; its configuration must "
              "be {}"};
    *device = new hetagon_device{std::make_shared<Device>(*host)};
    return {};
  });
}

void closeDevice(hetagon_device *device) {
  device->device->close();
  delete device;
}

hetagon_code describe(hetagon_device *, hetagon_device_info *info,
                      hetagon_error *error) {
  if (info->struct_size < sizeof(hetagon_device_info))
    return report({HETAGON_INVALID_ARGUMENT, "struct_size is too small"},
                  error);
  long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGE_SIZE);
  info->own_address_space = 0;
  info->name = "reference (plain C++ on this machine)";
  info->architecture = "reference";
  info->memory_bytes = pages > 0 && size > 0 ? uint64_t(pages) * size : 0;
  info->max_buffer_bytes = 0;
  info->buffer_alignment = 64;
  info->max_in_flight = Device::maxInFlight;
  info->preference = 200;
  return HETAGON_OK;
}

hetagon_code status(hetagon_device *, hetagon_error *) {
  return HETAGON_OK; // a process's own memory is never lost
}

uint64_t clockNs(hetagon_device *) {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

hetagon_code counters(hetagon_device *device, hetagon_counters *counters,
                      hetagon_error *error) {
  if (counters->struct_size < sizeof(hetagon_counters))
    return report({HETAGON_INVALID_ARGUMENT, "struct_size is too small"},
                  error);
  uint32_t size = counters->struct_size;
  *counters = device->device->counters();
  counters->struct_size = size;
  return HETAGON_OK;
}

hetagon_code allocate(hetagon_device *device, uint64_t size,
                      hetagon_buffer *buffer, hetagon_error *error) {
  return guarded(error,
                 [&] { return device->device->allocate(size, *buffer); });
}

hetagon_code importHost(hetagon_device *device, const void *data, uint64_t size,
                        hetagon_buffer *buffer, hetagon_error *error) {
  return guarded(error,
                 [&] { return device->device->import(data, size, *buffer); });
}

void release(hetagon_device *device, hetagon_buffer buffer) {
  device->device->release(buffer);
}

hetagon_code write(hetagon_device *device, hetagon_buffer buffer,
                   uint64_t offset, const void *data, uint64_t size,
                   hetagon_error *error) {
  return guarded(
      error, [&] { return device->device->write(buffer, offset, data, size); });
}

hetagon_code read(hetagon_device *device, hetagon_buffer buffer,
                  uint64_t offset, void *data, uint64_t size,
                  hetagon_error *error) {
  return guarded(
      error, [&] { return device->device->read(buffer, offset, data, size); });
}

hetagon_code load(hetagon_device *device, const char *format,
                  const void *payload, uint64_t size,
                  hetagon_executable *executable, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->load(
        format, {static_cast<const char *>(payload), size_t(size)},
        *executable);
  });
}

void unload(hetagon_device *device, hetagon_executable executable) {
  device->device->unload(executable);
}

hetagon_code entry(hetagon_device *device, hetagon_executable executable,
                   const char *name, uint32_t *index, uint32_t *bindings,
                   uint32_t *constants, hetagon_error *error) {
  return guarded(error, [&] {
    return device->device->entry(executable, name, *index, *bindings,
                                 *constants);
  });
}

hetagon_code createCommands(hetagon_device *device, hetagon_commands *commands,
                            hetagon_error *error) {
  return guarded(error, [&] {
    *commands = device->device->createCommands();
    return Outcome();
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
  return guarded(error, [&] {
    *queue = device->device->createQueue();
    return Outcome();
  });
}

void destroyQueue(hetagon_device *device, hetagon_queue queue) {
  device->device->destroyQueue(queue);
}

hetagon_code createFence(hetagon_device *device, hetagon_fence *fence,
                         hetagon_error *error) {
  return guarded(error, [&] {
    *fence = device->device->createFence();
    return Outcome();
  });
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

const hetagon_device_api api = {
    sizeof(hetagon_device_api),
    HETAGON_DEVICE_ABI_VERSION,
    "reference",
    openDevice,
    closeDevice,
    describe,
    status,
    clockNs,
    counters,
    allocate,
    importHost,
    release,
    write,
    read,
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
    cancel,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const hetagon_device_api *
hetagon_device_query(uint32_t hostAbiVersion, hetagon_error *error) {
  if (hostAbiVersion != HETAGON_DEVICE_ABI_VERSION) {
    report({HETAGON_UNSUPPORTED,
            "the host speaks device ABI version " +
                std::to_string(hostAbiVersion) + ", this device version " +
                std::to_string(HETAGON_DEVICE_ABI_VERSION)},
           error);
    return nullptr;
  }
  return &api;
}
