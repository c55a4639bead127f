// One open device: handles, and the queues on which command buffers run.
//
// All of the ABI's queues share one VkQueue, which runs in order. A submission
// that waits for a fence which nobody has yet promised to raise stays with the
// host, so that it cannot block what would raise it.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_DEVICE_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_DEVICE_H

#include "backends/vulkan/device/Commands.h"
#include "backends/vulkan/device/Timer.h"
#include <condition_variable>
#include <deque>
#include <map>

namespace hetagon::vulkan {

/// Objects by handle; a handle is never used twice.
template <typename T> class Table {
public:
  uint64_t add(std::shared_ptr<T> object) {
    objects.emplace(++last, std::move(object));
    return last;
  }
  std::shared_ptr<T> find(uint64_t handle) const {
    auto found = objects.find(handle);
    return found == objects.end() ? nullptr : found->second;
  }
  void remove(uint64_t handle) { objects.erase(handle); }
  const std::map<uint64_t, std::shared_ptr<T>> &all() const { return objects; }

private:
  std::map<uint64_t, std::shared_ptr<T>> objects;
  uint64_t last = 0;
};

/// A timeline semaphore. `promised` is the highest value that a submission
/// handed to Vulkan will raise it to.
struct Fence {
  explicit Fence(Context &context) : context(context) {}
  ~Fence();
  Outcome create();

  Context &context;
  VkSemaphore semaphore = VK_NULL_HANDLE;
  uint64_t promised = 0;
  Outcome failure;
};

class Device {
public:
  /// Submissions in flight at once; more block the submitter.
  static constexpr uint32_t maxInFlight = 16;

  static Outcome open(const Config &config, std::unique_ptr<Device> &device);
  ~Device();

  const Context &vulkan() const { return *context; }
  Outcome status() { return context->health(); }
  hetagon_counters counters();

  Outcome allocate(uint64_t size, hetagon_buffer &handle);
  void release(hetagon_buffer handle);
  Outcome write(hetagon_buffer handle, uint64_t offset, const void *data,
                uint64_t size);
  Outcome read(hetagon_buffer handle, uint64_t offset, void *data,
               uint64_t size);

  Outcome load(std::string_view format, std::span<const uint8_t> payload,
               hetagon_executable &handle);
  void unload(hetagon_executable handle);
  Outcome entry(hetagon_executable handle, std::string_view name,
                uint32_t &index, uint32_t &bindings, uint32_t &constants);

  hetagon_commands createCommands();
  void destroyCommands(hetagon_commands handle);
  Outcome recordDispatch(hetagon_commands handle, hetagon_executable executable,
                         uint32_t entry,
                         std::span<const hetagon_binding> bindings,
                         std::span<const int64_t> constants);
  Outcome recordCopy(hetagon_commands handle, hetagon_buffer source,
                     uint64_t sourceOffset, hetagon_buffer target,
                     uint64_t targetOffset, uint64_t size);

  hetagon_queue createQueue();
  void destroyQueue(hetagon_queue handle);
  Outcome createFence(hetagon_fence &handle);
  void destroyFence(hetagon_fence handle);
  Outcome submit(hetagon_queue queue, hetagon_commands commands,
                 hetagon_fence wait, uint64_t waitValue, hetagon_fence signal,
                 uint64_t signalValue);
  Outcome query(hetagon_fence handle, uint64_t &value);
  Outcome wait(hetagon_fence handle, uint64_t value, uint64_t timeoutNs);
  Outcome cancel(hetagon_queue handle);

private:
  struct Submission {
    std::shared_ptr<Commands> commands;
    std::shared_ptr<Fence> wait, signal;
    uint64_t waitValue = 0, signalValue = 0;
    uint64_t progress = 0; // value of progressFence once it is done
    uint32_t timer = 0;
  };
  struct Queue {
    std::deque<Submission> held; // not yet handed to Vulkan, in order
  };

  using Lock = std::unique_lock<std::mutex>;
  Outcome create();
  /// Hands the submission to Vulkan. May release the lock while it waits for
  /// room.
  Outcome start(Submission submission, Lock &lock);
  /// Starts whatever held submissions can start now.
  void pump(Lock &lock);
  static void fail(Submission &submission, const Outcome &outcome);
  /// Forgets what is done and books its times.
  Outcome retire();
  void drop(Queue &queue);

  std::unique_ptr<Context> context;
  std::unique_ptr<Stager> stager;
  std::unique_ptr<Timer> timer;
  std::mutex mutex; // guards all below
  std::condition_variable changed;
  std::unique_ptr<Fence> progressFence;
  uint64_t lastProgress = 0;
  std::deque<Submission> inFlight;
  bool isPumping = false;
  hetagon_counters count{};
  Table<Buffer> bufferTable;
  Table<Executable> executableTable;
  Table<Commands> commandsTable;
  Table<Queue> queueTable;
  Table<Fence> fenceTable;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_DEVICE_H
