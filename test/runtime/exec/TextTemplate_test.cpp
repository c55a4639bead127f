// Placeholders, what is none, and values that look like placeholders.
#include "runtime/exec/TextTemplate.h"
#include <gtest/gtest.h>

using namespace hetagon;

TEST(TextTemplate, Fills) {
  std::map<std::string, Value> values = {
      {"a", Value::text("A")},     {"evil", Value::text("{{a}}")},
      {"n", Value::json(3)},       {"x-y.z_1", Value::text("long")},
      {"größe", Value::text("L")}, {"list", Value::json({1, "two"})}};
  const std::pair<const char *, const char *> cases[] = {
      {"", ""},
      {"no placeholder", "no placeholder"},
      {"{{a}}{{ a }}{{a }}", "AAA"},
      {"{{evil}}", "{{a}}"},
      {"{{evil}}{{a}}", "{{a}}A"},
      {"{{x-y.z_1}} {{größe}}", "long L"},
      {"{{n}} {{list}}", "3 [1,\"two\"]"},
      {"{\"k\": {{n}}}", "{\"k\": 3}"},
      {"{{{n}}}", "{3}"},
      {"{{{{n}}}}", "{{3}}"},
      {"{{}} {{ }} {{a", "{{}} {{ }} {{a"},
      {"{{a b}} }} { {", "{{a b}} }} { {"},
      {"{", "{"},
      {"{{", "{{"}};
  for (auto [text, expected] : cases) {
    auto filled = fillTemplate(text, values);
    ASSERT_TRUE(filled.isOk()) << filled.status().str();
    EXPECT_EQ(*filled, expected);
  }
  auto missing = fillTemplate("{{b}}", values);
  EXPECT_EQ(missing.status().code(), Code::InvalidArgument);
  EXPECT_NE(missing.status().message().find("{{b}}"), std::string::npos);
}

TEST(TextTemplate, PassagesAreReadable) {
  std::map<std::string, Value> values;
  values["p"] = Value::json({{{"id", "a.md#1"},
                              {"source", "a.md"},
                              {"title", "First > One"},
                              {"text", "Some text."},
                              {"score", 0.5}},
                             {{"id", "b#2"}, {"text", "Other."}}});
  EXPECT_EQ(*fillTemplate("Use:\n{{p}}\n", values),
            "Use:\n1. First > One [a.md#1]\nSome text.\n\n2. [b#2]\nOther.\n");
  values["p"] = Value::json(Json::array({{{"id", 1}, {"text", "no passage"}}}));
  EXPECT_EQ(*fillTemplate("{{p}}", values),
            "[{\"id\":1,\"text\":\"no passage\"}]");
  values["p"] = Value::json(Json::array());
  EXPECT_EQ(*fillTemplate("{{p}}", values), "[]");
}
