// Checks that several operations share.
#ifndef HETAGON_DIALECTS_AGENT_IR_VERIFY_H
#define HETAGON_DIALECTS_AGENT_IR_VERIFY_H

#include "dialects/Agent/IR/Agent.h"

namespace hetagon::agent {

/// Every name is there once, none is empty, and there are `count` of them.
mlir::LogicalResult verifyNames(mlir::Operation *op, mlir::ArrayAttr names,
                                size_t count, llvm::StringRef what);

/// `ref` (null is fine) names an operation of type `T`.
template <typename T>
mlir::LogicalResult
verifySymbol(mlir::Operation *user, mlir::SymbolTableCollection &symbols,
             mlir::FlatSymbolRefAttr ref, llvm::StringRef what) {
  if (!ref)
    return mlir::success();
  mlir::Operation *found = symbols.lookupNearestSymbolFrom(user, ref);
  if (!found)
    return user->emitOpError()
           << "names " << what << " " << ref << ", which is not declared";
  if (mlir::isa<T>(found))
    return mlir::success();
  mlir::InFlightDiagnostic diag = user->emitOpError()
                                  << "needs " << what << ", but " << ref
                                  << " is something else";
  diag.attachNote(found->getLoc()) << "declared here";
  return diag;
}

/// Each resource is declared, `@world` apart.
mlir::LogicalResult verifyEffects(mlir::Operation *user,
                                  mlir::SymbolTableCollection &symbols,
                                  EffectsAttr effects);

/// Every placeholder of `text` is an input.
mlir::LogicalResult verifyTemplate(mlir::Operation *op, llvm::StringRef text,
                                   mlir::ArrayAttr inputNames);

} // namespace hetagon::agent

#endif // HETAGON_DIALECTS_AGENT_IR_VERIFY_H
