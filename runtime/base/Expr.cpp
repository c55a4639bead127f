// Parser, printer and evaluator of cost expressions.
#include "runtime/base/Expr.h"
#include <charconv>
#include <cmath>
#include <vector>

using namespace hetagon;

namespace {

constexpr std::array<std::string_view, ExprUnit::count> baseNames = {
    "byte", "flop", "ns", "J", "usd", "token"};

struct NamedUnit {
  std::string_view name;
  ExprUnit::Base base;
  int64_t scale;
};
constexpr NamedUnit namedUnits[] = {
    {"byte", ExprUnit::Byte, 1},
    {"KiB", ExprUnit::Byte, 1 << 10},
    {"MiB", ExprUnit::Byte, 1 << 20},
    {"GiB", ExprUnit::Byte, 1 << 30},
    {"flop", ExprUnit::Flop, 1},
    {"kflop", ExprUnit::Flop, 1'000},
    {"Mflop", ExprUnit::Flop, 1'000'000},
    {"Gflop", ExprUnit::Flop, 1'000'000'000},
    {"Tflop", ExprUnit::Flop, 1'000'000'000'000},
    {"ns", ExprUnit::Nanosecond, 1},
    {"us", ExprUnit::Nanosecond, 1'000},
    {"ms", ExprUnit::Nanosecond, 1'000'000},
    {"s", ExprUnit::Nanosecond, 1'000'000'000},
    {"J", ExprUnit::Joule, 1},
    {"usd", ExprUnit::Dollar, 1},
    {"token", ExprUnit::Token, 1},
};

const NamedUnit *findUnit(std::string_view name) {
  for (const NamedUnit &unit : namedUnits)
    if (unit.name == name)
      return &unit;
  return nullptr;
}

Status overflow() {
  return Status(Code::OutOfRange, "the value is too large to represent");
}

StatusOr<Number> finite(double value) {
  if (!std::isfinite(value))
    return overflow();
  return Number(value);
}

bool bothIntegers(const Number &a, const Number &b) {
  return std::holds_alternative<int64_t>(a) &&
         std::holds_alternative<int64_t>(b);
}

StatusOr<Number> add(const Number &a, const Number &b) {
  if (!bothIntegers(a, b))
    return finite(toDouble(a) + toDouble(b));
  int64_t sum;
  if (__builtin_add_overflow(std::get<int64_t>(a), std::get<int64_t>(b), &sum))
    return overflow();
  return Number(sum);
}

StatusOr<Number> multiply(const Number &a, const Number &b) {
  if (!bothIntegers(a, b))
    return finite(toDouble(a) * toDouble(b));
  int64_t product;
  if (__builtin_mul_overflow(std::get<int64_t>(a), std::get<int64_t>(b),
                             &product))
    return overflow();
  return Number(product);
}

StatusOr<Number> ceilDivide(const Number &a, const Number &b) {
  if (!(toDouble(b) > 0))
    return Status(Code::InvalidArgument,
                  "the divisor of ceildiv is not positive");
  if (!bothIntegers(a, b))
    return finite(std::ceil(toDouble(a) / toDouble(b)));
  int64_t dividend = std::get<int64_t>(a), divisor = std::get<int64_t>(b);
  int64_t quotient = dividend / divisor;
  return Number(quotient + (dividend % divisor > 0));
}

/// Integers compare as integers; a mixed pair as doubles.
bool lessOrEqual(const Number &a, const Number &b) {
  if (bothIntegers(a, b))
    return std::get<int64_t>(a) <= std::get<int64_t>(b);
  return toDouble(a) <= toDouble(b);
}

std::string print(const Number &number) {
  char buffer[64];
  if (const int64_t *integer = std::get_if<int64_t>(&number))
    return std::to_string(*integer);
  auto result =
      std::to_chars(buffer, std::end(buffer), std::get<double>(number));
  std::string text(buffer, result.ptr);
  bool looksInteger = text.find_first_of(".e") == std::string::npos;
  return looksInteger ? text + ".0" : text;
}

enum class Kind { Number, Name, Add, Multiply, Min, Max, CeilDiv, Piecewise };

std::string_view functionName(Kind kind) {
  switch (kind) {
  case Kind::Min:
    return "min";
  case Kind::Max:
    return "max";
  case Kind::CeilDiv:
    return "ceildiv";
  default:
    return "piecewise";
  }
}

} // namespace

double hetagon::toDouble(Number number) {
  if (const int64_t *integer = std::get_if<int64_t>(&number))
    return static_cast<double>(*integer);
  return std::get<double>(number);
}

// Operands of piecewise: left, right, value of each arm in turn, then the value
// of else.
struct Expr::Node {
  Kind kind;
  Number number = int64_t(0);
  ExprUnit unit;
  std::string name;
  std::vector<std::shared_ptr<const Node>> operands;
};

using NodePtr = std::shared_ptr<const Expr::Node>;

StatusOr<ExprUnit> ExprUnit::times(const ExprUnit &other) const {
  ExprUnit result;
  for (size_t i = 0; i < count; ++i) {
    int sum = exponents[i] + other.exponents[i];
    if (sum < -100 || sum > 100)
      return Status(Code::OutOfRange, "a unit's power is beyond 100");
    result.exponents[i] = static_cast<int8_t>(sum);
  }
  return result;
}

StatusOr<ExprUnit> ExprUnit::over(const ExprUnit &other) const {
  ExprUnit inverse;
  for (size_t i = 0; i < count; ++i)
    inverse.exponents[i] = static_cast<int8_t>(-other.exponents[i]);
  return times(inverse);
}

std::string ExprUnit::str() const {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    if (exponents[i] == 0)
      continue;
    text += text.empty() ? "" : "*";
    text += baseNames[i];
    if (exponents[i] != 1)
      text += "^" + std::to_string(exponents[i]);
  }
  return text;
}

namespace hetagon {

/// Recursive descent over the text, with unit checks as it goes.
class ExprParser {
public:
  explicit ExprParser(std::string_view text) : text(text) {}

  StatusOr<Expr> run() {
    HETAGON_ASSIGN_OR_RETURN(NodePtr root, parseSum());
    skipBlanks();
    if (at != text.size())
      return fail("expected '+', '*' or the end");
    return Expr(std::move(root));
  }

private:
  static constexpr size_t maxParts = 4096, maxDepth = 64;

  Status fail(std::string message) const { return failAt(at, message); }
  static Status failAt(size_t offset, std::string message) {
    return Status(Code::InvalidArgument, "expression, offset " +
                                             std::to_string(offset) + ": " +
                                             std::move(message));
  }

  void skipBlanks() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' ||
                                text[at] == '\t' || text[at] == '\r'))
      ++at;
  }
  bool eat(std::string_view token) {
    skipBlanks();
    if (text.substr(at, token.size()) != token)
      return false;
    at += token.size();
    return true;
  }
  Status expect(std::string_view token) {
    if (eat(token))
      return Status::ok();
    return fail("expected '" + std::string(token) + "'");
  }
  static bool isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  static bool isDigit(char c) { return c >= '0' && c <= '9'; }
  /// The identifier at the cursor; empty when there is none.
  std::string_view peekName() {
    skipBlanks();
    size_t end = at;
    if (end < text.size() && isNameStart(text[end]))
      while (end < text.size() &&
             (isNameStart(text[end]) || isDigit(text[end]) || text[end] == '.'))
        ++end;
    return text.substr(at, end - at);
  }

  StatusOr<NodePtr> make(Expr::Node node) {
    if (++parts > maxParts)
      return fail("the expression has too many parts");
    return NodePtr(std::make_shared<const Expr::Node>(std::move(node)));
  }

  StatusOr<NodePtr> parseSum() {
    if (++depth > maxDepth)
      return fail("the expression is nested too deeply");
    skipBlanks();
    size_t start = at;
    HETAGON_ASSIGN_OR_RETURN(NodePtr left, parseProduct());
    while (eat("+")) {
      HETAGON_ASSIGN_OR_RETURN(NodePtr right, parseProduct());
      HETAGON_RETURN_IF_ERROR(sameUnit(*left, *right, start, "+"));
      ExprUnit unit = left->unit;
      HETAGON_ASSIGN_OR_RETURN(
          left, make({Kind::Add, int64_t(0), unit, {}, {left, right}}));
    }
    --depth;
    return left;
  }

  StatusOr<NodePtr> parseProduct() {
    size_t start = at;
    HETAGON_ASSIGN_OR_RETURN(NodePtr left, parseFactor());
    while (eat("*")) {
      HETAGON_ASSIGN_OR_RETURN(NodePtr right, parseFactor());
      StatusOr<ExprUnit> unit = left->unit.times(right->unit);
      if (!unit.isOk())
        return failAt(start, unit.status().message());
      HETAGON_ASSIGN_OR_RETURN(
          left, make({Kind::Multiply, int64_t(0), *unit, {}, {left, right}}));
    }
    return left;
  }

  StatusOr<NodePtr> parseFactor() {
    skipBlanks();
    if (at == text.size())
      return fail("expected a number, a name or '('");
    if (eat("(")) {
      HETAGON_ASSIGN_OR_RETURN(NodePtr inner, parseSum());
      HETAGON_RETURN_IF_ERROR(expect(")"));
      return inner;
    }
    if (isDigit(text[at]))
      return parseNumber();
    std::string_view name = peekName();
    if (name.empty())
      return fail("expected a number, a name or '('");
    size_t start = at;
    at += name.size();
    if (!eat("("))
      return finishName(name, start);
    for (Kind kind : {Kind::Min, Kind::Max, Kind::CeilDiv, Kind::Piecewise})
      if (name == functionName(kind))
        return parseCall(kind, start);
    return failAt(start, "unknown function '" + std::string(name) +
                             "'; there are min, max, ceildiv and piecewise");
  }

  StatusOr<NodePtr> finishName(std::string_view name, size_t start) {
    if (name == "else" || findUnit(name))
      return failAt(start, "'" + std::string(name) + "' is not a size's name");
    for (Kind kind : {Kind::Min, Kind::Max, Kind::CeilDiv, Kind::Piecewise})
      if (name == functionName(kind))
        return failAt(start, "expected '(' after " + std::string(name));
    return make({Kind::Name, int64_t(0), ExprUnit(), std::string(name), {}});
  }

  StatusOr<NodePtr> parseNumber() {
    size_t start = at;
    const char *begin = text.data() + at, *end = text.data() + text.size();
    int64_t integer = 0;
    auto [integerEnd, integerFault] = std::from_chars(begin, end, integer);
    bool isDecimal =
        integerEnd != end && (*integerEnd == '.' || *integerEnd == 'e');
    Number number = integer;
    const char *last = integerEnd;
    if (isDecimal) {
      double decimal = 0;
      auto [decimalEnd, decimalFault] = std::from_chars(begin, end, decimal);
      if (decimalFault != std::errc() || !std::isfinite(decimal))
        return failAt(start, "the number cannot be represented");
      number = decimal;
      last = decimalEnd;
    } else if (integerFault != std::errc()) {
      return failAt(start, "the number cannot be represented");
    }
    at += static_cast<size_t>(last - begin);

    std::string_view name = peekName();
    if (name.empty())
      return make({Kind::Number, number, ExprUnit(), {}, {}});
    const NamedUnit *unit = findUnit(name);
    if (!unit)
      return fail("unknown unit '" + std::string(name) + "'");
    at += name.size();
    StatusOr<Number> scaled = multiply(number, Number(unit->scale));
    if (!scaled.isOk())
      return failAt(start, scaled.status().message());
    return make({Kind::Number, *scaled, ExprUnit(unit->base), {}, {}});
  }

  StatusOr<NodePtr> parseCall(Kind kind, size_t start) {
    if (kind == Kind::Piecewise)
      return parsePiecewise(start);
    std::vector<NodePtr> operands;
    do {
      HETAGON_ASSIGN_OR_RETURN(NodePtr operand, parseSum());
      operands.push_back(std::move(operand));
    } while (eat(","));
    HETAGON_RETURN_IF_ERROR(expect(")"));
    ExprUnit unit = operands[0]->unit;
    if (kind == Kind::CeilDiv) {
      if (operands.size() != 2)
        return failAt(start, "ceildiv takes two operands");
      StatusOr<ExprUnit> quotient = unit.over(operands[1]->unit);
      if (!quotient.isOk())
        return failAt(start, quotient.status().message());
      unit = *quotient;
    } else {
      for (const NodePtr &operand : operands)
        HETAGON_RETURN_IF_ERROR(
            sameUnit(*operands[0], *operand, start, functionName(kind)));
    }
    return make({kind, int64_t(0), unit, {}, std::move(operands)});
  }

  StatusOr<NodePtr> parsePiecewise(size_t start) {
    std::vector<NodePtr> operands;
    while (peekName() != "else") {
      HETAGON_ASSIGN_OR_RETURN(NodePtr left, parseSum());
      HETAGON_RETURN_IF_ERROR(expect("<="));
      HETAGON_ASSIGN_OR_RETURN(NodePtr right, parseSum());
      HETAGON_RETURN_IF_ERROR(sameUnit(*left, *right, start, "<="));
      HETAGON_RETURN_IF_ERROR(expect(":"));
      HETAGON_ASSIGN_OR_RETURN(NodePtr value, parseSum());
      HETAGON_RETURN_IF_ERROR(expect(","));
      operands.insert(operands.end(), {left, right, value});
    }
    if (operands.empty())
      return failAt(start, "piecewise needs a case before else");
    eat("else");
    HETAGON_RETURN_IF_ERROR(expect(":"));
    HETAGON_ASSIGN_OR_RETURN(NodePtr otherwise, parseSum());
    HETAGON_RETURN_IF_ERROR(expect(")"));
    operands.push_back(std::move(otherwise));
    ExprUnit unit = operands.back()->unit;
    for (size_t i = 2; i + 1 < operands.size(); i += 3)
      HETAGON_RETURN_IF_ERROR(
          sameUnit(*operands[i], *operands.back(), start, "piecewise"));
    return make({Kind::Piecewise, int64_t(0), unit, {}, std::move(operands)});
  }

  static Status sameUnit(const Expr::Node &a, const Expr::Node &b,
                         size_t offset, std::string_view what) {
    if (a.unit == b.unit)
      return Status::ok();
    auto name = [](const ExprUnit &unit) {
      return unit.isNone() ? std::string("a pure number") : unit.str();
    };
    return failAt(offset, "'" + std::string(what) + "' joins " + name(a.unit) +
                              " and " + name(b.unit));
  }

  std::string_view text;
  size_t at = 0, parts = 0, depth = 0;
};

} // namespace hetagon

StatusOr<Expr> Expr::parse(std::string_view text) {
  return ExprParser(text).run();
}

static std::string printNode(const Expr::Node &node);

/// `operand` as part of a product or as right side of a sum.
static std::string printTight(const Expr::Node &operand, bool ofProduct,
                              bool isRight) {
  bool needsParentheses =
      operand.kind == Kind::Add
          ? ofProduct || isRight
          : operand.kind == Kind::Multiply && ofProduct && isRight;
  std::string text = printNode(operand);
  return needsParentheses ? "(" + text + ")" : text;
}

static std::string printNode(const Expr::Node &node) {
  auto operand = [&](size_t i) { return printNode(*node.operands[i]); };
  switch (node.kind) {
  case Kind::Number:
    return print(node.number) +
           (node.unit.isNone() ? "" : " " + node.unit.str());
  case Kind::Name:
    return node.name;
  case Kind::Add:
  case Kind::Multiply: {
    bool product = node.kind == Kind::Multiply;
    return printTight(*node.operands[0], product, false) +
           (product ? " * " : " + ") +
           printTight(*node.operands[1], product, true);
  }
  case Kind::Min:
  case Kind::Max:
  case Kind::CeilDiv: {
    std::string text(functionName(node.kind));
    for (size_t i = 0; i < node.operands.size(); ++i)
      text += (i == 0 ? "(" : ", ") + operand(i);
    return text + ")";
  }
  case Kind::Piecewise: {
    std::string text = "piecewise(";
    size_t last = node.operands.size() - 1;
    for (size_t i = 0; i < last; i += 3)
      text +=
          operand(i) + " <= " + operand(i + 1) + ": " + operand(i + 2) + ", ";
    return text + "else: " + operand(last) + ")";
  }
  }
  return {};
}

std::string Expr::str() const { return printNode(*root); }

const ExprUnit &Expr::unit() const { return root->unit; }

static void collectNames(const Expr::Node &node, std::set<std::string> &names) {
  if (node.kind == Kind::Name)
    names.insert(node.name);
  for (const NodePtr &operand : node.operands)
    collectNames(*operand, names);
}

std::set<std::string> Expr::names() const {
  std::set<std::string> names;
  collectNames(*root, names);
  return names;
}

static StatusOr<Number> evaluateNode(const Expr::Node &node,
                                     const Sizes &sizes) {
  if (node.kind == Kind::Number)
    return node.number;
  if (node.kind == Kind::Name) {
    auto found = sizes.find(node.name);
    if (found == sizes.end())
      return Status(Code::NotFound,
                    "no value for the size '" + node.name + "'");
    if (!std::isfinite(toDouble(found->second)))
      return overflow().withContext(node.name);
    return found->second;
  }
  if (node.kind == Kind::Piecewise) {
    size_t last = node.operands.size() - 1;
    for (size_t i = 0; i < last; i += 3) {
      HETAGON_ASSIGN_OR_RETURN(Number left,
                               evaluateNode(*node.operands[i], sizes));
      HETAGON_ASSIGN_OR_RETURN(Number right,
                               evaluateNode(*node.operands[i + 1], sizes));
      if (lessOrEqual(left, right))
        return evaluateNode(*node.operands[i + 2], sizes);
    }
    return evaluateNode(*node.operands[last], sizes);
  }

  HETAGON_ASSIGN_OR_RETURN(Number value,
                           evaluateNode(*node.operands[0], sizes));
  for (size_t i = 1; i < node.operands.size(); ++i) {
    HETAGON_ASSIGN_OR_RETURN(Number next,
                             evaluateNode(*node.operands[i], sizes));
    switch (node.kind) {
    case Kind::Add: {
      HETAGON_ASSIGN_OR_RETURN(value, add(value, next));
      break;
    }
    case Kind::Multiply: {
      HETAGON_ASSIGN_OR_RETURN(value, multiply(value, next));
      break;
    }
    case Kind::CeilDiv: {
      HETAGON_ASSIGN_OR_RETURN(value, ceilDivide(value, next));
      break;
    }
    case Kind::Min:
      value = lessOrEqual(value, next) ? value : next;
      break;
    default:
      value = lessOrEqual(next, value) ? value : next;
      break;
    }
  }
  return value;
}

StatusOr<ExprValue> Expr::evaluate(const Sizes &sizes) const {
  HETAGON_ASSIGN_OR_RETURN(Number value, evaluateNode(*root, sizes));
  return ExprValue{value, root->unit};
}

static bool equalNodes(const Expr::Node &a, const Expr::Node &b) {
  if (a.kind != b.kind || a.number != b.number || a.unit != b.unit ||
      a.name != b.name || a.operands.size() != b.operands.size())
    return false;
  for (size_t i = 0; i < a.operands.size(); ++i)
    if (!equalNodes(*a.operands[i], *b.operands[i]))
      return false;
  return true;
}

bool Expr::operator==(const Expr &other) const {
  return equalNodes(*root, *other.root);
}
