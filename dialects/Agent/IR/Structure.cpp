// Graphs and calls: syntax and rules.
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Agent/IR/Syntax.h"
#include "dialects/Agent/IR/Verify.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace hetagon::agent;

LogicalResult hetagon::agent::verifyNames(Operation *op, ArrayAttr names,
                                          size_t count, StringRef what) {
  if (names.size() != count)
    return op->emitOpError() << "has " << count << " " << what << "s but "
                             << names.size() << " names for them";
  llvm::StringSet<> seen;
  for (StringRef name : names.getAsValueRange<StringAttr>()) {
    if (name.empty())
      return op->emitOpError() << "has " << what << " without a name";
    if (!seen.insert(name).second)
      return op->emitOpError()
             << "has two " << what << "s named '" << name << "'";
  }
  return success();
}

void GraphOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                    ArrayRef<StringRef> inputNames, TypeRange inputTypes,
                    ArrayRef<StringRef> outputNames, TypeRange outputTypes,
                    bool isPrivate) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  if (isPrivate)
    properties.sym_visibility = builder.getStringAttr("private");
  properties.input_names = builder.getStrArrayAttr(inputNames);
  properties.output_names = builder.getStrArrayAttr(outputNames);
  properties.output_types =
      builder.getTypeArrayAttr(SmallVector<Type>(outputTypes));
  Block &entry = state.addRegion()->emplaceBlock();
  for (Type type : inputTypes)
    entry.addArgument(type, state.location);
}

FlatSymbolRefAttr GraphOp::getInputClass(unsigned index) {
  std::optional<DictionaryAttr> classes = getInputClasses();
  if (!classes)
    return nullptr;
  return classes->getAs<FlatSymbolRefAttr>(
      cast<StringAttr>(getInputNames()[index]));
}

ParseResult GraphOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  auto &properties = result.getOrAddProperties<Properties>();
  if (succeeded(parser.parseOptionalKeyword("private")))
    properties.sym_visibility = builder.getStringAttr("private");
  if (parser.parseSymbolName(properties.sym_name))
    return failure();

  SmallVector<OpAsmParser::Argument> arguments;
  NamedAttrList classes;
  if (parseInputPorts(parser, properties.input_names, arguments, &classes) ||
      parser.parseArrow() ||
      parseOutputPorts(parser, properties.output_names,
                       properties.output_types))
    return failure();
  if (!classes.empty())
    properties.input_classes = classes.getDictionary(builder.getContext());
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

void GraphOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  if (SymbolTable::getSymbolVisibility(*this) ==
      SymbolTable::Visibility::Private)
    printer << "private ";
  printer.printSymbolName(getSymName());
  printInputPorts(printer, getInputNames(), getInputs(),
                  [&](unsigned index) { return getInputClass(index); });
  printer << " -> ";
  printOutputPorts(printer, getOutputNames(), getOutputTypes());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getSymVisibilityAttrName(),
       getInputNamesAttrName(), getInputClassesAttrName(),
       getOutputNamesAttrName(), getOutputTypesAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void GraphOp::getAsmBlockArgumentNames(Region &region,
                                       OpAsmSetValueNameFn setName) {
  nameInputPorts(region, getInputNames(), setName);
}

LogicalResult GraphOp::verify() {
  if (getBody().empty())
    return emitOpError("has no body");
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(verifyNames(*this, getOutputNames(), getOutputTypes().size(),
                         "output")))
    return failure();
  for (BlockArgument input : getInputs())
    if (!isValueType(input.getType()))
      return emitOpError() << "has an input of type " << input.getType()
                           << "; only values of the agent dialect flow in";
  return success();
}

LogicalResult GraphOp::verifyRegions() {
  auto output = dyn_cast<OutputOp>(getEntry().getTerminator());
  if (!output)
    return emitOpError("must end with agent.output");
  SmallVector<Type> declared(getOutputTypes().getAsValueRange<TypeAttr>());
  if (TypeRange(output.getValues()) != TypeRange(declared))
    return output.emitOpError()
           << "hands back (" << output.getValues().getTypes()
           << ") where the graph promises (" << declared << ")";

  llvm::StringMap<Operation *> nodes;
  WalkResult unique = walk([&](NodeOpInterface node) {
    if (node.getNode().empty()) {
      node.emitOpError("has no name; every node of a graph needs one");
      return WalkResult::interrupt();
    }
    auto [entry, fresh] = nodes.try_emplace(node.getNode(), node);
    if (fresh)
      return WalkResult::advance();
    node.emitOpError() << "has the name '" << node.getNode()
                       << "' of another node"
                       << "; names are unique in a graph";
    return WalkResult::interrupt();
  });
  return failure(unique.wasInterrupted());
}

LogicalResult GraphOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (std::optional<DictionaryAttr> classes = getInputClasses())
    for (NamedAttribute entry : *classes) {
      if (!llvm::is_contained(getInputNames(), entry.getName()))
        return emitOpError() << "gives a class to " << entry.getName()
                             << ", which is not an input";
      if (failed(verifySymbol<DataClassOp>(
              *this, symbols, dyn_cast<FlatSymbolRefAttr>(entry.getValue()),
              "a data class")))
        return failure();
    }

  llvm::SetVector<Operation *> reached;
  reached.insert(*this);
  for (size_t i = 0; i < reached.size(); ++i) {
    WalkResult acyclic = reached[i]->walk([&](CallOp call) {
      Operation *callee =
          symbols.lookupNearestSymbolFrom(call, call.getCalleeAttr());
      if (callee == getOperation()) {
        InFlightDiagnostic diag = emitOpError("calls itself in the end");
        diag.attachNote(call.getLoc()) << "through this call; use agent.loop";
        return WalkResult::interrupt();
      }
      if (callee)
        reached.insert(callee);
      return WalkResult::advance();
    });
    if (acyclic.wasInterrupted())
      return failure();
  }
  return success();
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifySymbol<GraphOp>(*this, symbols, getCalleeAttr(), "a graph")))
    return failure();
  auto callee =
      symbols.lookupNearestSymbolFrom<GraphOp>(*this, getCalleeAttr());
  if (getInputNames() != callee.getInputNames() ||
      getOutputNames() != callee.getOutputNames())
    return emitOpError() << "has inputs " << getInputNames() << " and outputs "
                         << getOutputNames() << " where " << getCalleeAttr()
                         << " has " << callee.getInputNames() << " and "
                         << callee.getOutputNames();
  SmallVector<Type> results(
      callee.getOutputTypes().getAsValueRange<TypeAttr>());
  if (getInputs().getTypes() != callee.getEntry().getArgumentTypes() ||
      getOutputs().getTypes() != TypeRange(results))
    return emitOpError() << "has types that differ from those of "
                         << getCalleeAttr();
  return success();
}
