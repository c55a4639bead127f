// A device and what lives on it, as owning C++ objects over the C table of
// hetagon/device.h; failures become Status values that name the device.
#ifndef HETAGON_RUNTIME_DEVICE_DEVICE_H
#define HETAGON_RUNTIME_DEVICE_DEVICE_H

#include "runtime/device/DeviceLibrary.h"
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace hetagon {

class Device;

/// Owns one handle of a device and keeps the device open. Move-only; destroyed
/// through the table's function that `Destroy` names. 0 means empty.
template <auto Destroy> class DeviceHandle {
public:
  DeviceHandle() = default;
  DeviceHandle(std::shared_ptr<Device> owner, uint64_t id)
      : owner(std::move(owner)), id(id) {}
  DeviceHandle(DeviceHandle &&other) noexcept
      : owner(std::move(other.owner)), id(std::exchange(other.id, 0)) {}
  DeviceHandle &operator=(DeviceHandle &&other) noexcept {
    if (this != &other) {
      reset();
      owner = std::move(other.owner);
      id = std::exchange(other.id, 0);
    }
    return *this;
  }
  ~DeviceHandle() { reset(); }

  uint64_t get() const { return id; }
  explicit operator bool() const { return id != 0; }
  inline void reset();

private:
  std::shared_ptr<Device> owner;
  uint64_t id = 0;
};

using Buffer = DeviceHandle<&hetagon_device_api::release>;
using Executable = DeviceHandle<&hetagon_device_api::unload>;
using Commands = DeviceHandle<&hetagon_device_api::destroy_commands>;
using Queue = DeviceHandle<&hetagon_device_api::destroy_queue>;
using Fence = DeviceHandle<&hetagon_device_api::destroy_fence>;

/// What each dispatch of an entry must give.
struct EntryInfo {
  uint32_t index = 0, bindings = 0, constants = 0;
};

/// An open device. Thread-safe but for recording: one command buffer is
/// recorded by one thread. Every failure carries the device's id and backend;
/// a device that is gone, or whose process is, answers Code::DeviceLost from
/// then on.
class Device : public std::enable_shared_from_this<Device> {
public:
  /// `id` is the plan's ("cpu", "vulkan:0"), `config` a JSON object. `host`
  /// must outlive the device.
  static StatusOr<std::shared_ptr<Device>>
  open(std::shared_ptr<const DeviceLibrary> library, const hetagon_host &host,
       std::string id, const std::string &config = "{}");
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const std::string &id() const { return name; }
  std::string_view backend() const { return library->backend(); }
  const hetagon_device_info &info() const { return description; }
  const hetagon_device_api &api() const { return library->api(); }
  hetagon_device *raw() const { return device; }

  Status status();
  StatusOr<hetagon_counters> counters();
  uint64_t clockNs() { return api().clock_ns(device); }

  StatusOr<Buffer> allocate(uint64_t bytes);
  /// Wraps `data` without a copy; it must stay mapped and unchanged for the
  /// buffer's life. Code::Unsupported where the device cannot.
  StatusOr<Buffer> importHost(std::span<const uint8_t> data);
  Status write(const Buffer &buffer, uint64_t offset,
               std::span<const uint8_t> data);
  Status read(const Buffer &buffer, uint64_t offset, std::span<uint8_t> data);

  StatusOr<Executable> load(const std::string &format,
                            std::span<const uint8_t> payload);
  StatusOr<EntryInfo> entry(const Executable &executable,
                            const std::string &entryName);

  StatusOr<Commands> createCommands();
  Status recordDispatch(const Commands &commands, const Executable &executable,
                        uint32_t entry,
                        std::span<const hetagon_binding> bindings,
                        std::span<const int64_t> constants);
  Status recordCopy(const Commands &commands, const Buffer &source,
                    uint64_t sourceOffset, const Buffer &target,
                    uint64_t targetOffset, uint64_t bytes);

  StatusOr<Queue> createQueue();
  StatusOr<Fence> createFence();
  /// Raises `signal` to `value` when done; `commands` must live until then.
  Status submit(const Queue &queue, const Commands &commands,
                const Fence &signal, uint64_t value);
  StatusOr<uint64_t> query(const Fence &fence);
  /// Code::DeadlineExceeded after `timeout` (max(): never); a failure of the
  /// submission itself is returned here.
  Status wait(const Fence &fence, uint64_t value,
              std::chrono::nanoseconds timeout);
  /// Drops what has not started; succeeds without effect where the device has
  /// no such function.
  Status cancel(const Queue &queue);

private:
  Device() = default;
  /// Turns a code and the error that was filled with it into a Status;
  /// `what` says which operation failed.
  Status made(hetagon_code code, const hetagon_error &error,
              std::string_view what) const;

  std::shared_ptr<const DeviceLibrary> library;
  hetagon_device *device = nullptr;
  std::string name;
  hetagon_device_info description{};
};

template <auto Destroy> void DeviceHandle<Destroy>::reset() {
  if (id)
    (owner->api().*Destroy)(owner->raw(), std::exchange(id, 0));
  owner.reset();
}

} // namespace hetagon

#endif // HETAGON_RUNTIME_DEVICE_DEVICE_H
