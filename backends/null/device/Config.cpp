// A strict reader for the small part of JSON that configures the device; a
// device half depends on nothing but the ABI.
#include "backends/null/device/Config.h"
#include <array>

namespace hetagon::null {

namespace {

struct Setting {
  std::string_view key;
  uint64_t Config::*number;
  bool Config::*flag;
  uint64_t least, most;
};

constexpr std::array<Setting, 5> settings{{
    {"delay_us", &Config::delay_us, nullptr, 0, 60'000'000},
    {"reorder", nullptr, &Config::reorder, 0, 0},
    {"lose_after", &Config::lose_after, nullptr, 0, UINT64_MAX},
    {"seed", &Config::seed, nullptr, 0, UINT64_MAX},
    {"answer_ms", &Config::answer_ms, nullptr, 10, 600'000},
}};

class Reader {
public:
  explicit Reader(std::string_view text) : text(text) {}

  Outcome read(Config &config) {
    if (!take("{"))
      return fail("expected '{'");
    if (!take("}")) {
      do {
        Outcome outcome = member(config);
        if (!outcome.ok())
          return outcome;
      } while (take(","));
      if (!take("}"))
        return fail("expected ',' or '}'");
    }
    skipSpace();
    return at == text.size() ? Outcome() : fail("text after the object");
  }

private:
  Outcome member(Config &config) {
    std::string_view key;
    if (!take("\"") || !word(key))
      return fail("expected a key in quotes");
    size_t index = 0;
    while (index < settings.size() && settings[index].key != key)
      ++index;
    if (index == settings.size())
      return fail("unknown key '" + std::string(key) +
                  "'; known are delay_us, reorder, lose_after, seed and "
                  "answer_ms");
    if (seen[index])
      return fail("key '" + std::string(key) + "' occurs twice");
    seen[index] = true;
    if (!take(":"))
      return fail("expected ':'");
    const Setting &setting = settings[index];
    if (setting.flag) {
      bool isTrue = take("true");
      if (!isTrue && !take("false"))
        return fail("expected true or false");
      config.*setting.flag = isTrue;
      return {};
    }
    uint64_t value = 0;
    if (!number(value) || value < setting.least || value > setting.most)
      return fail("expected an integer from " + std::to_string(setting.least) +
                  " to " + std::to_string(setting.most));
    config.*setting.number = value;
    return {};
  }
  /// Everything up to the closing quote; no escapes.
  bool word(std::string_view &value) {
    size_t close = text.find_first_of("\"\\", at);
    if (close == std::string_view::npos || text[close] == '\\')
      return false;
    value = text.substr(at, close - at);
    at = close + 1;
    return true;
  }
  bool number(uint64_t &value) {
    skipSpace();
    size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, uint64_t(text[at] - '0'), &value))
        return false;
      ++at;
    }
    return at > start && (at == start + 1 || text[start] != '0');
  }
  void skipSpace() {
    while (at < text.size() &&
           std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos)
      ++at;
  }
  bool take(std::string_view token) {
    skipSpace();
    if (text.substr(at, token.size()) != token)
      return false;
    at += token.size();
    return true;
  }
  Outcome fail(const std::string &what) const {
    return {HETAGON_INVALID_ARGUMENT,
            "configuration, byte " + std::to_string(at) + ": " + what};
  }

  std::string_view text;
  size_t at = 0;
  std::array<bool, settings.size()> seen{};
};

} // namespace

Outcome readConfig(std::string_view json, Config &config) {
  return Reader(json).read(config);
}

} // namespace hetagon::null
