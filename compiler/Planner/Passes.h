// Declaration and registration of the planner's passes.
#ifndef HETAGON_COMPILER_PLANNER_PASSES_H
#define HETAGON_COMPILER_PLANNER_PASSES_H

#include "dialects/Task/IR/Task.h"
#include "mlir/Pass/Pass.h"

namespace hetagon {

/// Set on a module whose demands no placement can meet, when that is why
/// placing failed.
inline constexpr llvm::StringLiteral unsatisfiableAttrName =
    "task.unsatisfiable";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Planner/Passes.h.inc"

} // namespace hetagon

#endif // HETAGON_COMPILER_PLANNER_PASSES_H
