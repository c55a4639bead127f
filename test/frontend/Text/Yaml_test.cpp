// What the YAML and JSON readers take for what, and what they refuse where.
#include "frontend/Text/TextReader.h"
#include <gtest/gtest.h>

using namespace hetagon;
using Kind = SourceValue::Kind;

namespace {

SourceValue good(std::string_view text) {
  Diagnostics diagnostics;
  std::optional<SourceValue> value = readYaml(text, "a.yaml", diagnostics);
  EXPECT_TRUE(value) << diagnostics.str();
  return value ? std::move(*value) : SourceValue();
}

std::string refused(std::string_view text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(readYaml(text, "a.yaml", diagnostics)) << text;
  EXPECT_TRUE(diagnostics.hasErrors());
  return diagnostics.str();
}

std::string refusedJson(std::string_view text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(readJson(text, "a.json", diagnostics)) << text;
  EXPECT_TRUE(diagnostics.hasErrors());
  return diagnostics.str();
}

} // namespace

TEST(Yaml, ScalarsMeanWhatYaml11Says) {
  // Checked against PyYAML 6.0's safe_load.
  const std::pair<const char *, Kind> cases[] = {
      {"yes", Kind::Bool},
      {"Off", Kind::Bool},
      {"TRUE", Kind::Bool},
      {"y", Kind::String},
      {"12", Kind::Int},
      {"-0x1F", Kind::Int},
      {"010", Kind::Int},
      {"08", Kind::String},
      {"1_000", Kind::Int},
      {"1:30", Kind::Int},
      {"1.5", Kind::Float},
      {"1.", Kind::Float},
      {".5", Kind::Float},
      {"1e5", Kind::String},
      {"1.0e+5", Kind::Float},
      {"1.0e5", Kind::String},
      {".inf", Kind::Float},
      {"-.INF", Kind::Float},
      {".nan", Kind::Float},
      {"26.3.1", Kind::String},
      {"2024-01-31", Kind::Date},
      {"2024-1-3", Kind::String},
      {"2024-01-31 10:00:00", Kind::Date},
      {"~", Kind::Null},
      {"null", Kind::Null},
      {"'null'", Kind::String},
      {"\"12\"", Kind::String},
      {"0b101", Kind::Int},
      {"+", Kind::String},
      {"-", Kind::List},
  };
  for (auto [text, kind] : cases)
    EXPECT_EQ(good(std::string("[") + text + "]").items.size(), 1u) << text;
  for (auto [text, kind] : cases)
    if (kind != Kind::List)
      EXPECT_EQ(good(std::string("- ") + text).items[0].kind, kind) << text;
}

TEST(Yaml, NumbersHaveTheirValues) {
  SourceValue list =
      good("[0x1F, 010, 1_000, -7, 1:30, 0b101, 99999999999999999999]");
  const std::optional<int64_t> expected[] = {31, 8, 1000, -7, 90, 5, {}};
  for (size_t i = 0; i < list.items.size(); ++i)
    EXPECT_EQ(list.items[i].asInt(), expected[i]) << i;
  EXPECT_EQ(good("- 1.5").items[0].asDouble(), 1.5);
  EXPECT_EQ(good("- 3").items[0].asDouble(), 3.0);
}

TEST(Yaml, ValuesKnowTheirPlaces) {
  SourceValue root = good("a: 1\nb:\n  - x\n  - {c: d}\n");
  EXPECT_EQ(root.find("b")->items[1].find("c")->line, 4u);
  EXPECT_EQ(root.find("b")->items[1].find("c")->column, 9u);
  EXPECT_EQ(root.findKey("b")->line, 2u);
}

TEST(Yaml, AliasesAndMergesExpand) {
  SourceValue root =
      good("base: &b {x: 1, y: 2}\nuse: *b\nmore: {<<: *b, y: 3}\n");
  EXPECT_EQ(root.find("use")->find("y")->text, "2");
  EXPECT_EQ(root.find("more")->find("x")->text, "1");
  EXPECT_EQ(root.find("more")->find("y")->text, "3");
}

TEST(Yaml, RefusalsHavePlaceAndReason) {
  EXPECT_EQ(refused("a: 1\na: 2\n").substr(0, 21), "a.yaml:2:1: error: th");
  EXPECT_NE(refused("a: 1\na: 2\n").find("twice"), std::string::npos);
  EXPECT_NE(refused("a: &x [*x]\n").find("alias"), std::string::npos);
  EXPECT_NE(refused("a: 1\n---\nb: 2\n").find("second document"),
            std::string::npos);
  EXPECT_NE(refused("a: !!python/object:os.system x\n").find("tag"),
            std::string::npos);
  EXPECT_NE(refused("a: !!int x\n").find("!!int"), std::string::npos);
  EXPECT_NE(refused("\xff").find("UTF-8"), std::string::npos);
  EXPECT_NE(refused("? [a]\n: b\n").find("key"), std::string::npos);
  EXPECT_NE(refused("").find("empty"), std::string::npos);
  EXPECT_NE(refused("a:\n\t- b\n").find("a.yaml:2"), std::string::npos);
}

TEST(Json, ReadsWhatJsonAllows) {
  Diagnostics diagnostics;
  std::optional<SourceValue> root = readJson(
      R"({"a": [1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n\/"], "b": {}})",
      "a.json", diagnostics);
  ASSERT_TRUE(root) << diagnostics.str();
  const SourceValue &list = *root->find("a");
  EXPECT_EQ(list.items[0].asInt(), 1);
  EXPECT_EQ(list.items[1].asDouble(), -2500.0);
  EXPECT_TRUE(list.items[2].boolean);
  EXPECT_TRUE(list.items[3].isNull());
  EXPECT_EQ(list.items[4].text, "\u00e9\U0001F600\n/");
  EXPECT_EQ(root->json(),
            Json::parse(R"({"a":[1,-2500.0,true,null,"é😀\n/"],"b":{}})"));
}

TEST(Json, RefusesWhatJsonDoesNotAllow) {
  for (const char *text : {"",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a: 1}",
                           "01",
                           "1.",
                           "+1",
                           ".5",
                           "NaN",
                           "'a'",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"a",
                           "\"a\nb\"",
                           "[1] 2",
                           "tru",
                           "{\"a\" 1}",
                           "[1 2]",
                           "nul",
                           "\"\\u12g4\"",
                           "{\"a\":1,\"a\":2}"})
    refusedJson(text);
  EXPECT_EQ(refusedJson("{\n  \"a\": 01\n}").substr(0, 12), "a.json:2:9: ");
}

TEST(Words, NearestFindsSlips) {
  EXPECT_EQ(nearest("LlmNod", {"LlmNode", "ToolNode"}), "LlmNode");
  EXPECT_EQ(nearest("zebra", {"LlmNode", "ToolNode"}), "");
  EXPECT_EQ(joined({"a", "b", "c"}, "or"), "a, b or c");
}
