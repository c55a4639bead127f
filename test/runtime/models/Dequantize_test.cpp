// Expanding blocks, compared bit for bit with PyPI gguf: on committed vectors,
// and on fresh random ones when the tools' Python environment is there.
#include "runtime/models/TensorFormat.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace hetagon;

namespace {

std::vector<uint8_t> readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

void compareFolder(const std::string &folder) {
  for (const char *word :
       {"f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k", "q6_k"}) {
    SCOPED_TRACE(word);
    TensorFormat format = *parseFormatWord(word);
    std::vector<uint8_t> blocks = readAll(folder + "/" + word + ".blocks");
    std::vector<uint8_t> expected = readAll(folder + "/" + word + ".f32");
    ASSERT_GE(expected.size(), 16384u);
    std::vector<float> values(expected.size() / 4);
    Status status = dequantize(format, blocks, values);
    ASSERT_TRUE(status.isOk()) << status.str();
    EXPECT_EQ(0, std::memcmp(values.data(), expected.data(), expected.size()));
  }
}

TEST(Dequantize, EqualsCommittedVectorsOfGgufPy) {
  compareFolder(HETAGON_TEST_DATA "/models");
}

TEST(Dequantize, EqualsGgufPyOnFreshBlocks) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  if (!venv || !*venv ||
      !std::filesystem::exists(std::string(venv) + "/bin/python"))
    GTEST_SKIP() << "HETAGON_TOOLS_VENV names no Python environment";
  for (int seed = 2; seed < 5; ++seed) {
    std::string folder =
        testing::TempDir() + "quant_blocks_" + std::to_string(seed);
    std::filesystem::create_directories(folder);
    std::string command = std::string(venv) +
                          "/bin/python " HETAGON_TEST_DATA
                          "/models/make_quant_blocks.py " +
                          folder + " " + std::to_string(seed);
    ASSERT_EQ(0, std::system(command.c_str()));
    compareFolder(folder);
    std::filesystem::remove_all(folder);
  }
}

TEST(Dequantize, CopiesF32) {
  std::vector<float> input = {1.5f, -0.0f, 3e38f}, output(3);
  std::span bytes(reinterpret_cast<const uint8_t *>(input.data()), 12);
  ASSERT_TRUE(dequantize(TensorFormat::F32, bytes, output).isOk());
  EXPECT_EQ(0, std::memcmp(input.data(), output.data(), 12));
}

TEST(Dequantize, RefusesWrongSizesAndFormats) {
  std::vector<uint8_t> bytes(36);
  std::vector<float> values(64);
  EXPECT_TRUE(dequantize(TensorFormat::Q4_0, bytes, values).isOk());
  EXPECT_EQ(Code::InvalidArgument,
            dequantize(TensorFormat::Q4_0, bytes, std::span(values).first(32))
                .code());
  EXPECT_EQ(Code::InvalidArgument,
            dequantize(TensorFormat::Q4_0, std::span(bytes).first(35), values)
                .code());
  Status status = dequantize(TensorFormat::Q5_K, bytes, values);
  EXPECT_EQ(Code::Unsupported, status.code());
  EXPECT_NE(std::string::npos, status.message().find("q5_k"));
}

TEST(TensorFormat, WordsAndSizes) {
  EXPECT_EQ("q4_1", formatWord(TensorFormat::Q4_1));
  EXPECT_EQ(TensorFormat::BF16, parseFormatWord("bf16"));
  EXPECT_FALSE(parseFormatWord("Q4_1"));
  uint64_t dims[] = {576, 1536};
  EXPECT_EQ(576u * 48 * 20, tensorBytes(TensorFormat::Q4_1, dims));
  uint64_t ragged[] = {2, 33};
  EXPECT_FALSE(tensorBytes(TensorFormat::Q8_0, ragged));
  uint64_t huge[] = {uint64_t(1) << 40, uint64_t(1) << 40};
  EXPECT_FALSE(tensorBytes(TensorFormat::Q4_0, huge));
  EXPECT_EQ(4u, tensorBytes(TensorFormat::F32, {}));
}

} // namespace
