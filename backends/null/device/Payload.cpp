// Reading code of the format "null-ops".
#include "backends/null/device/Payload.h"
#include "backends/null/device/Protocol.h"
#include <charconv>
#include <unordered_set>

namespace hetagon::null {

namespace {

constexpr std::string_view firstLine = "null-ops 1";

/// Cuts `text` at the first `end`; false when there is none.
bool cut(std::string_view &text, char end, std::string_view &head) {
  size_t at = text.find(end);
  if (at == std::string_view::npos)
    return false;
  head = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

template <typename T> bool number(std::string_view text, T &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool isName(std::string_view name) {
  return !name.empty() && name.size() <= 200 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_.-") == std::string_view::npos;
}

} // namespace

Outcome readPayload(std::string_view text, Executable &executable) {
  std::string_view line;
  auto refuse = [&](const char *why) {
    return Outcome{HETAGON_INVALID_ARGUMENT,
                   "null-ops, line " +
                       std::to_string(executable.entries.size() + 2) + ": " +
                       why};
  };
  if (!cut(text, '\n', line) || line != firstLine)
    return {HETAGON_INVALID_ARGUMENT,
            "null-ops, line 1: expected '" + std::string(firstLine) + "'"};
  std::unordered_set<std::string_view> names;
  while (!text.empty()) {
    std::string_view name, bindings;
    if (!cut(text, '\n', line))
      return refuse("the line does not end");
    Entry entry;
    if (!cut(line, ' ', name) || !cut(line, ' ', bindings) || !isName(name) ||
        !number(bindings, entry.bindings) || !number(line, entry.rowBytes))
      return refuse("expected NAME BINDINGS ROW_BYTES");
    if (entry.bindings < 1 || entry.bindings > maxBindings)
      return refuse("an entry has from 1 to 1024 bindings");
    if (!names.insert(name).second)
      return refuse("the name occurs twice");
    entry.name = name;
    executable.entries.push_back(std::move(entry));
  }
  return {};
}

} // namespace hetagon::null
