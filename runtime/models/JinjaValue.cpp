// Values: truth, equality, and the ways Python and JSON print them.
#include "runtime/models/JinjaValue.h"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace hetagon {

const JinjaValue *JinjaDict::find(std::string_view key) const {
  for (const auto &[name, value] : items)
    if (name == key)
      return &value;
  return nullptr;
}

bool JinjaValue::truth() const {
  if (is<bool>())
    return as<bool>();
  if (is<int64_t>())
    return as<int64_t>() != 0;
  if (is<double>())
    return as<double>() != 0;
  if (isText())
    return !text().empty();
  if (is<List>())
    return !as<List>()->items.empty();
  if (is<Dict>())
    return !as<Dict>()->items.empty();
  return is<Namespace>() || is<Macro>() || is<JinjaFunction>();
}

uint32_t JinjaValue::depth() const {
  return is<List>() ? as<List>()->depth : is<Dict>() ? as<Dict>()->depth : 0;
}

uint64_t JinjaValue::weight() const {
  return is<List>()   ? as<List>()->weight
         : is<Dict>() ? as<Dict>()->weight
         : isText()   ? text().size() / 16 + 1
                      : 1;
}

const char *JinjaValue::typeName() const {
  static constexpr const char *names[] = {
      "an undefined value", "none",    "a boolean", "an integer",
      "a number",           "a text",  "a list",    "a dictionary",
      "a namespace",        "a macro", "a function"};
  return names[data.index()];
}

bool jinjaEqual(const JinjaValue &a, const JinjaValue &b) {
  if (a.isNumber() && b.isNumber())
    return a.isInteger() && b.isInteger() ? a.integer() == b.integer()
                                          : a.number() == b.number();
  if (a.data.index() != b.data.index())
    return false;
  if (a.isText())
    return a.text() == b.text();
  if (a.is<JinjaValue::List>()) {
    const auto &x = a.as<JinjaValue::List>()->items;
    const auto &y = b.as<JinjaValue::List>()->items;
    return a.as<JinjaValue::List>() == b.as<JinjaValue::List>() ||
           std::ranges::equal(x, y, jinjaEqual);
  }
  if (a.is<JinjaValue::Dict>()) {
    const JinjaDict &x = *a.as<JinjaValue::Dict>();
    const JinjaDict &y = *b.as<JinjaValue::Dict>();
    return &x == &y || (x.items.size() == y.items.size() &&
                        std::ranges::all_of(x.items, [&](const auto &item) {
                          const JinjaValue *other = y.find(item.first);
                          return other && jinjaEqual(item.second, *other);
                        }));
  }
  if (a.is<JinjaValue::Namespace>())
    return a.as<JinjaValue::Namespace>() == b.as<JinjaValue::Namespace>();
  if (a.is<JinjaValue::Macro>())
    return a.as<JinjaValue::Macro>() == b.as<JinjaValue::Macro>();
  return true; // undefined or none
}

JinjaValue jinjaFromJson(const Json &json) {
  switch (json.type()) {
  case Json::value_t::boolean:
    return {json.get<bool>()};
  case Json::value_t::number_integer:
    return {json.get<int64_t>()};
  case Json::value_t::number_unsigned:
    if (json.get<uint64_t>() <= uint64_t(INT64_MAX))
      return {int64_t(json.get<uint64_t>())};
    return {double(json.get<uint64_t>())};
  case Json::value_t::number_float:
    return {json.get<double>()};
  case Json::value_t::string:
    return JinjaValue::of(json.get<std::string>());
  case Json::value_t::array: {
    auto list = std::make_shared<JinjaList>();
    for (const Json &item : json) {
      list->items.push_back(jinjaFromJson(item));
      list->depth = std::max(list->depth, list->items.back().depth() + 1);
      list->weight += list->items.back().weight();
    }
    return {JinjaValue::List(std::move(list))};
  }
  case Json::value_t::object: {
    auto dict = std::make_shared<JinjaDict>();
    for (const auto &[key, item] : json.items()) {
      dict->items.emplace_back(key, jinjaFromJson(item));
      dict->depth =
          std::max(dict->depth, dict->items.back().second.depth() + 1);
      dict->weight += dict->items.back().second.weight() + key.size() / 16 + 1;
    }
    return {JinjaValue::Dict(std::move(dict))};
  }
  default:
    return {JinjaNone()};
  }
}

namespace {

/// Python's repr of a float: the shortest digits that read back the same,
/// plain between 1e-4 and 1e16.
void appendFloat(double value, std::string &out) {
  if (std::isnan(value) || std::isinf(value)) {
    out += std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    return;
  }
  char buffer[64];
  auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value,
                                  std::chars_format::scientific);
  std::string_view text(buffer, size_t(scientific.ptr - buffer));
  int exponent = 0;
  size_t e = text.find('e');
  std::string_view digits = text.substr(e + 1);
  if (digits[0] == '+')
    digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    out += text;
    return;
  }
  char plain[64];
  auto fixed = std::to_chars(plain, plain + sizeof plain, value,
                             std::chars_format::fixed);
  std::string_view shown(plain, size_t(fixed.ptr - plain));
  out += shown;
  if (shown.find('.') == std::string_view::npos)
    out += ".0";
}

void appendRepr(const JinjaValue &value, std::string &out);

/// Python's repr of a string, without the escapes of unprintable characters
/// above ASCII.
void appendQuoted(const std::string &text, std::string &out) {
  char quote = text.find('\'') != std::string::npos &&
                       text.find('"') == std::string::npos
                   ? '"'
                   : '\'';
  out += quote;
  for (char c : text) {
    static constexpr char hex[] = "0123456789abcdef";
    if (c == quote || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (uint8_t(c) < 0x20 || c == 0x7F)
      ((out += "\\x") += hex[uint8_t(c) >> 4]) += hex[c & 15];
    else
      out += c;
  }
  out += quote;
}

void appendPrint(const JinjaValue &value, std::string &out) {
  if (value.isText())
    out += value.text();
  else if (!value.isUndefined())
    appendRepr(value, out);
}

void appendRepr(const JinjaValue &value, std::string &out) {
  if (value.isUndefined()) {
    out += "Undefined";
  } else if (value.isNone()) {
    out += "None";
  } else if (value.is<bool>()) {
    out += value.as<bool>() ? "True" : "False";
  } else if (value.is<int64_t>()) {
    out += std::to_string(value.as<int64_t>());
  } else if (value.is<double>()) {
    appendFloat(value.as<double>(), out);
  } else if (value.isText()) {
    appendQuoted(value.text(), out);
  } else if (value.is<JinjaValue::List>()) {
    const JinjaList &list = *value.as<JinjaValue::List>();
    out += list.tuple ? '(' : '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      out += i ? ", " : "";
      appendRepr(list.items[i], out);
    }
    if (list.tuple && list.items.size() == 1)
      out += ',';
    out += list.tuple ? ')' : ']';
  } else if (value.is<JinjaValue::Dict>()) {
    const JinjaDict &dict = *value.as<JinjaValue::Dict>();
    out += '{';
    for (size_t i = 0; i < dict.items.size(); ++i) {
      out += i ? ", " : "";
      appendQuoted(dict.items[i].first, out);
      out += ": ";
      appendRepr(dict.items[i].second, out);
    }
    out += '}';
  } else {
    out += value.is<JinjaValue::Namespace>() ? "<namespace>" : "<function>";
  }
}

void appendJsonText(const std::string &text, std::string &out) {
  out += printJson(Json(text));
}

void appendJson(const JinjaValue &value, int indent, int level,
                std::string &out) {
  auto line = [&](int depth) {
    if (indent >= 0)
      (out += '\n').append(size_t(indent) * size_t(depth), ' ');
  };
  const char *comma = indent >= 0 ? "," : ", ";
  if (value.isText()) {
    appendJsonText(value.text(), out);
  } else if (value.is<bool>()) {
    out += value.as<bool>() ? "true" : "false";
  } else if (value.is<int64_t>()) {
    out += std::to_string(value.as<int64_t>());
  } else if (value.is<double>()) {
    double number = value.as<double>();
    if (std::isfinite(number))
      appendFloat(number, out);
    else
      out += std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  } else if (value.is<JinjaValue::List>()) {
    const auto &items = value.as<JinjaValue::List>()->items;
    out += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      out += i ? comma : "";
      line(level + 1);
      appendJson(items[i], indent, level + 1, out);
    }
    if (!items.empty())
      line(level);
    out += ']';
  } else if (value.is<JinjaValue::Dict>()) {
    const auto &items = value.as<JinjaValue::Dict>()->items;
    out += '{';
    for (size_t i = 0; i < items.size(); ++i) {
      out += i ? comma : "";
      line(level + 1);
      appendJsonText(items[i].first, out);
      out += ": ";
      appendJson(items[i].second, indent, level + 1, out);
    }
    if (!items.empty())
      line(level);
    out += '}';
  } else {
    out += "null";
  }
}

} // namespace

std::string jinjaPrint(const JinjaValue &value) {
  std::string out;
  appendPrint(value, out);
  return out;
}

std::string jinjaToJson(const JinjaValue &value, int indent) {
  std::string out;
  appendJson(value, indent, 0, out);
  return out;
}

} // namespace hetagon
