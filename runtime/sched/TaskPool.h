// A pool of threads for tasks that may block: completions of devices, calls of
// tools, waits for generations.
#ifndef HETAGON_RUNTIME_SCHED_TASKPOOL_H
#define HETAGON_RUNTIME_SCHED_TASKPOOL_H

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hetagon {

/// Threads are made when a task finds none idle, up to `limit`, and kept; when
/// the system gives none at all, post() runs the task itself. Tasks start in
/// the order of post(). A task may post others. Thread-safe.
class TaskPool {
public:
  explicit TaskPool(uint32_t limit);
  /// Waits for every task, those posted meanwhile included.
  ~TaskPool();
  TaskPool(const TaskPool &) = delete;
  TaskPool &operator=(const TaskPool &) = delete;

  void post(std::function<void()> task);
  /// Waits until no task is queued or running.
  void drain();
  /// Threads made so far; never more than the limit.
  uint32_t threadCount() const;

private:
  void serve();
  void addThread(); ///< holding the mutex

  const uint32_t limit;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  std::vector<std::thread> threads;
  uint32_t idle = 0, busy = 0;
  std::condition_variable drained;
  bool stopping = false;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_SCHED_TASKPOOL_H
