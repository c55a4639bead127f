// The custom directives declared in Syntax.h.
#include "dialects/Agent/IR/Syntax.h"
#include "dialects/Agent/IR/Agent.h"

using namespace mlir;
using namespace hetagon::agent;

static ParseResult parseName(OpAsmParser &parser,
                             SmallVectorImpl<Attribute> &names) {
  std::string name;
  if (parser.parseString(&name))
    return failure();
  names.push_back(parser.getBuilder().getStringAttr(name));
  return success();
}

static void printName(OpAsmPrinter &printer, Attribute name) {
  printer.printAttributeWithoutType(name);
}

ParseResult hetagon::agent::parseNamedOperands(OpAsmParser &parser,
                                               UnresolvedOperands &operands,
                                               SmallVectorImpl<Type> &types,
                                               ArrayAttr &names) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
        return failure(parseName(parser, list) || parser.parseEqual() ||
                       parser.parseOperand(operands.emplace_back()) ||
                       parser.parseColonType(types.emplace_back()));
      }))
    return failure();
  names = parser.getBuilder().getArrayAttr(list);
  return success();
}

void hetagon::agent::printNamedOperands(OpAsmPrinter &printer, Operation *,
                                        OperandRange operands, TypeRange types,
                                        ArrayAttr names) {
  printer << '(';
  llvm::interleaveComma(llvm::zip(names, operands, types), printer,
                        [&](auto entry) {
                          auto [name, operand, type] = entry;
                          printName(printer, name);
                          printer << " = " << operand << " : " << type;
                        });
  printer << ')';
}

ParseResult hetagon::agent::parseNamedResults(OpAsmParser &parser,
                                              SmallVectorImpl<Type> &types,
                                              ArrayAttr &names) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
        return failure(parseName(parser, list) ||
                       parser.parseColonType(types.emplace_back()));
      }))
    return failure();
  names = parser.getBuilder().getArrayAttr(list);
  return success();
}

void hetagon::agent::printNamedResults(OpAsmPrinter &printer, Operation *,
                                       TypeRange types, ArrayAttr names) {
  printer << '(';
  llvm::interleaveComma(llvm::zip(names, types), printer, [&](auto entry) {
    auto [name, type] = entry;
    printName(printer, name);
    printer << ": " << type;
  });
  printer << ')';
}

ParseResult hetagon::agent::parseInputPorts(
    OpAsmParser &parser, ArrayAttr &names,
    SmallVectorImpl<OpAsmParser::Argument> &arguments, NamedAttrList *classes) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren, [&]() -> ParseResult {
            if (parseName(parser, list) ||
                parser.parseArgument(arguments.emplace_back(),
                                     /*allowType=*/true))
              return failure();
            if (!classes || failed(parser.parseOptionalKeyword("class")))
              return success();
            FlatSymbolRefAttr dataClass;
            if (parser.parseAttribute(dataClass))
              return failure();
            classes->set(cast<StringAttr>(list.back()), dataClass);
            return success();
          }))
    return failure();
  names = parser.getBuilder().getArrayAttr(list);
  return success();
}

void hetagon::agent::printInputPorts(
    OpAsmPrinter &printer, ArrayAttr names, Block::BlockArgListType arguments,
    function_ref<FlatSymbolRefAttr(unsigned)> classOf) {
  printer << '(';
  llvm::interleaveComma(llvm::enumerate(arguments), printer, [&](auto item) {
    printName(printer, names[item.index()]);
    printer << ' ';
    printer.printRegionArgument(item.value());
    if (FlatSymbolRefAttr dataClass = classOf(item.index()))
      printer << " class " << dataClass;
  });
  printer << ')';
}

ParseResult hetagon::agent::parseOutputPorts(OpAsmParser &parser,
                                             ArrayAttr &names,
                                             ArrayAttr &types) {
  SmallVector<Type> list;
  if (parseNamedResults(parser, list, names))
    return failure();
  types = parser.getBuilder().getTypeArrayAttr(list);
  return success();
}

void hetagon::agent::printOutputPorts(OpAsmPrinter &printer, ArrayAttr names,
                                      ArrayAttr types) {
  SmallVector<Type> list(types.getAsValueRange<TypeAttr>());
  printNamedResults(printer, nullptr, list, names);
}

void hetagon::agent::nameInputPorts(Region &region, ArrayAttr names,
                                    OpAsmSetValueNameFn setName) {
  for (auto [argument, name] :
       llvm::zip(region.getArguments(), names.getAsValueRange<StringAttr>()))
    if (!name.empty() &&
        llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      setName(argument, name);
}

ParseResult hetagon::agent::parseRouteCases(
    OpAsmParser &parser, ArrayAttr &cases,
    SmallVectorImpl<std::unique_ptr<Region>> &regions, Region &defaultRegion) {
  SmallVector<Attribute> list;
  while (succeeded(parser.parseOptionalKeyword("case"))) {
    if (parseName(parser, list) ||
        parser.parseRegion(*regions.emplace_back(std::make_unique<Region>())))
      return failure();
  }
  cases = parser.getBuilder().getArrayAttr(list);
  return failure(parser.parseKeyword("default") ||
                 parser.parseRegion(defaultRegion));
}

void hetagon::agent::printRouteCases(OpAsmPrinter &printer, Operation *,
                                     ArrayAttr cases,
                                     MutableArrayRef<Region> regions,
                                     Region &defaultRegion) {
  for (auto [name, region] : llvm::zip(cases, regions)) {
    printer.printNewline();
    printer << "case ";
    printName(printer, name);
    printer << ' ';
    printer.printRegion(region);
  }
  printer.printNewline();
  printer << "default ";
  printer.printRegion(defaultRegion);
}

ParseResult hetagon::agent::parseEvents(OpAsmParser &parser, ArrayAttr &events,
                                        UnresolvedOperands &values,
                                        SmallVectorImpl<Type> &types) {
  SmallVector<Attribute> list;
  if (succeeded(parser.parseOptionalKeyword("on")) &&
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren, [&]() -> ParseResult {
            StringRef word;
            SMLoc loc = parser.getCurrentLocation();
            if (parser.parseKeyword(&word))
              return failure();
            std::optional<Event> event = symbolizeEvent(word);
            if (!event)
              return parser.emitError(loc) << "unknown event '" << word
                                           << "'; it is first, last or gap";
            list.push_back(EventAttr::get(parser.getContext(), *event));
            return failure(parser.parseOperand(values.emplace_back()) ||
                           parser.parseColonType(types.emplace_back()));
          }))
    return failure();
  events = parser.getBuilder().getArrayAttr(list);
  return success();
}

void hetagon::agent::printEvents(OpAsmPrinter &printer, Operation *,
                                 ArrayAttr events, OperandRange values,
                                 TypeRange types) {
  if (values.empty())
    return;
  printer << "on (";
  llvm::interleaveComma(
      llvm::zip(events, values, types), printer, [&](auto entry) {
        auto [event, value, type] = entry;
        printer << stringifyEvent(cast<EventAttr>(event).getValue()) << ' '
                << value << " : " << type;
      });
  printer << ')';
}
