// A strict JSON text read from front to back, value by value, without a tree:
// for texts of a hundred megabytes. It knows line and column of where it
// stands. SourceValue trees are built on it.
#ifndef HETAGON_FRONTEND_TEXT_JSONCURSOR_H
#define HETAGON_FRONTEND_TEXT_JSONCURSOR_H

#include "frontend/Text/TextReader.h"

namespace hetagon {

/// Every call that fails has reported why and where, and returns false or
/// nothing; what follows is then meaningless. Texts and file must outlive it.
class JsonCursor {
public:
  enum class Kind { Null, Bool, Number, String, List, Map };
  /// Where a value begins; one can return to it.
  struct Mark {
    size_t at = 0, lineStart = 0;
    uint32_t line = 1;
    size_t depth = 0;
  };

  JsonCursor(std::string_view text, const std::string &file,
             Diagnostics &diagnostics, const TextLimits &limits);

  /// The next value's kind and place; skips the space before it.
  std::optional<Kind> peek();
  Mark mark() const { return {at, lineStart, line, depth}; }
  void seek(const Mark &mark);
  Place place(const Mark &mark) const;
  Place place() const { return place(mark()); }

  /// Reads '[' or '{'. Then nextItem() or nextKey() before each element; they
  /// return false at the end, which they read, and after an error.
  bool enterList();
  bool enterMap();
  bool nextItem();
  /// The key lives until the next string is read.
  bool nextKey(std::string_view &key);
  /// The place of the key that nextKey() read last.
  const Mark &keyMark() const { return keyAt; }

  /// The text lives until the next string is read.
  bool readString(std::string_view &value);
  /// The number as written; `whole` when it has no fraction and no exponent.
  bool readNumber(std::string_view &spelling, bool &whole);
  /// true, false or null, as written.
  bool readWord(std::string_view &word);
  bool skip();
  /// Whether nothing but space is left; else an error.
  bool atEnd();

  bool failed() const { return broken; }
  bool fail(const Place &place, std::string message, std::string mend = {});

private:
  char current() const { return at < text.size() ? text[at] : '\0'; }
  bool failHere(std::string_view wanted);
  void skipSpace();
  bool enter(char opening);
  bool next(char closing, const char *wanted);
  bool digits();
  bool word(std::string_view expected);
  bool hex4(uint32_t &code);
  bool unicodeEscape();

  std::string_view text;
  const std::string &file;
  Diagnostics &diagnostics;
  const TextLimits &limits;
  size_t at = 0, lineStart = 0, count = 0, depth = 0;
  uint32_t line = 1;
  bool first = false; ///< nothing of the innermost list or map was read yet
  bool broken = false;
  Mark keyAt;
  std::string unescaped; ///< of a string with escapes
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_TEXT_JSONCURSOR_H
