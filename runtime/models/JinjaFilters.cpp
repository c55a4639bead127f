// The filters and tests of templates, after Jinja 2's.
#include "runtime/models/JinjaEval.h"
#include "runtime/models/JinjaText.h"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace hetagon {

namespace {

using Value = JinjaValue;

size_t sizeOf(const Value &value) {
  if (value.isText())
    return codePoints(value.text()).size();
  if (value.is<Value::List>())
    return value.as<Value::List>()->items.size();
  if (value.is<Value::Dict>())
    return value.as<Value::Dict>()->items.size();
  return 0;
}

template <typename... Names>
bool oneOf(const std::string &name, Names... names) {
  return ((name == names) || ...);
}

/// Sorts as Jinja does: stable, without regard to case unless asked; false for
/// items that have no order.
bool sortItems(std::vector<Value> &items, const JinjaArguments &given) {
  const bool texts = std::ranges::all_of(items, &Value::isText);
  if (!texts && !std::ranges::all_of(items, &Value::isNumber))
    return false;
  const bool reverse = given.truth(0, "reverse");
  const bool sensitive = given.truth(1, "case_sensitive");
  struct Entry {
    std::string text;
    double number;
    size_t index;
  };
  std::vector<Entry> entries;
  for (const Value &item : items)
    entries.push_back({!texts      ? std::string()
                       : sensitive ? item.text()
                                   : changeCase(item.text(), JinjaCase::Lower),
                       texts ? 0 : item.number(), entries.size()});
  std::ranges::sort(entries, [&](const Entry &a, const Entry &b) {
    if (a.text != b.text)
      return (a.text < b.text) != reverse;
    if (a.number != b.number)
      return (a.number < b.number) != reverse;
    return a.index < b.index;
  });
  std::vector<Value> sorted;
  for (const Entry &entry : entries)
    sorted.push_back(std::move(items[entry.index]));
  items = std::move(sorted);
  return true;
}

} // namespace

JinjaValue JinjaEvaluator::filter(const JinjaNode &at,
                                  const std::string &filter, const Value &input,
                                  const JinjaArguments &given) {
  if (!step(at))
    return {};
  if (oneOf(filter, "default", "d")) {
    bool missing =
        input.isUndefined() || (given.truth(1, "boolean") && !input.truth());
    const Value *otherwise = given.get(0, "default_value");
    return !missing ? input : otherwise ? *otherwise : text(at, "");
  }
  if (oneOf(filter, "length", "count")) {
    if (!input.isUndefined() && !input.isText() && !input.is<Value::List>() &&
        !input.is<Value::Dict>())
      return fail(at, std::string("the length of ") + input.typeName());
    if (input.isText())
      steps += input.text().size() / 16;
    return {int64_t(sizeOf(input))};
  }
  if (filter == "tojson") {
    if (input.isUndefined())
      return fail(at, "an undefined value has no JSON form");
    const Value *indent = given.get(0, "indent");
    if (indent && !indent->isNone() &&
        (!indent->isInteger() || indent->integer() < 0 ||
         indent->integer() > 16))
      return fail(at, "tojson's indent must be 0 to 16");
    const int64_t width = given.integer(0, "indent", -1);
    if (width > 0 && !spend(at, input.weight() * input.depth() * size_t(width)))
      return {};
    return text(at, jinjaToJson(input, int(width)));
  }
  if (oneOf(filter, "int", "float")) {
    double number = 0;
    if (input.isNumber()) {
      number = input.number();
    } else if (input.isText()) {
      std::string digits = stripText(input.text(), nullptr, true, true);
      const char *end = digits.data() + digits.size();
      auto read = std::from_chars(digits.data(), end, number);
      if (digits.empty() || read.ec != std::errc() || read.ptr != end) {
        const Value *otherwise = given.get(0, "default");
        return otherwise         ? *otherwise
               : filter == "int" ? Value{int64_t(0)}
                                 : Value{0.0};
      }
    }
    if (filter == "float")
      return {number};
    if (input.isInteger())
      return {input.integer()};
    if (!(std::abs(number) < 9e18))
      return fail(at, "an integer overflows", Code::OutOfRange);
    return {int64_t(number)};
  }
  if (filter == "abs" && input.isNumber()) {
    if (input.is<double>())
      return {std::abs(input.number())};
    if (input.integer() == INT64_MIN)
      return fail(at, "an integer overflows", Code::OutOfRange);
    return {std::abs(input.integer())};
  }
  if (filter == "items") {
    if (input.isUndefined())
      return list(at, {});
    if (!input.is<Value::Dict>())
      return fail(at, std::string("the items of ") + input.typeName());
    return callMethod(at, input, "items", {});
  }
  if (oneOf(filter, "trim", "upper", "lower", "title", "capitalize", "replace",
            "string", "safe", "indent"))
    return textFilter(at, filter, input, given);
  if (oneOf(filter, "map", "select", "reject", "selectattr", "rejectattr"))
    return selectFilter(at, filter, input, given);
  return listFilter(at, filter, input, given);
}

JinjaValue JinjaEvaluator::textFilter(const JinjaNode &at,
                                      const std::string &filter,
                                      const Value &input,
                                      const JinjaArguments &given) {
  std::string self = jinjaPrint(input);
  steps += self.size() / 16;
  if (!spend(at, self.size()))
    return {};
  if (oneOf(filter, "string", "safe"))
    return text(at, std::move(self));
  if (filter == "trim")
    return text(at, stripText(self, given.text(0, "chars"), true, true));
  if (filter == "upper")
    return text(at, changeCase(self, JinjaCase::Upper));
  if (filter == "lower")
    return text(at, changeCase(self, JinjaCase::Lower));
  if (filter == "title")
    return text(at, changeCase(self, JinjaCase::Words));
  if (filter == "capitalize")
    return text(at, changeCase(self, JinjaCase::Capital));
  if (filter == "replace") {
    const std::string *from = given.text(0, "old");
    const std::string *to = given.text(1, "new");
    if (!from || !to || from->empty())
      return fail(at, "replace needs two texts, the first not empty");
    if (to->size() > from->size() &&
        !spend(at, self.size() / from->size() * (to->size() - from->size())))
      return {};
    return text(at,
                replaceAll(self, *from, *to, given.integer(2, "count", -1)));
  }
  // indent: white space before every line but the first and empty ones.
  const std::string *prefix = given.text(0, "width");
  int64_t spaces = given.integer(0, "width", 4);
  if (spaces < 0 || spaces > 64)
    return fail(at, "indent must be 0 to 64");
  std::string pad = prefix ? *prefix : std::string(size_t(spaces), ' ');
  const bool first = given.truth(1, "first");
  const bool blank = given.truth(2, "blank");
  size_t lines = size_t(std::ranges::count(self, '\n')) + 1;
  if (!spend(at, lines * pad.size()))
    return {};
  std::string out;
  bool lineStart = first;
  for (char c : self) {
    if (lineStart && (blank || c != '\n'))
      out += pad;
    out += c;
    lineStart = c == '\n';
  }
  return text(at, std::move(out));
}

JinjaValue JinjaEvaluator::listFilter(const JinjaNode &at,
                                      const std::string &filter,
                                      const Value &input,
                                      const JinjaArguments &given) {
  if (!oneOf(filter, "first", "last", "join", "list", "reverse", "unique",
             "sort", "dictsort"))
    return fail(at,
                "the filter '" + filter.substr(0, 100) + "' is not supported");
  if (filter == "dictsort") {
    if (!input.is<Value::Dict>())
      return fail(at, std::string("dictsort of ") + input.typeName());
    std::vector<std::pair<std::string, Value>> entries;
    std::vector<std::string> order;
    for (const auto &[key, value] : input.as<Value::Dict>()->items)
      order.push_back(key);
    std::ranges::sort(order, {}, [](const std::string &key) {
      return std::pair(changeCase(key, JinjaCase::Lower), key);
    });
    for (const std::string &key : order)
      entries.emplace_back(key, *input.as<Value::Dict>()->find(key));
    return callMethod(at, dict(at, std::move(entries)), "items", {});
  }
  std::vector<Value> items = iterate(at, input);
  if (failed())
    return {};
  if (filter == "first")
    return items.empty() ? Value() : items.front();
  if (filter == "last")
    return items.empty() ? Value() : items.back();
  if (filter == "join") {
    const Value *separator = given.get(0, "d");
    const std::string *key = given.text(1, "attribute");
    std::string between = separator ? jinjaPrint(*separator) : "";
    std::string out;
    for (size_t i = 0; i < items.size() && !failed(); ++i) {
      std::string part =
          jinjaPrint(key ? member(at, items[i], *key) : items[i]);
      if (!spend(at, part.size() + between.size()))
        return {};
      out += i ? between : "";
      out += part;
    }
    return failed() ? Value() : text(at, std::move(out));
  }
  if (filter == "reverse") {
    std::ranges::reverse(items);
    if (input.isText())
      return filterJoin(at, items);
  } else if (filter == "unique") {
    std::vector<Value> kept;
    for (Value &item : items) {
      steps += kept.size();
      if (!step(at))
        return {};
      if (std::ranges::none_of(kept, [&](const Value &other) {
            return jinjaEqual(item, other);
          }))
        kept.push_back(std::move(item));
    }
    items = std::move(kept);
  } else if (filter == "sort") {
    if (!sortItems(items, given))
      return fail(at, "only texts or numbers can be sorted");
  }
  return list(at, std::move(items));
}

JinjaValue JinjaEvaluator::filterJoin(const JinjaNode &at,
                                      const std::vector<Value> &parts) {
  std::string out;
  for (const Value &part : parts)
    out += part.text();
  return text(at, std::move(out));
}

JinjaValue JinjaEvaluator::selectFilter(const JinjaNode &at,
                                        const std::string &filter,
                                        const Value &input,
                                        const JinjaArguments &given) {
  std::vector<Value> items = iterate(at, input), kept;
  const std::string *first = given.text(0, "attribute");
  if (filter == "map") {
    const Value *key = given.get(SIZE_MAX, "attribute");
    const Value *otherwise = given.get(SIZE_MAX, "default");
    JinjaArguments rest;
    if (!key && !given.positional.empty())
      rest.positional.assign(given.positional.begin() + 1,
                             given.positional.end());
    if (!key)
      rest.keywords = given.keywords;
    if (!first || (key && !key->isText()))
      return fail(at, "map needs a filter's name or attribute='...'");
    for (const Value &item : items) {
      if (failed())
        return {};
      Value mapped =
          key ? member(at, item, *first) : this->filter(at, *first, item, rest);
      kept.push_back(mapped.isUndefined() && otherwise ? *otherwise : mapped);
    }
    return failed() ? Value() : list(at, std::move(kept));
  }
  const bool byKey = filter.ends_with("attr");
  const bool wanted = filter.starts_with("select");
  if (byKey && !first)
    return fail(at, filter + " needs an attribute");
  const size_t testAt = byKey ? 1 : 0;
  const std::string *testName = given.text(testAt, "");
  JinjaArguments rest;
  if (given.positional.size() > testAt + 1)
    rest.positional.assign(given.positional.begin() + ptrdiff_t(testAt) + 1,
                           given.positional.end());
  for (const Value &item : items) {
    if (failed())
      return {};
    Value probe = byKey ? member(at, item, *first) : item;
    bool holds = testName ? test(at, *testName, probe, rest) : probe.truth();
    if (holds == wanted)
      kept.push_back(item);
  }
  return failed() ? Value() : list(at, std::move(kept));
}

bool JinjaEvaluator::test(const JinjaNode &at, const std::string &test,
                          const Value &input, const JinjaArguments &given) {
  if (!step(at))
    return false;
  if (test == "defined")
    return !input.isUndefined();
  if (test == "undefined")
    return input.isUndefined();
  if (test == "none")
    return input.isNone();
  if (test == "string")
    return input.isText();
  if (test == "mapping")
    return input.is<Value::Dict>();
  if (oneOf(test, "iterable", "sequence"))
    return input.isText() || input.is<Value::List>() ||
           input.is<Value::Dict>() ||
           (test == "iterable" && input.isUndefined());
  if (test == "number")
    return input.isNumber();
  if (test == "integer")
    return input.is<int64_t>();
  if (test == "float")
    return input.is<double>();
  if (test == "boolean")
    return input.is<bool>();
  if (oneOf(test, "true", "false"))
    return input.is<bool>() && input.as<bool>() == (test == "true");
  if (test == "callable")
    return input.is<Value::Macro>() || input.is<JinjaFunction>();
  if (oneOf(test, "odd", "even")) {
    if (!input.isInteger())
      fail(at, std::string("'") + test + "' of " + input.typeName());
    return !failed() && (input.integer() % 2 != 0) == (test == "odd");
  }
  const Value *other = given.get(0, "other");
  static constexpr std::pair<std::string_view, std::string_view> orders[] = {
      {"lt", "<"}, {"lessthan", "<"},    {"le", "<="},
      {"gt", ">"}, {"greaterthan", ">"}, {"ge", ">="}};
  const auto *known = std::ranges::find(
      orders, test, [](const auto &entry) { return entry.first; });
  if (!oneOf(test, "equalto", "eq", "sameas", "ne", "in", "divisibleby") &&
      known == std::end(orders)) {
    fail(at, "the test '" + test.substr(0, 100) + "' is not supported");
    return false;
  }
  if (!other) {
    fail(at, "the test '" + test + "' needs an argument");
    return false;
  }
  if (oneOf(test, "equalto", "eq", "sameas"))
    return jinjaEqual(input, *other);
  if (test == "ne")
    return !jinjaEqual(input, *other);
  if (test == "in")
    return contains(at, *other, input);
  if (test == "divisibleby") {
    if (!input.isInteger() || !other->isInteger() || other->integer() == 0)
      fail(at, "divisibleby needs integers, the second not zero");
    return !failed() &&
           (other->integer() == -1 || input.integer() % other->integer() == 0);
  }
  std::optional<int> sign = order(at, input, *other);
  return sign && (known->second == "<"    ? *sign < 0
                  : known->second == "<=" ? *sign <= 0
                  : known->second == ">"  ? *sign > 0
                                          : *sign >= 0);
}

} // namespace hetagon
