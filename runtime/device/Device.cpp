// Calls through the device table, with failures turned into Status values.
#include "runtime/device/Device.h"
#include <cstring>

namespace hetagon {

Status Device::made(hetagon_code code, const hetagon_error &error,
                    std::string_view what) const {
  if (code == HETAGON_OK)
    return Status::ok();
  Code known = code > HETAGON_OK && code <= HETAGON_INTERNAL
                   ? static_cast<Code>(code)
                   : Code::Internal;
  std::string message = "device '" + name + "' (" + std::string(backend()) +
                        "): " + std::string(what) + ": ";
  size_t length = strnlen(error.message, sizeof error.message);
  if (length)
    message.append(error.message, length);
  else
    message += codeName(known);
  return Status(known, std::move(message));
}

StatusOr<std::shared_ptr<Device>>
Device::open(std::shared_ptr<const DeviceLibrary> library,
             const hetagon_host &host, std::string id,
             const std::string &config) {
  auto device = std::shared_ptr<Device>(new Device());
  device->library = std::move(library);
  device->name = std::move(id);
  const hetagon_device_api &api = device->api();
  hetagon_error error{};
  HETAGON_RETURN_IF_ERROR(
      device->made(api.open(&host, config.empty() ? "{}" : config.c_str(),
                            &device->device, &error),
                   error, "open"));
  if (!device->device)
    return Status(Code::Internal, "device '" + device->name +
                                      "': open succeeded without a device");
  hetagon_device_info &info = device->description;
  info.struct_size = sizeof info;
  HETAGON_RETURN_IF_ERROR(device->made(
      api.describe(device->device, &info, &error), error, "describe"));
  if (info.struct_size < sizeof info || !info.name || !info.architecture ||
      info.buffer_alignment == 0 || info.max_in_flight == 0)
    return Status(Code::Internal,
                  "device '" + device->name +
                      "' describes itself incompletely (name, architecture, "
                      "buffer_alignment and max_in_flight are required)");
  return device;
}

Device::~Device() {
  if (device)
    api().close(device);
}

Status Device::status() {
  hetagon_error error{};
  return made(api().status(device, &error), error, "status");
}

StatusOr<hetagon_counters> Device::counters() {
  hetagon_error error{};
  hetagon_counters values{};
  values.struct_size = sizeof values;
  HETAGON_RETURN_IF_ERROR(
      made(api().counters(device, &values, &error), error, "counters"));
  return values;
}

StatusOr<Buffer> Device::allocate(uint64_t bytes) {
  std::string what = "allocate " + std::to_string(bytes) + " bytes";
  if (description.max_buffer_bytes && bytes > description.max_buffer_bytes)
    return Status(Code::ResourceExhausted,
                  "device '" + name + "' (" + std::string(backend()) +
                      "): " + what + ": one buffer has at most " +
                      std::to_string(description.max_buffer_bytes) + " bytes");
  hetagon_error error{};
  hetagon_buffer buffer = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().allocate(device, bytes, &buffer, &error), error, what));
  return Buffer(shared_from_this(), buffer);
}

StatusOr<Buffer> Device::importHost(std::span<const uint8_t> data) {
  if (!api().import_host || (description.max_buffer_bytes &&
                             data.size() > description.max_buffer_bytes))
    return Status(Code::Unsupported,
                  "device '" + name + "' cannot import host memory");
  hetagon_error error{};
  hetagon_buffer buffer = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().import_host(device, data.data(), data.size(), &buffer, &error),
           error, "import host memory"));
  return Buffer(shared_from_this(), buffer);
}

Status Device::write(const Buffer &buffer, uint64_t offset,
                     std::span<const uint8_t> data) {
  hetagon_error error{};
  return made(api().write(device, buffer.get(), offset, data.data(),
                          data.size(), &error),
              error, "write");
}

Status Device::read(const Buffer &buffer, uint64_t offset,
                    std::span<uint8_t> data) {
  hetagon_error error{};
  return made(api().read(device, buffer.get(), offset, data.data(), data.size(),
                         &error),
              error, "read");
}

StatusOr<Executable> Device::load(const std::string &format,
                                  std::span<const uint8_t> payload) {
  hetagon_error error{};
  hetagon_executable executable = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().load(device, format.c_str(), payload.data(), payload.size(),
                      &executable, &error),
           error, "load '" + format + "' code"));
  return Executable(shared_from_this(), executable);
}

StatusOr<EntryInfo> Device::entry(const Executable &executable,
                                  const std::string &entryName) {
  hetagon_error error{};
  EntryInfo info;
  HETAGON_RETURN_IF_ERROR(
      made(api().entry(device, executable.get(), entryName.c_str(), &info.index,
                       &info.bindings, &info.constants, &error),
           error, "entry '" + entryName + "'"));
  return info;
}

StatusOr<Commands> Device::createCommands() {
  hetagon_error error{};
  hetagon_commands commands = 0;
  HETAGON_RETURN_IF_ERROR(made(api().create_commands(device, &commands, &error),
                               error, "create commands"));
  return Commands(shared_from_this(), commands);
}

Status Device::recordDispatch(const Commands &commands,
                              const Executable &executable, uint32_t entry,
                              std::span<const hetagon_binding> bindings,
                              std::span<const int64_t> constants) {
  hetagon_error error{};
  return made(api().record_dispatch(
                  device, commands.get(), executable.get(), entry,
                  bindings.data(), static_cast<uint32_t>(bindings.size()),
                  constants.data(), static_cast<uint32_t>(constants.size()),
                  &error),
              error, "record dispatch");
}

Status Device::recordCopy(const Commands &commands, const Buffer &source,
                          uint64_t sourceOffset, const Buffer &target,
                          uint64_t targetOffset, uint64_t bytes) {
  hetagon_error error{};
  return made(api().record_copy(device, commands.get(), source.get(),
                                sourceOffset, target.get(), targetOffset, bytes,
                                &error),
              error, "record copy");
}

StatusOr<Queue> Device::createQueue() {
  hetagon_error error{};
  hetagon_queue queue = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().create_queue(device, &queue, &error), error, "create queue"));
  return Queue(shared_from_this(), queue);
}

StatusOr<Fence> Device::createFence() {
  hetagon_error error{};
  hetagon_fence fence = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().create_fence(device, &fence, &error), error, "create fence"));
  return Fence(shared_from_this(), fence);
}

Status Device::submit(const Queue &queue, const Commands &commands,
                      const Fence &signal, uint64_t value) {
  hetagon_error error{};
  return made(api().submit(device, queue.get(), commands.get(), 0, 0,
                           signal.get(), value, &error),
              error, "submit");
}

StatusOr<uint64_t> Device::query(const Fence &fence) {
  hetagon_error error{};
  uint64_t value = 0;
  HETAGON_RETURN_IF_ERROR(
      made(api().query_fence(device, fence.get(), &value, &error), error,
           "query fence"));
  return value;
}

Status Device::wait(const Fence &fence, uint64_t value,
                    std::chrono::nanoseconds timeout) {
  hetagon_error error{};
  uint64_t limit = timeout == std::chrono::nanoseconds::max()
                       ? UINT64_MAX
                       : static_cast<uint64_t>(timeout.count());
  return made(api().wait_fence(device, fence.get(), value, limit, &error),
              error, "wait");
}

Status Device::cancel(const Queue &queue) {
  if (!api().cancel)
    return Status::ok();
  hetagon_error error{};
  return made(api().cancel(device, queue.get(), &error), error, "cancel");
}

} // namespace hetagon
