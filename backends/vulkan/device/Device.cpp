// Handles, memory, executables and recording; Submit.cpp has the queues.
#include "backends/vulkan/device/Device.h"
#include <algorithm>

namespace hetagon::vulkan {

static Outcome unknown(const char *what) {
  return {HETAGON_INVALID_ARGUMENT, std::string("vulkan: no such ") + what};
}

Outcome Device::open(const Config &config, std::unique_ptr<Device> &device) {
  device = std::make_unique<Device>();
  if (Outcome outcome = Context::open(config, device->context); !outcome.ok())
    return outcome;
  if (Outcome outcome = device->create(); !outcome.ok())
    return outcome;
  return device->context->health();
}

Outcome Device::create() {
  stager = std::make_unique<Stager>(*context);
  if (Outcome outcome = stager->create(); !outcome.ok())
    return outcome;
  // One more than in flight: a slot is free whenever a submission starts.
  timer = std::make_unique<Timer>(*context, maxInFlight + 1);
  if (Outcome outcome = timer->create(); !outcome.ok())
    return outcome;
  progressFence = std::make_unique<Fence>(*context);
  return progressFence->create();
}

hetagon_counters Device::counters() {
  std::lock_guard lock(mutex);
  // A failure to read the time stamps leaves older numbers.
  (void)retire();
  return count;
}

Outcome Device::allocate(uint64_t size, hetagon_buffer &handle) {
  if (Outcome outcome = context->health(); !outcome.ok())
    return outcome;
  auto buffer = std::make_shared<Buffer>(*context, size);
  if (Outcome outcome = buffer->create(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                       VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
      !outcome.ok())
    return outcome;
  if (Outcome outcome = stager->zero(*buffer); !outcome.ok())
    return outcome;
  std::lock_guard lock(mutex);
  count.bytes_allocated += size;
  handle = bufferTable.add(std::move(buffer));
  return {};
}

void Device::release(hetagon_buffer handle) {
  std::lock_guard lock(mutex);
  if (std::shared_ptr<Buffer> buffer = bufferTable.find(handle)) {
    count.bytes_allocated -= buffer->size;
    bufferTable.remove(handle);
  }
}

Outcome Device::write(hetagon_buffer handle, uint64_t offset, const void *data,
                      uint64_t size) {
  std::shared_ptr<Buffer> buffer;
  {
    std::lock_guard lock(mutex);
    buffer = bufferTable.find(handle);
    if (!buffer)
      return unknown("buffer");
    if (!buffer->contains(offset, size))
      return {HETAGON_OUT_OF_RANGE,
              "vulkan: the write passes the buffer's end"};
    count.bytes_to_device += size;
  }
  return stager->write(*buffer, offset, data, size);
}

Outcome Device::read(hetagon_buffer handle, uint64_t offset, void *data,
                     uint64_t size) {
  std::shared_ptr<Buffer> buffer;
  {
    std::lock_guard lock(mutex);
    buffer = bufferTable.find(handle);
    if (!buffer)
      return unknown("buffer");
    if (!buffer->contains(offset, size))
      return {HETAGON_OUT_OF_RANGE, "vulkan: the read passes the buffer's end"};
    count.bytes_from_device += size;
  }
  return stager->read(*buffer, offset, data, size);
}

Outcome Device::load(std::string_view format, std::span<const uint8_t> payload,
                     hetagon_executable &handle) {
  if (format != payloadFormat)
    return {HETAGON_UNSUPPORTED, "vulkan: executables of format '" +
                                     std::string(format.substr(0, 80)) +
                                     "' are not known here; known is " +
                                     payloadFormat};
  auto executable = std::make_shared<Executable>(*context);
  if (Outcome outcome = executable->create(payload); !outcome.ok())
    return outcome;
  if (Outcome outcome = context->health(); !outcome.ok())
    return outcome;
  std::lock_guard lock(mutex);
  handle = executableTable.add(std::move(executable));
  return {};
}

void Device::unload(hetagon_executable handle) {
  std::lock_guard lock(mutex);
  executableTable.remove(handle);
}

Outcome Device::entry(hetagon_executable handle, std::string_view name,
                      uint32_t &index, uint32_t &bindings,
                      uint32_t &constants) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Executable> executable = executableTable.find(handle);
  if (!executable)
    return unknown("executable");
  const std::vector<Kernel> &kernels = executable->kernels();
  auto found =
      std::find_if(kernels.begin(), kernels.end(), [&](const Kernel &kernel) {
        return kernel.shape.name == name;
      });
  if (found == kernels.end())
    return {HETAGON_NOT_FOUND, "vulkan: the executable has no entry '" +
                                   std::string(name.substr(0, 255)) + "'"};
  index = uint32_t(found - kernels.begin());
  bindings = uint32_t(found->shape.bindings.size());
  constants = found->shape.constantCount;
  return {};
}

hetagon_commands Device::createCommands() {
  std::lock_guard lock(mutex);
  return commandsTable.add(std::make_shared<Commands>(*context));
}

void Device::destroyCommands(hetagon_commands handle) {
  std::lock_guard lock(mutex);
  commandsTable.remove(handle);
}

Outcome Device::recordDispatch(hetagon_commands handle,
                               hetagon_executable executableHandle,
                               uint32_t entry,
                               std::span<const hetagon_binding> bindings,
                               std::span<const int64_t> constants) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Commands> commands = commandsTable.find(handle);
  std::shared_ptr<Executable> executable =
      executableTable.find(executableHandle);
  if (!commands || !executable)
    return unknown(commands ? "executable" : "command buffer");
  std::vector<Range> ranges;
  for (const hetagon_binding &binding : bindings) {
    ranges.push_back(
        {bufferTable.find(binding.buffer), binding.offset, binding.size});
    if (!ranges.back().buffer)
      return unknown("buffer");
  }
  return commands->dispatch(std::move(executable), entry, std::move(ranges),
                            constants);
}

Outcome Device::recordCopy(hetagon_commands handle, hetagon_buffer source,
                           uint64_t sourceOffset, hetagon_buffer target,
                           uint64_t targetOffset, uint64_t size) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Commands> commands = commandsTable.find(handle);
  std::shared_ptr<Buffer> from = bufferTable.find(source),
                          to = bufferTable.find(target);
  if (!commands || !from || !to)
    return unknown(commands ? "buffer" : "command buffer");
  return commands->copy({std::move(from), sourceOffset, size},
                        {std::move(to), targetOffset, size});
}

} // namespace hetagon::vulkan
