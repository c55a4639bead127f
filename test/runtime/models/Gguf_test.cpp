// Reading well-formed GGUF files: every metadata type, tensors, and the model
// that the examples use.
#include "runtime/models/Gguf.h"
#include "test/runtime/models/GgufBuilder.h"
#include "test/runtime/models/Models.h"
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::test;

namespace {

std::string temporary(const char *name) { return testing::TempDir() + name; }

TEST(Gguf, ReadsEveryMetadataType) {
  GgufBuilder builder;
  builder.scalar<uint8_t>("u8", 0, 200);
  builder.scalar<int8_t>("i8", 1, -3);
  builder.scalar<uint16_t>("u16", 2, 60000);
  builder.scalar<int16_t>("i16", 3, 300);
  builder.u32("u32", 4000000000u);
  builder.scalar<int32_t>("i32", 5, 7);
  builder.f32("f32", 0.5f);
  builder.boolean("bool", true);
  builder.text("text", "gr\xc3\xbc\xc3\x9f");
  builder.scalar<uint64_t>("u64", 10, ~uint64_t(0));
  builder.scalar<int64_t>("i64", 11, 9);
  builder.scalar<double>("f64", 12, 0.1);
  builder.texts("texts", {"a", "", "bc"});
  builder.floats("floats", {1, -2});
  builder.ints("ints", {3, -4, 5});
  builder.array("empty", 4, 0);
  builder.array("nested", 9, 1);
  append<uint32_t>(builder.metadata, 0);
  append<uint64_t>(builder.metadata, 2);
  builder.metadata.insert(builder.metadata.end(), {1, 2});
  std::string path = builder.write(temporary("types.gguf"));

  auto opened = GgufFile::open(path);
  ASSERT_TRUE(opened.isOk()) << opened.status().str();
  const GgufFile &file = **opened;
  EXPECT_EQ(17u, file.values().size());
  EXPECT_EQ(200u, *file.unsignedValue("u8"));
  EXPECT_EQ(Code::InvalidArgument, file.unsignedValue("i8").status().code());
  EXPECT_EQ(-3, *file.numberValue("i8"));
  EXPECT_EQ(60000u, *file.unsignedValue("u16"));
  EXPECT_EQ(300u, *file.unsignedValue("i16"));
  EXPECT_EQ(4000000000u, *file.unsignedValue("u32"));
  EXPECT_EQ(7u, *file.unsignedValue("i32"));
  EXPECT_EQ(0.5, *file.numberValue("f32"));
  EXPECT_TRUE(*file.boolValue("bool"));
  EXPECT_EQ("gr\xc3\xbc\xc3\x9f", *file.textValue("text"));
  EXPECT_EQ(~uint64_t(0), *file.unsignedValue("u64"));
  EXPECT_EQ(9u, *file.unsignedValue("i64"));
  EXPECT_EQ(0.1, *file.numberValue("f64"));
  EXPECT_EQ((std::vector<std::string_view>{"a", "", "bc"}),
            *file.textArray("texts"));
  EXPECT_EQ((std::vector<float>{1, -2}), *file.floatArray("floats"));
  EXPECT_EQ((std::vector<int32_t>{3, -4, 5}), *file.intArray("ints"));
  EXPECT_TRUE(file.intArray("empty")->empty());
  ASSERT_TRUE(file.value("nested"));
  EXPECT_EQ(GgufType::Array, file.value("nested")->type);

  EXPECT_EQ(Code::NotFound, file.textValue("absent").status().code());
  Status wrong = file.textValue("u32").status();
  EXPECT_EQ(Code::InvalidArgument, wrong.code());
  EXPECT_TRUE(wrong.place() && wrong.place()->offset);
  EXPECT_EQ(Code::InvalidArgument, file.intArray("i32").status().code());
  EXPECT_EQ(Code::InvalidArgument, file.numberValue("ints").status().code());
}

TEST(Gguf, FindsTensorsInBothVersions) {
  for (uint32_t version : {2u, 3u}) {
    GgufBuilder builder;
    builder.version = version;
    builder.u32("general.alignment", 64);
    builder.alignment = 64;
    Bytes block(20);
    for (size_t i = 0; i < block.size(); ++i)
      block[i] = uint8_t(i);
    Bytes two(40);
    std::copy(block.begin(), block.end(), two.begin() + 20);
    builder.tensor("w", 3, {32, 2}, two);
    builder.tensor("odd", 6, {32}, Bytes(22));
    builder.tensor("b", 0, {3}, Bytes(12, 7));
    std::string path = builder.write(temporary("tensors.gguf"));
    auto opened = TensorFile::open(path);
    ASSERT_TRUE(opened.isOk()) << opened.status().str();
    ASSERT_EQ(3u, (*opened)->tensors().size());
    auto weight = (*opened)->find("w");
    ASSERT_TRUE(weight.isOk());
    EXPECT_EQ(TensorFormat::Q4_1, weight->format);
    EXPECT_EQ((std::vector<uint64_t>{2, 32}), weight->dims);
    EXPECT_EQ("2x32xq4_1", weight->shape());
    EXPECT_EQ(two, Bytes(weight->bytes.begin(), weight->bytes.end()));
    EXPECT_EQ(0u, weight->offset % 64);
    Status odd = (*opened)->find("odd").status();
    EXPECT_EQ(Code::Unsupported, odd.code());
    EXPECT_NE(std::string::npos, odd.message().find("q5_0"));
    EXPECT_EQ(Code::NotFound, (*opened)->find("x").status().code());
  }
}

TEST(Gguf, ReadsTheExampleModel) {
  std::string path = exampleDecoder();
  if (path.empty())
    GTEST_SKIP() << modelsMissing;
  auto opened = GgufFile::open(path);
  ASSERT_TRUE(opened.isOk()) << opened.status().str();
  EXPECT_EQ(272u, (*opened)->tensors().size());
  EXPECT_EQ(49152u, (*opened)->textArray("tokenizer.ggml.tokens")->size());
  // Offsets as PyPI gguf 0.19.0 lists them.
  EXPECT_EQ(1785664u, (*opened)->lookup("token_embd.weight")->offset);
  EXPECT_EQ(35191360u, (*opened)->lookup("blk.1.ffn_up.weight")->offset);
  EXPECT_EQ("1536x576xq4_1",
            (*opened)->lookup("blk.0.ffn_gate.weight")->shape());
}

TEST(TensorFile, RefusesOtherFiles) {
  std::string path =
      writeBytes(temporary("other.bin"), Bytes{'P', 'K', 3, 4, 0, 0});
  Status status = TensorFile::open(path).status();
  EXPECT_EQ(Code::InvalidArgument, status.code());
  ASSERT_TRUE(status.place());
  EXPECT_EQ(path, status.place()->file);
  EXPECT_EQ(Code::InvalidArgument,
            TensorFile::open(writeBytes(path, Bytes{})).status().code());
  EXPECT_EQ(Code::NotFound,
            TensorFile::open(temporary("absent.gguf")).status().code());
}

} // namespace
