// Finding and filling the placeholders of templates.
#include "dialects/Agent/IR/Template.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

/// Calls `plain` for the text between placeholders and `mention` for each
/// placeholder's name, in order.
static void scan(StringRef text, function_ref<void(StringRef)> plain,
                 function_ref<void(StringRef name, StringRef whole)> mention) {
  size_t begin = 0, from = 0;
  while (true) {
    size_t open = text.find("{{", from);
    size_t close = open == StringRef::npos ? open : text.find("}}", open + 2);
    if (close == StringRef::npos)
      return plain(text.drop_front(begin));
    StringRef name = text.slice(open + 2, close).trim();
    bool valid = !name.empty() && all_of(name, [](char c) {
      return isAlnum(c) || c == '_' || c == '-' || c == '.';
    });
    if (!valid) {
      from = open + 1;
      continue;
    }
    plain(text.slice(begin, open));
    mention(name, text.slice(open, close + 2));
    begin = from = close + 2;
  }
}

std::vector<std::string> hetagon::agent::templateNames(StringRef text) {
  std::vector<std::string> names;
  scan(
      text, [](StringRef) {},
      [&](StringRef name, StringRef) {
        if (!is_contained(names, name))
          names.push_back(name.str());
      });
  return names;
}

std::string hetagon::agent::fillTemplate(StringRef text, StringRef name,
                                         StringRef value) {
  std::string out;
  scan(
      text, [&](StringRef plain) { out += plain; },
      [&](StringRef mentioned, StringRef whole) {
        out += mentioned == name ? value : whole;
      });
  return out;
}
