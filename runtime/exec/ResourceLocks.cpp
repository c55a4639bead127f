// Resource locks: a queue for each resource. A request enters all its queues at
// once, so that every two requests stand in the same order wherever they meet
// and cannot block each other.
#include "runtime/exec/ResourceLocks.h"

namespace hetagon {

void ResourceLocks::acquire(const plan::fb::StepT &step, Granted granted) {
  auto request = std::make_shared<Request>();
  for (const auto &effect : step.effects)
    request->wanted[effect->resource] |= effect->write;
  if (request->wanted.empty())
    return granted(nullptr);
  request->wanted.try_emplace("world", false);
  request->missing = request->wanted.size();
  request->granted = std::move(granted);
  Requests complete;
  {
    std::lock_guard lock(mutex);
    for (const auto &[resource, written] : request->wanted) {
      states[resource].queue.push_back(request);
      grant(resource, complete);
    }
  }
  announce(complete);
}

void ResourceLocks::grant(const std::string &resource, Requests &complete) {
  State &state = states[resource];
  while (!state.queue.empty()) {
    std::shared_ptr<Request> first = state.queue.front();
    bool written = first->wanted.at(resource);
    if (state.writer || (written && state.readers))
      return;
    if (written)
      state.writer = true;
    else
      ++state.readers;
    state.queue.pop_front();
    if (--first->missing == 0)
      complete.push_back(std::move(first));
  }
}

void ResourceLocks::announce(const Requests &complete) {
  for (const auto &request : complete)
    request->granted(std::make_shared<Hold>(*this, request->wanted));
}

void ResourceLocks::release(const std::map<std::string, bool> &held) {
  Requests complete;
  {
    std::lock_guard lock(mutex);
    for (const auto &[resource, written] : held) {
      State &state = states[resource];
      if (written)
        state.writer = false;
      else
        --state.readers;
      grant(resource, complete);
    }
  }
  announce(complete);
}

} // namespace hetagon
