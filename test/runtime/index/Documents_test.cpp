// Cutting documents: nothing is lost, nothing grows past the target, titles
// follow headings.
#include "runtime/base/File.h"
#include "runtime/index/Documents.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::index;

namespace {

std::string withoutBlanks(const std::string &text) {
  std::string kept;
  for (char c : text)
    if (!std::isspace(static_cast<unsigned char>(c)))
      kept += c;
  return kept;
}

} // namespace

TEST(Documents, HeadingsBecomeTitles) {
  auto passages =
      cutDocument("a.md", "# Top\nOne.\n\n## Sub\nTwo.\n# Next\nThree.");
  ASSERT_EQ(passages.size(), 3u);
  EXPECT_EQ(passages[0].title, "Top");
  EXPECT_EQ(passages[1].title, "Top > Sub");
  EXPECT_EQ(passages[1].id, "a.md#2");
  EXPECT_EQ(passages[1].embeddedText(), "Top > Sub\nTwo.");
  EXPECT_EQ(passages[2].title, "Next");
}

TEST(Documents, HashesInCodeAreNoHeadings) {
  auto passages = cutDocument("a.md", "# T\n```\n# not a heading\n```\n");
  ASSERT_EQ(passages.size(), 1u);
  EXPECT_NE(passages[0].text.find("# not a heading"), std::string::npos);
}

TEST(Documents, NoTextIsLostAndPassagesStaySmall) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    size_t longest = 0;
    for (size_t p = 0, n = random() % 12; p < n; ++p) {
      for (size_t s = 0, m = random() % 20; s < m; ++s) {
        std::string sentence(1 + random() % 120, char('a' + random() % 26));
        longest = std::max(longest, sentence.size() + 1);
        text += sentence + ". ";
      }
      text += "\n\n";
    }
    std::string joined;
    for (const Passage &passage : cutDocument("x.txt", text)) {
      EXPECT_LE(passage.text.size(), 700 + longest);
      joined += passage.text;
    }
    EXPECT_EQ(withoutBlanks(joined), withoutBlanks(text));
  }
}

TEST(Documents, Sentences) {
  EXPECT_EQ(splitSentences("It is v1.2. Is it? \"Yes!\" he said.\n\nEnd"),
            (std::vector<std::string>{"It is v1.2.", "Is it?", "\"Yes!\"",
                                      "he said.", "End"}));
}

TEST(Documents, ReadsFoldersInOrderAndNamesBadFiles) {
  std::string folder = testing::TempDir() + "documents_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/sub");
  EXPECT_EQ(readDocuments(folder).status().code(), Code::NotFound);
  ASSERT_TRUE(writeFileAtomically(folder + "/sub/b.txt", "Two.").isOk());
  ASSERT_TRUE(writeFileAtomically(folder + "/a.md", "One.").isOk());
  ASSERT_TRUE(writeFileAtomically(folder + "/skip.bin", "\xff").isOk());
  auto passages = readDocuments(folder);
  ASSERT_TRUE(passages.isOk()) << passages.status().str();
  ASSERT_EQ(passages->size(), 2u);
  EXPECT_EQ((*passages)[0].id, "a.md#1");
  EXPECT_EQ((*passages)[1].id, "sub/b.txt#1");
  ASSERT_TRUE(writeFileAtomically(folder + "/c.md", "bad \xc3").isOk());
  auto bad = readDocuments(folder);
  ASSERT_NE(bad.status().place(), nullptr);
  EXPECT_NE(bad.status().place()->file.find("c.md"), std::string::npos);
}
