// The generic lowering of every nn operation to linalg, tensor, arith, math and
// scf: what a backend falls back to for operations that it has no better way
// for. Values are tensors; quantised weights are tensors of bytes.
#ifndef HETAGON_COMPILER_CONVERSION_NNTOLINALG_NNTOLINALG_H
#define HETAGON_COMPILER_CONVERSION_NNTOLINALG_NNTOLINALG_H

#include "dialects/Nn/IR/Nn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/Pass.h"

namespace hetagon::conversion {

/// The type of a value of nn after decomposition. Quantised tensors become
/// tensor<...xBYTESxi8> (the blocks of one row in a row), !nn.kv becomes
/// tensor<?xLAYERSx2xHEADSxPAGE_TOKENSxHEAD_DIMxFORMAT>, others stay.
mlir::Type convertType(mlir::Type type);

/// Appends the decomposition of `op` at the builder's insertion point.
/// `operands` are values of converted type in place of the op's own. Returns
/// the results (of converted type), or fails after a diagnostic for an op that
/// is not an nn operation with a decomposition (nn.weight, nn.func, ...).
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
decompose(mlir::OpBuilder &builder, mlir::Operation *op,
          mlir::ValueRange operands);

/// Makes, at the builder's insertion point, the function `name` of one op
/// alone: its arguments are the op's operands, its results the op's results, of
/// converted types. For backends that compile an op to a kernel.
mlir::FailureOr<mlir::func::FuncOp>
outline(mlir::OpBuilder &builder, mlir::Operation *op, llvm::StringRef name);

/// Replaces a program by a func.func of the same name: the arguments are the
/// program's, then one for each tensor of the artefact, marked
/// `{nn.weight = "NAME"}`; the results are the program's, then the last handle
/// of the KV cache if the program appends to it.
mlir::FailureOr<mlir::func::FuncOp> convertProgram(nn::FuncOp program);

/// The dialects that decompositions use.
void registerNnToLinalgDialects(mlir::DialectRegistry &registry);

#define GEN_PASS_DECL
#include "compiler/Conversion/NnToLinalg/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Conversion/NnToLinalg/Passes.h.inc"

} // namespace hetagon::conversion

#endif // HETAGON_COMPILER_CONVERSION_NNTOLINALG_NNTOLINALG_H
