// The values that templates compute with. Containers are immutable and shared;
// only namespaces change.
#ifndef HETAGON_RUNTIME_MODELS_JINJAVALUE_H
#define HETAGON_RUNTIME_MODELS_JINJAVALUE_H

#include "runtime/base/Json.h"
#include <variant>
#include <vector>

namespace hetagon {

struct JinjaNode;
struct JinjaValue;

struct JinjaList {
  std::vector<JinjaValue> items;
  bool tuple = false;
  uint32_t depth = 1; ///< of containers within each other
  /// What printing costs: values, counted as often as they occur, and 16 bytes
  /// of text each as one more.
  uint64_t weight = 1;
};

struct JinjaDict {
  std::vector<std::pair<std::string, JinjaValue>> items;
  uint32_t depth = 1;
  uint64_t weight = 1;
  const JinjaValue *find(std::string_view key) const;
};

struct JinjaNamespace {
  JinjaDict members;
};

struct JinjaUndefined {};
struct JinjaNone {};
/// A function of the language, which can be tested for but not passed on.
struct JinjaFunction {};

struct JinjaValue {
  using Text = std::shared_ptr<const std::string>;
  using List = std::shared_ptr<const JinjaList>;
  using Dict = std::shared_ptr<const JinjaDict>;
  using Namespace = std::shared_ptr<JinjaNamespace>;
  using Macro = const JinjaNode *; ///< lives as long as the template

  std::variant<JinjaUndefined, JinjaNone, bool, int64_t, double, Text, List,
               Dict, Namespace, Macro, JinjaFunction>
      data;

  template <typename T> bool is() const {
    return std::holds_alternative<T>(data);
  }
  template <typename T> const T &as() const { return std::get<T>(data); }

  bool isUndefined() const { return is<JinjaUndefined>(); }
  bool isNone() const { return is<JinjaNone>(); }
  bool isText() const { return is<Text>(); }
  bool isInteger() const { return is<int64_t>() || is<bool>(); }
  bool isNumber() const { return isInteger() || is<double>(); }
  const std::string &text() const { return *as<Text>(); }
  int64_t integer() const { return is<bool>() ? as<bool>() : as<int64_t>(); }
  double number() const {
    return is<double>() ? as<double>() : double(integer());
  }
  /// Python's notion: empty, zero, none and undefined are false.
  bool truth() const;
  /// The nesting of containers; 0 for plain values.
  uint32_t depth() const;
  /// As in JinjaList, for any value.
  uint64_t weight() const;
  /// What messages call the type.
  const char *typeName() const;

  static JinjaValue of(std::string text) {
    return {std::make_shared<const std::string>(std::move(text))};
  }
};

bool jinjaEqual(const JinjaValue &a, const JinjaValue &b);

/// The value of a JSON text; nesting is bounded by the parser that made it.
JinjaValue jinjaFromJson(const Json &json);

/// As `{{ }}` prints: Python's str().
std::string jinjaPrint(const JinjaValue &value);
/// As json.dumps prints, without escaping what is not ASCII; `indent` below 0:
/// on one line.
std::string jinjaToJson(const JinjaValue &value, int indent);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_JINJAVALUE_H
