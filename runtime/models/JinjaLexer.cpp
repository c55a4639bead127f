// Templates to tokens. Whitespace control follows Jinja 2 with trim_blocks and
// lstrip_blocks: a line holding only a block tag leaves nothing behind.
#include "runtime/models/JinjaAst.h"
#include <charconv>

namespace hetagon {

namespace {

using Kind = JinjaToken::Kind;

constexpr size_t maxTemplateBytes = size_t(4) << 20;

bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' ||
         c == '\f';
}

bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Ends of lines become "\n", and one at the very end is dropped.
std::string normaliseLines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n')
        ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n'))
    out.pop_back();
  return out;
}

void appendUtf8(uint32_t point, std::string &out) {
  if (point < 0x80) {
    out += char(point);
  } else if (point < 0x800) {
    out += char(0xC0 | point >> 6);
    out += char(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += char(0xE0 | point >> 12);
    out += char(0x80 | (point >> 6 & 0x3F));
    out += char(0x80 | (point & 0x3F));
  } else {
    out += char(0xF0 | point >> 18);
    out += char(0x80 | (point >> 12 & 0x3F));
    out += char(0x80 | (point >> 6 & 0x3F));
    out += char(0x80 | (point & 0x3F));
  }
}

class Lexer {
public:
  Lexer(std::string source, const std::string &name)
      : source(std::move(source)), name(name) {}

  StatusOr<std::vector<JinjaToken>> run() {
    while (at < source.size())
      HETAGON_RETURN_IF_ERROR(text());
    push(Kind::End, "");
    return std::move(tokens);
  }

private:
  Status error(std::string message) const {
    return Status(Code::InvalidArgument, std::move(message),
                  Place{name, line, column(), {}});
  }
  uint32_t column() const { return uint32_t(at - lineStart + 1); }
  bool next(std::string_view what) const {
    return source.compare(at, what.size(), what) == 0;
  }
  void advance(size_t count) {
    for (; count > 0 && at < source.size(); --count, ++at)
      if (source[at] == '\n') {
        ++line;
        lineStart = at + 1;
      }
  }
  JinjaToken &push(Kind kind, std::string text) {
    JinjaToken token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line;
    token.column = column();
    tokens.push_back(std::move(token));
    return tokens.back();
  }

  /// Text up to the next tag, and the tag.
  Status text() {
    size_t open = at;
    while ((open = source.find('{', open)) != std::string::npos &&
           (open + 1 == source.size() ||
            (source[open + 1] != '{' && source[open + 1] != '%' &&
             source[open + 1] != '#')))
      ++open;
    const bool last = open == std::string::npos;
    std::string_view plain =
        std::string_view(source).substr(at, last ? last : open - at);
    if (last)
      plain = std::string_view(source).substr(at);
    const char type = last ? 0 : source[open + 1];
    const char sign = last || open + 2 >= source.size() ? 0 : source[open + 2];
    size_t kept = plain.size();
    if (!last && sign == '-') {
      while (kept > 0 && isBlank(plain[kept - 1]))
        --kept;
    } else if (!last && sign != '+' && type != '{') {
      size_t start = kept;
      while (start > 0 && (plain[start - 1] == ' ' || plain[start - 1] == '\t'))
        --start;
      // Only blanks back to the start of a line: the tag stands alone there.
      if (start > 0 ? plain[start - 1] == '\n' : lineStarting)
        kept = start;
    }
    if (kept > 0)
      push(Kind::Text, std::string(plain.substr(0, kept)));
    advance(plain.size());
    lineStarting = false;
    if (last)
      return Status::ok();
    if (type == '#')
      return comment();
    return tag(type == '{');
  }

  Status comment() {
    size_t close = source.find("#}", at + 2);
    if (close == std::string::npos)
      return error("a comment is not closed with '#}'");
    char sign = close > at + 2 ? source[close - 1] : 0;
    advance(close + 2 - at);
    afterBlock(sign);
    return Status::ok();
  }

  /// Drops what the end of a block tag or comment swallows.
  void afterBlock(char sign) {
    if (sign == '-')
      skipBlanks();
    else if (sign != '+' && next("\n")) {
      advance(1);
      lineStarting = true;
    }
  }
  void skipBlanks() {
    while (at < source.size() && isBlank(source[at]))
      advance(1);
  }

  Status tag(bool print) {
    push(print ? Kind::PrintBegin : Kind::BlockBegin, "");
    advance(2);
    if (next("-") || next("+"))
      advance(1);
    std::string closers; // of brackets that are open
    while (true) {
      skipBlanks();
      if (at >= source.size())
        return error(print ? "a print tag is not closed with '}}'"
                           : "a block tag is not closed with '%}'");
      std::string_view close = print ? "}}" : "%}";
      bool signedClose = (source[at] == '-' || (!print && source[at] == '+')) &&
                         source.compare(at + 1, 2, close) == 0;
      if (closers.empty() && (next(close) || signedClose)) {
        char sign = signedClose ? source[at] : 0;
        push(print ? Kind::PrintEnd : Kind::BlockEnd, "");
        advance(signedClose ? 3 : 2);
        if (!print)
          afterBlock(sign);
        else if (sign == '-')
          skipBlanks();
        return Status::ok();
      }
      HETAGON_RETURN_IF_ERROR(expressionToken(closers));
    }
  }

  Status expressionToken(std::string &closers) {
    char c = source[at];
    if (isNameStart(c)) {
      size_t end = at;
      while (end < source.size() &&
             (isNameStart(source[end]) || isDigit(source[end])))
        ++end;
      push(Kind::Name, source.substr(at, end - at));
      advance(end - at);
      return Status::ok();
    }
    if (isDigit(c))
      return number();
    if (c == '\'' || c == '"')
      return string(c);
    static constexpr std::string_view operators[] = {
        "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
        ">",  "=",  ".",  ",",  ":",  "|",  "(", ")", "[", "]", "{", "}"};
    for (std::string_view op : operators) {
      if (!next(op))
        continue;
      if (op == "(" || op == "[" || op == "{") {
        closers += op == "(" ? ')' : op == "[" ? ']' : '}';
      } else if (op == ")" || op == "]" || op == "}") {
        if (closers.empty() || closers.back() != op[0])
          return error("'" + std::string(op) + "' closes nothing");
        closers.pop_back();
      }
      push(Kind::Operator, std::string(op));
      advance(op.size());
      return Status::ok();
    }
    return error("a character that no expression has");
  }

  Status number() {
    size_t end = at;
    std::string digits;
    bool isFloat = false;
    for (; end < source.size(); ++end) {
      char c = source[end];
      if (isDigit(c)) {
        digits += c;
      } else if (c == '_' && end + 1 < source.size() &&
                 isDigit(source[end + 1])) {
        continue;
      } else if (!isFloat && c == '.' && end + 1 < source.size() &&
                 isDigit(source[end + 1]) &&
                 (tokens.empty() || tokens.back().text != ".")) {
        isFloat = true;
        digits += c;
      } else {
        break;
      }
    }
    JinjaToken &token = push(isFloat ? Kind::Float : Kind::Integer, digits);
    const char *first = token.text.data(), *past = first + token.text.size();
    std::errc code = isFloat ? std::from_chars(first, past, token.number).ec
                             : std::from_chars(first, past, token.integer).ec;
    if (code != std::errc())
      return error("a number out of range");
    advance(end - at);
    return Status::ok();
  }

  Status string(char quote) {
    std::string out;
    size_t i = at + 1;
    for (; i < source.size() && source[i] != quote; ++i) {
      if (source[i] != '\\') {
        out += source[i];
        continue;
      }
      if (++i == source.size())
        break;
      switch (char c = source[i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'v':
        out += '\v';
        break;
      case 'a':
        out += '\a';
        break;
      case '0':
        out += '\0';
        break;
      case '\n':
        break;
      case '\\':
      case '\'':
      case '"':
        out += c;
        break;
      case 'x':
      case 'u':
      case 'U': {
        size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        uint32_t point = 0;
        const char *first = source.data() + i + 1;
        if (source.size() - i <= length ||
            std::from_chars(first, first + length, point, 16).ptr !=
                first + length ||
            point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
          return error(std::string("a wrong \\") + c + " escape in a string");
        appendUtf8(point, out);
        i += length;
        break;
      }
      default:
        out += '\\';
        out += c;
      }
    }
    if (i >= source.size())
      return error("a string is not closed");
    push(Kind::String, std::move(out));
    advance(i + 1 - at);
    return Status::ok();
  }

  const std::string source;
  const std::string &name;
  size_t at = 0, lineStart = 0;
  uint32_t line = 1;
  /// Whether `at` begins a line as far as lstrip_blocks goes.
  bool lineStarting = true;
  std::vector<JinjaToken> tokens;
};

} // namespace

StatusOr<std::vector<JinjaToken>> lexJinja(std::string_view source,
                                           const std::string &name) {
  if (source.size() > maxTemplateBytes)
    return Status(Code::ResourceExhausted,
                  "a template of " + std::to_string(source.size()) +
                      " bytes; at most 4 MiB are read",
                  Place{name, 0, 0, {}});
  return Lexer(normaliseLines(source), name).run();
}

} // namespace hetagon
