// What the YAML and the JSON reader share: characters, keys, files.
#include "frontend/Text/TextReader.h"
#include "runtime/base/File.h"
#include <algorithm>
#include <tuple>

namespace hetagon {

namespace {

/// The length of the UTF-8 sequence at the front, or 0 when there is none.
size_t sequenceLength(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? uint8_t(text[i]) : 0; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  uint8_t lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    bool overlong = lead == 0xF0 && byte(1) < 0x90;
    bool beyond = lead == 0xF4 && byte(1) >= 0x90;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string hexByte(uint8_t byte) {
  constexpr char digits[] = "0123456789abcdef";
  return std::string("0x") + digits[byte >> 4] + digits[byte & 15];
}

} // namespace

bool checkText(std::string_view text, const std::string &file,
               Diagnostics &diagnostics, const TextLimits &limits) {
  if (text.size() > limits.bytes) {
    diagnostics.error(Place{file, 0, 0, {}},
                      "the text has " + std::to_string(text.size()) +
                          " bytes; at most " + std::to_string(limits.bytes) +
                          " are read");
    return false;
  }
  return checkCharacters(text, file, diagnostics);
}

bool checkCharacters(std::string_view text, const std::string &file,
                     Diagnostics &diagnostics) {
  uint32_t line = 1, column = 1;
  for (size_t i = 0; i < text.size();) {
    if (text[i] >= 0x20 && text[i] < 0x7F) {
      ++i;
      ++column;
      continue;
    }
    size_t length = sequenceLength(text.substr(i));
    uint8_t byte = uint8_t(text[i]);
    bool control = byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
    if (!length || control || byte == 0x7F) {
      diagnostics.error(
          Place{file, line, column, i},
          "the byte " + hexByte(byte) +
              (length ? " is a control character" : " is not valid UTF-8"),
          length ? "remove it, or write it as an escape in a quoted string"
                 : "save the file as UTF-8");
      return false;
    }
    i += length;
    ++column;
    if (byte == '\n') {
      ++line;
      column = 1;
    }
  }
  return true;
}

bool checkKeys(const SourceValue &map, const std::string &file,
               Diagnostics &diagnostics) {
  std::vector<const SourceValue *> keys;
  keys.reserve(map.pairs());
  for (size_t i = 0; i < map.pairs(); ++i)
    keys.push_back(&map.key(i));
  std::sort(keys.begin(), keys.end(),
            [](const SourceValue *a, const SourceValue *b) {
              return std::tie(a->text, a->line, a->column) <
                     std::tie(b->text, b->line, b->column);
            });
  for (size_t i = 1; i < keys.size(); ++i) {
    if (keys[i - 1]->text != keys[i]->text)
      continue;
    diagnostics.error(keys[i]->place(file),
                      "the key " + keys[i]->describe() +
                          " stands twice in one map (first at line " +
                          std::to_string(keys[i - 1]->line) + ")",
                      "keep one of the two");
    return false;
  }
  return true;
}

std::optional<SourceValue> readTextFile(const std::string &path,
                                        Diagnostics &diagnostics,
                                        const TextLimits &limits) {
  StatusOr<std::string> text = readFile(path, limits.bytes);
  if (!text.isOk()) {
    diagnostics.error(Place{path, 0, 0, {}}, text.status().message());
    return std::nullopt;
  }
  bool json = path.ends_with(".json") || path.ends_with(".JSON");
  return json ? readJson(*text, path, diagnostics, limits)
              : readYaml(*text, path, diagnostics, limits);
}

} // namespace hetagon
