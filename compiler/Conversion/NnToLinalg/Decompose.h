// What the decompositions share: a builder for scalar arithmetic and for
// linalg.generic over rows of run-time number. Private to NnToLinalg.
#ifndef HETAGON_COMPILER_CONVERSION_NNTOLINALG_DECOMPOSE_H
#define HETAGON_COMPILER_CONVERSION_NNTOLINALG_DECOMPOSE_H

#include "dialects/Nn/IR/Nn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hetagon::conversion {

using mlir::AffineExpr;
using mlir::AffineMap;
using mlir::ArrayRef;
using mlir::RankedTensorType;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// Builds the body of a decomposition at one location.
class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // --- scalars ---------------------------------------------------------------
  Value number(double value); // f32
  Value index(int64_t value);
  Value integer(int64_t value, unsigned bits);
  Value add(Value a, Value b) { return binary<Add>(a, b); }
  Value sub(Value a, Value b) { return binary<Sub>(a, b); }
  Value mul(Value a, Value b) { return binary<Mul>(a, b); }
  Value div(Value a, Value b) { return create<mlir::arith::DivFOp>(a, b); }
  Value sqrt(Value a) { return create<mlir::math::SqrtOp>(a); }
  Value exp(Value a) { return create<mlir::math::ExpOp>(a); }
  Value select(Value condition, Value a, Value b) {
    return create<mlir::arith::SelectOp>(condition, a, b);
  }
  Value both(Value a, Value b) { return create<mlir::arith::AndIOp>(a, b); }
  /// Comparison of indices or integers as signed numbers.
  Value less(Value a, Value b);
  Value lessOrEqual(Value a, Value b) { return logicalNot(less(b, a)); }
  Value logicalNot(Value a);
  /// Division of an index by a positive constant, and its remainder.
  Value quotient(Value a, int64_t divisor);
  Value remainder(Value a, int64_t divisor);
  /// An i32 as index.
  Value toIndex(Value a);
  /// An f16, bf16 or f32 as f32, and back.
  Value toF32(Value a);
  Value fromF32(Value a, Type format);

  // --- tensors ---------------------------------------------------------------
  Value dim(Value tensor, int64_t dimension);
  Value extract(Value tensor, ValueRange indices) {
    return create<mlir::tensor::ExtractOp>(tensor, indices);
  }
  /// Uninitialised; `rows` is the leading dimension, all others are static.
  Value empty(Value rows, ArrayRef<int64_t> columns);
  Value filled(Value tensor, Value scalar);
  Value linalgIndex(int64_t dimension) {
    return create<mlir::linalg::IndexOp>(dimension);
  }
  AffineMap identity(unsigned rank) { return getMultiDimIdentityMap(rank); }
  /// The map of `rank` loops to the dimensions `results`.
  AffineMap select(unsigned rank, ArrayRef<unsigned> results) {
    return AffineMap::getMultiDimMapWithTargets(rank, results, getContext());
  }

  using Body =
      llvm::function_ref<Value(Emitter &emitter, ValueRange arguments)>;
  /// A linalg.generic of one result. `maps` are those of the inputs, then that
  /// of `init`; loops that init's map leaves out are reductions. `body` gets
  /// one scalar for each input and that of init.
  Value generic(ValueRange inputs, Value init, ArrayRef<AffineMap> maps,
                Body body);
  /// A generic over all elements of tensors shaped like `shape`.
  Value elementwise(ValueRange inputs, Value shape, Body body);

  /// [R, P*G] as [R, P, G], and back.
  Value split(Value rows, int64_t pieces);
  Value join(Value pieces);

private:
  enum Arithmetic { Add, Sub, Mul };
  template <Arithmetic kind> Value binary(Value a, Value b) {
    bool isFloat = llvm::isa<mlir::FloatType>(a.getType());
    if constexpr (kind == Add)
      return isFloat ? create<mlir::arith::AddFOp>(a, b).getResult()
                     : create<mlir::arith::AddIOp>(a, b).getResult();
    else if constexpr (kind == Sub)
      return isFloat ? create<mlir::arith::SubFOp>(a, b).getResult()
                     : create<mlir::arith::SubIOp>(a, b).getResult();
    else
      return isFloat ? create<mlir::arith::MulFOp>(a, b).getResult()
                     : create<mlir::arith::MulIOp>(a, b).getResult();
  }
};

/// Element `column` of row `row` of a matrix as f32. `type` is the matrix's nn
/// type, `matrix` the converted value.
Value loadElement(Emitter &emitter, RankedTensorType type, Value matrix,
                  Value row, Value column);

// One function for each op; operands are converted values in the op's order.
Value decomposeOp(Emitter &emitter, nn::EmbeddingOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::LinearOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::RmsNormOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::LayerNormOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::L2NormalizeOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::RopeOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::KvAppendOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::AttentionOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::SegmentAttentionOp op,
                  ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::AddOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::MulOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::ActivationOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::GluOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::ScaleOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::GatherRowsOp op, ValueRange operands);
Value decomposeOp(Emitter &emitter, nn::PoolOp op, ValueRange operands);

} // namespace hetagon::conversion

#endif // HETAGON_COMPILER_CONVERSION_NNTOLINALG_DECOMPOSE_H
