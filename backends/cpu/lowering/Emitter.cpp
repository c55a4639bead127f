// Builds the operations behind Emitter's vocabulary.
#include "backends/cpu/lowering/Emitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace hetagon::cpu {

static bool isFloat(Val value) {
  return isa<FloatType>(getElementTypeOrSelf(value.type()));
}

/// The type with `value`'s shape and another element type.
static Type withElement(Val value, Type element) {
  if (auto vector = dyn_cast<VectorType>(value.type()))
    return VectorType::get(vector.getShape(), getElementTypeOrSelf(element));
  return getElementTypeOrSelf(element);
}

template <typename FloatOp, typename IntOp> static Val binary(Val a, Val b) {
  if (isFloat(a))
    return a.in().make<FloatOp>(a, b);
  return a.in().make<IntOp>(a, b);
}

Val operator+(Val a, Val b) {
  return binary<arith::AddFOp, arith::AddIOp>(a, b);
}
Val operator-(Val a, Val b) {
  return binary<arith::SubFOp, arith::SubIOp>(a, b);
}
Val operator*(Val a, Val b) {
  return binary<arith::MulFOp, arith::MulIOp>(a, b);
}
Val operator/(Val a, Val b) {
  return binary<arith::DivFOp, arith::DivUIOp>(a, b);
}
Val operator%(Val a, Val b) { return a.in().make<arith::RemUIOp>(a, b); }
Val operator&(Val a, Val b) { return a.in().make<arith::AndIOp>(a, b); }
Val operator|(Val a, Val b) { return a.in().make<arith::OrIOp>(a, b); }

static Val compare(Val a, Val b, arith::CmpFPredicate onFloat,
                   arith::CmpIPredicate onInt) {
  if (isFloat(a))
    return a.in().make<arith::CmpFOp>(onFloat, a, b);
  return a.in().make<arith::CmpIOp>(onInt, a, b);
}

Val operator<(Val a, Val b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt);
}
Val operator<=(Val a, Val b) {
  return compare(a, b, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle);
}
Val operator==(Val a, Val b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
}

Emitter::Emitter(ImplicitLocOpBuilder &builder, const Isa &isa)
    : b(builder), isaInfo(isa) {
  f16 = b.getF16Type();
  bf16 = b.getBF16Type();
  f32 = b.getF32Type();
  f64 = b.getF64Type();
  i1 = b.getI1Type();
  i8 = b.getI8Type();
  i16 = b.getI16Type();
  i32 = b.getI32Type();
  i64 = b.getI64Type();
  ptr = LLVM::LLVMPointerType::get(b.getContext());
  vf32 = vec(f32);
  vi32 = vec(i32);
}

Type Emitter::vec(Type element, int64_t count) const {
  return VectorType::get({count}, element);
}

Val Emitter::integer(Type type, int64_t value) {
  TypedAttr attribute = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return make<arith::ConstantOp>(attribute);
}

Val Emitter::real(Type type, double value) {
  TypedAttr attribute = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return make<arith::ConstantOp>(attribute);
}

Val Emitter::laneIndices() {
  SmallVector<int32_t> numbers;
  for (int32_t lane = 0; lane < lanes; ++lane)
    numbers.push_back(lane);
  return make<arith::ConstantOp>(
      DenseElementsAttr::get(cast<VectorType>(vi32), ArrayRef(numbers)));
}

Val Emitter::at(Val pointer, Val offset) {
  return make<LLVM::GEPOp>(ptr, i8, pointer,
                           ArrayRef<LLVM::GEPArg>{Value(offset)});
}

Val Emitter::at(Val pointer, int64_t offset) {
  if (offset == 0)
    return pointer;
  return at(pointer, index(offset));
}

Val Emitter::load(Type type, Val pointer, int64_t offset, int64_t alignment) {
  return make<LLVM::LoadOp>(type, at(pointer, offset), alignment);
}

void Emitter::store(Val value, Val pointer, int64_t offset, int64_t alignment) {
  b.create<LLVM::StoreOp>(value, at(pointer, offset), alignment);
}

void Emitter::maskedStore(Val value, Val mask, Val pointer) {
  b.create<LLVM::MaskedStoreOp>(value, pointer, mask, 1);
}

Val Emitter::maskedLoad(Type type, Val mask, Val pointer) {
  Val zero = isa<FloatType>(getElementTypeOrSelf(type)) ? real(type, 0)
                                                        : integer(type, 0);
  return make<LLVM::MaskedLoadOp>(type, pointer, mask, ValueRange{zero}, 1);
}

void Emitter::prefetch(Val pointer, int64_t offset, int hint) {
  b.create<LLVM::Prefetch>(at(pointer, offset), /*rw=*/0, hint,
                           /*cache=*/1);
}

Val Emitter::fma(Val a, Val b, Val c) { return make<math::FmaOp>(a, b, c); }

Val Emitter::max(Val a, Val b) {
  return isFloat(a) ? select(b < a, a, b) : make<arith::MaxSIOp>(a, b);
}

Val Emitter::min(Val a, Val b) {
  return isFloat(a) ? select(a < b, a, b) : make<arith::MinSIOp>(a, b);
}

Val Emitter::abs(Val a) { return make<math::AbsFOp>(a); }
Val Emitter::sqrt(Val a) { return make<math::SqrtOp>(a); }
Val Emitter::roundEven(Val a) { return make<math::RoundEvenOp>(a); }

Val Emitter::select(Val condition, Val a, Val b) {
  return make<arith::SelectOp>(condition, a, b);
}

Val Emitter::shiftLeft(Val a, int64_t bits) {
  return make<arith::ShLIOp>(a, like(a, bits));
}
Val Emitter::shiftRight(Val a, int64_t bits) {
  return make<arith::ShRUIOp>(a, like(a, bits));
}
Val Emitter::shiftRightSigned(Val a, int64_t bits) {
  return make<arith::ShRSIOp>(a, like(a, bits));
}

Val Emitter::splat(Val scalar, int64_t count) {
  return make<vector::BroadcastOp>(vec(scalar.type(), count), scalar);
}

Val Emitter::bitcast(Val value, Type type) {
  if (isa<VectorType>(type) && isa<VectorType>(value.type()))
    return make<vector::BitCastOp>(type, value);
  return make<arith::BitcastOp>(type, value);
}

Val Emitter::toFloat(Val value, Type type) {
  Type target = withElement(value, type);
  if (target == value.type())
    return value;
  if (!isFloat(value))
    return make<arith::SIToFPOp>(target, value);
  if (getElementTypeOrSelf(value.type()) == bf16) {
    Val bits = extendZero(bitcast(value, withElement(value, i16)), i32);
    return bitcast(shiftLeft(bits, 16), target);
  }
  if (getElementTypeOrSelf(value.type()).getIntOrFloatBitWidth() <
      getElementTypeOrSelf(target).getIntOrFloatBitWidth())
    return make<arith::ExtFOp>(target, Value(value));
  return make<arith::TruncFOp>(target, Value(value));
}

Val Emitter::toInteger(Val value, Type type) {
  return make<arith::FPToSIOp>(withElement(value, type), value);
}
Val Emitter::extendSigned(Val value, Type type) {
  return make<arith::ExtSIOp>(withElement(value, type), value);
}
Val Emitter::extendZero(Val value, Type type) {
  return make<arith::ExtUIOp>(withElement(value, type), value);
}
Val Emitter::truncate(Val value, Type type) {
  return make<arith::TruncIOp>(withElement(value, type), value);
}

Val Emitter::shuffle(Val a, Val b, ArrayRef<int64_t> lanesOfBoth) {
  return make<vector::ShuffleOp>(a, b, lanesOfBoth);
}

Val Emitter::extract(Val vector, int64_t lane) {
  return make<vector::ExtractOp>(vector, lane);
}

Val Emitter::reduce(Val vector, function_ref<Val(Val, Val)> combine) {
  int64_t width = cast<VectorType>(vector.type()).getDimSize(0);
  while (width > 1) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < width / 2; ++lane) {
      low.push_back(lane);
      high.push_back(lane + width / 2);
    }
    vector =
        combine(shuffle(vector, vector, low), shuffle(vector, vector, high));
    width /= 2;
  }
  return extract(vector, 0);
}

Val Emitter::reduceAdd(Val vector) {
  return reduce(vector, [](Val a, Val b) { return a + b; });
}
Val Emitter::reduceMax(Val vector) {
  return reduce(vector, [this](Val a, Val b) { return max(a, b); });
}

Val Emitter::dotBytes(Val accumulator, Val weights, Val activations) {
  if (isaInfo.vnni)
    return intrinsic("llvm.x86.avx512.vpdpbusd.512", vi32,
                     {accumulator, weights, activations});
  // Without VNNI: even and odd bytes widened to 16 bits, then pmaddwd, which is
  // exact for these ranges (pmaddubsw would saturate).
  Type vi16 = vec(i16, 2 * lanes);
  Val evenWeights = bitcast(weights & 0x00ff00ff, vi16);
  Val oddWeights = shiftRight(bitcast(weights, vi16), 8);
  Val signedBytes = bitcast(activations, vi16);
  Val evenActivations = shiftRightSigned(shiftLeft(signedBytes, 8), 8);
  Val oddActivations = shiftRightSigned(signedBytes, 8);
  auto half = [&](Val vector, int64_t which, int64_t width) {
    SmallVector<int64_t> chosen;
    for (int64_t lane = 0; lane < width; ++lane)
      chosen.push_back(which * width + lane);
    return shuffle(vector, vector, chosen);
  };
  Vals sums;
  for (int64_t which : {0, 1}) {
    Val even = intrinsic(
        "llvm.x86.avx2.pmadd.wd", vec(i32, lanes / 2),
        {half(evenWeights, which, lanes), half(evenActivations, which, lanes)});
    Val odd = intrinsic(
        "llvm.x86.avx2.pmadd.wd", vec(i32, lanes / 2),
        {half(oddWeights, which, lanes), half(oddActivations, which, lanes)});
    sums.push_back(even + odd);
  }
  SmallVector<int64_t> both;
  for (int64_t lane = 0; lane < lanes; ++lane)
    both.push_back(lane);
  return accumulator + shuffle(sums[0], sums[1], both);
}

Val Emitter::intrinsic(StringRef name, Type result, const Vals &arguments) {
  SmallVector<Value> values(arguments.begin(), arguments.end());
  return wrap(b.create<LLVM::CallIntrinsicOp>(result, b.getStringAttr(name),
                                              ValueRange(values))
                  .getResults());
}

Vals Emitter::loop(Val from, Val to, int64_t step, const Vals &carried,
                   function_ref<Vals(Val, const Vals &)> body) {
  SmallVector<Value> initial(carried.begin(), carried.end());
  auto op = b.create<scf::ForOp>(from, to, index(step), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.getBody());
  Vals arguments;
  for (Value argument : op.getRegionIterArgs())
    arguments.push_back(wrap(argument));
  Vals next = body(wrap(op.getInductionVar()), arguments);
  if (!carried.empty())
    b.create<scf::YieldOp>(SmallVector<Value>(next.begin(), next.end()));
  Vals results;
  for (Value result : op.getResults())
    results.push_back(wrap(result));
  return results;
}

void Emitter::loop(Val from, Val to, int64_t step,
                   function_ref<void(Val)> body) {
  loop(from, to, step, {}, [&](Val i, const Vals &) {
    body(i);
    return Vals{};
  });
}

Vals Emitter::loopWhile(const Vals &carried,
                        function_ref<Val(const Vals &)> condition,
                        function_ref<Vals(const Vals &)> body) {
  SmallVector<Value> initial(carried.begin(), carried.end());
  SmallVector<Type> types;
  for (Value value : initial)
    types.push_back(value.getType());
  auto wrapAll = [this](ValueRange values) {
    Vals wrapped;
    for (Value value : values)
      wrapped.push_back(wrap(value));
    return wrapped;
  };
  auto op = b.create<scf::WhileOp>(
      types, initial,
      [&](OpBuilder &, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(arguments.front().getParentBlock());
        Val holds = condition(wrapAll(arguments));
        b.create<scf::ConditionOp>(holds, arguments);
      },
      [&](OpBuilder &, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(arguments.front().getParentBlock());
        Vals next = body(wrapAll(arguments));
        b.create<scf::YieldOp>(SmallVector<Value>(next.begin(), next.end()));
      });
  return wrapAll(op.getResults());
}

void Emitter::when(Val condition, function_ref<void()> body) {
  auto op = b.create<scf::IfOp>(condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
}

} // namespace hetagon::cpu
