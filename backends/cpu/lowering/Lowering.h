// From the nn program of a service to cpu commands and one kernel object.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_LOWERING_H
#define HETAGON_BACKENDS_CPU_LOWERING_LOWERING_H

#include "compiler/Target/Backend.h"

namespace hetagon::cpu {

/// Appends to `builder` everything that runs `step` on `target`. Diagnostics
/// stand at the op that could not be lowered.
mlir::LogicalResult lowerProgram(nn::FuncOp step,
                                 const target::DeviceTarget &target,
                                 target::ProgramBuilder &builder);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_LOWERING_H
