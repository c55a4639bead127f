// The functions that templates may call, and the methods of their values. They
// follow Python.
#include "runtime/models/JinjaEval.h"
#include "runtime/models/JinjaText.h"
#include <algorithm>
#include <cmath>
#include <ctime>

namespace hetagon {

namespace {

using Value = JinjaValue;

template <typename... Names>
bool oneOf(const std::string &name, Names... names) {
  return ((name == names) || ...);
}

} // namespace

bool JinjaEvaluator::isFunction(std::string_view name) {
  return name == "namespace" || name == "dict" || name == "range" ||
         name == "raise_exception" || name == "strftime_now";
}

JinjaValue JinjaEvaluator::callFunction(const JinjaNode &at,
                                        const std::string &function,
                                        const JinjaArguments &given) {
  if (function == "namespace" || function == "dict") {
    if (!given.positional.empty())
      return fail(at, function + " takes keyword arguments only");
    if (function == "dict")
      return dict(at, given.keywords);
    auto made = std::make_shared<JinjaNamespace>();
    for (const auto &[key, value] : given.keywords)
      if (!storable(at, value))
        return {};
    made->members.items = given.keywords;
    return {std::move(made)};
  }
  if (function == "raise_exception") {
    const Value *message = given.get(0, "message");
    return fail(at, message ? jinjaPrint(*message)
                            : "the template refuses these messages");
  }
  if (function == "strftime_now") {
    const std::string *format = given.text(0, "format");
    return format ? clock(at, *format)
                  : fail(at, "strftime_now needs a format");
  }
  if (function == "range") {
    const auto &bounds = given.positional;
    if (bounds.empty() || bounds.size() > 3 ||
        !std::ranges::all_of(bounds, &Value::isInteger))
      return fail(at, "range takes one to three integers");
    int64_t from = bounds.size() > 1 ? bounds[0].integer() : 0;
    int64_t to = bounds[bounds.size() > 1].integer();
    int64_t stride = bounds.size() > 2 ? bounds[2].integer() : 1;
    if (stride == 0 || std::abs(double(from)) > 1e15 ||
        std::abs(double(to)) > 1e15 || std::abs(double(stride)) > 1e15)
      return fail(at, "range is given a step of zero or a huge number");
    std::vector<Value> items;
    for (int64_t i = from; stride > 0 ? i < to : i > to; i += stride) {
      if (!spend(at, sizeof(Value)))
        return {};
      items.push_back({i});
    }
    return list(at, std::move(items));
  }
  return fail(at, "'" + function.substr(0, 100) + "' is not defined");
}

JinjaValue JinjaEvaluator::clock(const JinjaNode &at,
                                 const std::string &format) {
  std::time_t seconds =
      options.now ? std::time_t(*options.now) : std::time(nullptr);
  std::tm parts = {};
  if (!(options.now ? gmtime_r(&seconds, &parts)
                    : localtime_r(&seconds, &parts)))
    return fail(at, "the time is out of range");
  if (format.size() > 200 || format.find('\0') != std::string::npos)
    return fail(at, "the time format is too long or holds a zero byte");
  // A mark at the end tells an empty result from one that does not fit.
  char buffer[1024];
  size_t length =
      std::strftime(buffer, sizeof buffer, (format + "|").c_str(), &parts);
  if (length == 0)
    return fail(at, "the time format makes too long a text");
  return text(at, std::string(buffer, length - 1));
}

JinjaValue JinjaEvaluator::callMethod(const JinjaNode &at, const Value &self,
                                      const std::string &method,
                                      const JinjaArguments &given) {
  if (self.isText())
    return textMethod(at, self.text(), method, given);
  if (self.is<Value::Dict>()) {
    if (method == "get") {
      const std::string *key = given.text(0, "key");
      const Value *found = key ? self.as<Value::Dict>()->find(*key) : nullptr;
      const Value *otherwise = given.get(1, "default");
      return found ? *found : otherwise ? *otherwise : Value{JinjaNone()};
    }
    std::vector<Value> items;
    for (const auto &[key, value] : self.as<Value::Dict>()->items) {
      if (failed())
        return {};
      if (method == "keys")
        items.push_back(text(at, key));
      else if (method == "values")
        items.push_back(value);
      else if (method == "items")
        items.push_back(list(at, {text(at, key), value}, /*tuple=*/true));
      else
        break;
    }
    if (oneOf(method, "keys", "values", "items"))
      return failed() ? Value() : list(at, std::move(items));
    const Value *macro = self.as<Value::Dict>()->find(method);
    if (macro && macro->is<Value::Macro>())
      return callMacro(at, *macro->as<Value::Macro>(), given);
  }
  if (self.is<Value::Namespace>()) {
    const Value *macro = self.as<Value::Namespace>()->members.find(method);
    if (macro && macro->is<Value::Macro>())
      return callMacro(at, *macro->as<Value::Macro>(), given);
  }
  return fail(at, std::string(self.typeName()) + " has no method '" +
                      method.substr(0, 100) + "'");
}

JinjaValue JinjaEvaluator::split(const JinjaNode &at, const std::string &self,
                                 const JinjaArguments &given, bool fromRight) {
  const std::string *separator = given.text(0, "sep");
  int64_t limit = given.integer(1, "maxsplit", -1);
  std::vector<std::string> parts;
  if (separator) {
    if (separator->empty())
      return fail(at, "split with an empty separator");
    std::string_view rest = self;
    for (; limit != 0; --limit) {
      size_t found = fromRight ? rest.rfind(*separator) : rest.find(*separator);
      if (found == std::string_view::npos)
        break;
      size_t after = found + separator->size();
      parts.emplace_back(fromRight ? rest.substr(after)
                                   : rest.substr(0, found));
      rest = fromRight ? rest.substr(0, found) : rest.substr(after);
    }
    parts.emplace_back(rest);
    if (fromRight)
      std::ranges::reverse(parts);
  } else {
    if (fromRight && limit >= 0)
      return fail(at, "rsplit at white space with a limit is not supported");
    std::vector<int32_t> points = codePoints(self);
    size_t i = 0;
    while (true) {
      while (i < points.size() && isTextSpace(points[i]))
        ++i;
      if (i == points.size())
        break;
      size_t begin = i;
      bool last = limit-- == 0;
      while (i < points.size() && (last || !isTextSpace(points[i])))
        ++i;
      parts.push_back(fromCodePoints(points.data() + begin, i - begin));
    }
    if (limit < -1 && !parts.empty() && given.get(1, "maxsplit"))
      parts.back() = stripText(parts.back(), nullptr, false, true);
  }
  std::vector<Value> items;
  for (std::string &part : parts)
    items.push_back(text(at, std::move(part)));
  return failed() ? Value() : list(at, std::move(items));
}

JinjaValue JinjaEvaluator::textMethod(const JinjaNode &at,
                                      const std::string &self,
                                      const std::string &method,
                                      const JinjaArguments &given) {
  steps += self.size() / 16;
  if (oneOf(method, "strip", "lstrip", "rstrip"))
    return text(at, stripText(self, given.text(0, "chars"), method != "rstrip",
                              method != "lstrip"));
  if (oneOf(method, "split", "rsplit"))
    return split(at, self, given, method == "rsplit");
  if (oneOf(method, "startswith", "endswith")) {
    const Value *wanted = given.get(0, "prefix");
    std::vector<Value> choices;
    if (wanted && wanted->is<Value::List>())
      choices = wanted->as<Value::List>()->items;
    else if (wanted)
      choices = {*wanted};
    for (const Value &choice : choices) {
      if (!choice.isText())
        return fail(at, method + " needs a text");
      if (method == "startswith" ? self.starts_with(choice.text())
                                 : self.ends_with(choice.text()))
        return {true};
    }
    return wanted ? Value{false} : fail(at, method + " needs a text");
  }
  if (method == "upper")
    return text(at, changeCase(self, JinjaCase::Upper));
  if (method == "lower")
    return text(at, changeCase(self, JinjaCase::Lower));
  if (method == "title")
    return text(at, changeCase(self, JinjaCase::Title));
  if (method == "capitalize")
    return text(at, changeCase(self, JinjaCase::Capital));
  if (method == "replace")
    return filter(at, "replace", text(at, self), given);
  if (method == "join" && given.positional.size() == 1) {
    JinjaArguments separator;
    separator.positional.push_back(text(at, self));
    return filter(at, "join", given.positional[0], separator);
  }
  if (oneOf(method, "find", "count")) {
    const std::string *wanted = given.text(0, "sub");
    if (!wanted || wanted->empty())
      return fail(at, method + " needs a text that is not empty");
    size_t found = self.find(*wanted);
    if (method == "find")
      return {found == std::string::npos
                  ? int64_t(-1)
                  : int64_t(codePoints(self.substr(0, found)).size())};
    int64_t count = 0;
    for (; found != std::string::npos;
         found = self.find(*wanted, found + wanted->size()))
      ++count;
    return {count};
  }
  if (method == "isdigit")
    return {!self.empty() && std::ranges::all_of(self, [](char c) {
      return c >= '0' && c <= '9';
    })};
  if (method == "splitlines") {
    std::vector<Value> lines;
    for (size_t begin = 0; begin < self.size() && !failed();) {
      size_t end = std::min(self.find('\n', begin), self.size());
      lines.push_back(text(at, self.substr(begin, end - begin)));
      begin = end + 1;
    }
    return failed() ? Value() : list(at, std::move(lines));
  }
  return fail(at, "a text has no method '" + method.substr(0, 100) + "'");
}

} // namespace hetagon
