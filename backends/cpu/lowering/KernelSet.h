// The kernels of one service: generated on first use, named by what they do and
// their static shape, and compiled together into one freestanding ELF object.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_KERNELSET_H
#define HETAGON_BACKENDS_CPU_LOWERING_KERNELSET_H

#include "backends/cpu/lowering/Emitter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace hetagon::cpu {

/// What a kernel's body works on: see hetagon_cpu_kernel in KernelTable.h.
class KernelFrame {
public:
  KernelFrame(Emitter &emitter, mlir::ValueRange arguments);
  /// The pointer to the first byte of a binding.
  Val binding(unsigned index) const;
  Val constant(unsigned index) const;
  Val part, parts, scratch;

private:
  Val bindings, constants;
};

/// A contiguous share [begin, end) of `count` items, the same for every kernel:
/// part p has items count * p / parts to count * (p + 1) / parts.
struct Share {
  Val begin, end;
};
Share shareOf(Emitter &emitter, const KernelFrame &frame, Val count);

/// What a kernel looks like from outside.
struct KernelInterface {
  std::string name; ///< also its key: equal names mean equal code
  uint32_t bindings = 0;
  uint32_t constants = 0;
  uint64_t scratchBytes = 0; ///< for each part
  /// Bit i: binding i is written. 0: the last one only.
  uint64_t writtenBindings = 0;
};

/// Registers what the generated code uses with a context.
void registerKernelDialects(mlir::DialectRegistry &registry);

/// Not thread-safe; lives within one context.
class KernelSet {
public:
  /// Emits the body; the result is the entry's i32 status, or an empty Val
  /// for "cannot fail".
  using Body = llvm::function_ref<Val(Emitter &, const KernelFrame &)>;

  KernelSet(mlir::MLIRContext &context, Isa isa);

  const Isa &isa() const { return isaInfo; }
  /// The kernel's name, after `body` has emitted it if it was not there yet.
  const std::string &require(const KernelInterface &interface, Body body);
  bool empty() const { return interfaces.empty(); }
  std::vector<std::string> entryNames() const;
  /// Consumes the generated module. The error text names the failing stage.
  llvm::Expected<std::vector<uint8_t>> compile();

private:
  Isa isaInfo;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::unique_ptr<KernelInterface>> interfaces;
  llvm::StringMap<const KernelInterface *> byName;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_KERNELSET_H
