// SourceValue: look-ups, conversions and the words for messages.
#include "frontend/Text/SourceValue.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace hetagon {

const SourceValue *SourceValue::find(std::string_view name) const {
  for (size_t i = 0; i < pairs(); ++i)
    if (key(i).text == name)
      return &value(i);
  return nullptr;
}

const SourceValue *SourceValue::findKey(std::string_view name) const {
  for (size_t i = 0; i < pairs(); ++i)
    if (key(i).text == name)
      return &key(i);
  return nullptr;
}

static std::string withoutUnderscores(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != '_')
      digits += c;
  return digits;
}

std::optional<int64_t> SourceValue::asInt() const {
  if (kind != Kind::Int)
    return std::nullopt;
  std::string digits = withoutUnderscores(text);
  bool negative = !digits.empty() && digits[0] == '-';
  size_t start = !digits.empty() && (digits[0] == '-' || digits[0] == '+');
  std::string_view rest = std::string_view(digits).substr(start);
  if (rest.find(':') != std::string_view::npos) {
    int64_t total = 0;
    while (!rest.empty()) {
      size_t colon = std::min(rest.find(':'), rest.size());
      int64_t part = 0;
      auto parsed = std::from_chars(rest.data(), rest.data() + colon, part);
      if (parsed.ec != std::errc() || total > (INT64_MAX - part) / 60)
        return std::nullopt;
      total = total * 60 + part;
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return negative ? -total : total;
  }
  int base = 10;
  if (rest.starts_with("0x")) {
    base = 16;
    rest.remove_prefix(2);
  } else if (rest.starts_with("0b")) {
    base = 2;
    rest.remove_prefix(2);
  } else if (rest.size() > 1 && rest[0] == '0') {
    base = 8;
  }
  uint64_t magnitude = 0;
  auto parsed =
      std::from_chars(rest.data(), rest.data() + rest.size(), magnitude, base);
  if (parsed.ec != std::errc() || parsed.ptr != rest.data() + rest.size() ||
      magnitude > uint64_t(INT64_MAX))
    return std::nullopt;
  return negative ? -int64_t(magnitude) : int64_t(magnitude);
}

std::optional<double> SourceValue::asDouble() const {
  if (kind == Kind::Int) {
    if (std::optional<int64_t> number = asInt())
      return double(*number);
  } else if (kind != Kind::Float) {
    return std::nullopt;
  }
  std::string digits = withoutUnderscores(text);
  std::string_view rest = digits;
  double sign = 1;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    sign = rest[0] == '-' ? -1 : 1;
    rest.remove_prefix(1);
  }
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF")
    return sign * std::numeric_limits<double>::infinity();
  if (rest == ".nan" || rest == ".NaN" || rest == ".NAN")
    return std::numeric_limits<double>::quiet_NaN();
  double number = 0;
  auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != rest.data() + rest.size())
    return std::nullopt;
  return sign * number;
}

std::string_view SourceValue::kindName() const {
  switch (kind) {
  case Kind::Null:
    return "nothing (null)";
  case Kind::Bool:
    return "a boolean";
  case Kind::Int:
    return "an integer";
  case Kind::Float:
    return "a number";
  case Kind::String:
    return "a string";
  case Kind::Date:
    return "a date";
  case Kind::List:
    return "a list";
  case Kind::Map:
    return "a map";
  }
  return "a value";
}

std::string SourceValue::describe() const {
  if (isMap() || isList() || isNull())
    return std::string(kindName());
  constexpr size_t longest = 60;
  std::string shown = text.substr(0, longest);
  while (!shown.empty() && text.size() > longest &&
         (uint8_t(shown.back()) & 0xC0) == 0x80)
    shown.pop_back();
  if (text.size() > longest)
    shown += "...";
  for (char &c : shown)
    if (uint8_t(c) < 0x20)
      c = ' ';
  return isString() ? "'" + shown + "'"
                    : std::string(kindName()) + " (" + shown + ")";
}

Json SourceValue::json() const {
  switch (kind) {
  case Kind::Null:
    return nullptr;
  case Kind::Bool:
    return boolean;
  case Kind::Int:
    if (std::optional<int64_t> number = asInt())
      return *number;
    [[fallthrough]];
  case Kind::Float:
    if (std::optional<double> number = asDouble())
      return *number;
    return text;
  case Kind::String:
  case Kind::Date:
    return text;
  case Kind::List: {
    Json list = Json::array();
    for (const SourceValue &item : items)
      list.push_back(item.json());
    return list;
  }
  case Kind::Map: {
    // Filled without ordered_json's look-up of each key, which would make a
    // large map quadratic; the readers have refused repeated keys already.
    Json map = Json::object();
    auto &object = map.get_ref<Json::object_t &>();
    object.reserve(pairs());
    for (size_t i = 0; i < pairs(); ++i)
      object.Container::emplace_back(key(i).text, value(i).json());
    return map;
  }
  }
  return nullptr;
}

bool looselyEqual(const Json &a, const Json &b) {
  auto number = [](const Json &value) -> std::optional<double> {
    if (value.is_boolean())
      return value.get<bool>() ? 1 : 0;
    if (value.is_number())
      return value.get<double>();
    return std::nullopt;
  };
  if (std::optional<double> left = number(a)) {
    std::optional<double> right = number(b);
    return right && *left == *right;
  }
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size())
      return false;
    for (const auto &[key, value] : a.items()) {
      auto other = b.find(key);
      if (other == b.end() || !looselyEqual(value, *other))
        return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array())
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), looselyEqual);
  return a == b;
}

static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      bool same =
          std::tolower(uint8_t(a[i - 1])) == std::tolower(uint8_t(b[j - 1]));
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + !same});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearest(std::string_view word,
                    const std::vector<std::string_view> &candidates) {
  if (word.size() > 80)
    return {};
  std::string best;
  size_t bestDistance = std::max<size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > 80)
      continue;
    bool begins = word.size() > 2 && candidate.starts_with(word);
    size_t distance = begins ? 1 : editDistance(word, candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string didYouMean(std::string_view word,
                       const std::vector<std::string_view> &candidates) {
  std::string best = nearest(word, candidates);
  return best.empty() ? best : "; did you mean '" + best + "'?";
}

std::string joined(const std::vector<std::string_view> &words,
                   std::string_view last) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i)
      text += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    text += words[i];
  }
  return text;
}

} // namespace hetagon
