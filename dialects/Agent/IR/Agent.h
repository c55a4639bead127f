// The agent dialect: everything its users include.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENT_H
#define HETAGON_DIALECTS_AGENT_IR_AGENT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hetagon::agent {

/// Whether `type` may flow between nodes.
bool isValueType(mlir::Type type);
/// Whether a model, a template or a tool can read `type` as text.
bool isReadable(mlir::Type type);
/// The name of the resource that stands for everything outside the workflow.
inline constexpr llvm::StringRef worldResource = "world";
/// What the user knows of a node beforehand, for predictions: a dictionary of
/// the integers latency_ns, input_tokens and output_tokens, each optional.
inline constexpr llvm::StringLiteral expectAttrName = "agent.expect";

} // namespace hetagon::agent

#include "dialects/Agent/IR/AgentDialect.h.inc"
#include "dialects/Agent/IR/AgentEnums.h.inc"
#include "dialects/Agent/IR/AgentInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Agent/IR/AgentTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Agent/IR/AgentAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Agent/IR/AgentOps.h.inc"

namespace hetagon::agent {

/// The effects record that holds for a call: its own, else its tool's, else
/// null, which means that it reads and writes the world.
EffectsAttr effectsOf(ToolCallOp call);

} // namespace hetagon::agent

#endif // HETAGON_DIALECTS_AGENT_IR_AGENT_H
