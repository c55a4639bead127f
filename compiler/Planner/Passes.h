// Declaration and registration of the planner's passes.
#ifndef HETAGON_COMPILER_PLANNER_PASSES_H
#define HETAGON_COMPILER_PLANNER_PASSES_H

#include "dialects/Task/IR/Task.h"
#include "mlir/Pass/Pass.h"

namespace hetagon {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Planner/Passes.h.inc"

} // namespace hetagon

#endif // HETAGON_COMPILER_PLANNER_PASSES_H
