// The device itself, inside the device process: its memory, code, recorded
// commands, queues and fences, and the faults that it injects.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_MACHINE_H
#define HETAGON_BACKENDS_NULL_DEVICE_MACHINE_H

#include "backends/null/device/Config.h"
#include "backends/null/device/Payload.h"
#include "backends/null/device/Protocol.h"
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <variant>

namespace hetagon::null {

/// One thread uses it. A submission's commands run all at once when its time
/// is over; time passes only in advance().
class Machine {
public:
  using Clock = std::chrono::steady_clock;
  /// Called with the queue, the fence, its value and the outcome.
  using Completion =
      std::function<void(uint64_t, uint64_t, uint64_t, const Outcome &)>;

  Machine(const Config &config, Completion completed)
      : config(config), random(config.seed), completed(std::move(completed)) {}

  /// Handles one request; the answer is appended to `answer`. DATA_LOSS for a
  /// body that no request of this kind can have.
  Outcome handle(Kind kind, Reader &request, Writer &answer);
  /// Starts and finishes what is due.
  void advance(Clock::time_point now);
  /// When advance() has something to do next (the clock's epoch: at once);
  /// empty when it never has.
  std::optional<Clock::time_point> nextDue() const;

private:
  struct Buffer {
    Buffer() = default;
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer();
    uint8_t *data = nullptr; // zeroed pages of its own
    uint64_t size = 0;
    bool contains(uint64_t offset, uint64_t length) const {
      return offset <= size && length <= size - offset;
    }
  };
  struct Fill {
    std::string entry;
    std::shared_ptr<Buffer> target;
    uint64_t offset, size, bytes;
  };
  struct Copy {
    std::shared_ptr<Buffer> source, target;
    uint64_t sourceOffset, targetOffset, size;
  };
  struct Commands {
    std::vector<std::variant<Fill, Copy>> list;
  };
  struct Fence {
    uint64_t value = 0;
    Outcome failure;
  };
  struct Submission {
    std::shared_ptr<Commands> commands;
    std::shared_ptr<Fence> wait, signal;
    uint64_t waitValue, signalHandle, signalValue;
  };
  struct Queue {
    std::deque<Submission> pending;
    bool isRunning = false;
    Clock::time_point start, due; // of the front, while running
  };
  using Object =
      std::variant<std::shared_ptr<Buffer>, std::shared_ptr<Executable>,
                   std::shared_ptr<Commands>, std::shared_ptr<Queue>,
                   std::shared_ptr<Fence>>;

  template <typename T> uint64_t add(std::shared_ptr<T> object);
  /// Null where the handle is unknown or of another type.
  template <typename T> std::shared_ptr<T> find(uint64_t handle) const;
  template <typename T> Outcome remove(uint64_t handle, const char *what);

  Outcome allocate(Reader &request, Writer &answer);
  Outcome write(Reader &request);
  Outcome read(Reader &request, Writer &answer);
  Outcome load(Reader &request, Writer &answer);
  Outcome entry(Reader &request, Writer &answer);
  Outcome dispatch(Reader &request);
  Outcome copy(Reader &request);
  Outcome submit(Reader &request);
  Outcome cancel(uint64_t queue, bool runningToo);
  void close();

  static bool isReady(const Submission &submission);
  Clock::duration drawTime();
  Outcome run(const Submission &submission);
  void finish(uint64_t handle, Queue &queue, Outcome outcome);

  const Config config;
  std::mt19937_64 random;
  Completion completed;
  std::map<uint64_t, Object> objects;
  uint64_t lastHandle = 0;
  uint64_t executed = 0;
  hetagon_counters count{};
};

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_MACHINE_H
