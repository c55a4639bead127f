// Tokenizers of files that hold a vocabulary only, against the ids that come
// with them and against ids of random texts, both by llama.cpp.
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/File.h"
#include "runtime/base/Json.h"
#include "test/frontend/Models/TinyDecoder.h"
#include "test/runtime/models/Models.h"
#include <gtest/gtest.h>
#include <sstream>

using namespace hetagon;
using namespace hetagon::test;

namespace {

std::string textOf(const std::string &path) {
  auto text = readFile(path);
  EXPECT_TRUE(text.isOk()) << text.status().str();
  return text.isOk() ? *text : "";
}

std::vector<std::string> splitBy(const std::string &text,
                                 const std::string &separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return parts;
}

class OpenTokenizer : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    path = vocabularyFile(GetParam());
    if (path.empty())
      GTEST_SKIP() << modelsMissing;
    auto opened = openTokenizer(path);
    ASSERT_TRUE(opened.isOk()) << opened.status().str();
    tokenizer = std::move(*opened);
  }

  std::vector<int32_t> encoded(const std::string &text) {
    auto ids = tokenizer->encode(text, {.parseSpecial = true});
    EXPECT_TRUE(ids.isOk()) << ids.status().str();
    return ids.isOk() ? *ids : std::vector<int32_t>();
  }

  std::string path;
  std::unique_ptr<Tokenizer> tokenizer;
};

TEST_P(OpenTokenizer, EqualsTheIdsThatComeWithTheVocabulary) {
  auto texts = splitBy(textOf(path + ".inp"), "\n__ggml_vocab_test__\n");
  auto lines = splitBy(textOf(path + ".out"), "\n");
  ASSERT_GE(texts.size(), 40u);
  ASSERT_GE(lines.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    std::istringstream line(lines[i]);
    std::vector<int32_t> expected{std::istream_iterator<int32_t>(line), {}};
    EXPECT_EQ(expected, encoded(texts[i])) << "text " << i << ": " << texts[i];
  }
}

TEST_P(OpenTokenizer, EqualsLlamaCppOnRandomTexts) {
  size_t checked = 0;
  for (const std::string &line : splitBy(textOf(std::string(HETAGON_TEST_DATA) +
                                                "/models/vocabularies.jsonl"),
                                         "\n")) {
    if (line.empty())
      continue;
    auto each = parseJson(line, "vocabularies.jsonl");
    ASSERT_TRUE(each.isOk()) << each.status().str();
    if ((*each)["vocabulary"] != GetParam())
      continue;
    ++checked;
    EXPECT_EQ((*each)["ids"].get<std::vector<int32_t>>(),
              encoded((*each)["text"].get<std::string>()))
        << line;
  }
  EXPECT_EQ(60u, checked);
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, OpenTokenizer,
                         testing::Values("gpt-2", "llama-bpe", "llama-spm",
                                         "qwen2"),
                         [](const auto &each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(OpenTokenizerOf, AFileWithoutTensors) {
  TinyDecoder tiny;
  GgufBuilder builder = tiny.builder();
  builder.infos.clear();
  builder.data.clear();
  builder.tensors = 0;
  std::string path =
      writeBytes(testing::TempDir() + "vocabulary_only.gguf", builder.build());
  EXPECT_FALSE(describeModel(path).isOk());
  auto tokenizer = openTokenizer(path);
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().str();
  EXPECT_EQ(
      (std::vector<int32_t>{1, 3}),
      (*tokenizer)->encode("<|im_start|>a", {.parseSpecial = true}).value());
  EXPECT_TRUE((*tokenizer)->isStop(2));
}

TEST(OpenTokenizerOf, AFolder) {
  std::string folder = exampleEncoder();
  if (folder.empty())
    GTEST_SKIP() << modelsMissing;
  auto tokenizer = openTokenizer(folder);
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().str();
  EXPECT_EQ((std::vector<int32_t>{101, 7592, 102}),
            (*tokenizer)->encode("Hello", {.addSpecial = true}).value());
}

} // namespace
