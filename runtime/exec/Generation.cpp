// Waiting for the outcome of a generation.
#include "runtime/exec/Generation.h"

namespace hetagon {

StatusOr<GenerationResult> Generation::wait() const {
  std::unique_lock lock(mutex);
  done.wait(lock, [this] { return outcome.has_value(); });
  return *outcome;
}

bool Generation::finished() const {
  std::lock_guard lock(mutex);
  return outcome.has_value();
}

} // namespace hetagon
