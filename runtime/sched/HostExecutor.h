// The host's executor that devices borrow (hetagon_host): one budget of compute
// threads for teams, and a few threads that carry posted tasks.
#ifndef HETAGON_RUNTIME_SCHED_HOSTEXECUTOR_H
#define HETAGON_RUNTIME_SCHED_HOSTEXECUTOR_H

#include "hetagon/device.h"
#include "runtime/sched/TaskPool.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace hetagon {

/// Implements hetagon_host. Computing happens in teams only: one team at a
/// time, made of the calling thread and of dedicated threads, never more than
/// `workers` together. Posted tasks run on a pool of their own; they start
/// teams or wait, and so add no compute threads to the budget.
///
/// A team thread that has no work spins for `spin`, then sleeps. Must outlive
/// every device opened with it.
class HostExecutor {
public:
  struct Options {
    /// 0: the hardware threads this process may use (its affinity mask). Fewer
    /// when the system gives fewer.
    uint32_t workers = 0;
    /// How long an idle team thread spins before it sleeps.
    std::chrono::microseconds spin{50};
  };
  explicit HostExecutor(Options options);
  HostExecutor() : HostExecutor(Options()) {}
  /// Runs what was posted, then joins all threads.
  ~HostExecutor();
  HostExecutor(const HostExecutor &) = delete;
  HostExecutor &operator=(const HostExecutor &) = delete;

  const hetagon_host &host() const { return table; }
  uint32_t workers() const { return workerCount; }

  using TeamBody = void (*)(void *argument, uint32_t part, uint32_t parts);
  /// Calls body(argument, part, parts) for every part at the same time on
  /// different threads and returns when all have returned; the caller runs part
  /// 0. `parts` is brought into [1, workers()]. Later callers wait. A body must
  /// not call runTeam.
  void runTeam(uint32_t parts, TeamBody body, void *argument);
  /// Runs `task` soon on another thread.
  void post(std::function<void()> task) { posted.post(std::move(task)); }

private:
  struct Job {
    TeamBody body;
    void *argument;
    uint32_t parts;
  };
  /// One dedicated team thread and its mailbox; on a cache line of its own.
  struct alignas(64) Member {
    std::atomic<const Job *> job{nullptr};
    std::atomic<bool> sleeping{false};
    std::mutex mutex;
    std::condition_variable wake;
    std::thread thread;
  };
  void serve(Member &member, uint32_t part);

  uint32_t workerCount;
  std::chrono::microseconds spin;
  hetagon_host table{};
  std::atomic<bool> stopping{false};

  std::mutex teamMutex; ///< held for the length of one team
  std::atomic<uint32_t> running{0};
  std::atomic<bool> callerSleeping{false};
  std::mutex doneMutex;
  std::condition_variable done;
  std::unique_ptr<Member[]> members; ///< workerCount - 1
  TaskPool posted;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_SCHED_HOSTEXECUTOR_H
