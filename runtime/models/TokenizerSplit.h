// Cuts text into pieces by a sequence of PCRE2 patterns, before BPE merges
// within each piece.
#ifndef HETAGON_RUNTIME_MODELS_TOKENIZERSPLIT_H
#define HETAGON_RUNTIME_MODELS_TOKENIZERSPLIT_H

#include "runtime/base/Status.h"
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// Immutable and thread-safe once made.
class TextSplitter {
public:
  /// Compiles the patterns, with Unicode properties for \w, \s and their like.
  static StatusOr<TextSplitter>
  create(const std::vector<std::string> &patterns);

  /// Calls `piece` with the pieces of `text` in order; together they are the
  /// text. Bytes that are not UTF-8 are pieces of their own that no pattern
  /// sees. A pattern that backtracks beyond bounds on this text ends in
  /// ResourceExhausted.
  Status split(std::string_view text,
               const std::function<void(std::string_view)> &piece) const;

private:
  struct Pattern;
  std::vector<std::shared_ptr<const Pattern>> patterns;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_TOKENIZERSPLIT_H
