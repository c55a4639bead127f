// Which classes of data each value of the agent dialect may hold.
#ifndef HETAGON_COMPILER_ANALYSIS_DATACLASSES_H
#define HETAGON_COMPILER_ANALYSIS_DATACLASSES_H

#include "dialects/Agent/IR/Agent.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace hetagon {

/// Carries classes from graph inputs and documents along values, through calls
/// and into the results of whatever reads them; only agent.declassify takes one
/// away. What a route, a loop or a map decides on counts as read by its
/// results. The answer holds as long as the module does not change.
class DataClasses {
public:
  using Set = llvm::SmallSetVector<mlir::StringAttr, 2>;

  explicit DataClasses(mlir::ModuleOp module);

  /// The classes that `value` may hold; empty for public data.
  const Set &of(mlir::Value value) const;
  /// Those of everything that `op` reads or gives, sorted by name.
  llvm::SmallVector<mlir::StringAttr> seenBy(mlir::Operation *op) const;

private:
  bool add(mlir::Value value, const Set &classes);
  bool visit(mlir::Operation *op, mlir::SymbolTableCollection &symbols);
  bool visitControl(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Set> classes;
};

} // namespace hetagon

#endif // HETAGON_COMPILER_ANALYSIS_DATACLASSES_H
