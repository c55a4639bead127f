// Decides which nn operations share one dispatch, and in which form values
// travel between dispatches.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_FUSION_H
#define HETAGON_BACKENDS_CPU_LOWERING_FUSION_H

#include "backends/cpu/lowering/Layout.h"
#include "dialects/Nn/IR/Nn.h"
#include "llvm/ADT/DenseSet.h"

namespace hetagon::cpu {

/// The format of an nn element type.
WeightFormat weightFormat(mlir::Type elementType);
/// The panels of a linear's weight.
PanelLayout panelLayout(nn::LinearOp op);

/// Read-only after construction. A product with a single consumer disappears
/// into it when that is an add of rows, an activation, or a glu of two products
/// of one input; the consumer's dispatch then computes both.
class FusionPlan {
public:
  explicit FusionPlan(nn::FuncOp step);

  /// Whether the op is computed by the dispatch of its consumer.
  bool isFolded(mlir::Operation *op) const { return folded.contains(op); }
  /// The folded product behind an operand; null when there is none.
  nn::LinearOp foldedLinear(mlir::Value operand) const;
  /// Whether all users take the value quantised, so that its producer may store
  /// it so and nothing else.
  static bool isOnlyQuantised(mlir::Value value);

private:
  llvm::DenseSet<mlir::Operation *> folded;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_FUSION_H
