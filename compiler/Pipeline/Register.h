// Everything that the compiler's tools know, registered in one place each: a
// library adds one line to each function.
#ifndef HETAGON_COMPILER_PIPELINE_REGISTER_H
#define HETAGON_COMPILER_PIPELINE_REGISTER_H

#include "mlir/IR/DialectRegistry.h"

namespace hetagon::pipeline {

/// Hetagon's dialects and those of MLIR that its passes read or produce.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Hetagon's passes and the general ones of MLIR, for command lines.
void registerAllPasses();

} // namespace hetagon::pipeline

#endif // HETAGON_COMPILER_PIPELINE_REGISTER_H
