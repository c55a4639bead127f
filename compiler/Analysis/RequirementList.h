// The requirements of a module, whichever dialect they are in.
#ifndef HETAGON_COMPILER_ANALYSIS_REQUIREMENTLIST_H
#define HETAGON_COMPILER_ANALYSIS_REQUIREMENTLIST_H

#include "dialects/Task/IR/Task.h"
#include "llvm/ADT/MapVector.h"

namespace hetagon {

using RequirementList = llvm::MapVector<mlir::StringAttr, mlir::Operation *>;

/// By id, in order of appearance. Fails, with a diagnostic, at an id that
/// occurs twice.
inline mlir::FailureOr<RequirementList>
collectRequirements(mlir::ModuleOp module) {
  RequirementList list;
  mlir::WalkResult result = module.walk([&](mlir::Operation *op) {
    mlir::StringAttr id;
    if (auto require = mlir::dyn_cast<agent::RequireOp>(op))
      id = require.getIdAttr();
    else if (auto require = mlir::dyn_cast<task::RequireOp>(op))
      id = require.getIdAttr();
    else
      return mlir::WalkResult::advance();
    auto [entry, fresh] = list.insert({id, op});
    if (fresh)
      return mlir::WalkResult::advance();
    mlir::InFlightDiagnostic diag = op->emitError() << "the requirement " << id
                                                    << " is there twice";
    diag.attachNote(entry->second->getLoc()) << "the other is here";
    return mlir::WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return mlir::failure();
  return list;
}

} // namespace hetagon

#endif // HETAGON_COMPILER_ANALYSIS_REQUIREMENTLIST_H
