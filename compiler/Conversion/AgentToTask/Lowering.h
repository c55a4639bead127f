// The state that the parts of AgentToTask share.
#ifndef HETAGON_COMPILER_CONVERSION_AGENTTOTASK_LOWERING_H
#define HETAGON_COMPILER_CONVERSION_AGENTTOTASK_LOWERING_H

#include "compiler/Analysis/DataClasses.h"
#include "compiler/Analysis/Ordering.h"
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace hetagon::agenttotask {

/// Resources, classes, tools, services and indexes: one of each. All that is
/// made goes into a module of its own, so that the source stays whole, and
/// effects can be asked of it, until everything is lowered.
class SymbolLowering {
public:
  SymbolLowering(mlir::ModuleOp source, mlir::ModuleOp target)
      : source(source), target(target), sourceSymbols(source),
        targetSymbols(target) {}

  /// Makes the task symbols of all that the source declares. Services come
  /// later, with the first node that asks for them.
  void run();
  /// The service that runs `model` as `kind`; models with equal id and url
  /// share it. Fails, with a diagnostic at `user`, when the model was asked for
  /// as another kind before.
  mlir::FailureOr<task::ServiceOp> service(mlir::Operation *user,
                                           mlir::FlatSymbolRefAttr model,
                                           task::ServiceKind kind);
  /// The index of `documents` under the embeddings of `embedder`.
  task::ArtefactOp index(mlir::FlatSymbolRefAttr documents,
                         task::ServiceOp embedder);
  /// A graph without steps; its name is `wanted`, or near it where that is
  /// taken.
  task::GraphOp graph(mlir::Location loc, llvm::StringRef wanted,
                      mlir::ArrayAttr inputNames, mlir::TypeRange inputTypes,
                      mlir::ArrayAttr outputNames, mlir::TypeRange outputTypes,
                      bool isPrivate);

private:
  /// Where symbols go: before the graphs that name them.
  mlir::OpBuilder beforeGraphs();

  mlir::ModuleOp source, target;
  mlir::SymbolTable sourceSymbols, targetSymbols;
  llvm::MapVector<std::pair<mlir::StringAttr, mlir::StringAttr>,
                  task::ServiceOp>
      services;
  llvm::MapVector<std::pair<mlir::StringAttr, mlir::Operation *>,
                  task::ArtefactOp>
      indexes;
};

/// Lowers one graph and all that is nested in it.
class GraphLowering {
public:
  GraphLowering(SymbolLowering &symbols, const DataClasses &classes)
      : symbols(symbols), classes(classes) {}

  mlir::LogicalResult run(agent::GraphOp graph);

private:
  /// One block of agent operations on its way into one task graph.
  struct Scope {
    Scope(task::GraphOp graph, const Ordering &ordering)
        : builder(mlir::OpBuilder::atBlockEnd(&graph.getEntry())),
          ordering(ordering) {}

    mlir::OpBuilder builder;
    mlir::IRMapping values;
    /// The step with which each node is done.
    llvm::DenseMap<mlir::Operation *, mlir::StringAttr> lastStep;
    const Ordering &ordering;
  };

  mlir::LogicalResult lowerBlock(mlir::Block &block, Scope &scope);
  mlir::LogicalResult lower(mlir::Operation *op, Scope &scope);
  mlir::LogicalResult lower(agent::GenerateOp op, Scope &scope);
  mlir::LogicalResult lower(agent::RetrieveOp op, Scope &scope);
  mlir::LogicalResult lower(agent::EmbedOp op, Scope &scope);
  mlir::LogicalResult lower(agent::AttributeOp op, Scope &scope);
  mlir::LogicalResult lower(agent::ToolCallOp op, Scope &scope);
  mlir::LogicalResult lower(agent::AskOp op, Scope &scope);
  mlir::LogicalResult lower(agent::RouteOp op, Scope &scope);
  mlir::LogicalResult lower(agent::MapOp op, Scope &scope);
  mlir::LogicalResult lower(agent::CallOp op, Scope &scope);
  mlir::LogicalResult lower(agent::RenderOp op, Scope &scope);
  mlir::LogicalResult lower(agent::ConstantOp op, Scope &scope);
  mlir::LogicalResult lower(agent::RequireOp op, Scope &scope);

  /// Makes `region` a graph of its own. `captured` become inputs after the
  /// region's arguments; names are made for all.
  mlir::FailureOr<task::GraphOp> outline(mlir::Region &region,
                                         llvm::StringRef name,
                                         llvm::ArrayRef<mlir::Value> captured,
                                         mlir::ArrayAttr inputNames,
                                         mlir::ArrayAttr outputNames);
  /// What regions see of the values around them, each once, in order of use.
  static llvm::SmallVector<mlir::Value>
  capturedBy(llvm::MutableArrayRef<mlir::Region> regions);

  /// "node", "node.part"; in a called graph "graph/node.part", so that names
  /// of steps are unique in the module.
  mlir::StringAttr stepName(agent::NodeOpInterface node,
                            llvm::StringRef part = {});
  /// Creates a step at the node's location, with what all its steps share.
  template <typename Op, typename... Args>
  Op create(agent::NodeOpInterface node, Scope &scope, Args &&...args) {
    auto step =
        scope.builder.create<Op>(node.getLoc(), std::forward<Args>(args)...);
    annotate(node, step, scope);
    return step;
  }
  void annotate(agent::NodeOpInterface node, mlir::Operation *step,
                Scope &scope);
  /// What the user expects of a node, as the step's sizes or latency.
  static void annotateExpected(mlir::DictionaryAttr expect,
                               mlir::Operation *step);
  static llvm::SmallVector<mlir::Value> mapped(mlir::ValueRange values,
                                               Scope &scope);
  mlir::StringAttr constantName();
  mlir::LogicalResult notYet(mlir::Operation *op, llvm::StringRef what,
                             llvm::StringRef instead);

  SymbolLowering &symbols;
  const DataClasses &classes;
  agent::GraphOp source;
  unsigned constants = 0;
};

} // namespace hetagon::agenttotask

#endif // HETAGON_COMPILER_CONVERSION_AGENTTOTASK_LOWERING_H
