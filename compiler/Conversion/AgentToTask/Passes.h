// Declaration and registration of AgentToTask.
#ifndef HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_H
#define HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_H

#include "dialects/Task/IR/Task.h"
#include "mlir/Pass/Pass.h"

namespace hetagon {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/AgentToTask/Passes.h.inc"

} // namespace hetagon

#endif // HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_H
