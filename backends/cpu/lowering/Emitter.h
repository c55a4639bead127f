// A small vocabulary in which the kernel generators write MLIR: values with
// operators, raw pointers with byte offsets, counted loops. It emits arith,
// math, vector, scf and LLVM memory operations and nothing of its own.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_EMITTER_H
#define HETAGON_BACKENDS_CPU_LOWERING_EMITTER_H

#include "backends/cpu/lowering/Isa.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include <concepts>

namespace hetagon::cpu {

class Emitter;

/// An SSA value with arithmetic. Operators pick the integer or float form by
/// element type; integers are signed. A C++ number on one side becomes a
/// constant of the other side's type.
class Val {
public:
  Val() = default;
  Val(Emitter *emitter, mlir::Value value) : emitter(emitter), value(value) {}
  operator mlir::Value() const { return value; }
  explicit operator bool() const { return bool(value); }
  mlir::Type type() const { return value.getType(); }
  Emitter &in() const { return *emitter; }

private:
  Emitter *emitter = nullptr;
  mlir::Value value;
};

using Vals = llvm::SmallVector<Val>;

Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b); ///< integers: operands must not be negative
Val operator%(Val a, Val b); ///< integers that are not negative
Val operator&(Val a, Val b);
Val operator|(Val a, Val b);
Val operator<(Val a, Val b);
Val operator<=(Val a, Val b);
Val operator==(Val a, Val b);

/// Generates the body of kernels at the builder's insertion point.
class Emitter {
public:
  /// Vectors are 16 lanes of 32 bits whatever the instruction set: LLVM splits
  /// them where registers are narrower.
  static constexpr int64_t lanes = 16;

  Emitter(mlir::ImplicitLocOpBuilder &builder, const Isa &isa);

  const Isa &isa() const { return isaInfo; }
  mlir::ImplicitLocOpBuilder &builder() { return b; }
  Val wrap(mlir::Value value) { return Val(this, value); }

  // --- types
  mlir::Type f16, bf16, f32, f64, i1, i8, i16, i32, i64, ptr;
  mlir::Type vec(mlir::Type element, int64_t count = lanes) const;
  mlir::Type vf32, vi32;

  // --- constants
  Val integer(mlir::Type type, int64_t value);
  Val index(int64_t value) { return integer(i64, value); }
  Val real(mlir::Type type, double value);
  /// The number as a constant of the value's type.
  template <typename T> Val like(Val value, T number) {
    if (llvm::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(value.type())))
      return real(value.type(), static_cast<double>(number));
    return integer(value.type(), static_cast<int64_t>(number));
  }
  /// 0, 1, 2, ... in i32 lanes.
  Val laneIndices();

  // --- memory; offsets in bytes
  Val at(Val pointer, Val offset);
  Val at(Val pointer, int64_t offset);
  Val load(mlir::Type type, Val pointer, int64_t offset = 0,
           int64_t alignment = 1);
  void store(Val value, Val pointer, int64_t offset = 0, int64_t alignment = 1);
  /// Stores the lanes whose mask is set.
  void maskedStore(Val value, Val mask, Val pointer);
  /// Loads the lanes whose mask is set, zero elsewhere.
  Val maskedLoad(mlir::Type type, Val mask, Val pointer);
  /// `hint` as LLVM has it: 3 into the first level of cache, 2 into the second.
  void prefetch(Val pointer, int64_t offset, int hint = 3);

  // --- arithmetic
  Val fma(Val a, Val b, Val c);
  Val max(Val a, Val b);
  Val min(Val a, Val b);
  Val abs(Val a);
  Val sqrt(Val a);
  Val roundEven(Val a);
  Val select(Val condition, Val a, Val b);
  Val shiftLeft(Val a, int64_t bits);
  Val shiftRight(Val a, int64_t bits); ///< fills with zeros
  Val shiftRightSigned(Val a, int64_t bits);

  // --- conversions
  Val splat(Val scalar, int64_t count = lanes);
  Val bitcast(Val value, mlir::Type type);
  Val toFloat(Val value, mlir::Type type);   ///< from signed integers or floats
  Val toInteger(Val value, mlir::Type type); ///< from floats, truncating
  Val extendSigned(Val value, mlir::Type type);
  Val extendZero(Val value, mlir::Type type);
  Val truncate(Val value, mlir::Type type);

  // --- across lanes; the order is a fixed tree
  Val shuffle(Val a, Val b, llvm::ArrayRef<int64_t> lanesOfBoth);
  Val extract(Val vector, int64_t lane);
  Val reduceAdd(Val vector);
  Val reduceMax(Val vector);

  /// accumulator[i] + sum over j of weights[4i+j] (unsigned bytes) times
  /// activations[4i+j] (signed bytes); all three are 16 x i32. Exact on every
  /// instruction set.
  Val dotBytes(Val accumulator, Val weights, Val activations);

  Val intrinsic(llvm::StringRef name, mlir::Type result, const Vals &arguments);

  // --- control
  /// for (i = from; i < to; i += step) with carried values.
  Vals loop(Val from, Val to, int64_t step, const Vals &carried,
            llvm::function_ref<Vals(Val, const Vals &)> body);
  void loop(Val from, Val to, int64_t step, llvm::function_ref<void(Val)> body);
  void loop(int64_t from, int64_t to, int64_t step,
            llvm::function_ref<void(Val)> body) {
    loop(index(from), index(to), step, body);
  }
  /// while (condition(carried)) carried = body(carried).
  Vals loopWhile(const Vals &carried,
                 llvm::function_ref<Val(const Vals &)> condition,
                 llvm::function_ref<Vals(const Vals &)> body);
  void when(Val condition, llvm::function_ref<void()> body);

  template <typename Op, typename... Args> Val make(Args &&...args) {
    return wrap(b.create<Op>(std::forward<Args>(args)...)->getResult(0));
  }

private:
  Val reduce(Val vector, llvm::function_ref<Val(Val, Val)> combine);

  mlir::ImplicitLocOpBuilder &b;
  const Isa &isaInfo;
};

template <typename T>
concept Number = std::integral<T> || std::floating_point<T>;

template <Number T> Val operator+(Val a, T n) { return a + a.in().like(a, n); }
template <Number T> Val operator-(Val a, T n) { return a - a.in().like(a, n); }
template <Number T> Val operator*(Val a, T n) { return a * a.in().like(a, n); }
template <Number T> Val operator/(Val a, T n) { return a / a.in().like(a, n); }
template <Number T> Val operator%(Val a, T n) { return a % a.in().like(a, n); }
template <Number T> Val operator&(Val a, T n) { return a & a.in().like(a, n); }
template <Number T> Val operator<(Val a, T n) { return a < a.in().like(a, n); }
template <Number T> Val operator<=(Val a, T n) {
  return a <= a.in().like(a, n);
}
template <Number T> Val operator==(Val a, T n) {
  return a == a.in().like(a, n);
}
template <Number T> Val operator-(T n, Val a) { return a.in().like(a, n) - a; }
template <Number T> Val operator/(T n, Val a) { return a.in().like(a, n) / a; }

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_EMITTER_H
