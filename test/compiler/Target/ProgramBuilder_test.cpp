// Buffers of nn values, and memory slots: two transients that live at once
// never share one.
#include "compiler/Target/ProgramBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace hetagon::target;
namespace nn = hetagon::nn;
namespace fb = hetagon::plan::fb;

namespace {

TEST(ProgramBuilder, LiveTransientsNeverShareASlot) {
  std::mt19937 random(7);
  auto below = [&](unsigned bound) { return unsigned(random() % bound); };
  unsigned shared = 0;
  for (int round = 0; round < 200; ++round) {
    ProgramBuilder builder(0);
    ExecutableId executable = builder.declareExecutable();
    builder.defineExecutable(executable, "test", "none", {}, {"run"}, {});
    std::vector<BufferId> ids;
    for (unsigned i = 0, n = 1 + below(30); i < n; ++i)
      ids.push_back(builder.addTransient(
          {{0, below(2) ? "rows" : "outs"}, {1 + below(100), ""}}, 4, "f32"));
    for (unsigned i = 0, n = below(40); i < n; ++i) {
      std::vector<BufferId> bindings;
      for (unsigned j = 0, m = 1 + below(4); j < m; ++j)
        bindings.push_back(ids[below(ids.size())]);
      if (below(8) == 0)
        builder.addLoadCommand(executable, "run", bindings, {}, "");
      else
        builder.addCommand(executable, "run", bindings, {}, "");
    }
    fb::ServiceT service;
    std::vector<std::vector<uint8_t>> sections;
    builder.finish(service, sections);

    // Lives by brute force, over the load program and then the step program.
    std::vector<const fb::CommandT *> commands;
    for (const auto &command : service.load->commands)
      commands.push_back(command.get());
    for (const auto &command : service.step->commands)
      commands.push_back(command.get());
    auto life = [&](uint32_t buffer) {
      std::pair<size_t, size_t> range{SIZE_MAX, 0};
      for (size_t time = 0; time < commands.size(); ++time)
        if (llvm::is_contained(commands[time]->bindings, buffer))
          range = {std::min(range.first, time), time};
      return range;
    };
    for (uint32_t a = 0; a < ids.size(); ++a) {
      auto [firstA, lastA] = life(a);
      if (firstA == SIZE_MAX) {
        EXPECT_EQ(service.buffers[a]->slot, -1);
        continue;
      }
      EXPECT_GE(service.buffers[a]->slot, 0);
      for (uint32_t b = 0; b < a; ++b) {
        auto [firstB, lastB] = life(b);
        if (firstB == SIZE_MAX ||
            service.buffers[a]->slot != service.buffers[b]->slot)
          continue;
        ++shared;
        EXPECT_TRUE(lastA < firstB || lastB < firstA)
            << "buffers " << a << " and " << b << " share slot "
            << service.buffers[a]->slot << " in round " << round;
        EXPECT_EQ(service.buffers[a]->dims[0]->symbol,
                  service.buffers[b]->dims[0]->symbol);
      }
    }
  }
  EXPECT_GT(shared, 100u) << "slots are never reused";
}

class Parsed {
public:
  explicit Parsed(llvm::StringRef text) {
    context.loadDialect<nn::NnDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
  }
  nn::FuncOp func() { return *module->getOps<nn::FuncOp>().begin(); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

const char *program = R"mlir(
!kv = !nn.kv<layers = 2, kv_heads = 1, head_dim = 4, page_tokens = 8, format = f16>
nn.func @f(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>,
           %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x32xf32>) kind decoder artefact "w" {
  %table = nn.weight "table" : tensor<32x32x!nn.quant<q4_1>>
  %again = nn.weight "table" : tensor<32x32x!nn.quant<q4_1>>
  %row = nn.weight "types" row 3 : tensor<32xf16>
  %freq = nn.constant dense<0.5> : tensor<2xf32>
  %x = nn.embedding %tokens, %table : tensor<32x32x!nn.quant<q4_1>> -> tensor<?x32xf32>
  %y = nn.add %x, %row : tensor<?x32xf32>, tensor<32xf16>
  %z = nn.rope half %y, %positions, %freq head_dim 4 scale 1.0 : tensor<?x32xf32>, tensor<2xf32>
  %o = nn.gather_rows %z, %out_rows : tensor<?x32xf32>
  %l = nn.linear %o, %again : tensor<?x32xf32>, tensor<32x32x!nn.quant<q4_1>> -> tensor<?x32xf32>
  nn.return %l : tensor<?x32xf32>
})mlir";

TEST(ProgramBuilder, BuffersFollowWhatDefinesTheValue) {
  Parsed parsed(program);
  ASSERT_TRUE(parsed.module);
  nn::FuncOp func = parsed.func();
  ProgramBuilder builder(5);
  auto ops = func.getBody().front().getOperations().begin();
  auto next = [&] { return (*ops++).getResult(0); };
  BufferId table = builder.bufferOf(next());
  EXPECT_EQ(builder.bufferOf(next()), table) << "one tensor, one buffer";
  BufferId row = builder.bufferOf(next());
  BufferId freq = builder.bufferOf(next());
  BufferId x = builder.bufferOf(next());
  Value y = next();
  builder.alias(y, x);
  EXPECT_EQ(builder.bufferOf(y), x);
  next();
  BufferId gathered = builder.bufferOf(next());
  BufferId logits = builder.bufferOf(next());
  BufferId pages = builder.bufferOf(func.getArgumentNamed("page_table"));
  BufferId kv = builder.bufferOf(func.getArgumentNamed("kv"));

  fb::ServiceT service;
  std::vector<std::vector<uint8_t>> sections{{1, 2, 3}};
  builder.finish(service, sections);
  auto at = [&](BufferId id) -> const fb::BufferT & {
    return *service.buffers[uint32_t(id)];
  };
  auto dims = [&](BufferId id) {
    std::string text;
    for (const auto &dim : at(id).dims)
      text +=
          (dim->symbol.empty() ? std::to_string(dim->size) : dim->symbol) + ",";
    return text + "x" + std::to_string(at(id).element_bytes) + " " +
           at(id).format;
  };
  EXPECT_EQ(at(table).storage, fb::Storage::weight);
  EXPECT_EQ(at(table).artefact, 5);
  EXPECT_EQ(at(table).name, "table");
  EXPECT_EQ(dims(table), "32,1,x20 q4_1");
  EXPECT_EQ(at(row).offset, 3u * 32 * 2);
  EXPECT_EQ(dims(row), "32,x2 f16");
  EXPECT_EQ(at(freq).storage, fb::Storage::constant);
  ASSERT_EQ(at(freq).section, 1);
  EXPECT_EQ(sections[1], (std::vector<uint8_t>{0, 0, 0, 0x3f, 0, 0, 0, 0x3f}));
  EXPECT_EQ(at(x).storage, fb::Storage::transient);
  EXPECT_EQ(dims(x), "rows,32,x4 f32");
  EXPECT_EQ(dims(gathered), "outs,32,x4 f32");
  EXPECT_EQ(at(logits).storage, fb::Storage::output);
  EXPECT_EQ(at(logits).name, "logits");
  EXPECT_EQ(dims(logits), "outs,32,x4 f32");
  EXPECT_EQ(at(pages).storage, fb::Storage::input);
  EXPECT_EQ(dims(pages), "seqs,max_pages,x4 i32");
  EXPECT_EQ(at(kv).storage, fb::Storage::kv);
  EXPECT_EQ(dims(kv), "pages,128,x2 f16"); // 2 layers, key and value, 8 * 4
}

TEST(ProgramBuilder, DescribesTheServiceByItsType) {
  Parsed parsed(program);
  fb::ServiceT service;
  describeService(parsed.func(), service);
  EXPECT_EQ(service.kind, fb::ServiceKind::decoder);
  EXPECT_EQ(service.vocabulary, 32u);
  ASSERT_TRUE(service.kv);
  EXPECT_EQ(service.kv->layers, 2u);
  EXPECT_EQ(service.kv->format, "f16");
  EXPECT_EQ(service.kv->page_bytes, 2u * 2 * 8 * 4 * 2);
}

TEST(ProgramBuilder, RefusesAReturnedArgument) {
  Parsed parsed("nn.func @f(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {\n"
                "  nn.return %x : tensor<?x4xf32>\n}");
  std::string message;
  ScopedDiagnosticHandler handler(&parsed.context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(verifyLowerable(parsed.func())));
  EXPECT_NE(message.find("what no operation computes"), std::string::npos);
}

} // namespace
