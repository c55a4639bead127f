// JsonCursor: the grammar of RFC 8259.
#include "frontend/Text/JsonCursor.h"

namespace hetagon {

JsonCursor::JsonCursor(std::string_view text, const std::string &file,
                       Diagnostics &diagnostics, const TextLimits &limits)
    : text(text), file(file), diagnostics(diagnostics), limits(limits) {}

bool JsonCursor::fail(const Place &place, std::string message,
                      std::string mend) {
  diagnostics.error(place, std::move(message), std::move(mend));
  broken = true;
  return false;
}

bool JsonCursor::failHere(std::string_view wanted) {
  std::string found = at >= text.size()
                          ? "the end of the file"
                          : "'" + std::string(text.substr(at, 1)) + "'";
  return fail(place(),
              "expected " + std::string(wanted) + " but found " + found);
}

Place JsonCursor::place(const Mark &mark) const {
  return Place{file, mark.line, uint32_t(mark.at - mark.lineStart + 1),
               mark.at};
}

void JsonCursor::seek(const Mark &mark) {
  at = mark.at;
  lineStart = mark.lineStart;
  line = mark.line;
  depth = mark.depth;
}

void JsonCursor::skipSpace() {
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line;
      lineStart = at + 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
    ++at;
  }
}

std::optional<JsonCursor::Kind> JsonCursor::peek() {
  skipSpace();
  if (depth > limits.depth) {
    fail(place(),
         "nested more than " + std::to_string(limits.depth) + " levels deep");
    return std::nullopt;
  }
  if (++count > limits.values) {
    fail(place(), "the file holds more than " + std::to_string(limits.values) +
                      " values");
    return std::nullopt;
  }
  switch (current()) {
  case '{':
    return Kind::Map;
  case '[':
    return Kind::List;
  case '"':
    return Kind::String;
  case 't':
  case 'f':
    return Kind::Bool;
  case 'n':
    return Kind::Null;
  default:
    if (current() == '-' || (current() >= '0' && current() <= '9'))
      return Kind::Number;
    failHere("a JSON value");
    return std::nullopt;
  }
}

bool JsonCursor::enter(char opening) {
  if (current() != opening)
    return failHere(opening == '[' ? "a list" : "a map");
  ++at;
  ++depth;
  first = true;
  return true;
}

bool JsonCursor::enterList() { return enter('['); }
bool JsonCursor::enterMap() { return enter('{'); }

bool JsonCursor::next(char closing, const char *wanted) {
  if (broken)
    return false;
  skipSpace();
  if (current() == closing) {
    ++at;
    --depth;
    first = false;
    return false;
  }
  if (!first) {
    if (current() != ',')
      return failHere(wanted);
    ++at;
    skipSpace();
  }
  first = false;
  return true;
}

bool JsonCursor::nextItem() { return next(']', "',' or ']'"); }

bool JsonCursor::nextKey(std::string_view &key) {
  if (!next('}', "',' or '}'"))
    return false;
  if (current() != '"')
    return failHere("a key in double quotes");
  if (!peek())
    return false;
  keyAt = mark();
  if (!readString(key))
    return false;
  skipSpace();
  if (current() != ':')
    return failHere("':'");
  ++at;
  return true;
}

bool JsonCursor::word(std::string_view expected) {
  if (!text.substr(at).starts_with(expected))
    return failHere("a JSON value");
  at += expected.size();
  return true;
}

bool JsonCursor::readWord(std::string_view &value) {
  size_t start = at;
  if (!word(current() == 't' ? "true" : current() == 'f' ? "false" : "null"))
    return false;
  value = text.substr(start, at - start);
  return true;
}

bool JsonCursor::digits() {
  size_t start = at;
  while (current() >= '0' && current() <= '9')
    ++at;
  return at > start;
}

bool JsonCursor::readNumber(std::string_view &spelling, bool &whole) {
  size_t start = at;
  whole = true;
  if (current() == '-')
    ++at;
  if (current() == '0')
    ++at;
  else if (!digits())
    return failHere("a JSON value");
  if (current() == '.') {
    whole = false;
    ++at;
    if (!digits())
      return failHere("a digit");
  }
  if (current() == 'e' || current() == 'E') {
    whole = false;
    ++at;
    if (current() == '+' || current() == '-')
      ++at;
    if (!digits())
      return failHere("a digit");
  }
  spelling = text.substr(start, at - start);
  return true;
}

bool JsonCursor::hex4(uint32_t &code) {
  code = 0;
  for (int i = 0; i < 4; ++i, ++at) {
    char c = current();
    uint32_t digit = c >= '0' && c <= '9'   ? uint32_t(c - '0')
                     : c >= 'a' && c <= 'f' ? uint32_t(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? uint32_t(c - 'A' + 10)
                                            : 16;
    if (digit == 16)
      return false;
    code = code * 16 + digit;
  }
  return true;
}

static void append(std::string &out, uint32_t code) {
  if (code < 0x80) {
    out += char(code);
  } else if (code < 0x800) {
    out += char(0xC0 | code >> 6);
    out += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += char(0xE0 | code >> 12);
    out += char(0x80 | (code >> 6 & 0x3F));
    out += char(0x80 | (code & 0x3F));
  } else {
    out += char(0xF0 | code >> 18);
    out += char(0x80 | (code >> 12 & 0x3F));
    out += char(0x80 | (code >> 6 & 0x3F));
    out += char(0x80 | (code & 0x3F));
  }
}

bool JsonCursor::unicodeEscape() {
  constexpr const char *half =
      "half of a surrogate pair without its other half";
  uint32_t code = 0, low = 0;
  if (!hex4(code))
    return failHere("four hexadecimal digits");
  if (code >= 0xDC00 && code <= 0xDFFF)
    return fail(place(), half);
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (!text.substr(at).starts_with("\\u"))
      return fail(place(), half);
    at += 2;
    if (!hex4(low) || low < 0xDC00 || low > 0xDFFF)
      return fail(place(), half);
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append(unescaped, code);
  return true;
}

bool JsonCursor::readString(std::string_view &value) {
  if (current() != '"')
    return failHere("a string");
  ++at;
  size_t start = at;
  bool plain = true;
  while (true) {
    while (at < text.size() && text[at] != '"' && text[at] != '\\' &&
           uint8_t(text[at]) >= 0x20)
      ++at;
    if (!plain)
      unescaped.append(text.substr(start, at - start));
    if (at >= text.size())
      return fail(place(), "a string has no closing quote");
    char c = text[at];
    if (c == '"') {
      value = plain ? text.substr(start, at - start) : unescaped;
      ++at;
      return true;
    }
    if (c != '\\')
      return fail(place(), "a line break or tab inside a string",
                  "write it as \\n or \\t");
    if (plain)
      unescaped = text.substr(start, at - start);
    plain = false;
    ++at;
    char escape = current();
    ++at;
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
    if (escape == 'u') {
      if (!unicodeEscape())
        return false;
    } else if (size_t i = names.find(escape); i != std::string_view::npos) {
      unescaped += meant[i];
    } else {
      --at;
      return failHere("an escape of JSON (one of \" \\ / b f n r t u)");
    }
    start = at;
  }
}

bool JsonCursor::skip() {
  std::optional<Kind> kind = peek();
  if (!kind)
    return false;
  std::string_view ignored;
  bool whole = false;
  switch (*kind) {
  case Kind::Map:
    if (!enterMap())
      return false;
    while (nextKey(ignored))
      if (!skip())
        return false;
    return !broken;
  case Kind::List:
    if (!enterList())
      return false;
    while (nextItem())
      if (!skip())
        return false;
    return !broken;
  case Kind::String:
    return readString(ignored);
  case Kind::Number:
    return readNumber(ignored, whole);
  case Kind::Bool:
  case Kind::Null:
    return readWord(ignored);
  }
  return false;
}

bool JsonCursor::atEnd() {
  skipSpace();
  if (at >= text.size())
    return true;
  return fail(place(), "there is more text after the end of the JSON value",
              "keep one value per file");
}

} // namespace hetagon
