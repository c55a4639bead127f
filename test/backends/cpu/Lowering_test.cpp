// Which commands a program becomes: fusions, repacked weights, shared tables,
// and what is refused with a place.
#include "compiler/Target/Backend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon::target;
namespace nn = hetagon::nn;
namespace fb = hetagon::plan::fb;

namespace {

class CpuLowering : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<nn::NnDialect>();
    auto loaded = loadBackend("cpu");
    ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
    backend = std::move(*loaded);
  }

  LogicalResult lower(llvm::StringRef text,
                      const std::string &architecture = "x86_64+avx512vnni") {
    sections.clear();
    service = fb::ServiceT();
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    ProgramBuilder builder(0);
    if (failed(backend->lower(*module->getOps<nn::FuncOp>().begin(),
                              {"cpu", architecture}, builder)))
      return failure();
    builder.finish(service, sections);
    return success();
  }
  static std::vector<std::string> entries(const fb::ProgramT &program) {
    std::vector<std::string> names;
    for (const auto &command : program.commands)
      names.push_back(command->entry);
    return names;
  }

  MLIRContext context;
  std::unique_ptr<Backend> backend;
  fb::ServiceT service;
  std::vector<std::vector<uint8_t>> sections;
};

constexpr const char *feedForward = R"mlir(
nn.func @f(%x: tensor<?x64xf32>) -> (%y: tensor<?x64xf32>) artefact "w" {
  %norm = nn.weight "norm" : tensor<64xbf16>
  %wg = nn.weight "gate" : tensor<96x64x!nn.quant<q4_1>>
  %wu = nn.weight "up" : tensor<96x64x!nn.quant<q4_1>>
  %wd = nn.weight "down" : tensor<64x96x!nn.quant<q4_0>>
  %n = nn.rms_norm %x, %norm eps 1.0e-5 : tensor<?x64xf32>, tensor<64xbf16>
  %g = nn.linear %n, %wg : tensor<?x64xf32>, tensor<96x64x!nn.quant<q4_1>> -> tensor<?x96xf32>
  %u = nn.linear %n, %wu : tensor<?x64xf32>, tensor<96x64x!nn.quant<q4_1>> -> tensor<?x96xf32>
  %h = nn.glu silu %g, %u : tensor<?x96xf32>
  %d = nn.linear %h, %wd : tensor<?x96xf32>, tensor<64x96x!nn.quant<q4_0>> -> tensor<?x64xf32>
  %y = nn.add %x, %d : tensor<?x64xf32>, tensor<?x64xf32>
  nn.return %y : tensor<?x64xf32>
})mlir";

TEST_F(CpuLowering, FusesTheFeedForward) {
  ASSERT_TRUE(succeeded(lower(feedForward)));
  EXPECT_EQ(
      entries(*service.step),
      (std::vector<std::string>{"rms_norm_64_eps925353388_q8",
                                "linear_nibbles32min_96x64_silu_gated_q16",
                                "linear_nibbles32_64x96_of_q16_residual"}));
  EXPECT_EQ(
      entries(*service.load),
      (std::vector<std::string>{"widen_bf16_64", "repack_q4_1_96x64",
                                "repack_q4_1_96x64", "repack_q4_0_64x96"}));
  ASSERT_EQ(service.executables.size(), 1u);
  EXPECT_EQ(service.executables[0]->format, "elf-x86_64");
  EXPECT_EQ(service.executables[0]->features,
            (std::vector<std::string>{"x86-64-v4", "avx512vnni"}));
}

TEST_F(CpuLowering, GivesTheSameBytesAgain) {
  ASSERT_TRUE(succeeded(lower(feedForward)));
  auto first = sections;
  ASSERT_TRUE(succeeded(lower(feedForward)));
  EXPECT_EQ(sections, first);
  ASSERT_TRUE(succeeded(lower(feedForward, "x86_64+avx2")));
  EXPECT_NE(sections, first);
}

TEST_F(CpuLowering, QuantisesOnceForSeveralUsers) {
  ASSERT_TRUE(succeeded(lower(R"mlir(
nn.func @f(%x: tensor<?x32xf32>, %p: tensor<?xi32>) -> (%y: tensor<?x32xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<32x32x!nn.quant<q8_0>>
  %v = nn.weight "v" : tensor<32x32x!nn.quant<q8_0>>
  %freq = nn.constant dense<[1.0, 0.1]> : tensor<2xf32>
  %a = nn.linear %x, %w : tensor<?x32xf32>, tensor<32x32x!nn.quant<q8_0>> -> tensor<?x32xf32>
  %b = nn.linear %x, %v : tensor<?x32xf32>, tensor<32x32x!nn.quant<q8_0>> -> tensor<?x32xf32>
  %c = nn.rope half %a, %p, %freq head_dim 16 scale 1.0 : tensor<?x32xf32>, tensor<2xf32>
  %d = nn.rope half %b, %p, %freq head_dim 16 scale 1.0 : tensor<?x32xf32>, tensor<2xf32>
  %e = nn.mul %c, %d : tensor<?x32xf32>, tensor<?x32xf32>
  nn.return %e : tensor<?x32xf32>
})mlir")));
  EXPECT_EQ(entries(*service.step),
            (std::vector<std::string>{
                "quantise_32_q16", "linear_bytes32_32x32_of_q16",
                "linear_bytes32_32x32_of_q16", "rope_table_2_scale1065353216",
                "rope_half_32_head16_pairs2", "rope_half_32_head16_pairs2",
                "mul_32"}));
}

TEST_F(CpuLowering, RefusesUnknownProcessors) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(lower(feedForward, "riscv64")));
  EXPECT_NE(message.find("'riscv64'"), std::string::npos) << message;
}

TEST_F(CpuLowering, RefusesMatricesThatAreNoWeights) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(lower(R"mlir(
nn.func @f(%x: tensor<?x2xf32>) -> (%y: tensor<?x1xf32>) artefact "w" {
  %w = nn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = nn.linear %x, %w : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x1xf32>
  nn.return %y : tensor<?x1xf32>
})mlir")));
  EXPECT_NE(message.find("not a whole nn.weight"), std::string::npos)
      << message;
}

} // namespace
