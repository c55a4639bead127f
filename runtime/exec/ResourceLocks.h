// Keeps steps whose effects conflict from running at the same time, also when
// they belong to different iterations of a map, where no edge orders them.
#ifndef HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H
#define HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H

#include "runtime/plan/plan_generated.h"
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace hetagon {

/// Any number of readers or one writer for each resource of one run. Everything
/// is part of the resource "world": who writes it excludes all other steps with
/// effects. Requests are granted in their order as far as they conflict, so
/// none waits for ever; no thread is held by waiting. Thread-safe.
class ResourceLocks {
public:
  /// What a step holds; freed with the object.
  class Hold {
  public:
    Hold(ResourceLocks &owner, std::map<std::string, bool> held)
        : owner(owner), held(std::move(held)) {}
    Hold(const Hold &) = delete;
    Hold &operator=(const Hold &) = delete;
    ~Hold() { owner.release(held); }

  private:
    ResourceLocks &owner;
    std::map<std::string, bool> held; ///< resource -> written
  };
  using Granted = std::function<void(std::shared_ptr<Hold>)>;

  /// Calls `granted` once all that the step touches is its own: at once, or
  /// within the release that frees the last of it, on that thread.
  void acquire(const plan::fb::StepT &step, Granted granted);

private:
  struct Request {
    std::map<std::string, bool> wanted;
    size_t missing = 0;
    Granted granted;
  };
  using Requests = std::vector<std::shared_ptr<Request>>;
  struct State {
    uint32_t readers = 0;
    bool writer = false;
    std::deque<std::shared_ptr<Request>> queue;
  };

  void release(const std::map<std::string, bool> &held);
  /// Gives `resource` to those at the front of its queue; adds to `complete`
  /// those that have all they want. Holding the mutex.
  void grant(const std::string &resource, Requests &complete);
  void announce(const Requests &complete);

  std::mutex mutex;
  std::map<std::string, State> states;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_RESOURCELOCKS_H
