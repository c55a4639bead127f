// A reader for the few lines of JSON that configure this device; a device half
// depends on its vendor's library only.
#include "backends/vulkan/device/Config.h"

namespace hetagon::vulkan {

namespace {

class Reader {
public:
  explicit Reader(std::string_view text) : text(text) {}

  Outcome read(Config &config) {
    if (!take('{'))
      return fail("expected '{'");
    if (take('}'))
      return end();
    do {
      std::string key;
      size_t keyAt = at;
      if (!string(key))
        return fail("expected a key in quotes without escapes");
      if (!take(':'))
        return fail("expected ':'");
      if (key == "device") {
        if (!string(config.device))
          return fail("expected a string in quotes without escapes");
      } else if (key == "validation") {
        if (take("true"))
          config.validation = true;
        else if (take("false"))
          config.validation = false;
        else
          return fail("expected true or false");
      } else {
        at = keyAt;
        return fail("unknown key '" + key +
                    "'; known are device and validation");
      }
    } while (take(','));
    return take('}') ? end() : fail("expected ',' or '}'");
  }

private:
  void skipSpace() {
    while (at < text.size() &&
           std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos)
      ++at;
  }
  bool take(std::string_view word) {
    skipSpace();
    if (text.substr(at, word.size()) != word)
      return false;
    at += word.size();
    return true;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }
  bool string(std::string &value) {
    if (!take('"'))
      return false;
    size_t close = text.find_first_of("\"\\", at);
    if (close == std::string_view::npos || text[close] == '\\')
      return false;
    value = text.substr(at, close - at);
    at = close + 1;
    return true;
  }
  Outcome fail(const std::string &what) const {
    return {HETAGON_INVALID_ARGUMENT,
            "vulkan: configuration, byte " + std::to_string(at) + ": " + what};
  }
  Outcome end() {
    skipSpace();
    return at == text.size() ? Outcome() : fail("text after the object");
  }

  std::string_view text;
  size_t at = 0;
};

} // namespace

Outcome parseConfig(std::string_view text, Config &config) {
  return Reader(text).read(config);
}

} // namespace hetagon::vulkan
