// What the parts of emission share: the plan under construction and where each
// symbol of the module stands in it. Private to compiler/Emit.
#ifndef HETAGON_COMPILER_EMIT_EMITTER_H
#define HETAGON_COMPILER_EMIT_EMITTER_H

#include "compiler/Emit/EmitPlan.h"

namespace hetagon::emit {

/// Indices into the plan's tables.
struct Emitter {
  mlir::ModuleOp module;
  plan::fb::PlanT plan;
  std::vector<std::vector<uint8_t>> sections;
  llvm::StringMap<uint32_t> artefacts, devices, services, tools, graphs;

  /// Artefacts, devices that are used, data classes, resources, tools.
  mlir::LogicalResult emitTables();
  /// Services, with what `lower` makes of their programs.
  mlir::LogicalResult emitServices(LowerProgram lower);
  /// Step graphs, and the requirements in them.
  mlir::LogicalResult emitGraphs();
  mlir::LogicalResult emitScenarios();

  /// The index of `symbol` in `table`; reports at `op` when it is not there.
  mlir::FailureOr<uint32_t> indexOf(mlir::Operation *op,
                                    mlir::FlatSymbolRefAttr symbol,
                                    const llvm::StringMap<uint32_t> &table,
                                    llvm::StringRef what);
  /// Index of a device, which enters the plan with its first use.
  mlir::FailureOr<uint32_t> useDevice(mlir::Operation *op, llvm::StringRef id);
  /// The op that describes a device; null when the system has none of that id.
  task::DeviceOp findDevice(llvm::StringRef id);
};

/// Where the user wrote it; null when that is not known. Absolute paths are cut
/// to the file's name, so that a plan does not tell of the machine it was made
/// on.
std::unique_ptr<plan::fb::LocationT> locationOf(mlir::Location location);
/// "!agent.list<!agent.text>" as the plan's "list<text>".
std::string portType(mlir::Type type);
std::unique_ptr<plan::fb::KeyValueT> keyValue(llvm::StringRef key,
                                              llvm::StringRef value);
/// The shortest text that reads back as the number.
std::string numberText(double number);
std::vector<std::string> strings(mlir::ArrayAttr list);
/// A dictionary of string attributes.
std::vector<std::unique_ptr<plan::fb::KeyValueT>>
keyValues(mlir::DictionaryAttr dictionary);
std::unique_ptr<plan::fb::PredictionT>
predictionOf(llvm::StringRef metric, task::PredictionAttr prediction);

} // namespace hetagon::emit

#endif // HETAGON_COMPILER_EMIT_EMITTER_H
