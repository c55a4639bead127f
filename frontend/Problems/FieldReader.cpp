// FieldReader: checks and their words.
#include "frontend/Problems/FieldReader.h"
#include <charconv>

namespace hetagon {

namespace {
const char *nameOf(JsonCursor::Kind kind) {
  switch (kind) {
  case JsonCursor::Kind::Null:
    return "nothing (null)";
  case JsonCursor::Kind::Bool:
    return "a boolean";
  case JsonCursor::Kind::Number:
    return "a number";
  case JsonCursor::Kind::String:
    return "a string";
  case JsonCursor::Kind::List:
    return "a list";
  case JsonCursor::Kind::Map:
    return "a map";
  }
  return "a value";
}
} // namespace

void FieldReader::complain(const Place &place, std::string message,
                           std::string mend) {
  diagnostics.error(place, std::move(message), std::move(mend));
  ++complaints;
}

bool FieldReader::begin(Kind wanted, const char *what, const char *name) {
  std::optional<Kind> kind = cursor.peek();
  if (!kind)
    return false;
  if (*kind == wanted)
    return true;
  complain(cursor.place(),
           std::string(what) + " must be " + name + ", not " + nameOf(*kind),
           "see docs/planner.md for the form");
  cursor.skip();
  return false;
}

bool FieldReader::known(const char *what, const Keys &keys, size_t i,
                        std::string_view key, uint32_t seen) {
  if (i == keys.size()) {
    complain(cursor.place(cursor.keyMark()),
             "unknown key '" + std::string(key) + "' in " + what +
                 didYouMean(key, keys),
             "known keys: " + joined(keys));
    return false;
  }
  if (seen & 1u << i) {
    complain(cursor.place(cursor.keyMark()),
             "the key '" + std::string(key) + "' stands twice in one map",
             "keep one of the two");
    return false;
  }
  return true;
}

bool FieldReader::complete(const char *what, const Keys &keys, size_t required,
                           uint32_t seen, const JsonCursor::Mark &mark) {
  bool all = true;
  for (size_t i = 0; i < required; ++i)
    if (!(seen & 1u << i)) {
      complain(cursor.place(mark),
               std::string(what) + " has no '" + std::string(keys[i]) + "'",
               "add it");
      all = false;
    }
  return all;
}

bool FieldReader::text(const char *what, std::string_view &value) {
  if (!begin(Kind::String, what, "a text"))
    return false;
  lastText = cursor.mark();
  if (!cursor.readString(value))
    return false;
  if (!value.empty())
    return true;
  complain(textPlace(), std::string(what) + " must not be empty",
           "give it a name");
  return false;
}

bool FieldReader::number(const char *what, double &value) {
  if (!begin(Kind::Number, what, "a number"))
    return false;
  JsonCursor::Mark mark = cursor.mark();
  std::string_view spelling;
  bool whole = false;
  if (!cursor.readNumber(spelling, whole))
    return false;
  auto parsed = std::from_chars(spelling.data(),
                                spelling.data() + spelling.size(), value);
  constexpr double most = 1e15;
  bool tiny = parsed.ec == std::errc::result_out_of_range &&
              spelling.find("e-") != std::string_view::npos;
  if (tiny)
    value = 0;
  if (!tiny && (parsed.ec != std::errc() || value > most)) {
    complain(cursor.place(mark), std::string(what) + " is too large",
             "write at most 1e15");
    return false;
  }
  if (value < 0 || spelling.starts_with("-")) {
    complain(cursor.place(mark), std::string(what) + " is negative",
             "write a number that is at least 0");
    return false;
  }
  return true;
}

bool FieldReader::boolean(const char *what, bool &value) {
  std::string_view word;
  if (!begin(Kind::Bool, what, "true or false") || !cursor.readWord(word))
    return false;
  value = word == "true";
  return true;
}

} // namespace hetagon
