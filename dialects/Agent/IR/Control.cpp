// Routes, maps and loops: syntax and rules.
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Agent/IR/Verify.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace hetagon::agent;

LogicalResult RouteOp::verify() {
  if (failed(verifyNames(*this, getCases(), getCaseRegions().size(), "case")))
    return failure();
  for (Region &region : getOperation()->getRegions()) {
    auto yield = dyn_cast<YieldOp>(region.front().getTerminator());
    if (!yield)
      return emitOpError("has a case that does not end with agent.yield");
    if (yield.getValues().getTypes() != getResultTypes())
      return yield.emitOpError()
             << "yields (" << yield.getValues().getTypes()
             << ") where the route's results are (" << getResultTypes() << ")";
  }
  return success();
}

/// The type of one element of what a map walks over.
static Type elementOf(Type iterable) {
  if (auto list = dyn_cast<ListType>(iterable))
    return list.getElementType();
  return iterable;
}

ParseResult MapOp::parse(OpAsmParser &parser, OperationState &result) {
  auto &properties = result.getOrAddProperties<Properties>();
  SmallVector<OpAsmParser::Argument> items;
  SmallVector<OpAsmParser::UnresolvedOperand> lists;
  SmallVector<Type> listTypes, resultTypes;
  if (parser.parseAttribute(properties.node))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("max_parallel"))) {
    int64_t bound;
    if (parser.parseInteger(bound))
      return failure();
    properties.max_parallel = parser.getBuilder().getI64IntegerAttr(bound);
  }
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseArgumentList(items, AsmParser::Delimiter::Paren,
                               /*allowType=*/true) ||
      parser.parseKeyword("in") ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren,
          [&] {
            return failure(parser.parseOperand(lists.emplace_back()) ||
                           parser.parseColonType(listTypes.emplace_back()));
          }) ||
      parser.parseArrow() ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren,
          [&] { return parser.parseType(resultTypes.emplace_back()); }) ||
      parser.resolveOperands(lists, listTypes, loc, result.operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  result.addTypes(resultTypes);
  return parser.parseRegion(*result.addRegion(), items);
}

void MapOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printAttributeWithoutType(getNodeAttr());
  if (std::optional<int64_t> bound = getMaxParallel())
    printer << " max_parallel " << *bound;
  printer << " (";
  llvm::interleaveComma(
      getBody().getArguments(), printer,
      [&](BlockArgument argument) { printer.printRegionArgument(argument); });
  printer << ") in (";
  llvm::interleaveComma(getLists(), printer, [&](Value list) {
    printer << list << " : " << list.getType();
  });
  printer << ") -> (" << getResultTypes() << ")";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getNodeAttrName(), getMaxParallelAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void MapOp::getAsmBlockArgumentNames(Region &region,
                                     OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument, "item");
}

LogicalResult MapOp::verify() {
  Block &block = getBody().front();
  if (getLists().empty())
    return emitOpError("walks over no list");
  if (std::optional<int64_t> bound = getMaxParallel(); bound && *bound < 1)
    return emitOpError("needs max_parallel of at least 1");
  if (block.getNumArguments() != getLists().size())
    return emitOpError() << "walks over " << getLists().size()
                         << " lists but its body takes "
                         << block.getNumArguments() << " items";
  for (auto [item, list] : llvm::zip(block.getArguments(), getLists()))
    if (item.getType() != elementOf(list.getType()))
      return emitOpError() << "gives items of type "
                           << elementOf(list.getType())
                           << " to a body that takes " << item.getType();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("must end with agent.yield");
  if (yield.getValues().size() != getNumResults())
    return yield.emitOpError()
           << "yields " << yield.getValues().size() << " values for "
           << getNumResults() << " results of the map";
  for (auto [value, result] : llvm::zip(yield.getValues(), getResults())) {
    bool intoJson = isa<JsonType>(result.getType()) &&
                    isa<TextType, JsonType>(value.getType());
    if (!intoJson && value.getType() != elementOf(result.getType()))
      return yield.emitOpError()
             << "yields " << value.getType() << ", which cannot be gathered as "
             << result.getType();
  }
  return success();
}

ParseResult LoopOp::parse(OpAsmParser &parser, OperationState &result) {
  auto &properties = result.getOrAddProperties<Properties>();
  SmallVector<OpAsmParser::Argument> carried;
  SmallVector<OpAsmParser::UnresolvedOperand> initial;
  int64_t trips;
  if (parser.parseAttribute(properties.node) ||
      parser.parseKeyword("max_trips") || parser.parseInteger(trips))
    return failure();
  properties.max_trips = parser.getBuilder().getI64IntegerAttr(trips);
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
        return failure(parser.parseArgument(carried.emplace_back()) ||
                       parser.parseEqual() ||
                       parser.parseOperand(initial.emplace_back()) ||
                       parser.parseColonType(carried.back().type));
      }))
    return failure();
  for (const OpAsmParser::Argument &argument : carried)
    result.addTypes(argument.type);
  if (parser.resolveOperands(initial, result.types, loc, result.operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), carried);
}

void LoopOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printAttributeWithoutType(getNodeAttr());
  printer << " max_trips " << getMaxTrips() << " (";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInitial()),
                        printer, [&](auto item) {
                          auto [argument, value] = item;
                          printer << argument << " = " << value << " : "
                                  << value.getType();
                        });
  printer << ")";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getNodeAttrName(), getMaxTripsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void LoopOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument, "carried");
}

LogicalResult LoopOp::verify() {
  Block &block = getBody().front();
  if (getMaxTrips() < 1)
    return emitOpError("needs max_trips of at least 1");
  if (block.getArgumentTypes() != getInitial().getTypes() ||
      getResultTypes() != getInitial().getTypes())
    return emitOpError("carries values whose types differ between start, body "
                       "and result");
  auto again = dyn_cast<AgainOp>(block.getTerminator());
  if (!again)
    return emitOpError("must end with agent.again");
  if (again.getValues().getTypes() != getResultTypes())
    return again.emitOpError()
           << "carries (" << again.getValues().getTypes()
           << ") where the loop carries (" << getResultTypes() << ")";
  return success();
}
