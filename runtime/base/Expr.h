// The small total language in which the costs of tasks are written: sums,
// products and piecewise choices over named sizes, with checked units. Planner,
// explain and monitor all evaluate it here, so that they cannot disagree.
//
//   expr   := term { '+' term }
//   term   := factor { '*' factor }
//   factor := number [unit] | name | '(' expr ')'
//           | ('min' | 'max') '(' expr { ',' expr } ')'
//           | 'ceildiv' '(' expr ',' expr ')'
//           | 'piecewise' '(' expr '<=' expr ':' expr
//                         { ',' expr '<=' expr ':' expr } ',' 'else' ':' expr
//                         ')'
//
// Names are sizes, pure numbers that the evaluation is given. A unit after a
// number is one of: byte KiB MiB GiB, flop kflop Mflop Gflop Tflop, ns us ms s,
// J, usd, token. There is no subtraction and no division, so that what is made
// of non-negative sizes is non-negative. Every expression has a value unless a
// number overflows or ceildiv meets a divisor that is not positive.
#ifndef HETAGON_RUNTIME_BASE_EXPR_H
#define HETAGON_RUNTIME_BASE_EXPR_H

#include "runtime/base/Status.h"
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace hetagon {

/// A product of powers of base units.
class ExprUnit {
public:
  enum Base : size_t { Byte, Flop, Nanosecond, Joule, Dollar, Token, count };

  ExprUnit() = default;
  explicit ExprUnit(Base base) { exponents[base] = 1; }
  bool operator==(const ExprUnit &) const = default;
  bool isNone() const { return *this == ExprUnit(); }
  /// OutOfRange when an exponent leaves -100..100.
  StatusOr<ExprUnit> times(const ExprUnit &other) const;
  StatusOr<ExprUnit> over(const ExprUnit &other) const;
  /// "byte", "flop*ns^-1", or "" for a pure number.
  std::string str() const;

private:
  std::array<int8_t, Base::count> exponents{};
};

/// An integer as long as everything that went into it was one, else a double.
/// Integers never wrap and doubles are always finite: both are errors instead.
using Number = std::variant<int64_t, double>;

double toDouble(Number number);

/// A number in base units (bytes, flop, nanoseconds, joules, dollars, tokens).
struct ExprValue {
  Number value = int64_t(0);
  ExprUnit unit;
};

/// The sizes an evaluation is given.
using Sizes = std::map<std::string, Number, std::less<>>;

/// An expression whose units agree. Immutable, cheap to copy, thread-safe.
class Expr {
public:
  struct Node;

  /// Reads `text`; failures carry the offset in it. At most 4096 parts, nested
  /// at most 64 deep.
  static StatusOr<Expr> parse(std::string_view text);

  /// Text that parses to an equal expression.
  std::string str() const;
  const ExprUnit &unit() const;
  /// The sizes that it mentions.
  std::set<std::string> names() const;
  /// NotFound for a size that `sizes` lacks, InvalidArgument for a divisor that
  /// is not positive, OutOfRange for an overflow.
  StatusOr<ExprValue> evaluate(const Sizes &sizes) const;
  /// Structural equality.
  bool operator==(const Expr &other) const;

private:
  friend class ExprParser;
  explicit Expr(std::shared_ptr<const Node> root) : root(std::move(root)) {}
  std::shared_ptr<const Node> root;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_EXPR_H
