// Graphs, their regions, and the steps that run other graphs.
#include "compiler/Conversion/AgentToTask/Lowering.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::agenttotask;

LogicalResult GraphLowering::run(agent::GraphOp graph) {
  source = graph;
  SmallVector<Type> outputTypes(
      graph.getOutputTypes().getAsValueRange<TypeAttr>());
  task::GraphOp lowered =
      symbols.graph(graph.getLoc(), graph.getSymName(), graph.getInputNames(),
                    graph.getEntry().getArgumentTypes(), graph.getOutputNames(),
                    outputTypes, graph.isPrivate());
  Ordering ordering(graph.getEntry());
  Scope scope(lowered, ordering);
  scope.values.map(graph.getInputs(), lowered.getInputs());
  return lowerBlock(graph.getEntry(), scope);
}

LogicalResult GraphLowering::lowerBlock(Block &block, Scope &scope) {
  for (Operation &op : block.without_terminator())
    if (failed(lower(&op, scope)))
      return failure();
  Operation *terminator = block.getTerminator();
  scope.builder.create<task::OutputOp>(
      terminator->getLoc(), mapped(terminator->getOperands(), scope));
  return success();
}

SmallVector<Value> GraphLowering::capturedBy(MutableArrayRef<Region> regions) {
  llvm::SetVector<Value> captured;
  for (Region &region : regions)
    getUsedValuesDefinedAbove(region, region, captured);
  return captured.takeVector();
}

FailureOr<task::GraphOp> GraphLowering::outline(Region &region, StringRef name,
                                                ArrayRef<Value> captured,
                                                ArrayAttr inputNames,
                                                ArrayAttr outputNames) {
  Block &block = region.front();
  SmallVector<Type> inputTypes(block.getArgumentTypes());
  for (Value value : captured)
    inputTypes.push_back(value.getType());
  task::GraphOp graph = symbols.graph(
      region.getLoc(), name, inputNames, inputTypes, outputNames,
      block.getTerminator()->getOperandTypes(), /*isPrivate=*/true);
  Ordering ordering(block);
  Scope scope(graph, ordering);
  size_t own = block.getNumArguments();
  scope.values.map(block.getArguments(), graph.getInputs().take_front(own));
  scope.values.map(captured, graph.getInputs().drop_front(own));
  if (failed(lowerBlock(block, scope)))
    return failure();
  return graph;
}

/// "item", "item.1", ...: one name for each of `count` values.
static void appendNames(Builder &builder, StringRef stem, size_t count,
                        SmallVectorImpl<Attribute> &names) {
  for (size_t i = 0; i < count; ++i)
    names.push_back(
        builder.getStringAttr(i == 0 ? Twine(stem) : stem + "." + Twine(i)));
}

LogicalResult GraphLowering::lower(agent::RouteOp op, Scope &scope) {
  Builder builder(op.getContext());
  SmallVector<Value> captured = capturedBy(op->getRegions());
  SmallVector<Attribute> inputs, outputs, cases(op.getCases().getValue()),
      graphs;
  appendNames(builder, "value", captured.size(), inputs);
  appendNames(builder, "result", op.getNumResults(), outputs);
  ArrayAttr inputNames = builder.getArrayAttr(inputs);
  ArrayAttr outputNames = builder.getArrayAttr(outputs);

  // The default is a case of a name that no case of the user's has.
  std::string otherwise = "default";
  while (llvm::is_contained(cases, builder.getStringAttr(otherwise)))
    otherwise += ".";
  cases.push_back(builder.getStringAttr(otherwise));
  SmallVector<Region *> regions;
  for (Region &region : op.getCaseRegions())
    regions.push_back(&region);
  regions.push_back(&op.getDefaultRegion());
  for (auto [name, region] : llvm::zip(cases, regions)) {
    FailureOr<task::GraphOp> graph =
        outline(*region,
                (source.getSymName() + "." + op.getNode() + "." +
                 cast<StringAttr>(name).getValue())
                    .str(),
                captured, inputNames, outputNames);
    if (failed(graph))
      return failure();
    graphs.push_back(FlatSymbolRefAttr::get(graph->getSymNameAttr()));
  }

  auto branch = create<task::BranchOp>(
      op, scope, op.getResultTypes(), stepName(op),
      scope.values.lookup(op.getSelector()), mapped(captured, scope),
      inputNames, builder.getArrayAttr(cases), builder.getArrayAttr(graphs),
      builder.getStringAttr(otherwise), outputNames);
  scope.values.map(op.getResults(), branch.getOutputs());
  return success();
}

LogicalResult GraphLowering::lower(agent::MapOp op, Scope &scope) {
  for (Value value : op.getBody().front().getTerminator()->getOperands())
    if (isa<agent::StreamType>(value.getType()))
      return notYet(op, "gathering streams", "yield the whole value");
  Builder builder(op.getContext());
  SmallVector<Value> captured = capturedBy(op->getRegions());
  SmallVector<Attribute> over, inputs, outputs;
  appendNames(builder, "item", op.getLists().size(), over);
  inputs = over;
  appendNames(builder, "value", captured.size(), inputs);
  appendNames(builder, "result", op.getNumResults(), outputs);
  ArrayAttr inputNames = builder.getArrayAttr(inputs);
  ArrayAttr outputNames = builder.getArrayAttr(outputs);
  FailureOr<task::GraphOp> body =
      outline(op.getBody(), (source.getSymName() + "." + op.getNode()).str(),
              captured, inputNames, outputNames);
  if (failed(body))
    return failure();

  SmallVector<Value> operands = mapped(op.getLists(), scope);
  llvm::append_range(operands, mapped(captured, scope));
  // What was gathered as JSON is a list here, which goes wherever JSON does.
  SmallVector<Type> lists;
  for (Value value : op.getBody().front().getTerminator()->getOperands())
    lists.push_back(agent::ListType::get(value.getType()));
  auto map = create<task::MapOp>(
      op, scope, lists, stepName(op),
      FlatSymbolRefAttr::get(body->getSymNameAttr()),
      builder.getArrayAttr(over), operands, inputNames,
      builder.getI64IntegerAttr(op.getMaxParallel().value_or(0)), outputNames);
  scope.values.map(op.getResults(), map.getOutputs());
  return success();
}

LogicalResult GraphLowering::lower(agent::CallOp op, Scope &scope) {
  auto call = create<task::CallOp>(
      op, scope, op.getResultTypes(), stepName(op), op.getCalleeAttr(),
      mapped(op.getInputs(), scope), op.getInputNames(), op.getOutputNames());
  scope.values.map(op.getResults(), call.getOutputs());
  return success();
}
