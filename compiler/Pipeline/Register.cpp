// Registers dialects and passes for the compiler's tools.
#include "compiler/Pipeline/Register.h"
#include "compiler/Analysis/Passes.h"
#include "compiler/Conversion/AgentToTask/Passes.h"
#include "compiler/Conversion/NnToLinalg/NnToLinalg.h"
#include "compiler/Pipeline/Pipelines.h"
#include "compiler/Planner/Passes.h"
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Nn/IR/Nn.h"
#include "dialects/Task/IR/Task.h"
#include "dialects/Task/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

namespace hetagon::pipeline {

void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<agent::AgentDialect, nn::NnDialect, task::TaskDialect,
                  mlir::arith::ArithDialect, mlir::func::FuncDialect>();
  conversion::registerNnToLinalgDialects(registry);
}

void registerAllPasses() {
  mlir::registerTransformsPasses();
  registerAgentToTaskPasses();
  registerAnalysisPasses();
  registerPlannerPasses();
  task::registerTaskPasses();
  registerPipelines();
  conversion::registerNnToLinalgPasses();
}

} // namespace hetagon::pipeline
