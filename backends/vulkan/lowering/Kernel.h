// A small vocabulary in which the generators write compute kernels as gpu,
// arith, math, memref and scf operations, and the pipeline that turns one such
// kernel into a SPIR-V module.
#ifndef HETAGON_BACKENDS_VULKAN_LOWERING_KERNEL_H
#define HETAGON_BACKENDS_VULKAN_LOWERING_KERNEL_H

#include "backends/vulkan/Payload.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/FunctionExtras.h"

namespace hetagon::vulkan {

class Kernel;

/// An SSA value with arithmetic; operators pick the integer or float form by
/// element type. Integers are indices: unsigned numbers below 2^31.
class Val {
public:
  Val() = default;
  Val(Kernel *kernel, mlir::Value value) : kernel(kernel), value(value) {}
  operator mlir::Value() const { return value; }
  mlir::Type type() const { return value.getType(); }
  Kernel &in() const { return *kernel; }

private:
  Kernel *kernel = nullptr;
  mlir::Value value;
};

using Vals = llvm::SmallVector<Val>;

/// What a kernel reads or writes at one binding.
struct Operand {
  enum Element { Float, Integer } element;
  int64_t width; // floats that are loaded and stored together: 1 or 4
  Extent count;  // elements of 4 bytes
  bool isWritten = false;
};

/// How many floats of a row of `columns` can be moved together.
inline int64_t widthFor(int64_t columns) { return columns % 4 == 0 ? 4 : 1; }

/// One kernel under construction. Rows, columns and offsets count elements of
/// the operand's width.
class Kernel {
public:
  /// `constants` is the number of run-time sizes that each dispatch gives.
  Kernel(mlir::MLIRContext &context, llvm::StringRef name,
         llvm::ArrayRef<Operand> operands, uint32_t constants,
         uint32_t workgroupSize, std::array<GridDim, 3> grid);

  /// The run-time size of this number.
  Val constant(uint32_t index);
  /// Workgroup's index along x, y or z.
  Val group(int dim);
  /// The invocation's index within its workgroup.
  Val lane();
  /// group(0) * workgroup size + lane().
  Val globalX();

  Val index(int64_t value);
  Val real(double value, int64_t width = 1);
  Val load(uint32_t operand, Val offset);
  void store(Val value, uint32_t operand, Val offset);

  Val fma(Val a, Val b, Val c);
  Val exp(Val a);
  Val sqrt(Val a);
  Val tanh(Val a);
  Val abs(Val a);
  Val max(Val a, Val b);
  Val min(Val a, Val b); ///< of indices
  Val less(Val a, Val b);
  Val select(Val condition, Val a, Val b);
  Val splat(Val scalar, int64_t width);
  /// The sum of the vector's elements, a tree of fixed order; of a scalar
  /// itself.
  Val sum(Val vector);
  /// c + a[0] * b[0] + a[1] * b[1] + ..., in this order, fused.
  Val dot(Val a, Val b, Val c);
  Val toFloat(Val index);
  int64_t widthOf(Val value) const;

  /// for (i = from; i < to; ++i) with carried values. At least one iteration
  /// must run when something is carried: the conversion to SPIR-V leaves the
  /// results of an empty loop undefined.
  Vals loop(Val from, Val to, llvm::ArrayRef<Val> carried,
            llvm::function_ref<Vals(Val, llvm::ArrayRef<Val>)> body);
  void loop(Val from, Val to, llvm::function_ref<void(Val)> body);
  void when(Val condition, llvm::function_ref<void()> body);

  /// Ends the body, converts it to SPIR-V and fills entry. A diagnostic says
  /// what went wrong; a failure here is a bug of this backend.
  mlir::LogicalResult finish(Entry &entry);

  template <typename Op, typename... Args> Val make(Args &&...args) {
    return {this, b.create<Op>(std::forward<Args>(args)...)->getResult(0)};
  }

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::ImplicitLocOpBuilder b;
  llvm::SmallVector<mlir::Value> arguments;
  Entry entry;
};

Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b);
Val operator%(Val a, Val b); ///< of indices
inline Val operator+(Val a, int64_t n) { return a + a.in().index(n); }
inline Val operator*(Val a, int64_t n) { return a * a.in().index(n); }
inline Val operator/(Val a, int64_t n) { return a / a.in().index(n); }
inline Val operator%(Val a, int64_t n) { return a % a.in().index(n); }

/// Loads the dialects that kernels use.
void loadKernelDialects(mlir::MLIRContext &context);

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_LOWERING_KERNEL_H
