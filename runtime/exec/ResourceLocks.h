// Keeps steps whose effects conflict from running at the same time, also when
// they belong to different iterations of a map, where no edge orders them.
#ifndef HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H
#define HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H

#include "runtime/plan/plan_generated.h"
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace hetagon {

/// Any number of readers or one writer for each resource of one run.
/// Thread-safe.
class ResourceLocks {
public:
  class Hold {
  public:
    Hold() = default;
    Hold(Hold &&other) noexcept
        : owner(std::exchange(other.owner, nullptr)),
          held(std::move(other.held)) {}
    Hold &operator=(Hold &&) = delete;
    ~Hold() { release(); }
    void release();

  private:
    friend class ResourceLocks;
    ResourceLocks *owner = nullptr;
    std::map<std::string, bool> held; ///< resource -> written
  };

  /// Waits until all that the step touches is free, and takes it at once, so
  /// that no two waiters can block each other. Empty-handed after a stop.
  Hold acquire(const plan::fb::StepT &step, std::stop_token stop);

private:
  struct State {
    uint32_t readers = 0;
    bool writer = false;
  };
  std::mutex mutex;
  std::condition_variable_any freed;
  std::map<std::string, State> states;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H
