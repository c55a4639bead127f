// The nn dialect: types, attributes, operations and the small questions that
// every user of it asks.
#ifndef HETAGON_DIALECTS_NN_IR_NN_H
#define HETAGON_DIALECTS_NN_IR_NN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <string>

namespace hetagon::nn {

/// What one execution of an op costs, as a linear function of the run-time
/// sizes: `rows` is the leading operand's leading dimension, `context` the
/// positions that a row attends to on average (0 for ops without attention).
/// operations = operationsPerRow * rows + operationsPerPair * rows * context,
/// bytes likewise plus fixedBytes (weights and constants, read once).
/// A multiply-add counts as two operations; activations count 4 bytes an
/// element, read or written.
struct OpCost {
  double operationsPerRow = 0;
  double operationsPerPair = 0;
  double bytesPerRow = 0;
  double bytesPerPair = 0;
  double fixedBytes = 0;
};

// The shapes that operations accept; see NnTypes.td.
bool isRows(mlir::Type type);
bool isVector(mlir::Type type);
bool isMatrix(mlir::Type type);
bool isStaticTensor(mlir::Type type);
mlir::RankedTensorType getIdsType(mlir::MLIRContext *context);
mlir::RankedTensorType getPageTableType(mlir::MLIRContext *context);
mlir::RankedTensorType getSegmentsType(mlir::MLIRContext *context);
/// tensor<?xCOLUMNSxf32>.
mlir::RankedTensorType getRowsType(mlir::MLIRContext *context, int64_t columns);
/// Columns of a tensor accepted by isRows; of any other tensor its last size.
int64_t getColumns(mlir::Type type);

/// Bytes of a static tensor as an artefact stores it. Null bytes of a partial
/// block cannot occur: such types do not verify.
int64_t getStorageBytes(mlir::RankedTensorType type);
/// The element format in the words of plans: "f32", "i32", "q4_1", ...
std::string getFormatName(mlir::Type elementType);

} // namespace hetagon::nn

#include "dialects/Nn/IR/NnDialect.h.inc"

#include "dialects/Nn/IR/NnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Nn/IR/NnAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Nn/IR/NnTypes.h.inc"

#include "dialects/Nn/IR/NnInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/Nn/IR/NnOps.h.inc"

namespace hetagon::nn {

/// The symbols of an argument's run-time dimensions by the protocol
/// (docs/nn-programs.md): "rows", "outs", "seqs", "max_pages".
std::vector<std::string> getDimSymbols(FuncOp func, unsigned argument);

/// The symbol of `value`'s leading run-time dimension, found by following
/// NnOpInterface::getLeadingOperand to an argument; empty when it is static.
std::string getLeadingSymbol(mlir::Value value);

} // namespace hetagon::nn

#endif // HETAGON_DIALECTS_NN_IR_NN_H
