// SourceValue: a YAML or JSON text as a tree in which every value knows its
// line and column, so that whoever reads it can point at what is wrong.
#ifndef HETAGON_FRONTEND_TEXT_SOURCEVALUE_H
#define HETAGON_FRONTEND_TEXT_SOURCEVALUE_H

#include "runtime/base/Json.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// One value of a document. A map holds its keys and values by turns in
/// `items`; a list holds its elements there. Scalars keep the text as written
/// (escapes resolved); what it means follows from `kind`, which is decided as
/// YAML 1.1's safe loaders do (yes and off are booleans, 010 is eight).
struct SourceValue {
  enum class Kind : uint8_t {
    Null,
    Bool,
    Int,
    Float,
    String,
    Date, ///< a plain scalar that YAML 1.1 takes for a date or a time
    List,
    Map,
  };

  Kind kind = Kind::Null;
  bool boolean = false; ///< the value of a Bool
  uint32_t line = 0, column = 0;
  std::string text;
  std::vector<SourceValue> items;

  bool is(Kind wanted) const { return kind == wanted; }
  bool isMap() const { return kind == Kind::Map; }
  bool isList() const { return kind == Kind::List; }
  bool isString() const { return kind == Kind::String; }
  bool isNull() const { return kind == Kind::Null; }
  bool isNumber() const { return kind == Kind::Int || kind == Kind::Float; }

  /// Pairs of a map; 0 for everything else.
  size_t pairs() const { return isMap() ? items.size() / 2 : 0; }
  const SourceValue &key(size_t i) const { return items[2 * i]; }
  const SourceValue &value(size_t i) const { return items[2 * i + 1]; }
  /// The value under `name`, or null.
  const SourceValue *find(std::string_view name) const;
  /// The key itself, to point at it, or null.
  const SourceValue *findKey(std::string_view name) const;

  /// The number that an Int or Float spells; none when it does not fit.
  std::optional<int64_t> asInt() const;
  std::optional<double> asDouble() const;

  Place place(const std::string &file) const {
    return Place{file, line, column, {}};
  }
  /// "a string", "a list": for messages.
  std::string_view kindName() const;
  /// What stands there, short enough for a message: 'text', 12, "a map".
  std::string describe() const;
  /// The same value without places. Dates become strings.
  Json json() const;
};

/// Equality as Python has it between parsed documents: the order of keys does
/// not matter, and 1, 1.0 and true are equal.
bool looselyEqual(const Json &a, const Json &b);

/// The candidate nearest to `word` when it is near enough to be a slip of the
/// pen (edit distance at most a third of its length), else empty.
std::string nearest(std::string_view word,
                    const std::vector<std::string_view> &candidates);
/// "; did you mean 'x'?" or nothing.
std::string didYouMean(std::string_view word,
                       const std::vector<std::string_view> &candidates);
/// "a, b and c".
std::string joined(const std::vector<std::string_view> &words,
                   std::string_view last = "and");

} // namespace hetagon

#endif // HETAGON_FRONTEND_TEXT_SOURCEVALUE_H
