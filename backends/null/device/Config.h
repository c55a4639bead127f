// What can be set about a null device: the faults that it injects.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_CONFIG_H
#define HETAGON_BACKENDS_NULL_DEVICE_CONFIG_H

#include "backends/null/device/Outcome.h"
#include <string_view>

namespace hetagon::null {

struct Config {
  /// Each submission takes at least this long; at most a minute.
  uint64_t delay_us = 0;
  /// Each submission takes a random time up to twice the delay (up to 1 ms
  /// where no delay is set), so that queues overtake each other.
  bool reorder = false;
  /// After this many submissions the process kills itself instead of running
  /// the next; 0: never.
  uint64_t lose_after = 0;
  /// Of the random times.
  uint64_t seed = 0;
  /// A process that leaves a request unanswered for so long counts as lost.
  uint64_t answer_ms = 10000;
};

/// Reads a flat JSON object of the members above: integers without sign,
/// true and false, each key at most once. The message names the byte.
Outcome readConfig(std::string_view json, Config &config);

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_CONFIG_H
