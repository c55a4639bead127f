// The answers of every operation to NnOpInterface: leading operand and cost.
// Costs count what the definition needs, not what an implementation adds;
// transcendental functions count as 8 operations.
#include "dialects/Nn/IR/Nn.h"

using namespace mlir;
using namespace hetagon::nn;

namespace {
constexpr double activationBytes = 4; // f32
constexpr double transcendental = 8;  // operations of exp, tanh, erf, sin
constexpr double idBytes = 4;         // i32
} // namespace

static double columns(Value value) { return getColumns(value.getType()); }

static double storage(Value value) {
  return value ? getStorageBytes(cast<RankedTensorType>(value.getType())) : 0;
}

/// Reads `inputs` and writes `outputs` columns of a row, at `operations` each.
static OpCost elementwise(double inputs, double outputs, double operations) {
  OpCost cost;
  cost.operationsPerRow = operations;
  cost.bytesPerRow = (inputs + outputs) * activationBytes;
  return cost;
}

Value WeightOp::getLeadingOperand() { return {}; }
OpCost WeightOp::getCost() { return {}; }

Value ConstantOp::getLeadingOperand() { return {}; }
OpCost ConstantOp::getCost() { return {}; }

Value EmbeddingOp::getLeadingOperand() { return getIds(); }
OpCost EmbeddingOp::getCost() {
  double width = columns(getResult());
  OpCost cost = elementwise(0, width, width);
  double tableRows = getTable().getType().getDimSize(0);
  cost.bytesPerRow += storage(getTable()) / tableRows + idBytes;
  return cost;
}

Value LinearOp::getLeadingOperand() { return getInput(); }
OpCost LinearOp::getCost() {
  double in = columns(getInput()), out = columns(getResult());
  OpCost cost = elementwise(in, out, 2 * in * out);
  cost.fixedBytes = storage(getWeight()) + storage(getBias());
  return cost;
}

Value RmsNormOp::getLeadingOperand() { return getInput(); }
OpCost RmsNormOp::getCost() {
  double width = columns(getInput());
  OpCost cost = elementwise(width, width, 4 * width);
  cost.fixedBytes = storage(getWeight());
  return cost;
}

Value LayerNormOp::getLeadingOperand() { return getInput(); }
OpCost LayerNormOp::getCost() {
  double width = columns(getInput());
  OpCost cost = elementwise(width, width, 7 * width);
  cost.fixedBytes = storage(getWeight()) + storage(getBias());
  return cost;
}

Value L2NormalizeOp::getLeadingOperand() { return getInput(); }
OpCost L2NormalizeOp::getCost() {
  double width = columns(getInput());
  return elementwise(width, width, 3 * width);
}

Value RopeOp::getLeadingOperand() { return getInput(); }
OpCost RopeOp::getCost() {
  double width = columns(getInput()), pairs = columns(getInvFreq());
  double heads = width / getHeadDim();
  OpCost cost =
      elementwise(width, width, heads * pairs * 6 + pairs * 2 * transcendental);
  cost.fixedBytes = storage(getInvFreq());
  return cost;
}

Value KvAppendOp::getLeadingOperand() { return getKey(); }
OpCost KvAppendOp::getCost() {
  KvType kv = getKv().getType();
  OpCost cost;
  cost.bytesPerRow =
      2.0 * kv.getColumns() * (activationBytes + kv.getElementBytes());
  return cost;
}

Value AttentionOp::getLeadingOperand() { return getQuery(); }
OpCost AttentionOp::getCost() {
  KvType kv = getKv().getType();
  double width = columns(getQuery());
  OpCost cost = elementwise(width, width, 0);
  cost.operationsPerPair = 4 * width + getHeads() * transcendental;
  cost.bytesPerPair = 2.0 * kv.getColumns() * kv.getElementBytes();
  return cost;
}

Value SegmentAttentionOp::getLeadingOperand() { return getQuery(); }
OpCost SegmentAttentionOp::getCost() {
  double width = columns(getQuery());
  // Keys and values are counted once, not once a pair: a segment stays in
  // cache.
  OpCost cost = elementwise(3 * width, width, 0);
  cost.operationsPerPair = 4 * width + getHeads() * transcendental;
  return cost;
}

template <typename OpTy> static OpCost binaryCost(OpTy op) {
  double width = columns(op.getResult());
  bool vector = isVector(op.getRhs().getType());
  OpCost cost = elementwise(vector ? width : 2 * width, width, width);
  cost.fixedBytes = vector ? storage(op.getRhs()) : 0;
  return cost;
}

Value AddOp::getLeadingOperand() { return getLhs(); }
OpCost AddOp::getCost() { return binaryCost(*this); }

Value MulOp::getLeadingOperand() { return getLhs(); }
OpCost MulOp::getCost() { return binaryCost(*this); }

static double activationOperations(ActivationKind kind) {
  return kind == ActivationKind::Relu ? 1 : transcendental + 3;
}

Value ActivationOp::getLeadingOperand() { return getInput(); }
OpCost ActivationOp::getCost() {
  double width = columns(getInput());
  return elementwise(width, width, width * activationOperations(getKind()));
}

Value GluOp::getLeadingOperand() { return getGate(); }
OpCost GluOp::getCost() {
  double width = columns(getGate());
  return elementwise(2 * width, width,
                     width * (activationOperations(getKind()) + 1));
}

Value ScaleOp::getLeadingOperand() { return getInput(); }
OpCost ScaleOp::getCost() {
  double width = columns(getInput());
  return elementwise(width, width, width);
}

Value GatherRowsOp::getLeadingOperand() { return getRows(); }
OpCost GatherRowsOp::getCost() {
  double width = columns(getInput());
  return elementwise(width, width, 0);
}

Value PoolOp::getLeadingOperand() { return getSegments(); }
OpCost PoolOp::getCost() {
  // A pair is a segment and one of its rows.
  double width = columns(getInput());
  OpCost cost = elementwise(0, width, width);
  cost.operationsPerPair = width;
  cost.bytesPerPair = width * activationBytes;
  return cost;
}
