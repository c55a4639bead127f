// Texts by code points; case and spaces come from utf8proc.
#include "runtime/models/JinjaText.h"
#include "runtime/models/Tokenizer.h"
#include <algorithm>
#include <utf8proc.h>

namespace hetagon {

namespace {

bool isCased(int32_t point) {
  auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

} // namespace

std::vector<int32_t> codePoints(std::string_view text) {
  std::string valid = validUtf8(text);
  std::vector<int32_t> points;
  points.reserve(valid.size());
  for (size_t at = 0; at < valid.size();) {
    int32_t point = 0;
    at += size_t(utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t *>(valid.data()) + at,
        utf8proc_ssize_t(valid.size() - at), &point));
    points.push_back(point);
  }
  return points;
}

std::string fromCodePoints(const int32_t *points, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    utf8proc_uint8_t buffer[4];
    utf8proc_ssize_t length = utf8proc_encode_char(points[i], buffer);
    out.append(reinterpret_cast<const char *>(buffer), size_t(length));
  }
  return out;
}

bool isTextSpace(int32_t point) {
  return (point >= 9 && point <= 13) || (point >= 0x1C && point <= 0x20) ||
         point == 0x85 || point == 0x2028 || point == 0x2029 ||
         (point > 0x80 && utf8proc_category(point) == UTF8PROC_CATEGORY_ZS);
}

/// The letters after which Jinja's `title` begins a word.
static bool endsTitleWord(int32_t point) {
  return isTextSpace(point) || point == '-' || point == '(' || point == '{' ||
         point == '[' || point == '<';
}

std::string changeCase(const std::string &text, JinjaCase target) {
  std::vector<int32_t> points = codePoints(text), changed;
  changed.reserve(points.size());
  bool inWord = false;
  for (size_t i = 0; i < points.size(); ++i) {
    const int32_t point = points[i];
    const bool eachWord =
        target == JinjaCase::Title || target == JinjaCase::Words;
    bool up = target == JinjaCase::Upper || (eachWord && !inWord) ||
              (target == JinjaCase::Capital && i == 0);
    inWord =
        target == JinjaCase::Words ? !endsTitleWord(point) : isCased(point);
    // The sharp s is the one common letter whose upper case is two.
    if (up && point == 0xDF)
      changed.insert(changed.end(),
                     {'S', target == JinjaCase::Upper ? int32_t('S') : 's'});
    else
      changed.push_back(up ? utf8proc_toupper(point) : utf8proc_tolower(point));
  }
  return fromCodePoints(changed.data(), changed.size());
}

std::string stripText(const std::string &text, const std::string *set,
                      bool left, bool right) {
  std::vector<int32_t> points = codePoints(text);
  std::vector<int32_t> chosen = set ? codePoints(*set) : std::vector<int32_t>();
  auto drops = [&](int32_t point) {
    return set ? std::ranges::find(chosen, point) != chosen.end()
               : isTextSpace(point);
  };
  size_t begin = 0, end = points.size();
  while (left && begin < end && drops(points[begin]))
    ++begin;
  while (right && begin < end && drops(points[end - 1]))
    --end;
  return fromCodePoints(points.data() + begin, end - begin);
}

std::string replaceAll(const std::string &text, const std::string &from,
                       const std::string &to, int64_t limit) {
  std::string out;
  size_t at = 0;
  while (!from.empty() && limit != 0) {
    size_t found = text.find(from, at);
    if (found == std::string::npos)
      break;
    out.append(text, at, found - at);
    out += to;
    at = found + from.size();
    --limit;
  }
  return out.append(text, at);
}

} // namespace hetagon
