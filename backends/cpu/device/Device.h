// The cpu device: buffers, loaded kernels, command buffers, queues and fences
// behind the C table of hetagon/device.h.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_DEVICE_H
#define HETAGON_BACKENDS_CPU_DEVICE_DEVICE_H

#include "backends/cpu/device/Commands.h"
#include "backends/cpu/device/Error.h"
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace hetagon::cpu {

/// Objects of one kind by handle; handles start at 1 and are never reused.
template <typename T> class HandleTable {
public:
  uint64_t add(std::shared_ptr<T> object) {
    std::unique_lock lock(mutex);
    objects.push_back(std::move(object));
    return objects.size();
  }
  std::shared_ptr<T> find(uint64_t handle) const {
    std::shared_lock lock(mutex);
    return handle == 0 || handle > objects.size() ? nullptr
                                                  : objects[handle - 1];
  }
  std::shared_ptr<T> remove(uint64_t handle) {
    std::unique_lock lock(mutex);
    return handle == 0 || handle > objects.size()
               ? nullptr
               : std::move(objects[handle - 1]);
  }

private:
  mutable std::shared_mutex mutex;
  std::deque<std::shared_ptr<T>> objects;
};

/// A timeline fence; guarded by Device::timeline.
struct Fence {
  uint64_t value = 0;
  hetagon_code failure = HETAGON_OK;
  std::string reason;
};

/// A queue runs its submissions one after another; guarded by Device::timeline.
struct Queue {
  struct Submission {
    std::shared_ptr<CommandList> commands;
    std::shared_ptr<Fence> wait, signal;
    uint64_t waitValue = 0, signalValue = 0;
    std::unique_ptr<uint8_t[]> scratch;
  };
  std::deque<Submission> pending;
  bool scheduled = false; ///< a host task is, or will be, draining it
  std::atomic<bool> cancelled{false}; ///< stop the running list
};

/// One opened device. All members are thread-safe.
class Device {
public:
  explicit Device(const hetagon_host &host);
  ~Device();

  const hetagon_host &hostOf() const { return host; }
  const std::string &name() const { return processor; }
  const std::string &architecture() const { return architectureText; }
  uint64_t features() const { return featureBits; }
  void counters(hetagon_counters &out) const;

  hetagon_code allocate(uint64_t size, uint64_t &handle, hetagon_error *error);
  uint64_t importHost(const void *data, uint64_t size);
  hetagon_code transfer(uint64_t buffer, uint64_t offset, void *to,
                        const void *from, uint64_t size, hetagon_error *error);

  uint64_t createQueue();
  void destroyQueue(uint64_t handle);
  hetagon_code submit(uint64_t queue, uint64_t commands, uint64_t waitFence,
                      uint64_t waitValue, uint64_t signalFence,
                      uint64_t signalValue, hetagon_error *error);
  hetagon_code query(uint64_t fence, uint64_t &value, hetagon_error *error);
  hetagon_code wait(uint64_t fence, uint64_t value, uint64_t timeoutNs,
                    hetagon_error *error);
  hetagon_code cancel(uint64_t queue, hetagon_error *error);

  HandleTable<Buffer> buffers;
  HandleTable<const KernelImage> images;
  HandleTable<CommandList> commandLists;
  HandleTable<Fence> fences;

private:
  struct DrainTask;
  void schedule(std::shared_ptr<Queue> queue);
  void drain(const std::shared_ptr<Queue> &queue);
  void raise(Fence &fence, uint64_t value);
  void failFence(Fence &fence, hetagon_code code, const std::string &reason);

  hetagon_host host;
  std::string processor, architectureText;
  uint64_t featureBits;
  HandleTable<Queue> queues;

  mutable std::mutex timeline;
  std::condition_variable changed;
  std::vector<std::shared_ptr<Queue>> blocked; ///< waiting for a fence
  uint64_t activeDrains = 0;

  std::atomic<uint64_t> submits{0}, dispatches{0}, bytesIn{0}, bytesOut{0},
      busyNs{0};
  std::shared_ptr<std::atomic<uint64_t>> allocated;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_DEVICE_H
