// Placeholders are replaced in one pass from left to right.
#include "runtime/exec/TextTemplate.h"

namespace hetagon {

namespace {

/// Letters beyond ASCII are several bytes, all with the high bit.
bool isNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

} // namespace

StatusOr<std::string> fillTemplate(const std::string &text,
                                   const std::map<std::string, Value> &values) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    size_t open = text.find("{{", at);
    filled.append(text, at, open - at);
    if (open == std::string::npos)
      break;
    size_t begin = open + 2;
    while (begin < text.size() && text[begin] == ' ')
      ++begin;
    size_t end = begin;
    while (end < text.size() && isNameByte(text[end]))
      ++end;
    size_t close = end;
    while (close < text.size() && text[close] == ' ')
      ++close;
    if (end == begin || text.compare(close, 2, "}}") != 0) {
      filled += '{'; // no placeholder here; the next brace may open one
      at = open + 1;
      continue;
    }
    std::string name = text.substr(begin, end - begin);
    auto value = values.find(name);
    if (value == values.end())
      return Status(Code::InvalidArgument,
                    "the template asks for {{" + name +
                        "}}, which is not among its inputs");
    filled += value->second.toText();
    at = close + 2;
  }
  return filled;
}

} // namespace hetagon
