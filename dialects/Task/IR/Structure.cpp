// Step graphs: syntax and rules.
#include "dialects/Agent/IR/Syntax.h"
#include "dialects/Agent/IR/Verify.h"
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::task;

void GraphOp::build(OpBuilder &builder, OperationState &state, StringAttr name,
                    ArrayAttr inputNames, TypeRange inputTypes,
                    ArrayAttr outputNames, TypeRange outputTypes,
                    bool isPrivate) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = name;
  if (isPrivate)
    properties.sym_visibility = builder.getStringAttr("private");
  properties.input_names = inputNames;
  properties.output_names = outputNames;
  properties.output_types =
      builder.getTypeArrayAttr(SmallVector<Type>(outputTypes));
  Block &entry = state.addRegion()->emplaceBlock();
  for (Type type : inputTypes)
    entry.addArgument(type, state.location);
}

ParseResult GraphOp::parse(OpAsmParser &parser, OperationState &result) {
  auto &properties = result.getOrAddProperties<Properties>();
  if (succeeded(parser.parseOptionalKeyword("private")))
    properties.sym_visibility = parser.getBuilder().getStringAttr("private");
  SmallVector<OpAsmParser::Argument> arguments;
  return failure(parser.parseSymbolName(properties.sym_name) ||
                 agent::parseInputPorts(parser, properties.input_names,
                                        arguments,
                                        /*classes=*/nullptr) ||
                 parser.parseArrow() ||
                 agent::parseOutputPorts(parser, properties.output_names,
                                         properties.output_types) ||
                 parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

void GraphOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  if (isPrivate())
    printer << "private ";
  printer.printSymbolName(getSymName());
  agent::printInputPorts(printer, getInputNames(), getInputs(),
                         [](unsigned) { return FlatSymbolRefAttr(); });
  printer << " -> ";
  agent::printOutputPorts(printer, getOutputNames(), getOutputTypes());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getSymNameAttrName(), getSymVisibilityAttrName(),
                            getInputNamesAttrName(), getOutputNamesAttrName(),
                            getOutputTypesAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void GraphOp::getAsmBlockArgumentNames(Region &region,
                                       OpAsmSetValueNameFn setName) {
  agent::nameInputPorts(region, getInputNames(), setName);
}

LogicalResult GraphOp::verify() {
  if (failed(agent::verifyNames(*this, getInputNames(), getInputs().size(),
                                "input")))
    return failure();
  return agent::verifyNames(*this, getOutputNames(), getOutputTypes().size(),
                            "output");
}

LogicalResult GraphOp::verifyRegions() {
  auto output = dyn_cast<OutputOp>(getEntry().getTerminator());
  if (!output)
    return emitOpError("must end with task.output");
  SmallVector<Type> declared(getOutputTypes().getAsValueRange<TypeAttr>());
  if (!fits(output.getValues().getTypes(), TypeRange(declared)))
    return output.emitOpError()
           << "hands back (" << output.getValues().getTypes()
           << ") where the graph promises (" << declared << ")";

  llvm::StringSet<> steps;
  for (Operation &op : getEntry()) {
    auto step = dyn_cast<StepOpInterface>(op);
    if (!step) {
      if (isa<RequireOp, ObjectiveOp, OutputOp>(op))
        continue;
      return op.emitOpError("is not a step");
    }
    for (StringRef earlier : step.getAfter())
      if (!steps.contains(earlier))
        return step.emitOpError()
               << "waits for '" << earlier << "', which is no step before it";
    if (step.getStep().empty() || !steps.insert(step.getStep()).second)
      return step.emitOpError()
             << "needs a name of its own, not '" << step.getStep() << "'";
  }
  return success();
}

/// `inputs` and `outputs` fit the graph that `callee` names.
static LogicalResult verifyCall(Operation *op, SymbolTableCollection &symbols,
                                FlatSymbolRefAttr callee, ArrayAttr inputNames,
                                TypeRange inputs, ArrayAttr outputNames,
                                TypeRange outputs) {
  if (failed(agent::verifySymbol<GraphOp>(op, symbols, callee, "a graph")))
    return failure();
  auto graph = symbols.lookupNearestSymbolFrom<GraphOp>(op, callee);
  SmallVector<Type> promised(
      graph.getOutputTypes().getAsValueRange<TypeAttr>());
  if (graph.getInputNames() == inputNames &&
      graph.getOutputNames() == outputNames &&
      fits(inputs, graph.getEntry().getArgumentTypes()) &&
      fits(TypeRange(promised), outputs))
    return success();
  InFlightDiagnostic diag =
      op->emitOpError() << "does not fit the inputs and outputs of " << callee;
  diag.attachNote(graph.getLoc()) << "which are declared here";
  return diag;
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyCall(*this, symbols, getCalleeAttr(), getInputNames(),
                    getInputs().getTypes(), getOutputNames(),
                    getOutputs().getTypes());
}

LogicalResult BranchOp::verify() {
  if (failed(agent::verifyNames(*this, getCases(), getGraphs().size(), "case")))
    return failure();
  if (getCases().empty())
    return emitOpError("has no case");
  if (getDefaultCaseAttr() &&
      !llvm::is_contained(getCases(), getDefaultCaseAttr()))
    return emitOpError() << "has the default " << getDefaultCaseAttr()
                         << ", which is none of its cases";
  return success();
}

LogicalResult BranchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (auto graph : getGraphs().getAsRange<FlatSymbolRefAttr>())
    if (failed(verifyCall(*this, symbols, graph, getInputNames(),
                          getInputs().getTypes(), getOutputNames(),
                          getOutputs().getTypes())))
      return failure();
  return success();
}

/// What one trip of a map sees of a list, or gives for one.
static Type elementOf(Type type) {
  if (auto list = dyn_cast<agent::ListType>(type))
    return list.getElementType();
  return type;
}

LogicalResult MapOp::verify() {
  if (getOver().empty())
    return emitOpError("walks over no list");
  for (Attribute name : getOver())
    if (!llvm::is_contained(getInputNames(), name))
      return emitOpError() << "walks over " << name
                           << ", which is not an input";
  if (getParallel() < 0)
    return emitOpError("needs parallel of at least 0");
  return success();
}

LogicalResult MapOp::verifySymbolUses(SymbolTableCollection &symbols) {
  SmallVector<Type> inputs, outputs;
  for (auto [name, value] : llvm::zip(getInputNames(), getInputs()))
    inputs.push_back(llvm::is_contained(getOver(), name)
                         ? elementOf(value.getType())
                         : value.getType());
  for (Value value : getOutputs()) {
    if (!isa<agent::ListType>(value.getType()))
      return emitOpError() << "gathers its results as " << value.getType()
                           << ", which is no list";
    outputs.push_back(elementOf(value.getType()));
  }
  return verifyCall(*this, symbols, getBodyAttr(), getInputNames(), inputs,
                    getOutputNames(), outputs);
}
