// Imports one flow as one graph: follows its control edges, turns branches
// into routes, and binds data edges to values. The values that can be seen at a
// point are those of the nodes that have certainly run before it.
#ifndef HETAGON_FRONTEND_AGENTSPEC_FLOWIMPORTER_H
#define HETAGON_FRONTEND_AGENTSPEC_FLOWIMPORTER_H

#include "frontend/AgentSpec/ModuleImporter.h"
#include <set>

namespace hetagon {

class FlowImporter {
public:
  FlowImporter(ModuleImporter &module, const Component &flow);

  /// Builds the graph at the module's insertion point; null after an error.
  agent::GraphOp run(llvm::StringRef symbol, mlir::TypeRange inputTypes,
                     bool isPrivate);

private:
  /// An input of a node, or (with null) an output of the flow.
  using Slot = std::pair<const Component *, std::string>;
  using Value = mlir::Value;
  using NodeSet = std::set<const Component *>;
  using Named = llvm::SmallVector<mlir::NamedAttribute>;

  ModuleImporter &module;
  const Component &flow;
  mlir::OpBuilder &builder;
  mlir::MLIRContext *context;

  /// The ways out of each node: branch to target.
  std::map<const Component *,
           std::map<std::string, std::pair<const Component *, Place>>>
      ways;
  /// The data edges into each input, in the order of the file.
  std::map<Slot, std::vector<const Component *>> edges;
  /// What is known here: outputs of nodes with the order in which they came to
  /// be, and inputs decided by a route.
  std::map<Slot, std::pair<Value, size_t>> outputs;
  std::map<Slot, Value> decided;
  size_t defined = 0;
  /// The next node that every path from a node passes (null: the end of the
  /// flow), and its distance from there.
  struct Join {
    const Component *node = nullptr;
    size_t depth = 0;
  };
  std::map<const Component *, Join> joins;
  NodeSet emitted;
  std::set<std::string> nodeNames;
  bool isPrivate = false;
  unsigned insideRoutes = 0;

  // Structure (FlowImporter.cpp).
  mlir::LogicalResult collectEdges();
  mlir::LogicalResult findJoins();
  const Component *meet(const Component *a, const Component *b) const;
  mlir::LogicalResult emitFrom(const Component *node, const Component *stop);
  mlir::LogicalResult emitRoute(const Component &node, const Component *join);
  const Component *wayOut(const Component &node);
  NodeSet reachable(const Component *from, const Component *stop) const;
  std::vector<Slot> slotsAfter(const NodeSet &inside,
                               const Component *join) const;
  /// One case of a route, in a region of its own; `values` are those of
  /// `slots` at its end.
  struct Case {
    std::unique_ptr<mlir::Region> region;
    llvm::SmallVector<Value> values;
  };
  mlir::LogicalResult emitCase(const Component &node, const Component *target,
                               const Component *join,
                               llvm::ArrayRef<Slot> slots, Case &into);
  void unify(const Component &node, llvm::ArrayRef<Slot> slots,
             llvm::MutableArrayRef<Case> cases);
  const Port *portOf(const Slot &slot) const;
  mlir::LogicalResult endFlow(const Component &end);
  mlir::LogicalResult emitOutputs(agent::GraphOp graph);
  void labelInputs(agent::GraphOp graph);

  // Demands (DemandImporter.cpp).
  mlir::LogicalResult demandFlow(llvm::ArrayRef<Value> values);
  void demandNode(const Component &node, mlir::Operation *op);
  void emitDemand(const Requirement &demand, llvm::StringRef id,
                  const Component *node, llvm::ArrayRef<Value> values);
  void emitObjective(const Objective &objective);

  // Nodes (NodeImporter.cpp).
  mlir::LogicalResult emitNode(const Component &node);
  mlir::LogicalResult emitLlm(const Component &node);
  mlir::LogicalResult emitTool(const Component &node);
  mlir::LogicalResult emitRetrieve(const Component &node,
                                   const Component &tool);
  mlir::LogicalResult emitAttribute(const Component &node,
                                    const Component &tool);
  mlir::LogicalResult emitAgent(const Component &node);
  mlir::LogicalResult emitCall(const Component &node, const Component &callee);
  mlir::LogicalResult emitParallelFlows(const Component &node);
  mlir::LogicalResult emitMap(const Component &node);
  mlir::LogicalResult emitAsk(const Component &node);
  mlir::LogicalResult emitMessage(const Component &node);
  agent::CallOp makeCall(const Component &node, llvm::StringRef name,
                         const Component &callee, llvm::ArrayRef<Value> inputs);
  bool isShown(const Component &node) const;
  void addGeneration(const Component &config, Named &attributes);
  void addLimits(const Component &owner, Named &attributes);

  // Values.
  /// The value of an input here; null after an error.
  Value valueOf(const Component &node, const Port &input);
  Value lookUp(const Slot &slot);
  Value defaultOf(const Port &port, const Component &node);
  Value asText(Value value, const Component &node, llvm::StringRef title);
  mlir::LogicalResult gather(const Component &node,
                             llvm::SmallVectorImpl<Value> &values,
                             llvm::SmallVectorImpl<mlir::Attribute> &names);
  void define(const Component &node, const Port &output, Value value);
  void defineAll(const Component &node, mlir::Operation *op);
  mlir::StringAttr nameOf(const Component &node, llvm::StringRef suffix = {});
  mlir::NamedAttribute named(llvm::StringRef key, mlir::Attribute value) {
    return builder.getNamedAttr(key, value);
  }
  mlir::ArrayAttr titles(const std::vector<Port> &ports);
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_FLOWIMPORTER_H
