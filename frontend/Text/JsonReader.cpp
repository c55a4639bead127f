// A strict JSON reader that keeps line and column of every value, which the
// project's JSON library does not.
#include "frontend/Text/TextReader.h"

namespace hetagon {

namespace {

class JsonReader {
public:
  JsonReader(std::string_view text, const std::string &file,
             Diagnostics &diagnostics, const TextLimits &limits)
      : text(text), file(file), diagnostics(diagnostics), limits(limits) {}

  std::optional<SourceValue> read() {
    SourceValue root;
    if (!readValue(root, 0))
      return std::nullopt;
    skipSpace();
    if (at < text.size()) {
      fail("there is more text after the end of the JSON value",
           "keep one value per file");
      return std::nullopt;
    }
    return root;
  }

private:
  std::string_view text;
  const std::string &file;
  Diagnostics &diagnostics;
  const TextLimits &limits;
  size_t at = 0, lineStart = 0, count = 0;
  uint32_t line = 1;

  char peek() const { return at < text.size() ? text[at] : '\0'; }
  uint32_t column() const { return uint32_t(at - lineStart + 1); }

  bool fail(std::string message, std::string mend = {}) {
    diagnostics.error(Place{file, line, column(), at}, std::move(message),
                      std::move(mend));
    return false;
  }

  bool failHere(std::string_view wanted) {
    std::string found = at >= text.size()
                            ? "the end of the file"
                            : "'" + std::string(text.substr(at, 1)) + "'";
    return fail("expected " + std::string(wanted) + " but found " + found);
  }

  void skipSpace() {
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

  bool readValue(SourceValue &value, size_t depth) {
    skipSpace();
    if (depth > limits.depth)
      return fail("nested more than " + std::to_string(limits.depth) +
                  " levels deep");
    if (++count > limits.values)
      return fail("the file holds more than " + std::to_string(limits.values) +
                  " values");
    value.line = line;
    value.column = column();
    switch (peek()) {
    case '{':
      return readMap(value, depth);
    case '[':
      return readList(value, depth);
    case '"':
      value.kind = SourceValue::Kind::String;
      return readString(value.text);
    case 't':
      return readWord(value, "true", SourceValue::Kind::Bool);
    case 'f':
      return readWord(value, "false", SourceValue::Kind::Bool);
    case 'n':
      return readWord(value, "null", SourceValue::Kind::Null);
    default:
      return readNumber(value);
    }
  }

  bool readWord(SourceValue &value, std::string_view word,
                SourceValue::Kind kind) {
    if (!text.substr(at).starts_with(word))
      return failHere("a JSON value");
    at += word.size();
    value.kind = kind;
    value.boolean = word == "true";
    value.text = word;
    return true;
  }

  bool digits() {
    size_t start = at;
    while (peek() >= '0' && peek() <= '9')
      ++at;
    return at > start;
  }

  bool readNumber(SourceValue &value) {
    size_t start = at;
    value.kind = SourceValue::Kind::Int;
    if (peek() == '-')
      ++at;
    if (peek() == '0')
      ++at;
    else if (!digits())
      return failHere("a JSON value");
    if (peek() == '.') {
      value.kind = SourceValue::Kind::Float;
      ++at;
      if (!digits())
        return failHere("a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      value.kind = SourceValue::Kind::Float;
      ++at;
      if (peek() == '+' || peek() == '-')
        ++at;
      if (!digits())
        return failHere("a digit");
    }
    value.text = text.substr(start, at - start);
    return true;
  }

  std::optional<uint32_t> hex4() {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at) {
      char c = peek();
      uint32_t digit = c >= '0' && c <= '9'   ? uint32_t(c - '0')
                       : c >= 'a' && c <= 'f' ? uint32_t(c - 'a' + 10)
                       : c >= 'A' && c <= 'F' ? uint32_t(c - 'A' + 10)
                                              : 16;
      if (digit == 16)
        return std::nullopt;
      code = code * 16 + digit;
    }
    return code;
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

  bool readUnicodeEscape(std::string &out) {
    std::optional<uint32_t> code = hex4();
    if (code && *code >= 0xD800 && *code <= 0xDBFF) {
      if (!text.substr(at).starts_with("\\u"))
        return fail("half of a surrogate pair without its other half");
      at += 2;
      std::optional<uint32_t> low = hex4();
      if (!low || *low < 0xDC00 || *low > 0xDFFF)
        return fail("half of a surrogate pair without its other half");
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    } else if (code && *code >= 0xDC00 && *code <= 0xDFFF) {
      return fail("half of a surrogate pair without its other half");
    }
    if (!code)
      return failHere("four hexadecimal digits");
    append(out, *code);
    return true;
  }

  bool readString(std::string &out) {
    ++at;
    while (true) {
      size_t end = at;
      while (end < text.size() && text[end] != '"' && text[end] != '\\' &&
             uint8_t(text[end]) >= 0x20)
        ++end;
      out.append(text.substr(at, end - at));
      at = end;
      if (at >= text.size())
        return fail("a string has no closing quote");
      char c = text[at];
      if (c == '"') {
        ++at;
        return true;
      }
      if (c != '\\')
        return fail("a line break or tab inside a string",
                    "write it as \\n or \\t");
      ++at;
      char escape = peek();
      ++at;
      constexpr std::string_view names = "\"\\/bfnrt";
      constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
      if (escape == 'u') {
        if (!readUnicodeEscape(out))
          return false;
      } else if (size_t i = names.find(escape); i != std::string_view::npos) {
        out += meant[i];
      } else {
        --at;
        return failHere("an escape of JSON (one of \" \\ / b f n r t u)");
      }
    }
  }

  bool readList(SourceValue &value, size_t depth) {
    value.kind = SourceValue::Kind::List;
    ++at;
    skipSpace();
    if (peek() == ']') {
      ++at;
      return true;
    }
    while (true) {
      if (!readValue(value.items.emplace_back(), depth + 1))
        return false;
      skipSpace();
      char c = peek();
      if (c != ',' && c != ']')
        return failHere("',' or ']'");
      ++at;
      if (c == ']')
        return true;
    }
  }

  bool readMap(SourceValue &value, size_t depth) {
    value.kind = SourceValue::Kind::Map;
    ++at;
    skipSpace();
    if (peek() == '}') {
      ++at;
      return true;
    }
    while (true) {
      skipSpace();
      if (peek() != '"')
        return failHere("a key in double quotes");
      if (!readValue(value.items.emplace_back(), depth + 1))
        return false;
      skipSpace();
      if (peek() != ':')
        return failHere("':'");
      ++at;
      if (!readValue(value.items.emplace_back(), depth + 1))
        return false;
      skipSpace();
      char c = peek();
      if (c != ',' && c != '}')
        return failHere("',' or '}'");
      ++at;
      if (c == '}')
        return checkKeys(value, file, diagnostics);
    }
  }
};

} // namespace

std::optional<SourceValue> readJson(std::string_view text,
                                    const std::string &file,
                                    Diagnostics &diagnostics,
                                    const TextLimits &limits) {
  if (text.size() > limits.bytes) {
    diagnostics.error(Place{file, 0, 0, {}},
                      "the text has " + std::to_string(text.size()) +
                          " bytes; at most " + std::to_string(limits.bytes) +
                          " are read");
    return std::nullopt;
  }
  if (!checkCharacters(text, file, diagnostics))
    return std::nullopt;
  return JsonReader(text, file, diagnostics, limits).read();
}

} // namespace hetagon
