// Verifiers, type inference and canonicalisation of the operations that
// compute.
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace hetagon::nn;

/// "has WHAT of SIZE columns, but OTHER has OTHERSIZE" unless they are equal.
static LogicalResult expectEqual(Operation *op, StringRef what, int64_t size,
                                 StringRef other, int64_t otherSize) {
  if (size == otherSize)
    return success();
  return op->emitOpError() << "has " << what << " = " << size << ", but "
                           << other << " = " << otherSize;
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// The type at `index`, when it is a tensor of rank 2.
static RankedTensorType matrixAt(ValueRange operands, unsigned index) {
  if (operands.size() <= index)
    return {};
  auto type = dyn_cast<RankedTensorType>(operands[index].getType());
  return type && type.getRank() == 2 ? type : RankedTensorType();
}

LogicalResult
EmbeddingOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                              ValueRange operands, DictionaryAttr,
                              OpaqueProperties, RegionRange,
                              SmallVectorImpl<Type> &inferredReturnTypes) {
  RankedTensorType table = matrixAt(operands, 1);
  if (!table)
    return failure();
  inferredReturnTypes.push_back(getRowsType(context, table.getDimSize(1)));
  return success();
}

LogicalResult
LinearOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                           ValueRange operands, DictionaryAttr,
                           OpaqueProperties, RegionRange,
                           SmallVectorImpl<Type> &inferredReturnTypes) {
  RankedTensorType weight = matrixAt(operands, 1);
  if (!weight)
    return failure();
  inferredReturnTypes.push_back(getRowsType(context, weight.getDimSize(0)));
  return success();
}

LogicalResult LinearOp::verify() {
  RankedTensorType weight = getWeight().getType();
  if (failed(expectEqual(*this, "columns of the input",
                         getColumns(getInput().getType()),
                         "columns of the weight", weight.getDimSize(1))))
    return failure();
  if (getBias())
    return expectEqual(*this, "size of the bias",
                       getColumns(getBias().getType()), "rows of the weight",
                       weight.getDimSize(0));
  return success();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

LogicalResult RmsNormOp::verify() {
  int64_t columns = getColumns(getInput().getType());
  int64_t piece = getColumns(getWeight().getType());
  if (columns % piece != 0)
    return emitOpError() << "has " << columns
                         << " columns, no multiple of its weight's " << piece;
  return success();
}

LogicalResult LayerNormOp::verify() {
  if (getWeight().getType() != getBias().getType())
    return emitOpError("has weight and bias of different types");
  return expectEqual(*this, "columns of the input",
                     getColumns(getInput().getType()), "size of the weight",
                     getColumns(getWeight().getType()));
}

OpFoldResult L2NormalizeOp::fold(FoldAdaptor) {
  // A row of norm 1 is normalised already; one below the threshold stays a row
  // of (almost) zeros either way.
  if (getInput().getDefiningOp<L2NormalizeOp>())
    return getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult RopeOp::verify() {
  int64_t columns = getColumns(getInput().getType());
  int64_t headDim = getHeadDim(), pairs = getColumns(getInvFreq().getType());
  if (columns % headDim != 0)
    return emitOpError() << "has " << columns
                         << " columns, no multiple of head_dim " << headDim;
  if (2 * pairs > headDim)
    return emitOpError() << "rotates " << 2 * pairs
                         << " columns of a head that has " << headDim;
  if (!getInvFreq().getType().getElementType().isF32())
    return emitOpError("needs inv_freq of f32");
  return success();
}

static LogicalResult verifyLayer(Operation *op, uint64_t layer, KvType kv) {
  if (static_cast<int64_t>(layer) >= kv.getLayers())
    return op->emitOpError() << "names layer " << layer
                             << " of a cache that has " << kv.getLayers();
  return success();
}

LogicalResult KvAppendOp::verify() {
  KvType kv = getKv().getType();
  if (getKey().getType() != getValue().getType())
    return emitOpError("has keys and values of different types");
  if (failed(verifyLayer(*this, getLayer(), kv)))
    return failure();
  return expectEqual(*this, "columns of the keys",
                     getColumns(getKey().getType()),
                     "kv_heads * head_dim of the cache", kv.getColumns());
}

LogicalResult AttentionOp::verify() {
  KvType kv = getKv().getType();
  int64_t heads = getHeads();
  if (failed(verifyLayer(*this, getLayer(), kv)))
    return failure();
  if (heads % kv.getKvHeads() != 0)
    return emitOpError() << "has " << heads << " heads, no multiple of the "
                         << kv.getKvHeads() << " of the cache";
  return expectEqual(*this, "columns of the query",
                     getColumns(getQuery().getType()), "heads * head_dim",
                     heads * kv.getHeadDim());
}

LogicalResult SegmentAttentionOp::verify() {
  int64_t columns = getColumns(getQuery().getType());
  if (columns % static_cast<int64_t>(getHeads()) != 0)
    return emitOpError() << "has " << columns << " columns, no multiple of its "
                         << getHeads() << " heads";
  return success();
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

template <typename OpTy> static LogicalResult verifyBinary(OpTy op) {
  if (failed(expectEqual(
          op, "columns of the first operand", getColumns(op.getLhs().getType()),
          "columns of the second", getColumns(op.getRhs().getType()))))
    return failure();
  // Operands of different leading symbols cannot have equal rows.
  if (isRows(op.getRhs().getType())) {
    std::string left = getLeadingSymbol(op.getLhs());
    std::string right = getLeadingSymbol(op.getRhs());
    if (left != right)
      return op.emitOpError("has rows counted by '")
             << left << "' and by '" << right << "'";
  }
  return success();
}

LogicalResult AddOp::verify() { return verifyBinary(*this); }
LogicalResult MulOp::verify() { return verifyBinary(*this); }

LogicalResult MulOp::canonicalize(MulOp op, PatternRewriter &rewriter) {
  for (auto [gate, up] : {std::pair<Value, Value>{op.getLhs(), op.getRhs()},
                          {op.getRhs(), op.getLhs()}}) {
    auto activation = gate.getDefiningOp<ActivationOp>();
    if (activation && gate.getType() == up.getType()) {
      rewriter.replaceOpWithNewOp<GluOp>(op, activation.getInput(), up,
                                         activation.getKindAttr());
      return success();
    }
  }
  return rewriter.notifyMatchFailure(op, "no operand is an activation");
}

OpFoldResult ScaleOp::fold(FoldAdaptor) {
  if (getFactor().isExactlyValue(1.0))
    return getInput();
  return {};
}
