// Which nodes of a block must wait for which others, beyond their data.
#ifndef HETAGON_COMPILER_ANALYSIS_ORDERING_H
#define HETAGON_COMPILER_ANALYSIS_ORDERING_H

#include "dialects/Agent/IR/Agent.h"
#include "llvm/ADT/MapVector.h"

namespace hetagon {

/// The fewest edges that keep what a user may rely on:
///  - two nodes that touch one resource, at least one of them writing it, run
///    in the order of the source (`@world` is every resource);
///  - a node that writes runs after every node before it that may fail, so that
///    nothing is done to the world that the source would not have reached.
///    Excepted are tools whose stated effects do not conflict: the statement
///    says that their order does not matter.
/// Data dependence orders anyway and makes no edge; neither does what follows
/// from other edges.
class Ordering {
public:
  explicit Ordering(mlir::Block &block);

  /// The nodes that must have finished before `node` starts.
  llvm::ArrayRef<mlir::Operation *> before(mlir::Operation *node) const;

private:
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Operation *>> edges;
};

} // namespace hetagon

#endif // HETAGON_COMPILER_ANALYSIS_ORDERING_H
