// Descriptions of models: the example models' facts, tiny decoders of every
// supported family, and what must be refused by name.
#include "frontend/Models/ModelDescription.h"
#include "test/frontend/Models/TinyDecoder.h"
#include "test/runtime/models/Models.h"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

StatusOr<ModelDescription> describe(const GgufBuilder &builder) {
  return describeModel(builder.write(testing::TempDir() + "tiny.gguf"));
}

/// The description fails with this code and mentions all of `texts`.
void expectFailure(const GgufBuilder &builder, Code code,
                   const std::vector<std::string> &texts) {
  Status status = describe(builder).status();
  EXPECT_EQ(code, status.code()) << status.str();
  EXPECT_TRUE(status.place()) << status.str();
  for (const std::string &text : texts)
    EXPECT_NE(std::string::npos, status.message().find(text))
        << "'" << text << "' in: " << status.str();
}

TEST(DescribeModel, ExampleDecoder) {
  std::string path = exampleDecoder();
  if (path.empty())
    GTEST_SKIP() << modelsMissing;
  auto model = describeModel(path);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  const DecoderDescription *decoder = model->decoder();
  ASSERT_TRUE(decoder);
  // Facts of the model card of SmolLM2-135M.
  EXPECT_EQ(30u, decoder->layers.size());
  EXPECT_EQ(576u, decoder->hidden);
  EXPECT_EQ(1536u, decoder->feedForward);
  EXPECT_EQ(9u, decoder->heads);
  EXPECT_EQ(3u, decoder->kvHeads);
  EXPECT_EQ(64u, decoder->headDim);
  EXPECT_EQ(49152u, decoder->vocabulary);
  EXPECT_EQ(8192u, decoder->contextTokens);
  EXPECT_EQ(100000, decoder->rope.base);
  EXPECT_EQ(RopePairing::Interleaved, decoder->rope.pairing);
  ASSERT_EQ(32u, decoder->rope.inverseFrequencies.size());
  EXPECT_EQ(1.0f, decoder->rope.inverseFrequencies[0]);
  EXPECT_FLOAT_EQ(float(std::pow(100000.0, -62.0 / 64)),
                  decoder->rope.inverseFrequencies[31]);
  EXPECT_EQ(0.125f, decoder->attentionScale);
  EXPECT_TRUE(decoder->tiedHead);
  EXPECT_EQ("token_embd.weight", decoder->head.name);
  EXPECT_EQ(TensorFormat::Q8_0, decoder->head.format);
  EXPECT_EQ("blk.29.ffn_down.weight", decoder->layers[29].down.weight.name);
  EXPECT_EQ(TensorFormat::Q4_1, decoder->layers[29].down.weight.format);
  EXPECT_EQ((std::vector<int64_t>{576, 1536}),
            decoder->layers[0].down.weight.dims);
  EXPECT_FALSE(decoder->layers[0].query.bias.present());
  EXPECT_EQ(134515008u, model->parameters);
  EXPECT_EQ("byte-bpe", model->tokenizer.algorithm);
  EXPECT_EQ(2u, model->tokenizer.splitPatterns.size());
  EXPECT_FALSE(model->tokenizer.addBos);
  // <|endoftext|> and <|im_end|>.
  EXPECT_EQ((std::vector<uint32_t>{0, 2}), model->tokenizer.stopTokens);
  EXPECT_NE(std::string::npos,
            model->tokenizer.chatTemplate.find("<|im_start|>"));
  EXPECT_EQ("apache-2.0", model->licence);
  // The folder of the package means the same model.
  auto byFolder =
      describeModel(std::filesystem::path(path).parent_path().string());
  ASSERT_TRUE(byFolder.isOk()) << byFolder.status().str();
  EXPECT_EQ(path, byFolder->path);
}

TEST(DescribeModel, ExampleEncoder) {
  std::string path = exampleEncoder();
  if (path.empty())
    GTEST_SKIP() << modelsMissing;
  auto model = describeModel(path);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  const EncoderDescription *encoder = model->encoder();
  ASSERT_TRUE(encoder);
  EXPECT_EQ(6u, encoder->layers.size());
  EXPECT_EQ(384u, encoder->hidden);
  EXPECT_EQ(1536u, encoder->feedForward);
  EXPECT_EQ(12u, encoder->heads);
  EXPECT_EQ(512u, encoder->positions);
  EXPECT_EQ(256u, encoder->maxTokens);
  EXPECT_EQ(1e-12f, encoder->normEpsilon);
  EXPECT_EQ("gelu", encoder->activation);
  EXPECT_EQ("mean", encoder->pooling);
  EXPECT_TRUE(encoder->normalize);
  EXPECT_EQ("encoder.layer.5.output.dense.weight",
            encoder->layers[5].down.weight.name);
  EXPECT_EQ("wordpiece", model->tokenizer.algorithm);
  EXPECT_EQ("true", model->tokenizer.options.at("strip_accents"));
  EXPECT_EQ("##", model->tokenizer.options.at("continuing_prefix"));
  // All of the model but the pooler, which an embedding does not use.
  EXPECT_EQ(22713216u - 384 * 384 - 384, model->parameters);
  auto byPackage =
      describeModel(std::filesystem::path(path).parent_path().string());
  ASSERT_TRUE(byPackage.isOk()) << byPackage.status().str();
  EXPECT_EQ(path, byPackage->path);
}

TEST(DescribeModel, FamiliesDiffer) {
  TinyDecoder plain;
  plain.separateHead = true;
  auto llama = describe(plain.builder());
  ASSERT_TRUE(llama.isOk()) << llama.status().str();
  EXPECT_FALSE(llama->decoder()->tiedHead);
  EXPECT_EQ("output.weight", llama->decoder()->head.name);

  TinyDecoder biased;
  biased.architecture = "qwen2";
  biased.qkvBias = true;
  biased.pre = "qwen2";
  auto qwen2 = describe(biased.builder());
  ASSERT_TRUE(qwen2.isOk()) << qwen2.status().str();
  EXPECT_EQ(RopePairing::Half, qwen2->decoder()->rope.pairing);
  EXPECT_EQ("blk.1.attn_v.bias", qwen2->decoder()->layers[1].value.bias.name);
  EXPECT_EQ(1u, qwen2->tokenizer.splitPatterns.size());

  TinyDecoder normed;
  normed.architecture = "qwen3";
  normed.headNorms = true;
  auto qwen3 = describe(normed.builder());
  ASSERT_TRUE(qwen3.isOk()) << qwen3.status().str();
  EXPECT_EQ((std::vector<int64_t>{16}),
            qwen3->decoder()->layers[0].queryNorm.dims);

  biased.qkvBias = false;
  expectFailure(biased.builder(), Code::NotFound, {"blk.0.attn_q.bias"});
  normed.headNorms = false;
  expectFailure(normed.builder(), Code::NotFound, {"blk.0.attn_q_norm.weight"});
}

TEST(DescribeModel, RefusesByName) {
  TinyDecoder tiny;
  tiny.architecture = "mamba";
  expectFailure(tiny.builder(), Code::Unsupported,
                {"mamba", "llama, qwen2, qwen3"});
  tiny = {};
  tiny.tokenizer = "rwkv";
  expectFailure(tiny.builder(), Code::Unsupported, {"rwkv", "gpt2, llama"});
  tiny = {};
  tiny.pre = "tekken";
  expectFailure(tiny.builder(), Code::Unsupported, {"tekken", "smollm"});
  GgufBuilder experts = TinyDecoder().builder();
  experts.u32("llama.expert_count", 8);
  expectFailure(experts, Code::Unsupported, {"llama.expert_count"});
  GgufBuilder window = TinyDecoder().builder();
  window.u32("llama.attention.sliding_window", 64);
  expectFailure(window, Code::Unsupported, {"sliding_window"});
  GgufBuilder scaling = TinyDecoder().builder();
  scaling.text("llama.rope.scaling.type", "longrope");
  expectFailure(scaling, Code::Unsupported, {"longrope", "yarn"});
}

TEST(DescribeModel, ChecksTensorsAgainstSizes) {
  for (const char *name : {"token_embd.weight", "output_norm.weight",
                           "blk.0.attn_q.weight", "blk.1.attn_k.weight",
                           "blk.1.ffn_down.weight", "blk.0.attn_norm.weight"}) {
    TinyDecoder tiny;
    tiny.skippedTensor = name;
    expectFailure(tiny.builder(), Code::NotFound, {name});
    tiny = {};
    tiny.misshapedTensor = name;
    expectFailure(tiny.builder(), Code::InvalidArgument, {name});
  }
  GgufBuilder more = TinyDecoder().builder();
  more.tensor("blk.2.attn_norm.weight", 0, {64}, Bytes(256));
  expectFailure(more, Code::Unsupported, {"blk.2.attn_norm.weight"});
  TinyDecoder exotic;
  exotic.skippedTensor = "blk.0.ffn_up.weight";
  GgufBuilder builder = exotic.builder();
  builder.tensor("blk.0.ffn_up.weight", 6, {64, 96}, Bytes(22 * 2 * 96));
  expectFailure(builder, Code::Unsupported, {"blk.0.ffn_up.weight", "q5_0"});
}

TEST(DescribeModel, RefusesSizesOutOfBounds) {
  struct Case {
    const char *key;
    uint32_t value;
  };
  for (Case bad : {Case{"attention.key_length", 0},
                   {"attention.key_length", 15},
                   {"rope.dimension_count", 17},
                   {"rope.dimension_count", 18},
                   {"attention.value_length", 8}}) {
    GgufBuilder builder = TinyDecoder().builder();
    builder.u32("llama." + std::string(bad.key), bad.value);
    Status status = describe(builder).status();
    EXPECT_FALSE(status.isOk()) << bad.key << " " << bad.value;
    EXPECT_TRUE(status.place()) << status.str();
  }
}

TEST(DescribeModel, YarnScalesFrequencies) {
  GgufBuilder builder = TinyDecoder().builder();
  builder.u32("llama.attention.key_length", 16);
  builder.f32("llama.rope.freq_base", 10000);
  builder.text("llama.rope.scaling.type", "yarn");
  builder.f32("llama.rope.scaling.factor", 4);
  builder.u32("llama.rope.scaling.original_context_length", 4096);
  auto model = describe(builder);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  const RopeDescription &rope = model->decoder()->rope;
  // By the formulas of transformers' _compute_yarn_parameters with dim 16,
  // base 10000, factor 4, 4096 positions, betas 32 and 1.
  const double expected[] = {1.000000000e+00, 3.162277660e-01, 1.000000000e-01,
                             2.569350599e-02, 6.250000000e-03, 1.383496476e-03,
                             2.500000000e-04, 7.905694150e-05};
  ASSERT_EQ(std::size(expected), rope.inverseFrequencies.size());
  for (size_t i = 0; i < std::size(expected); ++i)
    EXPECT_NEAR(expected[i], rope.inverseFrequencies[i], 1e-7 * expected[i])
        << i;
  EXPECT_FLOAT_EQ(1.13862944f, rope.scale);

  // A factor that stretches nothing leaves the magnitude alone.
  GgufBuilder shrinking = TinyDecoder().builder();
  shrinking.text("llama.rope.scaling.type", "yarn");
  shrinking.f32("llama.rope.scaling.factor", 0.5f);
  auto shrunk = describe(shrinking);
  ASSERT_TRUE(shrunk.isOk()) << shrunk.status().str();
  EXPECT_EQ(1.0f, shrunk->decoder()->rope.scale);
}

TEST(DescribeModel, LinearScalingAndFactorsShrinkFrequencies) {
  GgufBuilder linear = TinyDecoder().builder();
  linear.text("llama.rope.scaling.type", "linear");
  linear.f32("llama.rope.scaling.factor", 8);
  auto model = describe(linear);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  EXPECT_EQ(0.125f, model->decoder()->rope.inverseFrequencies[0]);
  EXPECT_EQ(1.0f, model->decoder()->rope.scale);

  GgufBuilder unnamed = TinyDecoder().builder();
  unnamed.f32("llama.rope.scaling.factor", 4);
  model = describe(unnamed);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  EXPECT_EQ("linear", model->decoder()->rope.scaling);
  EXPECT_EQ(0.25f, model->decoder()->rope.inverseFrequencies[0]);

  GgufBuilder factors = TinyDecoder().builder();
  Bytes divisors;
  for (int i = 0; i < 8; ++i)
    append(divisors, float(1 << i));
  factors.tensor("rope_freqs.weight", 0, {8}, divisors);
  model = describe(factors);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  const RopeDescription &rope = model->decoder()->rope;
  EXPECT_EQ("factors", rope.scaling);
  for (int i = 0; i < 8; ++i)
    EXPECT_FLOAT_EQ(float(std::pow(10000.0, -i / 8.0) / (1 << i)),
                    rope.inverseFrequencies[i]);
}

TEST(DescribeModel, SentencePieceBeginsWithBos) {
  TinyDecoder tiny;
  tiny.tokenizer = "llama";
  tiny.pre = "";
  GgufBuilder builder = tiny.builder();
  builder.boolean("tokenizer.ggml.add_space_prefix", false);
  auto model = describe(builder);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  EXPECT_EQ("sentencepiece", model->tokenizer.algorithm);
  EXPECT_EQ("false", model->tokenizer.options.at("space_prefix"));
  EXPECT_TRUE(model->tokenizer.addBos);
}

TEST(DescribeModel, MutatedFilesFailWithAPlace) {
  TinyDecoder tiny;
  tiny.qkvBias = tiny.headNorms = true;
  Bytes original = tiny.builder().build();
  size_t tables = tiny.builder().metadata.size() + tiny.builder().infos.size();
  std::mt19937 random(11);
  std::string path = testing::TempDir() + "mutated_tiny.gguf";
  for (int round = 0; round < 1500; ++round) {
    Bytes bytes = original;
    for (size_t n = 1 + random() % 3; n--;)
      bytes[random() % (24 + tables)] =
          random() % 2 ? uint8_t(random()) : uint8_t(random() % 3);
    Status status = describeModel(writeBytes(path, bytes)).status();
    if (!status.isOk())
      EXPECT_TRUE(status.place()) << status.str();
  }
}

TEST(DescribeModel, RefusesOtherPaths) {
  EXPECT_EQ(Code::NotFound,
            describeModel(testing::TempDir() + "absent").status().code());
  std::string folder = testing::TempDir() + "empty_model_folder";
  std::filesystem::create_directories(folder);
  EXPECT_EQ(Code::NotFound, describeModel(folder).status().code());
  std::ofstream(folder + "/config.json") << R"({"model_type": "t5"})";
  Status status = describeModel(folder).status();
  EXPECT_EQ(Code::Unsupported, status.code());
  EXPECT_NE(std::string::npos, status.message().find("t5"));
  std::filesystem::remove_all(folder);
}

} // namespace
