// Files: mapping, bounded reads, atomic replacement.
#include "runtime/base/File.h"
#include <gtest/gtest.h>

using namespace hetagon;

TEST(File, WritesAtomicallyAndReadsBack) {
  std::string path = testing::TempDir() + "file_test.bin";
  ASSERT_TRUE(writeFileAtomically(path, std::string_view("first")).isOk());
  auto old = MappedFile::open(path);
  ASSERT_TRUE(old.isOk());
  ASSERT_TRUE(writeFileAtomically(path, std::string_view("second")).isOk());
  EXPECT_EQ((*old)->bytes()[0], 'f');
  EXPECT_EQ(*readFile(path), "second");
  auto fresh = MappedFile::open(path);
  ASSERT_TRUE(fresh.isOk());
  EXPECT_FALSE((*old)->identity() == (*fresh)->identity());
}

TEST(File, RefusesWhatIsTooLargeMissingOrNoFile) {
  std::string path = testing::TempDir() + "file_test_large.bin";
  ASSERT_TRUE(writeFileAtomically(path, std::string(100, 'x')).isOk());
  EXPECT_EQ(readFile(path, 99).status().code(), Code::ResourceExhausted);
  EXPECT_EQ(MappedFile::open(path + ".none").status().code(), Code::NotFound);
  EXPECT_EQ(readFile(testing::TempDir()).status().code(),
            Code::InvalidArgument);
}
