// The evaluator of templates: walks the syntax tree under bounds on steps,
// bytes and depth.
#ifndef HETAGON_RUNTIME_MODELS_JINJAEVAL_H
#define HETAGON_RUNTIME_MODELS_JINJAEVAL_H

#include "runtime/models/ChatTemplate.h"
#include "runtime/models/JinjaAst.h"
#include "runtime/models/JinjaValue.h"
#include <functional>

namespace hetagon {

/// Evaluated arguments of a call, filter or test.
struct JinjaArguments {
  std::vector<JinjaValue> positional;
  std::vector<std::pair<std::string, JinjaValue>> keywords;

  /// The argument at `index` or of that keyword; null when not given.
  const JinjaValue *get(size_t index, std::string_view keyword) const;
  /// The argument when it is a text; null otherwise.
  const std::string *text(size_t index, std::string_view keyword) const {
    const JinjaValue *value = get(index, keyword);
    return value && value->isText() ? &value->text() : nullptr;
  }
  int64_t integer(size_t index, std::string_view keyword,
                  int64_t otherwise) const {
    const JinjaValue *value = get(index, keyword);
    return value && value->isInteger() ? value->integer() : otherwise;
  }
  bool truth(size_t index, std::string_view keyword) const {
    const JinjaValue *value = get(index, keyword);
    return value && value->truth();
  }
};

/// One rendering. After the first error every method returns quickly, and
/// `status` holds it; used by one thread.
class JinjaEvaluator {
public:
  JinjaEvaluator(const std::string &name, const RenderOptions &options)
      : name(name), options(options) {}

  StatusOr<std::string> render(const JinjaNode &root, const Json &variables);

private:
  enum class Flow { Next, Break, Continue };
  struct Scope {
    Scope *parent = nullptr;
    std::vector<std::pair<std::string, JinjaValue>> names;
    const JinjaValue *find(std::string_view name) const;
    void set(const std::string &name, JinjaValue value);
  };

  /// Bounds the recursion over trees and macros together.
  struct Deeper {
    Deeper(JinjaEvaluator &evaluator, const JinjaNode &at)
        : evaluator(evaluator) {
      if (++evaluator.depth > maxRecursion)
        evaluator.fail(at, "the template recurses too deep",
                       Code::ResourceExhausted);
    }
    ~Deeper() { --evaluator.depth; }
    JinjaEvaluator &evaluator;
  };
  static constexpr uint32_t maxRecursion = 700;

  bool failed() const { return !status.isOk(); }
  /// Records an error at the node and returns an undefined value.
  JinjaValue fail(const JinjaNode &at, std::string message,
                  Code code = Code::InvalidArgument);
  bool step(const JinjaNode &at);
  /// Counts bytes about to be made; false when that is too many.
  bool spend(const JinjaNode &at, size_t bytes);
  JinjaValue text(const JinjaNode &at, std::string value);
  JinjaValue list(const JinjaNode &at, std::vector<JinjaValue> items,
                  bool tuple = false);
  JinjaValue dict(const JinjaNode &at,
                  std::vector<std::pair<std::string, JinjaValue>> items);
  bool storable(const JinjaNode &at, const JinjaValue &value);

  // Statements (JinjaEval.cpp); text goes to `out`.
  Flow run(const JinjaNode &node, Scope &scope, std::string &out);
  Flow runFor(const JinjaNode &node, Scope &scope, std::string &out);
  void runSet(const JinjaNode &node, Scope &scope);
  void emit(const JinjaNode &at, std::string_view text, std::string &out);
  bool bind(const JinjaNode &node, const JinjaValue &value, Scope &scope);

  // Expressions (JinjaExpressions.cpp).
  JinjaValue eval(const JinjaNode &node, Scope &scope);
  JinjaValue evalName(const JinjaNode &node, Scope &scope);
  JinjaValue evalUnary(const JinjaNode &node, Scope &scope);
  JinjaValue evalBinary(const JinjaNode &node, Scope &scope);
  JinjaValue arithmetic(const JinjaNode &node, const JinjaValue &a,
                        const JinjaValue &b);
  JinjaValue evalCompare(const JinjaNode &node, Scope &scope);
  bool contains(const JinjaNode &at, const JinjaValue &container,
                const JinjaValue &item);
  std::optional<int> order(const JinjaNode &at, const JinjaValue &a,
                           const JinjaValue &b);
  JinjaValue member(const JinjaNode &at, const JinjaValue &value,
                    std::string_view key);
  JinjaValue subscript(const JinjaNode &at, const JinjaValue &value,
                       const JinjaValue &index);
  JinjaValue evalSlice(const JinjaNode &node, Scope &scope);
  JinjaValue evalCall(const JinjaNode &node, Scope &scope);
  JinjaValue callMacro(const JinjaNode &at, const JinjaNode &macro,
                       const JinjaArguments &arguments);
  JinjaArguments arguments(const JinjaNode &node, Scope &scope);
  /// The items that a loop over the value visits.
  std::vector<JinjaValue> iterate(const JinjaNode &at, const JinjaValue &value);

  // Functions and methods (JinjaMethods.cpp).
  static bool isFunction(std::string_view name);
  JinjaValue callFunction(const JinjaNode &at, const std::string &function,
                          const JinjaArguments &arguments);
  JinjaValue callMethod(const JinjaNode &at, const JinjaValue &self,
                        const std::string &method,
                        const JinjaArguments &arguments);
  JinjaValue textMethod(const JinjaNode &at, const std::string &self,
                        const std::string &method,
                        const JinjaArguments &arguments);
  JinjaValue split(const JinjaNode &at, const std::string &self,
                   const JinjaArguments &arguments, bool fromRight);
  // Filters and tests (JinjaFilters.cpp).
  JinjaValue filter(const JinjaNode &at, const std::string &filter,
                    const JinjaValue &input, const JinjaArguments &arguments);
  JinjaValue textFilter(const JinjaNode &at, const std::string &filter,
                        const JinjaValue &input,
                        const JinjaArguments &arguments);
  JinjaValue listFilter(const JinjaNode &at, const std::string &filter,
                        const JinjaValue &input,
                        const JinjaArguments &arguments);
  JinjaValue filterJoin(const JinjaNode &at,
                        const std::vector<JinjaValue> &parts);
  JinjaValue selectFilter(const JinjaNode &at, const std::string &filter,
                          const JinjaValue &input,
                          const JinjaArguments &arguments);
  bool test(const JinjaNode &at, const std::string &test,
            const JinjaValue &input, const JinjaArguments &arguments);
  JinjaValue clock(const JinjaNode &at, const std::string &format);

  const std::string &name;
  const RenderOptions &options;
  Status status;
  Scope *top = nullptr;
  uint64_t steps = 0;
  size_t bytes = 0;
  uint32_t depth = 0;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_JINJAEVAL_H
