// Scalars, tensors and generics for the decompositions.
#include "compiler/Conversion/NnToLinalg/Decompose.h"

using namespace mlir;
using namespace hetagon::conversion;

Value Emitter::number(double value) {
  return create<arith::ConstantOp>(getF32FloatAttr(value));
}

Value Emitter::index(int64_t value) {
  return create<arith::ConstantIndexOp>(value);
}

Value Emitter::integer(int64_t value, unsigned bits) {
  return create<arith::ConstantIntOp>(value, bits);
}

Value Emitter::less(Value a, Value b) {
  return create<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b);
}

Value Emitter::logicalNot(Value a) {
  return create<arith::XOrIOp>(a, integer(1, 1));
}

Value Emitter::quotient(Value a, int64_t divisor) {
  return create<arith::DivUIOp>(a, index(divisor));
}

Value Emitter::remainder(Value a, int64_t divisor) {
  return create<arith::RemUIOp>(a, index(divisor));
}

Value Emitter::toIndex(Value a) {
  return create<arith::IndexCastOp>(getIndexType(), a);
}

Value Emitter::toF32(Value a) {
  return a.getType().isF32() ? a : create<arith::ExtFOp>(getF32Type(), a);
}

Value Emitter::fromF32(Value a, Type format) {
  return format.isF32() ? a : create<arith::TruncFOp>(format, a);
}

Value Emitter::dim(Value tensor, int64_t dimension) {
  return createOrFold<tensor::DimOp>(tensor, dimension);
}

Value Emitter::empty(Value rows, ArrayRef<int64_t> columns) {
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  llvm::append_range(shape, columns);
  return create<tensor::EmptyOp>(shape, getF32Type(), ValueRange{rows});
}

Value Emitter::filled(Value tensor, Value scalar) {
  return create<linalg::FillOp>(scalar, tensor).getResult(0);
}

Value Emitter::generic(ValueRange inputs, Value init, ArrayRef<AffineMap> maps,
                       Body body) {
  AffineMap result = maps.back();
  SmallVector<utils::IteratorType> iterators(result.getNumDims(),
                                             utils::IteratorType::reduction);
  for (AffineExpr expression : result.getResults())
    iterators[cast<AffineDimExpr>(expression).getPosition()] =
        utils::IteratorType::parallel;
  auto op = create<linalg::GenericOp>(
      init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        Emitter emitter(loc, nested);
        emitter.create<linalg::YieldOp>(body(emitter, arguments));
      });
  return op.getResult(0);
}

Value Emitter::elementwise(ValueRange inputs, Value shape, Body body) {
  auto type = cast<RankedTensorType>(shape.getType());
  Value init = empty(dim(shape, 0), type.getShape().drop_front());
  SmallVector<AffineMap> maps(inputs.size() + 1, identity(type.getRank()));
  return generic(inputs, init, maps, body);
}

Value Emitter::split(Value rows, int64_t pieces) {
  int64_t columns = hetagon::nn::getColumns(rows.getType());
  auto type = RankedTensorType::get(
      {ShapedType::kDynamic, pieces, columns / pieces}, getF32Type());
  SmallVector<OpFoldResult> shape{dim(rows, 0), getIndexAttr(pieces),
                                  getIndexAttr(columns / pieces)};
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  return create<tensor::ExpandShapeOp>(type, rows, groups, shape);
}

Value Emitter::join(Value pieces) {
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  return create<tensor::CollapseShapeOp>(pieces, groups);
}
