// Text that ends like the beginning of a stop text is held back.
#include "runtime/exec/StopWatcher.h"
#include <algorithm>

namespace hetagon {

bool StopWatcher::add(std::string_view piece) {
  if (stopped)
    return true;
  text += piece;
  // What was shown holds no beginning of a stop text.
  size_t first = std::string::npos;
  for (const std::string &stop : stops)
    first = std::min(first, text.find(stop, shown));
  if (first != std::string::npos) {
    text.resize(first);
    stopped = true;
  }
  return stopped;
}

std::string StopWatcher::take(bool final) {
  size_t end = text.size();
  if (!final && !stopped)
    for (const std::string &stop : stops)
      for (size_t overlap = std::min(stop.size() - 1, text.size()); overlap;
           --overlap)
        if (text.ends_with(std::string_view(stop).substr(0, overlap))) {
          end = std::min(end, text.size() - overlap);
          break;
        }
  if (end <= shown)
    return {};
  std::string piece = text.substr(shown, end - shown);
  shown = end;
  return piece;
}

} // namespace hetagon
