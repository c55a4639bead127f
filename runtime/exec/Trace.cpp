// Trace events: complete spans ("X") and names of tracks ("M").
#include "runtime/exec/Trace.h"

namespace hetagon {

void Trace::span(const std::string &track, const std::string &name,
                 Clock::time_point begin, Clock::time_point end, Json details) {
  using Microseconds = std::chrono::duration<double, std::micro>;
  std::lock_guard lock(mutex);
  int number = tracks.try_emplace(track, int(tracks.size()) + 1).first->second;
  events.push_back({number, name, Microseconds(begin - origin).count(),
                    Microseconds(end - begin).count(), std::move(details)});
}

std::string Trace::print() const {
  std::lock_guard lock(mutex);
  Json list = Json::array();
  for (const auto &[track, number] : tracks)
    list.push_back({{"name", "thread_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"tid", number},
                    {"args", {{"name", track}}}});
  for (const Event &event : events)
    list.push_back({{"name", event.name},
                    {"ph", "X"},
                    {"pid", 1},
                    {"tid", event.track},
                    {"ts", event.beginUs},
                    {"dur", event.durationUs},
                    {"args", event.details}});
  return printJson({{"displayTimeUnit", "ms"}, {"traceEvents", list}});
}

} // namespace hetagon
