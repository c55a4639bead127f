// The end of the compiler: a module in the task and nn dialects becomes the
// bytes of a plan. A translation, not a pass: nothing of the module changes.
#ifndef HETAGON_COMPILER_EMIT_EMITPLAN_H
#define HETAGON_COMPILER_EMIT_EMITPLAN_H

#include "compiler/Target/Backend.h"
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/plan/PlanFile.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace hetagon::emit {

struct EmitOptions {
  /// Name, version and build of the compiler, for the plan's header.
  std::string compiler = "hetagon";
  /// Digest of the workflow's source, when there is one.
  std::optional<Digest> flowDigest;
};

/// Lowers a service's program with the backend of that name. A failure has been
/// reported at the op that could not be lowered.
using LowerProgram = llvm::function_ref<mlir::LogicalResult(
    nn::FuncOp program, llvm::StringRef backend,
    const target::DeviceTarget &target, target::ProgramBuilder &builder)>;

/// Writes the plan of `module`, which must be placed: every service has a
/// device and, unless it is an endpoint, a program, and requests are fused.
/// What is missing is reported at its op, with what to do. The same module
/// gives the same bytes as long as `lower` does.
mlir::FailureOr<plan::WrittenPlan>
emitPlan(mlir::ModuleOp module, const EmitOptions &options, LowerProgram lower);

/// Lowers with the backends' plugins, each loaded once.
class PluginLowering {
public:
  mlir::LogicalResult operator()(nn::FuncOp program, llvm::StringRef backend,
                                 const target::DeviceTarget &target,
                                 target::ProgramBuilder &builder);

private:
  llvm::StringMap<std::unique_ptr<target::Backend>> backends;
};

} // namespace hetagon::emit

#endif // HETAGON_COMPILER_EMIT_EMITPLAN_H
