// The lowering half of the reference backend, loaded as the compiler loads it:
// the payload follows docs/reference-backend.md, the commands follow the ops.
#include "compiler/Target/Backend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon::target;
namespace nn = hetagon::nn;
namespace fb = hetagon::plan::fb;

namespace {

struct Lowered {
  fb::ServiceT service;
  std::string payload;
  std::vector<std::string> commands; // "entry: bindings; constants"
};

class ReferenceLowering : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<nn::NnDialect>();
    auto loaded = loadBackend("reference");
    ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
    backend = std::move(*loaded);
  }

  LogicalResult lower(llvm::StringRef text, Lowered &lowered) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    ProgramBuilder builder(0);
    if (failed(backend->lower(*module->getOps<nn::FuncOp>().begin(),
                              {"reference", ""}, builder)))
      return failure();
    std::vector<std::vector<uint8_t>> sections;
    builder.finish(lowered.service, sections);
    const auto &bytes = sections[lowered.service.executables[0]->section];
    lowered.payload.assign(bytes.begin(), bytes.end());
    for (const auto &command : lowered.service.step->commands) {
      std::string line = command->entry + ":";
      for (uint32_t binding : command->bindings) {
        const fb::BufferT &buffer = *lowered.service.buffers[binding];
        line += " " + (buffer.name.empty() ? "#" + std::to_string(buffer.slot)
                                           : buffer.name);
      }
      line += ";";
      for (const auto &constant : command->constants)
        line += " " + constant->symbol;
      lowered.commands.push_back(line);
    }
    return success();
  }

  MLIRContext context;
  std::unique_ptr<Backend> backend;
};

TEST_F(ReferenceLowering, OneDispatchForEachOp) {
  Lowered lowered;
  ASSERT_TRUE(succeeded(lower(R"mlir(
!kv = !nn.kv<layers = 2, kv_heads = 1, head_dim = 4, page_tokens = 8, format = f16>
nn.func @f(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>,
           %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x16xf32>) kind decoder artefact "w" {
  %table = nn.weight "table" : tensor<16x32x!nn.quant<q4_1>>
  %norm = nn.weight "norm" : tensor<32xf32>
  %wk = nn.weight "k" : tensor<4x32xf32>
  %bk = nn.weight "bk" : tensor<4xbf16>
  %freq = nn.constant dense<[1.0, 0.1]> : tensor<2xf32>
  %x = nn.embedding %tokens, %table : tensor<16x32x!nn.quant<q4_1>> -> tensor<?x32xf32>
  %n = nn.rms_norm %x, %norm eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %k = nn.linear %n, %wk bias %bk : tensor<?x32xf32>, tensor<4x32xf32>, tensor<4xbf16> -> tensor<?x4xf32>
  %kr = nn.rope half %k, %positions, %freq head_dim 4 scale 1.0 : tensor<?x4xf32>, tensor<2xf32>
  %kv1 = nn.kv_append %kr, %k, %kv, %row_seq, %positions, %page_table layer 1 : tensor<?x4xf32>, !kv
  %a = nn.attention %n, %kv1, %row_seq, %positions, %page_table layer 1 heads 8 scale 0.5 window 3 : tensor<?x32xf32>, !kv
  %s = nn.add %a, %x : tensor<?x32xf32>, tensor<?x32xf32>
  %m = nn.mul %s, %norm : tensor<?x32xf32>, tensor<32xf32>
  %g = nn.glu silu %m, %m : tensor<?x32xf32>
  %n2 = nn.rms_norm %g, %norm eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %c = nn.scale %n2 by 0.25 : tensor<?x32xf32>
  %o = nn.gather_rows %c, %out_rows : tensor<?x32xf32>
  %l = nn.linear %o, %table : tensor<?x32xf32>, tensor<16x32x!nn.quant<q4_1>> -> tensor<?x16xf32>
  nn.return %l : tensor<?x16xf32>
})mlir",
                              lowered)));
  EXPECT_EQ(lowered.payload, R"(reference-ops 1
embedding_0 embedding vocab=16 d=32 format=q4_1
rms_norm_1 rms_norm d=32 g=32 eps=9.99999975e-06 format=f32
linear_2 linear k=32 n=4 format=f32 bias=bf16
rope_3 rope heads=1 head_dim=4 rotary=4 pairing=half scale=1
kv_append_4 kv_append layers=2 kv_heads=1 head_dim=4 page_tokens=8 format=f16 layer=1
attention_5 attention layers=2 kv_heads=1 head_dim=4 page_tokens=8 format=f16 layer=1 heads=8 scale=0.5 window=3
add_6 add d=32
mul_7 mul d=32 broadcast=1 format=f32
glu_8 glu d=32 kind=silu
scale_9 scale d=32 factor=0.25
gather_rows_10 gather_rows d=32
linear_11 linear k=32 n=16 format=q4_1
)");
  EXPECT_EQ(lowered.service.executables[0]->format, "reference-ops");
  EXPECT_EQ(lowered.service.executables[0]->entries.size(), 12u);
  std::vector<std::string> starts;
  for (const std::string &command : lowered.commands)
    starts.push_back(command.substr(0, command.find(':')));
  EXPECT_EQ(starts,
            (std::vector<std::string>{
                "embedding_0", "rms_norm_1", "linear_2", "rope_3",
                "kv_append_4", "attention_5", "add_6", "mul_7", "glu_8",
                "rms_norm_1", "scale_9", "gather_rows_10", "linear_11"}));
  ASSERT_EQ(lowered.commands.size(), 13u);
  EXPECT_EQ(lowered.commands[0], "embedding_0: tokens table #0; rows");
  EXPECT_EQ(lowered.commands[4],
            "kv_append_4: #3 #2 kv row_seq positions page_table; rows seqs "
            "max_pages");
  EXPECT_EQ(lowered.commands[5],
            "attention_5: #1 kv row_seq positions page_table #2; rows seqs "
            "max_pages");
  EXPECT_EQ(lowered.commands[11].substr(lowered.commands[11].find(';')),
            "; rows outs");
  EXPECT_EQ(lowered.commands[12].substr(lowered.commands[12].find("table")),
            "table logits; outs");
}

TEST_F(ReferenceLowering, TheEncodersOps) {
  Lowered lowered;
  ASSERT_TRUE(succeeded(lower(R"mlir(
nn.func @f(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_begin: tensor<?xi32>,
           %row_end: tensor<?xi32>, %segments: tensor<?x2xi32>)
    -> (%embedding: tensor<?x8xf32>) kind encoder artefact "w" {
  %table = nn.weight "table" : tensor<16x8xf32>
  %w = nn.weight "w" : tensor<8xf32>
  %x = nn.embedding %tokens, %table : tensor<16x8xf32> -> tensor<?x8xf32>
  %n = nn.layer_norm %x, %w, %w eps 0.125 : tensor<?x8xf32>, tensor<8xf32>
  %a = nn.segment_attention %n, %n, %n, %row_begin, %row_end heads 2 scale 0.5 : tensor<?x8xf32>
  %g = nn.activation gelu %a : tensor<?x8xf32>
  %p = nn.pool mean %g, %segments : tensor<?x8xf32>
  %l = nn.l2_normalize %p : tensor<?x8xf32>
  nn.return %l : tensor<?x8xf32>
})mlir",
                              lowered)));
  EXPECT_EQ(lowered.payload, R"(reference-ops 1
embedding_0 embedding vocab=16 d=8 format=f32
layer_norm_1 layer_norm d=8 eps=0.125 format=f32
segment_attention_2 segment_attention heads=2 head_dim=4 scale=0.5
activation_3 activation d=8 kind=gelu
pool_4 pool d=8 kind=mean
l2_normalize_5 l2_normalize d=8
)");
  EXPECT_EQ(lowered.commands[4].substr(lowered.commands[4].find(" segm")),
            " segments #2; rows seqs");
  EXPECT_EQ(lowered.commands[5], "l2_normalize_5: #2 embedding; seqs");
}

TEST_F(ReferenceLowering, SaysWhatItCannotLower) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message += diagnostic.str();
    return success();
  });
  context.allowUnregisteredDialects();
  Lowered lowered;
  EXPECT_TRUE(failed(lower("nn.func @f(%x: tensor<?x4xf32>) -> "
                           "(%y: tensor<?x4xf32>) {\n"
                           "  %0 = \"other.op\"(%x) : (tensor<?x4xf32>) -> "
                           "tensor<?x4xf32>\n"
                           "  nn.return %0 : tensor<?x4xf32>\n}",
                           lowered)));
  EXPECT_NE(message.find("other.op"), std::string::npos) << message;
}

} // namespace
