// Values from words and JSON and back.
#include "runtime/exec/Value.h"
#include <gtest/gtest.h>

using namespace hetagon;

TEST(Value, ParsesByType) {
  EXPECT_EQ(*Value::parse("[1]", "text", "n")->asText(), "[1]");
  EXPECT_EQ(*Value::parse("[1]", "stream<text>", "n")->asText(), "[1]");
  EXPECT_EQ(*Value::parse("[1]", "json", "n")->asJson(), Json::array({1}));
  EXPECT_EQ(*Value::parse("[1, 2]", "tokens", "n")->asTokens(),
            (Value::Tokens{1, 2}));
  EXPECT_EQ(*Value::parse("[1, 0.5]", "embedding", "n")->asEmbedding(),
            (Value::Embedding{1, 0.5f}));
  auto list = Value::parse("[[1], [2, 3]]", "list<tokens>", "n");
  ASSERT_TRUE(list->asList());
  EXPECT_EQ(list->asList()->at(1).asTokens()->at(1), 3);
  auto texts = Value::parse("[\"a\", 1]", "list<text>", "n");
  EXPECT_EQ(*texts->asList()->at(0).asText(), "a");
  EXPECT_EQ(*texts->asList()->at(1).asText(), "1");
}

TEST(Value, RefusesWhatDoesNotFit) {
  const std::pair<const char *, const char *> cases[] = {
      {"word", "json"},         {"{\"a\": 1, \"a\": 2}", "json"},
      {"{}", "list<text>"},     {"[1.5]", "tokens"},
      {"[-1]", "tokens"},       {"[4294967296]", "tokens"},
      {"[\"a\"]", "embedding"}, {"1", "message"},
      {"\xff", "json"},         {"", "json"}};
  for (auto [words, type] : cases) {
    auto value = Value::parse(words, type, "name");
    ASSERT_FALSE(value.isOk()) << words << " as " << type;
    EXPECT_EQ(value.status().code(), Code::InvalidArgument);
    EXPECT_NE(value.status().message().find("'name'"), std::string::npos);
    EXPECT_NE(value.status().message().find(type), std::string::npos);
  }
}

TEST(Value, TextAndElements) {
  EXPECT_EQ(Value::json("a\"b").toText(), "a\"b");
  EXPECT_EQ(Value::json({{"k", 1}}).toText(), "{\"k\":1}");
  EXPECT_EQ(Value::tokens({1, 2}).toText(), "[1,2]");
  EXPECT_EQ(Value::list({Value::text("a"), Value::json(1)}).toText(),
            "[\"a\",1]");
  EXPECT_EQ(Value::text(std::string("\xff\x00z", 3)).toText().size(), 3u);
  auto elements = Value::json({"a", 1}).elements();
  ASSERT_TRUE(elements.isOk());
  EXPECT_EQ(*elements->at(0).asText(), "a");
  EXPECT_EQ(*elements->at(1).asJson(), Json(1));
  EXPECT_FALSE(Value::text("[1]").elements().isOk());
  EXPECT_FALSE(Value::json({{"k", 1}}).elements().isOk());
  // A list of values is read like a list in JSON.
  Value passage = Value::json({{"id", "a"}, {"text", "T"}});
  EXPECT_EQ(Value::list({passage}).toText(), "1. [a]\nT");
}
