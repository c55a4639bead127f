// The reference device's objects: buffers, executables, command buffers, and
// queues whose submissions run one after the other on the host's threads.
#ifndef HETAGON_BACKENDS_REFERENCE_DEVICE_DEVICE_H
#define HETAGON_BACKENDS_REFERENCE_DEVICE_DEVICE_H

#include "backends/reference/device/Execute.h"
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <variant>

namespace hetagon::reference {

/// Memory of the device or of the host; freed with the last user.
class Buffer {
public:
  /// Zeroed and aligned to 64 bytes; throws std::bad_alloc.
  explicit Buffer(uint64_t size);
  Buffer(const void *data, uint64_t size);
  ~Buffer();
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  /// Whether [offset, offset + length) lies inside.
  bool contains(uint64_t offset, uint64_t length) const {
    return offset <= size && length <= size - offset;
  }

  uint8_t *data;
  uint64_t size;
  bool isReadOnly;
};

struct Executable {
  std::vector<Op> ops;
  std::unordered_map<std::string, uint32_t> index;
};

struct Copy {
  const uint8_t *source;
  uint8_t *target;
  uint64_t size;
};

struct Commands {
  std::vector<std::variant<Call, Copy>> list;
  /// What the pointers in the list point into.
  std::vector<std::shared_ptr<const void>> users;
};

struct Fence {
  uint64_t value = 0;
  Outcome failure;
};

struct Submission {
  std::shared_ptr<const Commands> commands;
  std::shared_ptr<const Fence> wait;
  uint64_t waitValue = 0;
  std::shared_ptr<Fence> signal;
  uint64_t signalValue = 0;
};

struct Queue {
  std::deque<Submission> pending;
  bool isRunning = false;
};

/// Handles to objects of one type.
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
  const std::unordered_map<uint64_t, std::shared_ptr<T>> &all() const {
    return objects;
  }

private:
  std::unordered_map<uint64_t, std::shared_ptr<T>> objects;
  uint64_t last = 0;
};

/// Thread-safe. Functions return the code and reason that the C table passes
/// on; they may throw std::bad_alloc.
class Device : public std::enable_shared_from_this<Device> {
public:
  explicit Device(const hetagon_host &host) : host(host), team(host) {}
  /// Waits for what runs and can still start; drops the rest.
  void close();

  hetagon_counters counters();

  Outcome allocate(uint64_t size, hetagon_buffer &handle);
  Outcome import(const void *data, uint64_t size, hetagon_buffer &handle);
  void release(hetagon_buffer handle);
  Outcome write(hetagon_buffer handle, uint64_t offset, const void *data,
                uint64_t size);
  Outcome read(hetagon_buffer handle, uint64_t offset, void *data,
               uint64_t size);

  Outcome load(std::string_view format, std::string_view payload,
               hetagon_executable &handle);
  void unload(hetagon_executable handle);
  Outcome entry(hetagon_executable handle, const std::string &name,
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
  hetagon_fence createFence();
  void destroyFence(hetagon_fence handle);
  Outcome submit(hetagon_queue queue, hetagon_commands commands,
                 hetagon_fence wait, uint64_t waitValue, hetagon_fence signal,
                 uint64_t signalValue);
  Outcome query(hetagon_fence handle, uint64_t &value);
  Outcome wait(hetagon_fence handle, uint64_t value, uint64_t timeoutNs);
  Outcome cancel(hetagon_queue handle);

  /// Submissions that a queue takes before submit blocks.
  static constexpr size_t maxInFlight = 64;

private:
  static bool isReady(const Submission &submission);
  bool canStart(const Queue &queue) const;
  /// Starts every queue that can; called with the lock held.
  void pump();
  void run(const std::shared_ptr<Queue> &queue);
  Outcome runCommands(const Commands &commands);
  void finish(Submission &submission, Outcome outcome);
  void drop(Queue &queue);

  const hetagon_host &host;
  Team team;
  std::mutex mutex;
  std::condition_variable changed;
  size_t running = 0; ///< tasks posted to the host and not finished
  Table<Buffer> buffers;
  Table<Executable> executables;
  Table<Commands> commandBuffers;
  Table<Queue> queues;
  Table<Fence> fences;
  hetagon_counters count{};
};

} // namespace hetagon::reference

#endif // HETAGON_BACKENDS_REFERENCE_DEVICE_DEVICE_H
