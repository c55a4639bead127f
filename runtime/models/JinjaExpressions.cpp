// Expressions of templates.
#include "runtime/models/JinjaEval.h"
#include "runtime/models/JinjaText.h"
#include <algorithm>
#include <cmath>

namespace hetagon {

namespace {

using Kind = JinjaNode::Kind;
using Value = JinjaValue;

std::string inQuotes(std::string_view text) {
  return "'" + std::string(text.substr(0, 100)) + "'";
}

} // namespace

JinjaValue JinjaEvaluator::eval(const JinjaNode &node, Scope &scope) {
  Deeper deeper(*this, node);
  if (!step(node))
    return {};
  switch (node.kind) {
  case Kind::String:
    return text(node, node.text);
  case Kind::Integer:
    return {node.integer};
  case Kind::Float:
    return {node.number};
  case Kind::Constant:
    if (node.text == "none")
      return {JinjaNone()};
    return {node.text == "true"};
  case Kind::Name:
    return evalName(node, scope);
  case Kind::List: {
    std::vector<Value> items;
    for (const JinjaNodePtr &child : node.children)
      items.push_back(eval(*child, scope));
    return failed() ? Value() : list(node, std::move(items), node.flag);
  }
  case Kind::Dict: {
    std::vector<std::pair<std::string, Value>> items;
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      Value key = eval(*node.children[i], scope);
      if (!failed() && !key.isText())
        fail(*node.children[i], "only texts are supported as keys");
      if (failed())
        return {};
      Value item = eval(*node.children[i + 1], scope);
      auto same = std::ranges::find(
          items, key.text(),
          [](const auto &entry) -> const auto & { return entry.first; });
      if (same != items.end())
        same->second = std::move(item);
      else
        items.emplace_back(key.text(), std::move(item));
    }
    return failed() ? Value() : dict(node, std::move(items));
  }
  case Kind::Attribute:
    return member(node, eval(*node.children[0], scope), node.text);
  case Kind::Subscript: {
    Value container = eval(*node.children[0], scope);
    return subscript(node, container, eval(*node.children[1], scope));
  }
  case Kind::Slice:
    return evalSlice(node, scope);
  case Kind::Call:
    return evalCall(node, scope);
  case Kind::Filter: {
    Value input = eval(*node.children[0], scope);
    JinjaArguments given = arguments(node, scope);
    return failed() ? Value() : filter(node, node.text, input, given);
  }
  case Kind::Test: {
    Value input = eval(*node.children[0], scope);
    JinjaArguments given = arguments(node, scope);
    if (failed())
      return {};
    return {test(node, node.text, input, given) != node.flag};
  }
  case Kind::Unary:
    return evalUnary(node, scope);
  case Kind::Binary:
    return evalBinary(node, scope);
  case Kind::Compare:
    return evalCompare(node, scope);
  case Kind::Conditional:
    if (eval(*node.children[1], scope).truth())
      return eval(*node.children[0], scope);
    return node.children[2] ? eval(*node.children[2], scope) : Value();
  default:
    return fail(node, "a statement where an expression should be",
                Code::Internal);
  }
}

JinjaValue JinjaEvaluator::evalName(const JinjaNode &node, Scope &scope) {
  const Value *found = scope.find(node.text);
  if (found)
    return *found;
  return isFunction(node.text) ? Value{JinjaFunction()} : Value();
}

JinjaValue JinjaEvaluator::evalUnary(const JinjaNode &node, Scope &scope) {
  Value value = eval(*node.children[0], scope);
  if (failed())
    return {};
  if (node.text == "not")
    return {!value.truth()};
  if (!value.isNumber())
    return fail(node, "'" + node.text + "' of " + value.typeName());
  if (value.is<double>())
    return {node.text == "-" ? -value.number() : value.number()};
  int64_t result = value.integer();
  if (node.text == "-" && __builtin_sub_overflow(int64_t(0), result, &result))
    return fail(node, "an integer overflows", Code::OutOfRange);
  return {result};
}

JinjaValue JinjaEvaluator::evalBinary(const JinjaNode &node, Scope &scope) {
  Value left = eval(*node.children[0], scope);
  if (failed())
    return {};
  if (node.text == "and")
    return left.truth() ? eval(*node.children[1], scope) : left;
  if (node.text == "or")
    return left.truth() ? left : eval(*node.children[1], scope);
  Value right = eval(*node.children[1], scope);
  if (failed())
    return {};
  return arithmetic(node, left, right);
}

JinjaValue JinjaEvaluator::arithmetic(const JinjaNode &node, const Value &a,
                                      const Value &b) {
  const std::string &op = node.text;
  if (op == "~") {
    std::string joined = jinjaPrint(a);
    if (!spend(node, joined.size()))
      return {};
    return text(node, std::move(joined) + jinjaPrint(b));
  }
  if (op == "+" && a.isText() && b.isText()) {
    if (!spend(node, a.text().size() + b.text().size()))
      return {};
    return text(node, a.text() + b.text());
  }
  if (op == "+" && a.is<Value::List>() && b.is<Value::List>()) {
    std::vector<Value> items = a.as<Value::List>()->items;
    const auto &more = b.as<Value::List>()->items;
    items.insert(items.end(), more.begin(), more.end());
    return list(node, std::move(items), a.as<Value::List>()->tuple);
  }
  if (op == "*" && a.isText() && b.isInteger()) {
    size_t times = size_t(std::max<int64_t>(b.integer(), 0));
    size_t total = 0;
    if (__builtin_mul_overflow(times, a.text().size(), &total) ||
        !spend(node, total))
      return fail(node, "the template makes too much text",
                  Code::ResourceExhausted);
    std::string repeated;
    repeated.reserve(total);
    for (; total > 0 && times > 0; --times)
      repeated += a.text();
    return text(node, std::move(repeated));
  }
  if (!a.isNumber() || !b.isNumber())
    return fail(node, "'" + op + "' between " + a.typeName() + " and " +
                          b.typeName());
  const bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b.number() == 0)
    return fail(node, "division by zero");
  if (op == "/")
    return {a.number() / b.number()};
  if (a.isInteger() && b.isInteger()) {
    int64_t x = a.integer(), y = b.integer(), result = 0;
    bool overflow = false;
    if (op == "+")
      overflow = __builtin_add_overflow(x, y, &result);
    else if (op == "-")
      overflow = __builtin_sub_overflow(x, y, &result);
    else if (op == "*")
      overflow = __builtin_mul_overflow(x, y, &result);
    else if (y == -1)
      overflow = op == "//" && __builtin_sub_overflow(int64_t(0), x, &result);
    else {
      int64_t quotient = x / y, rest = x % y;
      bool below = rest != 0 && (rest < 0) != (y < 0);
      result = op == "//" ? quotient - below : rest + (below ? y : 0);
    }
    if (overflow)
      return fail(node, "an integer overflows", Code::OutOfRange);
    return {result};
  }
  double x = a.number(), y = b.number();
  if (op == "//")
    return {std::floor(x / y)};
  if (op == "%")
    return {x - y * std::floor(x / y)};
  return {op == "+" ? x + y : op == "-" ? x - y : x * y};
}

std::optional<int> JinjaEvaluator::order(const JinjaNode &at, const Value &a,
                                         const Value &b) {
  if (a.isNumber() && b.isNumber()) {
    if (a.isInteger() && b.isInteger())
      return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
    return a.number() < b.number() ? -1 : a.number() > b.number();
  }
  if (a.isText() && b.isText()) {
    int sign = a.text().compare(b.text());
    return sign < 0 ? -1 : sign > 0;
  }
  fail(at,
       std::string("cannot order ") + a.typeName() + " and " + b.typeName());
  return std::nullopt;
}

bool JinjaEvaluator::contains(const JinjaNode &at, const Value &container,
                              const Value &item) {
  if (container.isText()) {
    if (!item.isText())
      fail(at, std::string("'in' looks for ") + item.typeName() + " in a text");
    return !failed() && container.text().find(item.text()) != std::string::npos;
  }
  if (container.is<Value::Dict>())
    return item.isText() && container.as<Value::Dict>()->find(item.text());
  if (container.is<Value::List>()) {
    const auto &items = container.as<Value::List>()->items;
    steps += items.size();
    return std::ranges::any_of(
        items, [&](const Value &each) { return jinjaEqual(each, item); });
  }
  if (!container.isUndefined())
    fail(at, std::string("'in' ") + container.typeName());
  return false;
}

JinjaValue JinjaEvaluator::evalCompare(const JinjaNode &node, Scope &scope) {
  Value left = eval(*node.children[0], scope);
  for (size_t i = 0; i < node.names.size() && !failed(); ++i) {
    Value right = eval(*node.children[i + 1], scope);
    if (failed())
      return {};
    const std::string &op = node.names[i];
    bool holds = false;
    if (op == "==" || op == "!=") {
      holds = jinjaEqual(left, right) == (op == "==");
    } else if (op == "in" || op == "not in") {
      holds = contains(node, right, left) == (op == "in");
    } else if (auto sign = order(node, left, right)) {
      holds = op == "<"    ? *sign < 0
              : op == "<=" ? *sign <= 0
              : op == ">"  ? *sign > 0
                           : *sign >= 0;
    }
    if (failed() || !holds)
      return {false};
    left = std::move(right);
  }
  return {true};
}

JinjaValue JinjaEvaluator::member(const JinjaNode &at, const Value &value,
                                  std::string_view key) {
  if (failed())
    return {};
  const Value *found = nullptr;
  if (value.is<Value::Dict>()) {
    const JinjaDict &dict = *value.as<Value::Dict>();
    steps += dict.items.size() / 16;
    found = dict.find(key);
  } else if (value.is<Value::Namespace>()) {
    found = value.as<Value::Namespace>()->members.find(key);
  } else if (value.isUndefined()) {
    return fail(at, "'" + std::string(key.substr(0, 100)) +
                        "' of an undefined value");
  }
  return found ? *found : Value();
}

JinjaValue JinjaEvaluator::subscript(const JinjaNode &at, const Value &value,
                                     const Value &index) {
  if (failed())
    return {};
  if (index.isText())
    return member(at, value, index.text());
  if (value.isUndefined())
    return fail(at, "an element of an undefined value");
  if (!index.isInteger())
    return {};
  int64_t i = index.integer();
  if (value.is<Value::List>()) {
    const auto &items = value.as<Value::List>()->items;
    i += i < 0 ? int64_t(items.size()) : 0;
    return i >= 0 && i < int64_t(items.size()) ? items[size_t(i)] : Value();
  }
  if (value.isText()) {
    steps += value.text().size() / 16;
    std::vector<int32_t> points = codePoints(value.text());
    i += i < 0 ? int64_t(points.size()) : 0;
    return i >= 0 && i < int64_t(points.size())
               ? text(at, fromCodePoints(&points[size_t(i)], 1))
               : Value();
  }
  return {};
}

JinjaValue JinjaEvaluator::evalSlice(const JinjaNode &node, Scope &scope) {
  Value value = eval(*node.children[0], scope);
  std::optional<int64_t> bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!node.children[i + 1])
      continue;
    Value bound = eval(*node.children[i + 1], scope);
    if (failed())
      return {};
    if (bound.isInteger())
      bounds[i] = bound.integer();
    else if (!bound.isNone())
      return fail(node, std::string("a slice bound is ") + bound.typeName());
  }
  if (failed())
    return {};
  if (!value.isText() && !value.is<Value::List>())
    return fail(node, std::string("a slice of ") + value.typeName());
  std::vector<int32_t> points;
  if (value.isText()) {
    steps += value.text().size() / 16;
    points = codePoints(value.text());
  }
  const int64_t count = value.isText()
                            ? int64_t(points.size())
                            : int64_t(value.as<Value::List>()->items.size());
  const int64_t stride = bounds[2].value_or(1);
  if (stride == 0)
    return fail(node, "a slice's step is zero");
  auto clamp = [&](int64_t at) {
    at = at < -count ? -1 : at < 0 ? at + count : at;
    return stride > 0 ? std::clamp<int64_t>(at, 0, count)
                      : std::clamp<int64_t>(at, -1, count - 1);
  };
  int64_t from = bounds[0] ? clamp(*bounds[0]) : stride > 0 ? 0 : count - 1;
  int64_t to = bounds[1] ? clamp(*bounds[1]) : stride > 0 ? count : -1;
  std::vector<Value> items;
  std::vector<int32_t> kept;
  // A step beyond either end visits one element; this also avoids overflow.
  const int64_t pace = std::clamp<int64_t>(stride, -count - 1, count + 1);
  for (int64_t i = from; pace > 0 ? i < to : i > to; i += pace)
    if (value.isText())
      kept.push_back(points[size_t(i)]);
    else
      items.push_back(value.as<Value::List>()->items[size_t(i)]);
  return value.isText() ? text(node, fromCodePoints(kept.data(), kept.size()))
                        : list(node, std::move(items));
}

JinjaArguments JinjaEvaluator::arguments(const JinjaNode &node, Scope &scope) {
  JinjaArguments result;
  for (size_t i = 0; i < node.names.size() && !failed(); ++i) {
    Value value = eval(*node.children[i + 1], scope);
    if (node.names[i].empty())
      result.positional.push_back(std::move(value));
    else
      result.keywords.emplace_back(node.names[i], std::move(value));
  }
  return result;
}

JinjaValue JinjaEvaluator::evalCall(const JinjaNode &node, Scope &scope) {
  const JinjaNode &callee = *node.children[0];
  if (callee.kind == Kind::Attribute) {
    Value self = eval(*callee.children[0], scope);
    JinjaArguments given = arguments(node, scope);
    return failed() ? Value() : callMethod(node, self, callee.text, given);
  }
  if (callee.kind != Kind::Name)
    return fail(node, "only functions, macros and methods can be called");
  const Value *found = scope.find(callee.text);
  if (found && !found->is<Value::Macro>())
    return fail(node, inQuotes(callee.text) + " is " + found->typeName() +
                          " and cannot be called");
  const JinjaNode *macro = found ? found->as<Value::Macro>() : nullptr;
  JinjaArguments given = arguments(node, scope);
  if (failed())
    return {};
  return macro ? callMacro(node, *macro, given)
               : callFunction(node, callee.text, given);
}

JinjaValue JinjaEvaluator::callMacro(const JinjaNode &at,
                                     const JinjaNode &macro,
                                     const JinjaArguments &given) {
  if (given.positional.size() > macro.names.size())
    return fail(at, "too many arguments for the macro " + inQuotes(macro.text));
  for (const auto &[key, value] : given.keywords)
    if (std::ranges::find(macro.names, key) == macro.names.end())
      return fail(at, "the macro " + inQuotes(macro.text) +
                          " has no parameter " + inQuotes(key));
  Scope scope;
  scope.parent = top;
  const size_t withoutDefault = macro.names.size() + 1 - macro.children.size();
  for (size_t i = 0; i < macro.names.size() && !failed(); ++i) {
    const Value *value = given.get(i, macro.names[i]);
    scope.set(macro.names[i],
              value ? *value
              : i >= withoutDefault
                  ? eval(*macro.children[i - withoutDefault + 1], scope)
                  : Value());
  }
  std::string out;
  if (!failed())
    run(*macro.children[0], scope, out);
  return failed() ? Value() : text(at, std::move(out));
}

std::vector<JinjaValue> JinjaEvaluator::iterate(const JinjaNode &at,
                                                const Value &value) {
  std::vector<Value> items;
  if (failed() || value.isUndefined())
    return items;
  if (value.is<Value::List>()) {
    if (spend(at, value.as<Value::List>()->items.size() * sizeof(Value)))
      items = value.as<Value::List>()->items;
  } else if (value.is<Value::Dict>()) {
    for (const auto &entry : value.as<Value::Dict>()->items)
      items.push_back(text(at, entry.first));
  } else if (value.isText()) {
    std::vector<int32_t> points = codePoints(value.text());
    for (const int32_t &point : points) {
      if (failed())
        break;
      items.push_back(text(at, fromCodePoints(&point, 1)));
    }
  } else {
    fail(at, std::string("cannot iterate over ") + value.typeName());
  }
  return items;
}

} // namespace hetagon
