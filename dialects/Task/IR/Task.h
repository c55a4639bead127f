// The task dialect: everything its users include.
#ifndef HETAGON_DIALECTS_TASK_IR_TASK_H
#define HETAGON_DIALECTS_TASK_IR_TASK_H

#include "dialects/Agent/IR/Agent.h"
#include "runtime/base/Expr.h"

namespace hetagon::task {

bool isTokenStream(mlir::Type type);
/// Whether a value of type `from` may go where `to` is wanted, by the rule of
/// docs/plan.md: equal types; a stream where its whole is wanted; anything
/// whole where JSON is wanted; text where messages are.
bool fits(mlir::Type from, mlir::Type to);
bool fits(mlir::TypeRange from, mlir::TypeRange to);
/// The optional attributes that all steps share have the right shape.
mlir::LogicalResult verifyStep(mlir::Operation *step);

/// Names of those attributes.
inline constexpr llvm::StringLiteral nodeAttrName = "node";
inline constexpr llvm::StringLiteral afterAttrName = "after";
inline constexpr llvm::StringLiteral dataClassesAttrName = "data_classes";
inline constexpr llvm::StringLiteral costAttrName = "cost";
/// Expected sizes of one step: a dictionary of integers by name.
inline constexpr llvm::StringLiteral sizesAttrName = "task.sizes";
inline constexpr llvm::StringLiteral timeoutAttrName = "timeout_ms";
inline constexpr llvm::StringLiteral retriesAttrName = "retries";

} // namespace hetagon::task

#include "dialects/Task/IR/TaskDialect.h.inc"
#include "dialects/Task/IR/TaskEnums.h.inc"
#include "dialects/Task/IR/TaskInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Task/IR/TaskTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Task/IR/TaskAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Task/IR/TaskOps.h.inc"

#endif // HETAGON_DIALECTS_TASK_IR_TASK_H
