// Declaration and registration of the task dialect's own passes.
#ifndef HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_H
#define HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_H

#include "dialects/Task/IR/Task.h"
#include "mlir/Pass/Pass.h"

namespace hetagon::task {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialects/Task/Transforms/Passes.h.inc"

} // namespace hetagon::task

#endif // HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_H
