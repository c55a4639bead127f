// Resource locks: all of a step's resources are taken in one go.
#include "runtime/exec/ResourceLocks.h"
#include <algorithm>

namespace hetagon {

ResourceLocks::Hold ResourceLocks::acquire(const plan::fb::StepT &step,
                                           std::stop_token stop) {
  Hold hold;
  for (const auto &effect : step.effects)
    hold.held[effect->resource] |= effect->write;
  if (hold.held.empty())
    return hold;
  // Everything is part of the world: who writes it conflicts with all others.
  hold.held.try_emplace("world", false);
  std::unique_lock lock(mutex);
  bool free = freed.wait(lock, stop, [&] {
    return std::all_of(hold.held.begin(), hold.held.end(), [&](auto &wanted) {
      const State &state = states[wanted.first];
      return !state.writer && !(wanted.second && state.readers);
    });
  });
  if (!free)
    return {};
  for (auto &[resource, written] : hold.held) {
    State &state = states[resource];
    if (written)
      state.writer = true;
    else
      ++state.readers;
  }
  hold.owner = this;
  return hold;
}

void ResourceLocks::Hold::release() {
  if (!owner)
    return;
  {
    std::lock_guard lock(owner->mutex);
    for (auto &[resource, written] : held) {
      State &state = owner->states[resource];
      if (written)
        state.writer = false;
      else
        --state.readers;
    }
  }
  owner->freed.notify_all();
  owner = nullptr;
}

} // namespace hetagon
