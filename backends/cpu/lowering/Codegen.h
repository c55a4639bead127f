// From the kernels' MLIR to a linked, freestanding ELF object.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_CODEGEN_H
#define HETAGON_BACKENDS_CPU_LOWERING_CODEGEN_H

#include "backends/cpu/lowering/KernelSet.h"
#include "llvm/Support/Error.h"

namespace hetagon::cpu {

/// Lowers `module` in place to the LLVM dialect, optimises it for `isa`, adds
/// the table of `kernels` and links it with lld. Same input, same bytes.
llvm::Expected<std::vector<uint8_t>>
compileKernels(mlir::ModuleOp module,
               llvm::ArrayRef<const KernelInterface *> kernels, const Isa &isa);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_CODEGEN_H
