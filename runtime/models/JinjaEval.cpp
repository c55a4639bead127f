// Statements of templates, scopes, and the bounds on a rendering.
#include "runtime/models/JinjaEval.h"
#include <algorithm>

namespace hetagon {

namespace {

using Kind = JinjaNode::Kind;
using Value = JinjaValue;

constexpr uint32_t maxValueDepth = 200;

std::string inQuotes(std::string_view text) {
  return "'" + std::string(text.substr(0, 100)) + "'";
}

} // namespace

const JinjaValue *JinjaArguments::get(size_t index,
                                      std::string_view keyword) const {
  for (const auto &[key, value] : keywords)
    if (key == keyword)
      return &value;
  return index < positional.size() ? &positional[index] : nullptr;
}

const JinjaValue *JinjaEvaluator::Scope::find(std::string_view name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    for (const auto &[key, value] : scope->names)
      if (key == name)
        return &value;
  return nullptr;
}

void JinjaEvaluator::Scope::set(const std::string &name, JinjaValue value) {
  for (auto &[key, old] : names)
    if (key == name) {
      old = std::move(value);
      return;
    }
  names.emplace_back(name, std::move(value));
}

StatusOr<std::string> JinjaEvaluator::render(const JinjaNode &root,
                                             const Json &variables) {
  if (!variables.is_object())
    return Status(Code::InvalidArgument,
                  "a template's variables must be an object");
  Scope context, local;
  for (const auto &[key, value] : variables.items()) {
    context.names.emplace_back(key, jinjaFromJson(value));
    if (context.names.back().second.depth() > maxValueDepth)
      return Status(Code::InvalidArgument,
                    "the variable '" + key + "' is nested too deep");
  }
  local.parent = &context;
  top = &local;
  std::string out;
  run(root, local, out);
  if (failed())
    return status;
  return out;
}

JinjaValue JinjaEvaluator::fail(const JinjaNode &at, std::string message,
                                Code code) {
  if (status.isOk())
    status =
        Status(code, std::move(message), Place{name, at.line, at.column, {}});
  return {};
}

bool JinjaEvaluator::step(const JinjaNode &at) {
  if (failed())
    return false;
  if (++steps > options.maxSteps)
    fail(at, "the template takes too many steps", Code::ResourceExhausted);
  return !failed();
}

bool JinjaEvaluator::spend(const JinjaNode &at, size_t count) {
  if (failed())
    return false;
  if (count > options.maxBytes || bytes > options.maxBytes - count)
    fail(at, "the template makes too much text", Code::ResourceExhausted);
  else
    bytes += count;
  return !failed();
}

JinjaValue JinjaEvaluator::text(const JinjaNode &at, std::string value) {
  if (!spend(at, value.size() + 48))
    return {};
  return Value::of(std::move(value));
}

bool JinjaEvaluator::storable(const JinjaNode &at, const JinjaValue &value) {
  if (value.is<Value::Namespace>())
    fail(at, "a namespace cannot be part of another value");
  else if (value.depth() >= maxValueDepth)
    fail(at, "values are nested too deep");
  return !failed();
}

JinjaValue JinjaEvaluator::list(const JinjaNode &at,
                                std::vector<JinjaValue> items, bool tuple) {
  if (!spend(at, items.size() * sizeof(Value) + 64))
    return {};
  auto made = std::make_shared<JinjaList>();
  made->tuple = tuple;
  for (const Value &item : items) {
    if (!storable(at, item))
      return {};
    made->depth = std::max(made->depth, item.depth() + 1);
    made->weight += item.weight();
    if (made->weight > options.maxBytes / 16)
      return fail(at, "a list grows too large", Code::ResourceExhausted);
  }
  made->items = std::move(items);
  return {Value::List(std::move(made))};
}

JinjaValue
JinjaEvaluator::dict(const JinjaNode &at,
                     std::vector<std::pair<std::string, JinjaValue>> items) {
  auto made = std::make_shared<JinjaDict>();
  for (const auto &[key, item] : items) {
    if (!storable(at, item) || !spend(at, key.size() + 64))
      return {};
    made->depth = std::max(made->depth, item.depth() + 1);
    made->weight += item.weight() + key.size() / 16 + 1;
    if (made->weight > options.maxBytes / 16)
      return fail(at, "a dictionary grows too large", Code::ResourceExhausted);
  }
  made->items = std::move(items);
  return {Value::Dict(std::move(made))};
}

void JinjaEvaluator::emit(const JinjaNode &at, std::string_view text,
                          std::string &out) {
  if (spend(at, text.size()))
    out += text;
}

JinjaEvaluator::Flow JinjaEvaluator::run(const JinjaNode &node, Scope &scope,
                                         std::string &out) {
  Deeper deeper(*this, node);
  if (!step(node))
    return Flow::Next;
  switch (node.kind) {
  case Kind::Sequence:
    for (const JinjaNodePtr &child : node.children) {
      Flow flow = run(*child, scope, out);
      if (failed() || flow != Flow::Next)
        return flow;
    }
    return Flow::Next;
  case Kind::Text:
    emit(node, node.text, out);
    return Flow::Next;
  case Kind::Print: {
    Value value = eval(*node.children[0], scope);
    if (failed())
      return Flow::Next;
    if (value.isText())
      emit(node, value.text(), out);
    else
      emit(node, jinjaPrint(value), out);
    return Flow::Next;
  }
  case Kind::If: {
    size_t i = 0;
    for (; i + 1 < node.children.size(); i += 2)
      if (eval(*node.children[i], scope).truth() && !failed())
        return run(*node.children[i + 1], scope, out);
    return i < node.children.size() && !failed()
               ? run(*node.children[i], scope, out)
               : Flow::Next;
  }
  case Kind::For:
    return runFor(node, scope, out);
  case Kind::Set:
    runSet(node, scope);
    return Flow::Next;
  case Kind::Macro:
    scope.set(node.text, {Value::Macro(&node)});
    return Flow::Next;
  case Kind::Break:
    return Flow::Break;
  case Kind::Continue:
    return Flow::Continue;
  default:
    fail(node, "an expression where a statement should be", Code::Internal);
    return Flow::Next;
  }
}

/// Assigns the targets of a loop or assignment.
bool JinjaEvaluator::bind(const JinjaNode &node, const JinjaValue &value,
                          Scope &scope) {
  if (node.names.size() == 1) {
    scope.set(node.names[0], value);
    return true;
  }
  if (!value.is<Value::List>() ||
      value.as<Value::List>()->items.size() != node.names.size()) {
    fail(node, std::string("cannot unpack ") + value.typeName() + " into " +
                   std::to_string(node.names.size()) + " names");
    return false;
  }
  for (size_t i = 0; i < node.names.size(); ++i)
    scope.set(node.names[i], value.as<Value::List>()->items[i]);
  return true;
}

JinjaEvaluator::Flow JinjaEvaluator::runFor(const JinjaNode &node, Scope &outer,
                                            std::string &out) {
  std::vector<Value> items = iterate(node, eval(*node.children[0], outer));
  if (const JinjaNodePtr &filter = node.children[1]) {
    std::vector<Value> kept;
    for (Value &item : items) {
      Scope scope;
      scope.parent = &outer;
      if (failed() || !bind(node, item, scope))
        return Flow::Next;
      if (eval(*filter, scope).truth())
        kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  if (failed())
    return Flow::Next;
  if (items.empty())
    return node.children[3] ? run(*node.children[3], outer, out) : Flow::Next;
  const int64_t count = int64_t(items.size());
  for (int64_t i = 0; i < count; ++i) {
    Scope scope;
    scope.parent = &outer;
    if (!bind(node, items[size_t(i)], scope))
      return Flow::Next;
    auto neighbour = [&](int64_t at) {
      return at >= 0 && at < count ? items[size_t(at)] : Value();
    };
    scope.set("loop", dict(node, {{"index", {i + 1}},
                                  {"index0", {i}},
                                  {"revindex", {count - i}},
                                  {"revindex0", {count - i - 1}},
                                  {"first", {i == 0}},
                                  {"last", {i + 1 == count}},
                                  {"length", {count}},
                                  {"previtem", neighbour(i - 1)},
                                  {"nextitem", neighbour(i + 1)}}));
    Flow flow = run(*node.children[2], scope, out);
    if (failed() || flow == Flow::Break)
      break;
  }
  return Flow::Next;
}

void JinjaEvaluator::runSet(const JinjaNode &node, Scope &scope) {
  Value value;
  if (node.flag) {
    std::string captured;
    Scope inner;
    inner.parent = &scope;
    run(*node.children[0], inner, captured);
    value = text(node, std::move(captured));
  } else {
    value = eval(*node.children[0], scope);
  }
  if (failed())
    return;
  if (node.text.empty()) {
    bind(node, value, scope);
    return;
  }
  const Value *target = scope.find(node.names[0]);
  if (!target || !target->is<Value::Namespace>()) {
    fail(node, inQuotes(node.names[0]) + " is not a namespace");
    return;
  }
  if (!storable(node, value) || !spend(node, 64))
    return;
  auto &members = target->as<Value::Namespace>()->members.items;
  for (auto &[key, old] : members)
    if (key == node.text) {
      old = std::move(value);
      return;
    }
  members.emplace_back(node.text, std::move(value));
}

} // namespace hetagon
