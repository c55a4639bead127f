// JSON texts as SourceValue trees, with line and column of every value, which
// the project's JSON library does not keep.
#include "frontend/Text/JsonCursor.h"

namespace hetagon {

namespace {

class TreeBuilder {
public:
  TreeBuilder(JsonCursor &cursor, const std::string &file,
              Diagnostics &diagnostics)
      : cursor(cursor), file(file), diagnostics(diagnostics) {}

  bool read(SourceValue &value) {
    std::optional<JsonCursor::Kind> kind = cursor.peek();
    if (!kind)
      return false;
    setPlace(value, cursor.mark());
    switch (*kind) {
    case JsonCursor::Kind::Map:
      return readMap(value);
    case JsonCursor::Kind::List:
      return readList(value);
    case JsonCursor::Kind::String:
      value.kind = SourceValue::Kind::String;
      return take(value, cursor.readString(spelling));
    case JsonCursor::Kind::Bool:
    case JsonCursor::Kind::Null:
      if (!take(value, cursor.readWord(spelling)))
        return false;
      value.kind = *kind == JsonCursor::Kind::Null ? SourceValue::Kind::Null
                                                   : SourceValue::Kind::Bool;
      value.boolean = spelling == "true";
      return true;
    case JsonCursor::Kind::Number: {
      bool whole = false;
      if (!take(value, cursor.readNumber(spelling, whole)))
        return false;
      value.kind = whole ? SourceValue::Kind::Int : SourceValue::Kind::Float;
      return true;
    }
    }
    return false;
  }

private:
  JsonCursor &cursor;
  const std::string &file;
  Diagnostics &diagnostics;
  std::string_view spelling;

  void setPlace(SourceValue &value, const JsonCursor::Mark &mark) {
    Place place = cursor.place(mark);
    value.line = place.line;
    value.column = place.column;
  }

  bool take(SourceValue &value, bool good) {
    if (good)
      value.text = spelling;
    return good;
  }

  bool readList(SourceValue &value) {
    value.kind = SourceValue::Kind::List;
    if (!cursor.enterList())
      return false;
    while (cursor.nextItem())
      if (!read(value.items.emplace_back()))
        return false;
    return !cursor.failed();
  }

  bool readMap(SourceValue &value) {
    value.kind = SourceValue::Kind::Map;
    if (!cursor.enterMap())
      return false;
    while (cursor.nextKey(spelling)) {
      SourceValue &key = value.items.emplace_back();
      key.kind = SourceValue::Kind::String;
      key.text = spelling;
      setPlace(key, cursor.keyMark());
      if (!read(value.items.emplace_back()))
        return false;
    }
    return !cursor.failed() && checkKeys(value, file, diagnostics);
  }
};

} // namespace

std::optional<SourceValue> readJson(std::string_view text,
                                    const std::string &file,
                                    Diagnostics &diagnostics,
                                    const TextLimits &limits) {
  if (!checkText(text, file, diagnostics, limits))
    return std::nullopt;
  JsonCursor cursor(text, file, diagnostics, limits);
  SourceValue root;
  if (!TreeBuilder(cursor, file, diagnostics).read(root) || !cursor.atEnd())
    return std::nullopt;
  return root;
}

} // namespace hetagon
