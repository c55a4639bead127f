// Maps with known keys, lists, texts and numbers, read from a JSON cursor with
// located complaints. After a complaint reading goes on, so that one run tells
// of many; after broken JSON it stops.
#ifndef HETAGON_FRONTEND_PROBLEMS_FIELDREADER_H
#define HETAGON_FRONTEND_PROBLEMS_FIELDREADER_H

#include "frontend/Text/JsonCursor.h"
#include <algorithm>

namespace hetagon {

class FieldReader {
public:
  using Kind = JsonCursor::Kind;
  using Keys = std::vector<std::string_view>;

  FieldReader(JsonCursor &cursor, Diagnostics &diagnostics)
      : cursor(cursor), diagnostics(diagnostics) {}

  JsonCursor &cursor;

  /// Whether reading may go on.
  bool good() const { return !cursor.failed() && complaints < mostComplaints; }
  bool clean() const { return !cursor.failed() && complaints == 0; }
  void complain(const Place &place, std::string message, std::string mend);

  /// Reads a map: each(i) reads the value of keys[i] and returns whether it
  /// could be. Unknown and repeated keys are complained of and skipped, and so
  /// is the lack of one of the first `required` keys. False when the value is
  /// no map or lacks one.
  template <typename Each>
  bool map(const char *what, const Keys &keys, size_t required, Each each) {
    if (!begin(Kind::Map, what, "a map"))
      return false;
    JsonCursor::Mark mark = cursor.mark();
    if (!cursor.enterMap())
      return false;
    uint32_t seen = 0;
    std::string_view key;
    while (cursor.nextKey(key)) {
      size_t i = 0;
      while (i < keys.size() && keys[i] != key)
        ++i;
      if (!known(what, keys, i, key, seen)) {
        if (!cursor.skip())
          return false;
        continue;
      }
      seen |= 1u << i;
      each(i);
      if (!good())
        return false;
    }
    return !cursor.failed() && complete(what, keys, required, seen, mark);
  }

  /// Reads a map from names to numbers.
  template <typename Each> bool numbers(const char *what, Each each) {
    if (!begin(Kind::Map, what, "a map") || !cursor.enterMap())
      return false;
    std::vector<std::string> seen;
    std::string_view key;
    while (cursor.nextKey(key)) {
      std::string name(key);
      Place at = cursor.place(cursor.keyMark());
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        complain(at, "the key '" + name + "' stands twice in one map",
                 "keep one of the two");
      seen.push_back(name);
      double value = 0;
      if (number(what, value))
        each(name, value, at);
      if (!good())
        return false;
    }
    return !cursor.failed();
  }

  /// Reads a list; each() reads one element.
  template <typename Each> bool list(const char *what, Each each) {
    if (!begin(Kind::List, what, "a list") || !cursor.enterList())
      return false;
    while (cursor.nextItem()) {
      each();
      if (!good())
        return false;
    }
    return !cursor.failed();
  }

  /// A text that is not empty. It lives until the next text or key is read.
  bool text(const char *what, std::string_view &value);
  /// Where the last text stood.
  Place textPlace() const { return cursor.place(lastText); }
  /// A number from 0 up to 1e15.
  bool number(const char *what, double &value);
  bool boolean(const char *what, bool &value);

private:
  static constexpr size_t mostComplaints = 20;

  bool begin(Kind wanted, const char *what, const char *name);
  bool known(const char *what, const Keys &keys, size_t i, std::string_view key,
             uint32_t seen);
  bool complete(const char *what, const Keys &keys, size_t required,
                uint32_t seen, const JsonCursor::Mark &mark);

  Diagnostics &diagnostics;
  JsonCursor::Mark lastText;
  size_t complaints = 0;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_PROBLEMS_FIELDREADER_H
