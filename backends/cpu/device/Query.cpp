// The exported C table: argument checks, then the Device.
#include "backends/cpu/device/Device.h"
#include "backends/cpu/device/Features.h"
#include <chrono>
#include <cstring>
#include <new>
#include <string>
#include <tuple>
#include <unistd.h>

using namespace hetagon::cpu;

struct hetagon_device : Device {
  using Device::Device;
};

namespace {

/// The function with C++ exceptions turned into codes: none may cross the C
/// table. The error record is every function's last argument.
template <auto Function> struct Guard;
template <typename... Args, hetagon_code (*Function)(Args...)>
struct Guard<Function> {
  static hetagon_code call(Args... args) {
    hetagon_error *error = std::get<sizeof...(Args) - 1>(std::tuple(args...));
    try {
      return Function(args...);
    } catch (const std::bad_alloc &) {
      return fail(error, HETAGON_RESOURCE_EXHAUSTED, "cpu: out of memory");
    } catch (const std::exception &exception) {
      return fail(error, HETAGON_INTERNAL, "cpu: %s", exception.what());
    }
  }
};

hetagon_code openDevice(const hetagon_host *host, const char *config,
                        hetagon_device **device, hetagon_error *error) {
  if (!host || !device || host->struct_size < sizeof(hetagon_host) ||
      host->abi_version != HETAGON_DEVICE_ABI_VERSION || !host->run_team ||
      !host->post || host->worker_count == 0)
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: the host record is incomplete or of another version");
  std::string braces;
  for (const char *c = config ? config : "{}"; *c; ++c)
    if (!std::strchr(" \t\r\n", *c))
      braces += *c;
  if (braces != "{}")
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: this device has no settings, so its configuration must "
                "be {}, not '%.200s'",
                config);
  if (!isKnownLimit())
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: HETAGON_CPU_ARCHITECTURE is none of "
                "x86_64+avx512vnni+avx512bf16, x86_64+avx512vnni, x86_64+avx2, "
                "x86_64");
  *device = new hetagon_device(*host);
  return HETAGON_OK;
}

void closeDevice(hetagon_device *device) { delete device; }

hetagon_code describe(hetagon_device *device, hetagon_device_info *info,
                      hetagon_error *error) {
  if (!info || info->struct_size < sizeof(*info))
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: the info record is too small");
  info->own_address_space = 0;
  info->name = device->name().c_str();
  info->architecture = device->architecture().c_str();
  info->memory_bytes =
      uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  info->max_buffer_bytes = 0;
  info->buffer_alignment = bufferAlignment;
  info->max_in_flight = 256;
  info->preference = 300; // beside a slower peer it wins, as measured so far
  return HETAGON_OK;
}

hetagon_code status(hetagon_device *, hetagon_error *) { return HETAGON_OK; }

uint64_t clockNs(hetagon_device *) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

hetagon_code counters(hetagon_device *device, hetagon_counters *out,
                      hetagon_error *error) {
  if (!out || out->struct_size < sizeof(*out))
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: the counters record is too small");
  device->counters(*out);
  return HETAGON_OK;
}

hetagon_code allocate(hetagon_device *device, uint64_t size,
                      hetagon_buffer *buffer, hetagon_error *error) {
  return device->allocate(size, *buffer, error);
}

hetagon_code importHost(hetagon_device *device, const void *data, uint64_t size,
                        hetagon_buffer *buffer, hetagon_error *error) {
  if (!data && size)
    return fail(error, HETAGON_INVALID_ARGUMENT, "cpu: import of no memory");
  *buffer = device->importHost(data, size);
  return HETAGON_OK;
}

void release(hetagon_device *device, hetagon_buffer buffer) {
  device->buffers.remove(buffer);
}

hetagon_code writeBuffer(hetagon_device *device, hetagon_buffer buffer,
                         uint64_t offset, const void *data, uint64_t size,
                         hetagon_error *error) {
  if (!data && size)
    return fail(error, HETAGON_INVALID_ARGUMENT, "cpu: write from no memory");
  return device->transfer(buffer, offset, nullptr, data, size, error);
}

hetagon_code readBuffer(hetagon_device *device, hetagon_buffer buffer,
                        uint64_t offset, void *data, uint64_t size,
                        hetagon_error *error) {
  if (!data && size)
    return fail(error, HETAGON_INVALID_ARGUMENT, "cpu: read to no memory");
  return device->transfer(buffer, offset, data, nullptr, size, error);
}

hetagon_code load(hetagon_device *device, const char *format,
                  const void *payload, uint64_t size,
                  hetagon_executable *executable, hetagon_error *error) {
  if (!format || std::strcmp(format, HETAGON_CPU_FORMAT) != 0)
    return fail(error, HETAGON_UNSUPPORTED,
                "cpu: payload format '%.100s'; this device loads '%s'",
                format ? format : "", HETAGON_CPU_FORMAT);
  auto image = KernelImage::load({static_cast<const uint8_t *>(payload), size},
                                 device->features(), error);
  if (!image)
    return error ? error->code : HETAGON_INVALID_ARGUMENT;
  *executable = device->images.add(std::move(image));
  return HETAGON_OK;
}

void unload(hetagon_device *device, hetagon_executable executable) {
  device->images.remove(executable);
}

hetagon_code entry(hetagon_device *device, hetagon_executable executable,
                   const char *name, uint32_t *index, uint32_t *bindingCount,
                   uint32_t *constantCount, hetagon_error *error) {
  auto image = device->images.find(executable);
  if (!image)
    return fail(error, HETAGON_NOT_FOUND, "cpu: no such executable");
  const std::vector<KernelEntry> &entries = image->entries();
  for (uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name != name)
      continue;
    *index = i;
    *bindingCount = entries[i].bindingCount;
    *constantCount = entries[i].constantCount;
    return HETAGON_OK;
  }
  return fail(error, HETAGON_NOT_FOUND,
              "cpu: the executable has no entry '%.200s' among its %zu", name,
              entries.size());
}

hetagon_code createCommands(hetagon_device *device, hetagon_commands *commands,
                            hetagon_error *) {
  *commands = device->commandLists.add(std::make_shared<CommandList>());
  return HETAGON_OK;
}

void destroyCommands(hetagon_device *device, hetagon_commands commands) {
  device->commandLists.remove(commands);
}

bool inside(const Buffer &buffer, uint64_t offset, uint64_t size) {
  return offset <= buffer.size && size <= buffer.size - offset;
}

hetagon_code recordDispatch(hetagon_device *device, hetagon_commands commands,
                            hetagon_executable executable, uint32_t entryIndex,
                            const hetagon_binding *bindings,
                            uint32_t bindingCount, const int64_t *constants,
                            uint32_t constantCount, hetagon_error *error) {
  auto list = device->commandLists.find(commands);
  auto image = device->images.find(executable);
  if (!list || !image || entryIndex >= image->entries().size())
    return fail(error, HETAGON_NOT_FOUND,
                "cpu: dispatch names a command buffer, executable or entry "
                "that does not exist");
  const KernelEntry &kernel = image->entries()[entryIndex];
  if (bindingCount != kernel.bindingCount ||
      constantCount != kernel.constantCount)
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: kernel '%.200s' takes %u bindings and %u constants, got "
                "%u and %u",
                kernel.name.c_str(), kernel.bindingCount, kernel.constantCount,
                bindingCount, constantCount);
  std::vector<std::shared_ptr<Buffer>> held;
  std::vector<CommandList::Span> spans;
  for (uint32_t i = 0; i < bindingCount; ++i) {
    std::shared_ptr<Buffer> buffer = device->buffers.find(bindings[i].buffer);
    if (!buffer || !inside(*buffer, bindings[i].offset, bindings[i].size))
      return fail(error, HETAGON_OUT_OF_RANGE,
                  "cpu: binding %u of kernel '%.200s' lies outside its buffer",
                  i, kernel.name.c_str());
    if (!buffer->imported && bindings[i].offset % bufferAlignment != 0)
      return fail(error, HETAGON_INVALID_ARGUMENT,
                  "cpu: binding %u of kernel '%.200s' starts at offset %llu, "
                  "not a multiple of %u",
                  i, kernel.name.c_str(),
                  static_cast<unsigned long long>(bindings[i].offset),
                  bufferAlignment);
    spans.push_back({buffer->data + bindings[i].offset, bindings[i].size});
    held.push_back(std::move(buffer));
  }
  list->dispatch(std::move(image), kernel, std::move(held), spans, constants,
                 constantCount);
  return HETAGON_OK;
}

hetagon_code recordCopy(hetagon_device *device, hetagon_commands commands,
                        hetagon_buffer source, uint64_t sourceOffset,
                        hetagon_buffer target, uint64_t targetOffset,
                        uint64_t size, hetagon_error *error) {
  auto list = device->commandLists.find(commands);
  auto from = device->buffers.find(source), to = device->buffers.find(target);
  if (!list || !from || !to)
    return fail(error, HETAGON_NOT_FOUND,
                "cpu: copy names a command buffer or buffer that does not "
                "exist");
  if (to->imported)
    return fail(error, HETAGON_PERMISSION_DENIED,
                "cpu: imported memory is read-only");
  if (!inside(*from, sourceOffset, size) || !inside(*to, targetOffset, size))
    return fail(error, HETAGON_OUT_OF_RANGE,
                "cpu: a copy of %llu bytes lies outside its buffers",
                static_cast<unsigned long long>(size));
  if (from == to && sourceOffset < targetOffset + size &&
      targetOffset < sourceOffset + size)
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "cpu: source and target of a copy overlap");
  list->copy(std::move(from), sourceOffset, std::move(to), targetOffset, size);
  return HETAGON_OK;
}

hetagon_code createQueue(hetagon_device *device, hetagon_queue *queue,
                         hetagon_error *) {
  *queue = device->createQueue();
  return HETAGON_OK;
}

void destroyQueue(hetagon_device *device, hetagon_queue queue) {
  device->destroyQueue(queue);
}

hetagon_code createFence(hetagon_device *device, hetagon_fence *fence,
                         hetagon_error *) {
  *fence = device->fences.add(std::make_shared<Fence>());
  return HETAGON_OK;
}

void destroyFence(hetagon_device *device, hetagon_fence fence) {
  device->fences.remove(fence);
}

hetagon_code submit(hetagon_device *device, hetagon_queue queue,
                    hetagon_commands commands, hetagon_fence waitFence,
                    uint64_t waitValue, hetagon_fence signalFence,
                    uint64_t signalValue, hetagon_error *error) {
  return device->submit(queue, commands, waitFence, waitValue, signalFence,
                        signalValue, error);
}

hetagon_code queryFence(hetagon_device *device, hetagon_fence fence,
                        uint64_t *value, hetagon_error *error) {
  return device->query(fence, *value, error);
}

hetagon_code waitFence(hetagon_device *device, hetagon_fence fence,
                       uint64_t value, uint64_t timeoutNs,
                       hetagon_error *error) {
  return device->wait(fence, value, timeoutNs, error);
}

hetagon_code cancel(hetagon_device *device, hetagon_queue queue,
                    hetagon_error *error) {
  return device->cancel(queue, error);
}

constexpr hetagon_device_api api = {
    .struct_size = sizeof(hetagon_device_api),
    .abi_version = HETAGON_DEVICE_ABI_VERSION,
    .backend = "cpu",
    .open = Guard<openDevice>::call,
    .close = closeDevice,
    .describe = describe,
    .status = status,
    .clock_ns = clockNs,
    .counters = Guard<counters>::call,
    .allocate = Guard<allocate>::call,
    .import_host = Guard<importHost>::call,
    .release = release,
    .write = Guard<writeBuffer>::call,
    .read = Guard<readBuffer>::call,
    .load = Guard<load>::call,
    .unload = unload,
    .entry = Guard<entry>::call,
    .create_commands = Guard<createCommands>::call,
    .destroy_commands = destroyCommands,
    .record_dispatch = Guard<recordDispatch>::call,
    .record_copy = Guard<recordCopy>::call,
    .create_queue = Guard<createQueue>::call,
    .destroy_queue = destroyQueue,
    .create_fence = Guard<createFence>::call,
    .destroy_fence = destroyFence,
    .submit = Guard<submit>::call,
    .query_fence = Guard<queryFence>::call,
    .wait_fence = Guard<waitFence>::call,
    .cancel = Guard<cancel>::call,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const hetagon_device_api *
hetagon_device_query(uint32_t hostAbiVersion, hetagon_error *error) {
  if (hostAbiVersion != HETAGON_DEVICE_ABI_VERSION) {
    fail(error, HETAGON_UNSUPPORTED,
         "cpu: the host speaks device ABI %u, this device half %u",
         hostAbiVersion, HETAGON_DEVICE_ABI_VERSION);
    return nullptr;
  }
  return &api;
}
