// The syntax tree of a template and the tokens it is parsed from.
#ifndef HETAGON_RUNTIME_MODELS_JINJAAST_H
#define HETAGON_RUNTIME_MODELS_JINJAAST_H

#include "runtime/base/Status.h"
#include <vector>

namespace hetagon {

struct JinjaToken {
  enum class Kind {
    Text,       ///< between tags, whitespace control applied
    BlockBegin, ///< {%
    BlockEnd,
    PrintBegin, ///< {{
    PrintEnd,
    Name,
    String, ///< text: unescaped
    Integer,
    Float,
    Operator,
    End,
  };
  Kind kind = Kind::End;
  std::string text;
  int64_t integer = 0;
  double number = 0;
  uint32_t line = 1, column = 1;
};

/// Cuts a template into tokens; ends with one End token.
StatusOr<std::vector<JinjaToken>> lexJinja(std::string_view source,
                                           const std::string &name);

/// Deeper trees are refused, so that recursion over them stays bounded.
constexpr uint32_t maxJinjaDepth = 250;

struct JinjaNode;
using JinjaNodePtr = std::shared_ptr<const JinjaNode>;

/// One node; which members it uses is said by its kind.
struct JinjaNode {
  enum class Kind {
    // Statements.
    Sequence, ///< children
    Text,     ///< text
    Print,    ///< children[0]
    If,       ///< children: condition, body, ..., then maybe the else body
    For,      ///< names: targets; children: items, filter or null, body, else
              ///< or null
    Set,      ///< names: targets; text: attribute of a namespace or empty;
              ///< children[0]: value, or the body to capture when `flag`
    Macro,    ///< text: name; names: parameters; children: body, then the
              ///< defaults of the last parameters
    Break,
    Continue,
    // Expressions.
    String,      ///< text
    Integer,     ///< integer
    Float,       ///< number
    Constant,    ///< text: true, false or none
    Name,        ///< text
    List,        ///< children; flag: a tuple
    Dict,        ///< children: key, value, ...
    Attribute,   ///< children[0], text
    Subscript,   ///< children: container, index
    Slice,       ///< children: container, then start, stop, step or null
    Call,        ///< children: callee, arguments; names: see `names`
    Filter,      ///< text; children: input, arguments
    Test,        ///< text; children: input, arguments; flag: negated
    Unary,       ///< text: "-", "+" or "not"
    Binary,      ///< text: arithmetic, "~", "and" or "or"
    Compare,     ///< children; names: the operators between them
    Conditional, ///< children: value, condition, otherwise or null
  };
  Kind kind = Kind::Sequence;
  std::string text;
  /// For calls, filters and tests: one entry per argument, the keyword's name
  /// or empty.
  std::vector<std::string> names;
  std::vector<JinjaNodePtr> children;
  int64_t integer = 0;
  double number = 0;
  bool flag = false;
  uint32_t line = 1, column = 1;
  uint32_t depth = 1;
};

/// Parses a whole template.
StatusOr<JinjaNodePtr> parseJinja(std::string_view source,
                                  const std::string &name);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_JINJAAST_H
