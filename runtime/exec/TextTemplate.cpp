// Placeholders are replaced in one pass from left to right.
#include "runtime/exec/TextTemplate.h"

namespace hetagon {

namespace {

bool isNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
         c == '.';
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
      filled += "{{"; // no placeholder: braces stay as they are
      at = open + 2;
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
