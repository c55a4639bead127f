// The pass: symbols first, then every graph.
#include "compiler/Conversion/AgentToTask/Lowering.h"
#include "compiler/Conversion/AgentToTask/Passes.h"

namespace hetagon {
#define GEN_PASS_DEF_AGENTTOTASK
#include "compiler/Conversion/AgentToTask/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct AgentToTaskPass : hetagon::impl::AgentToTaskBase<AgentToTaskPass> {
  void runOnOperation() override {
    ModuleOp source = getOperation();
    OwningOpRef<ModuleOp> target = ModuleOp::create(source.getLoc());
    DataClasses classes(source);
    agenttotask::SymbolLowering symbols(source, *target);
    symbols.run();
    // All graphs are tried, so that one run names everything that is missing.
    bool failedAny = false;
    for (auto graph : source.getOps<agent::GraphOp>())
      failedAny |=
          failed(agenttotask::GraphLowering(symbols, classes).run(graph));
    if (failedAny)
      return signalPassFailure();

    for (Operation &op :
         llvm::make_early_inc_range(source.getBody()->getOperations()))
      if (isa<agent::AgentDialect>(op.getDialect()))
        op.erase();
    source.getBody()->getOperations().splice(
        source.getBody()->end(), target->getBody()->getOperations());
  }
};
} // namespace
