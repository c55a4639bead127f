// The importer's inside that belongs to the module as a whole: symbols, places
// and the graphs already made. Shared by the importers of all its flows.
#ifndef HETAGON_FRONTEND_AGENTSPEC_MODULEIMPORTER_H
#define HETAGON_FRONTEND_AGENTSPEC_MODULEIMPORTER_H

#include "dialects/Agent/IR/Agent.h"
#include "frontend/AgentSpec/Workflow.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace hetagon {

class ModuleImporter {
public:
  ModuleImporter(const Workflow &workflow, mlir::MLIRContext &context);

  mlir::OwningOpRef<mlir::ModuleOp> run();

  const Workflow &workflow;
  mlir::OpBuilder builder;

  mlir::Location locOf(const Place &place);
  mlir::Location locOf(const Component &component) {
    return locOf(component.place);
  }
  mlir::StringAttr text(llvm::StringRef value) {
    return builder.getStringAttr(value);
  }
  /// Emits an error at `place` with a note on what to do.
  mlir::LogicalResult refuse(const Place &place, const llvm::Twine &message,
                             const llvm::Twine &mend = {});

  // Symbols, made at first use. Null after an error.
  mlir::FlatSymbolRefAttr model(const Component &config);
  mlir::FlatSymbolRefAttr modelById(llvm::StringRef id, const Place &place);
  mlir::FlatSymbolRefAttr documents(llvm::StringRef source, const Place &place);
  mlir::FlatSymbolRefAttr resource(const LocatedName &name);
  mlir::FlatSymbolRefAttr tool(const Component &tool);
  /// The record of what a node's tool touches; null: the world.
  agent::EffectsAttr effects(const Requirements *demands);

  /// The private graph of `flow` for inputs of these types (in the order of
  /// its inputs). Null after an error.
  agent::GraphOp subgraph(const Component &flow, mlir::TypeRange inputs);

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// Insertion point of symbols: before the first graph.
  mlir::Block::iterator symbolsEnd;
  llvm::StringSet<> usedNames;
  std::map<std::string, mlir::FlatSymbolRefAttr> models, documentSets,
      resources;
  std::map<const Component *, mlir::FlatSymbolRefAttr> tools, servers;
  std::map<std::pair<const Component *, std::vector<const void *>>,
           agent::GraphOp>
      graphs;

  std::string freshName(llvm::StringRef wanted);
  template <typename SymbolOp>
  mlir::FlatSymbolRefAttr
  addSymbol(const Place &place, llvm::StringRef wanted,
            llvm::ArrayRef<mlir::NamedAttribute> attributes);
  mlir::FlatSymbolRefAttr addModel(const Place &place, llvm::StringRef id,
                                   llvm::StringRef url, llvm::StringRef secret);
  mlir::FlatSymbolRefAttr server(const Component &transport);
  void addDataClasses();
};

/// What a value of this schema is in the agent dialect: text for strings, JSON
/// for everything else.
mlir::Type typeOfPort(const Port &port, mlir::MLIRContext *context);

/// The JSON schema of an object with these ports.
std::string objectSchema(const std::vector<Port> &ports);

/// "secret:NAME" names a secret; anything else is a value. Empty when it is a
/// value.
std::string secretName(llvm::StringRef text);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_MODULEIMPORTER_H
