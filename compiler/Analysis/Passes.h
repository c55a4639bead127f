// Declaration and registration of the checks.
#ifndef HETAGON_COMPILER_ANALYSIS_PASSES_H
#define HETAGON_COMPILER_ANALYSIS_PASSES_H

#include "dialects/Task/IR/Task.h"
#include "mlir/Pass/Pass.h"

namespace hetagon {

/// Name of the module's attribute with the ids of all requirements.
inline constexpr llvm::StringLiteral requirementsAttrName = "task.requirements";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Analysis/Passes.h.inc"

} // namespace hetagon

#endif // HETAGON_COMPILER_ANALYSIS_PASSES_H
