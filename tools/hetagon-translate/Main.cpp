// Translations into and out of Hetagon's IR: workflows come in, plans go out.
#include "compiler/Emit/EmitPlan.h"
#include "compiler/Pipeline/Register.h"
#include "frontend/AgentSpec/Import.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace hetagon;

static void registerDialects(DialectRegistry &registry) {
  pipeline::registerAllDialects(registry);
}

/// Reads the flow from its file, so that it may name others beside it.
static OwningOpRef<Operation *> importFlow(llvm::SourceMgr &sources,
                                           MLIRContext *context) {
  StringRef path =
      sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier();
  Diagnostics diagnostics;
  std::unique_ptr<Workflow> workflow =
      readWorkflow(path.str(), /*requirementsPath=*/{}, diagnostics);
  llvm::errs() << diagnostics.str();
  if (!workflow)
    return nullptr;
  return importWorkflow(*workflow, *context).release().getOperation();
}

static LogicalResult writePlan(Operation *op, raw_ostream &output) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    return op->emitError("a plan is made of a module");
  emit::PluginLowering lowering;
  FailureOr<plan::WrittenPlan> plan = emit::emitPlan(module, {}, lowering);
  if (failed(plan))
    return failure();
  output.write(reinterpret_cast<const char *>(plan->bytes.data()),
               plan->bytes.size());
  return success();
}

int main(int argc, char **argv) {
  TranslateToMLIRRegistration import(
      "import-agent-spec", "an Agent Spec workflow to the agent dialect",
      [](llvm::SourceMgr &sources, MLIRContext *context) {
        return importFlow(sources, context);
      },
      registerDialects);
  TranslateFromMLIRRegistration write(
      "task-to-plan", "a placed module of task and nn to a plan", writePlan,
      registerDialects);
  return failed(mlirTranslateMain(argc, argv, "Hetagon's translations\n"));
}
