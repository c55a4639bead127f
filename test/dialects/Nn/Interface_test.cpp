// What analyses ask of nn operations: run-time sizes and costs.
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon;

namespace {

class NnInterface : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<nn::NnDialect>();
    module = parseSourceString<ModuleOp>(R"mlir(
!kv = !nn.kv<layers = 2, kv_heads = 2, head_dim = 8, page_tokens = 4, format = f16>
nn.func @f(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>,
           %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x64xf32>) kind decoder artefact "w" {
  %table = nn.weight "table" : tensor<64x32x!nn.quant<q4_1>>
  %bias = nn.weight "bias" : tensor<64xf16>
  %x = nn.embedding %tokens, %table : tensor<64x32x!nn.quant<q4_1>> -> tensor<?x32xf32>
  %a = nn.attention %x, %kv, %row_seq, %positions, %page_table layer 0 heads 4 scale 1.0 window 0 : tensor<?x32xf32>, !kv
  %o = nn.gather_rows %a, %out_rows : tensor<?x32xf32>
  %l = nn.linear %o, %table bias %bias : tensor<?x32xf32>, tensor<64x32x!nn.quant<q4_1>>, tensor<64xf16> -> tensor<?x64xf32>
  nn.return %l : tensor<?x64xf32>
}
nn.func @g(%x: tensor<?x4xf32>, %segments: tensor<?x2xi32>) -> (%y: tensor<?x4xf32>) {
  %p = nn.pool mean %x, %segments : tensor<?x4xf32>
  nn.return %p : tensor<?x4xf32>
})mlir",
                                         &context);
    ASSERT_TRUE(module);
  }
  template <typename OpTy> OpTy only() {
    OpTy found;
    module->walk([&](OpTy op) { found = op; });
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(NnInterface, LeadingSymbols) {
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::EmbeddingOp>()), "rows");
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::AttentionOp>()), "rows");
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::GatherRowsOp>()), "outs");
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::LinearOp>()), "outs");
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::PoolOp>()), "seqs");
  EXPECT_EQ(nn::getLeadingSymbol(only<nn::WeightOp>()), "");
  nn::FuncOp func = *module->getOps<nn::FuncOp>().begin();
  EXPECT_EQ(nn::getDimSymbols(func, 3),
            (std::vector<std::string>{"seqs", "max_pages"}));
}

TEST_F(NnInterface, CostsByHand) {
  // 64 columns of 32 products; input and output in f32; one block of 20 bytes a
  // column, and a bias of 2.
  nn::OpCost linear = only<nn::LinearOp>().getCost();
  EXPECT_EQ(linear.operationsPerRow, 2 * 32 * 64);
  EXPECT_EQ(linear.bytesPerRow, (32 + 64) * 4);
  EXPECT_EQ(linear.fixedBytes, 64 * 20 + 64 * 2);
  EXPECT_EQ(linear.operationsPerPair, 0);

  // A position: 4 heads of 8, product and sum twice, one exponential a head of
  // 8 operations; 2 key-value heads of 8 in f16, keys and values.
  nn::OpCost attention = only<nn::AttentionOp>().getCost();
  EXPECT_EQ(attention.operationsPerPair, 4 * 32 + 4 * 8);
  EXPECT_EQ(attention.bytesPerPair, 2 * 2 * 8 * 2);
  EXPECT_EQ(attention.bytesPerRow, 2 * 32 * 4);

  // A row of the table is one block; the id has 4 bytes.
  nn::OpCost embedding = only<nn::EmbeddingOp>().getCost();
  EXPECT_EQ(embedding.bytesPerRow, 32 * 4 + 20 + 4);
  EXPECT_EQ(embedding.fixedBytes, 0);
}

TEST_F(NnInterface, StorageBytesOfFormats) {
  using nn::QuantFormat;
  auto bytes = [&](QuantFormat format) {
    return nn::getStorageBytes(
        RankedTensorType::get({2, 256}, nn::QuantType::get(&context, format)));
  };
  EXPECT_EQ(bytes(QuantFormat::Q4_0), 2 * 8 * 18);
  EXPECT_EQ(bytes(QuantFormat::Q4_1), 2 * 8 * 20);
  EXPECT_EQ(bytes(QuantFormat::Q8_0), 2 * 8 * 34);
  EXPECT_EQ(bytes(QuantFormat::Q4_K), 2 * 144);
  EXPECT_EQ(bytes(QuantFormat::Q6_K), 2 * 210);
}

} // namespace
