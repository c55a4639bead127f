// Cost expressions: random trees round-trip and obey algebra; overflow, unit
// faults and bad text are errors.
#include "runtime/base/Expr.h"
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;

namespace {

Expr parsed(const std::string &text) {
  StatusOr<Expr> expr = Expr::parse(text);
  EXPECT_TRUE(expr.isOk()) << text << ": " << expr.status().str();
  return *expr;
}

/// Random text of a pure number over the sizes a, b and c.
class Generator {
public:
  explicit Generator(uint32_t seed) : random(seed) {}

  std::string expr(int depth) {
    if (depth == 0)
      return leaf();
    auto inner = [&] { return expr(depth - 1); };
    switch (random() % 7) {
    case 0:
      return "(" + inner() + " + " + inner() + ")";
    case 1:
      return inner() + " * " + leaf();
    case 2:
      return "min(" + inner() + ", " + inner() + ", " + inner() + ")";
    case 3:
      return "max(" + inner() + ", " + inner() + ")";
    case 4:
      return "ceildiv(" + inner() + ", 1 + " + leaf() + ")";
    case 5:
      return "piecewise(" + inner() + " <= " + inner() + ": " + inner() +
             ", a <= 8: " + inner() + ", else: " + inner() + ")";
    default:
      return "(" + inner() + ") * (" + inner() + ")";
    }
  }

  Sizes sizes() {
    return {{"a", int64_t(random() % 50)},
            {"b", int64_t(random() % 5000)},
            {"c", double(random() % 1000) / 8}};
  }

private:
  std::string leaf() {
    switch (random() % 4) {
    case 0:
      return std::to_string(random() % 100);
    case 1:
      return std::to_string(random() % 100) + ".5";
    default:
      return std::string(1, "abc"[random() % 3]);
    }
  }
  std::mt19937 random;
};

/// The value, or nothing when it overflows. Equal integers and doubles may tie
/// in min and max, so algebra compares what the number is, not how it is held.
std::optional<double> realOf(const std::string &text, const Sizes &sizes) {
  StatusOr<ExprValue> value = parsed(text).evaluate(sizes);
  if (!value.isOk())
    return std::nullopt;
  return toDouble(value->value);
}

std::optional<Number> valueOf(const std::string &text, const Sizes &sizes) {
  StatusOr<ExprValue> value = parsed(text).evaluate(sizes);
  if (!value.isOk())
    return std::nullopt;
  return value->value;
}

} // namespace

TEST(Expr, PrintedFormParsesToTheSameExpression) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Generator generator(seed);
    Expr expr = parsed(generator.expr(4));
    Expr again = parsed(expr.str());
    ASSERT_TRUE(expr == again) << expr.str() << "\n" << again.str();
    ASSERT_EQ(expr.str(), again.str());
    Sizes sizes = generator.sizes();
    StatusOr<ExprValue> one = expr.evaluate(sizes), two = again.evaluate(sizes);
    ASSERT_EQ(one.isOk(), two.isOk());
    if (one.isOk())
      ASSERT_EQ(one->value, two->value);
  }
}

TEST(Expr, ObeysAlgebra) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Generator generator(seed);
    std::string x = "(" + generator.expr(2) + ")";
    std::string y = "(" + generator.expr(2) + ")";
    Sizes sizes = generator.sizes();
    auto same = [&](const std::string &a, const std::string &b) {
      EXPECT_EQ(realOf(a, sizes), realOf(b, sizes)) << a << "\n" << b;
    };
    same(x + " + " + y, y + " + " + x);
    same(x + " * " + y, y + " * " + x);
    same("min(" + x + ", " + y + ") + max(" + x + ", " + y + ")",
         x + " + " + y);
    same("max(" + x + ", " + x + ")", x);
    same("piecewise(" + x + " <= " + y + ": " + x + ", else: " + y + ")",
         "min(" + x + ", " + y + ")");
    same(x + " + 0", x);
    same(x + " * 1", x);
  }
}

TEST(Expr, CeilDivIsTheSmallestCover) {
  Sizes sizes;
  for (int64_t a = 0; a < 60; ++a)
    for (int64_t b = 1; b < 20; ++b) {
      sizes = {{"a", a}, {"b", b}};
      int64_t q = std::get<int64_t>(*valueOf("ceildiv(a, b)", sizes));
      EXPECT_GE(q * b, a);
      EXPECT_LT((q - 1) * b, a);
    }
}

TEST(Expr, IntegersNeverWrapAndDoublesStayFinite) {
  Sizes sizes = {{"n", INT64_MAX}, {"x", 1e300}};
  for (const char *text : {"n + 1", "n * 2", "1 + n * n", "x * x",
                           "x * 1e300 + 1", "9223372036854775807 GiB"}) {
    StatusOr<Expr> expr = Expr::parse(text);
    Status status =
        expr.isOk() ? expr->evaluate(sizes).status() : expr.status();
    ASSERT_FALSE(status.isOk()) << text;
    EXPECT_NE(status.message().find("too large"), std::string::npos)
        << status.str();
  }
  EXPECT_EQ(valueOf("min(n, n)", sizes), Number(INT64_MAX));
}

TEST(Expr, ChecksUnits) {
  EXPECT_EQ(parsed("2 * rows * 4 KiB").unit(), ExprUnit(ExprUnit::Byte));
  EXPECT_EQ(parsed("ceildiv(8 KiB, 3 KiB)").unit(), ExprUnit());
  EXPECT_EQ(parsed("3 ms + 2 us").unit(), ExprUnit(ExprUnit::Nanosecond));
  EXPECT_EQ(parsed("2 flop * 3 byte").unit().str(), "byte*flop");
  ExprValue time = *parsed("3 ms + 2 us").evaluate({});
  EXPECT_EQ(time.value, Number(int64_t(3'002'000)));
  for (const char *text :
       {"1 byte + 1 flop", "1 + 1 byte", "min(1 ms, 1)", "max(1 J, 1 usd)",
        "piecewise(1 byte <= 2: 1, else: 2)",
        "piecewise(1 <= 2: 1 ms, else: 2)"}) {
    StatusOr<Expr> expr = Expr::parse(text);
    ASSERT_FALSE(expr.isOk()) << text;
    EXPECT_NE(expr.status().message().find(" joins "), std::string::npos)
        << expr.status().str();
  }
}

TEST(Expr, RefusesBadTextWithItsOffset) {
  struct {
    const char *text, *offset;
  } cases[] = {
      {"", "offset 0"},
      {"1 +", "offset 3"},
      {"(1", "offset 2"},
      {"1 )", "offset 2"},
      {"2 parsecs", "offset 2"},
      {"log(2)", "offset 0"},
      {"min", "offset 0"},
      {"min()", "offset 4"},
      {"ceildiv(1)", "offset 0"},
      {"1 - 1", "offset 2"},
      {"-1", "offset 0"},
      {"ms", "offset 0"},
      {"99999999999999999999", "offset 0"},
      {"piecewise(else: 1)", "offset 0"},
      {"piecewise(1 <= 2: 3)", "offset 19"},
      {"1e999", "offset 0"},
  };
  for (auto &[text, offset] : cases) {
    StatusOr<Expr> expr = Expr::parse(text);
    ASSERT_FALSE(expr.isOk()) << text;
    EXPECT_NE(expr.status().message().find(std::string(offset) + ":"),
              std::string::npos)
        << text << ": " << expr.status().str();
  }
}

TEST(Expr, BoundsDepthAndSize) {
  std::string deep = std::string(100'000, '(') + "1";
  EXPECT_FALSE(Expr::parse(deep).isOk());
  std::string calls;
  for (int i = 0; i < 100'000; ++i)
    calls += "min(";
  EXPECT_FALSE(Expr::parse(calls).isOk());
  std::string wide = "1";
  for (int i = 0; i < 5000; ++i)
    wide += " + 1";
  EXPECT_FALSE(Expr::parse(wide).isOk());
}

TEST(Expr, NamesWhatItNeeds) {
  Expr expr = parsed("input_tokens * ceildiv(rows, 8) + rows");
  EXPECT_EQ(expr.names(), (std::set<std::string>{"input_tokens", "rows"}));
  StatusOr<ExprValue> value = expr.evaluate({{"rows", int64_t(3)}});
  ASSERT_FALSE(value.isOk());
  EXPECT_EQ(value.status().code(), Code::NotFound);
  EXPECT_NE(value.status().message().find("input_tokens"), std::string::npos);
  EXPECT_EQ(parsed("ceildiv(1, rows)")
                .evaluate({{"rows", int64_t(0)}})
                .status()
                .code(),
            Code::InvalidArgument);
}
