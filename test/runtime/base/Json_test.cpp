// JSON reading: places of errors, bounded nesting and repeated keys.
#include "runtime/base/Json.h"
#include <gtest/gtest.h>

using namespace hetagon;

TEST(Json, KeepsTheOrderOfKeys) {
  auto value = parseJson(R"({"b": 1, "a": 2})", "x.json");
  ASSERT_TRUE(value.isOk());
  EXPECT_EQ(printJson(*value), R"({"b":1,"a":2})");
}

TEST(Json, ErrorsCarryLineAndColumn) {
  auto value = parseJson("{\n  \"a\": ,\n}", "x.json");
  ASSERT_FALSE(value.isOk());
  ASSERT_NE(value.status().place(), nullptr);
  EXPECT_EQ(value.status().place()->str(), "x.json:2:8");
}

TEST(Json, NestingIsBounded) {
  std::string deep = std::string(101, '[') + std::string(101, ']');
  EXPECT_FALSE(parseJson(deep, "x.json").isOk());
  EXPECT_TRUE(parseJson(deep.substr(1, 200), "x.json").isOk());
}

TEST(Json, RepeatedKeysAreErrors) {
  auto value = parseJson(R"({"a": 1, "b": {"a": 2}, "a": 3})", "x.json");
  ASSERT_FALSE(value.isOk());
  EXPECT_NE(value.status().message().find("'a'"), std::string::npos);
}

TEST(Json, PrintsBrokenUtf8) {
  EXPECT_EQ(printJson(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}
