// Custom directives of the assembly formats: named operands and results, the
// cases of a route, the events of a requirement.
#ifndef HETAGON_DIALECTS_AGENT_IR_SYNTAX_H
#define HETAGON_DIALECTS_AGENT_IR_SYNTAX_H

#include "mlir/IR/OpImplementation.h"

namespace hetagon::agent {

using UnresolvedOperands =
    llvm::SmallVectorImpl<mlir::OpAsmParser::UnresolvedOperand>;

/// `("question" = %q : !agent.text, ...)`.
mlir::ParseResult parseNamedOperands(mlir::OpAsmParser &parser,
                                     UnresolvedOperands &operands,
                                     llvm::SmallVectorImpl<mlir::Type> &types,
                                     mlir::ArrayAttr &names);
void printNamedOperands(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                        mlir::OperandRange operands, mlir::TypeRange types,
                        mlir::ArrayAttr names);

/// `("answer": !agent.text, ...)`.
mlir::ParseResult parseNamedResults(mlir::OpAsmParser &parser,
                                    llvm::SmallVectorImpl<mlir::Type> &types,
                                    mlir::ArrayAttr &names);
void printNamedResults(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                       mlir::TypeRange types, mlir::ArrayAttr names);

/// The inputs of a graph, `("question" %q: !agent.text, ...)`; `classes` (may
/// be null) takes a `class @symbol` behind an input.
mlir::ParseResult
parseInputPorts(mlir::OpAsmParser &parser, mlir::ArrayAttr &names,
                llvm::SmallVectorImpl<mlir::OpAsmParser::Argument> &arguments,
                mlir::NamedAttrList *classes);
void printInputPorts(
    mlir::OpAsmPrinter &printer, mlir::ArrayAttr names,
    mlir::Block::BlockArgListType arguments,
    llvm::function_ref<mlir::FlatSymbolRefAttr(unsigned)> classOf);
/// The outputs of a graph, `("answer": !agent.text, ...)`.
mlir::ParseResult parseOutputPorts(mlir::OpAsmParser &parser,
                                   mlir::ArrayAttr &names,
                                   mlir::ArrayAttr &types);
void printOutputPorts(mlir::OpAsmPrinter &printer, mlir::ArrayAttr names,
                      mlir::ArrayAttr types);
/// Names block arguments after their ports where those are plain identifiers.
void nameInputPorts(mlir::Region &region, mlir::ArrayAttr names,
                    mlir::OpAsmSetValueNameFn setName);

/// Any number of `case "text" { ... }`, then `default { ... }`.
mlir::ParseResult
parseRouteCases(mlir::OpAsmParser &parser, mlir::ArrayAttr &cases,
                llvm::SmallVectorImpl<std::unique_ptr<mlir::Region>> &regions,
                mlir::Region &defaultRegion);
void printRouteCases(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                     mlir::ArrayAttr cases,
                     llvm::MutableArrayRef<mlir::Region> regions,
                     mlir::Region &defaultRegion);

/// Nothing, or `on (first %a : type, last %b : type)`.
mlir::ParseResult parseEvents(mlir::OpAsmParser &parser,
                              mlir::ArrayAttr &events,
                              UnresolvedOperands &values,
                              llvm::SmallVectorImpl<mlir::Type> &types);
void printEvents(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                 mlir::ArrayAttr events, mlir::OperandRange values,
                 mlir::TypeRange types);

} // namespace hetagon::agent

#endif // HETAGON_DIALECTS_AGENT_IR_SYNTAX_H
