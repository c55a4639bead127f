// Cuts generated text at stop texts, which may lie across pieces, and tells
// which part may already be shown.
#ifndef HETAGON_RUNTIME_EXEC_STOPWATCHER_H
#define HETAGON_RUNTIME_EXEC_STOPWATCHER_H

#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// Used by one thread at a time.
class StopWatcher {
public:
  /// Empty stop texts are not allowed.
  explicit StopWatcher(std::vector<std::string> stops)
      : stops(std::move(stops)) {}

  /// Adds text; true once a stop text has appeared. What follows it is dropped,
  /// and so is it.
  bool add(std::string_view piece);
  /// The part not taken yet that no stop text can cut any more; with `final`,
  /// all the rest. All that was taken is a prefix of whole() for ever.
  std::string take(bool final);
  const std::string &whole() const { return text; }

private:
  std::vector<std::string> stops;
  std::string text;
  size_t shown = 0;
  bool stopped = false;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_STOPWATCHER_H
