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

/// The form in which a linear takes its input, by the product's role alone, so
/// that bits do not depend on the number of rows. F32 with float panels. A
/// product whose result only enters an nn.glu takes Q8: these are half of a
/// decoder's work, for a small part of the divergence. All others take Q16;
/// docs/cpu-backend.md has the measurements.
RowForm inputForm(nn::LinearOp op);

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
  /// The quantised form in which all users take the value, so that its producer
  /// may store it so and nothing else; F32 when there is none.
  static RowForm wantedForm(mlir::Value value);

private:
  llvm::DenseSet<mlir::Operation *> folded;
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_FUSION_H
