// A record of what ran when, in Chrome's trace-event format: one track for each
// step and for each device queue.
#ifndef HETAGON_RUNTIME_EXEC_TRACE_H
#define HETAGON_RUNTIME_EXEC_TRACE_H

#include "runtime/base/Json.h"
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace hetagon {

/// Thread-safe. Holds names, times and counts only: never texts, arguments or
/// results, which may be confidential.
class Trace {
public:
  using Clock = std::chrono::steady_clock;
  Trace() : origin(Clock::now()) {}

  /// One span on the track `track`; `details` is an object of numbers and
  /// names.
  void span(const std::string &track, const std::string &name,
            Clock::time_point begin, Clock::time_point end,
            Json details = Json::object());
  /// The file's text: open it in a browser's trace viewer.
  std::string print() const;

private:
  struct Event {
    int track;
    std::string name;
    double beginUs, durationUs;
    Json details;
  };
  const Clock::time_point origin;
  mutable std::mutex mutex;
  std::map<std::string, int> tracks;
  std::vector<Event> events;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_TRACE_H
