// nn.func: its syntax, the protocols that its kinds stand for, and the symbols
// of run-time dimensions.
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace hetagon::nn;

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                   FunctionType type, ArrayRef<StringRef> argNames,
                   ArrayRef<StringRef> resNames,
                   std::optional<ProgramKind> kind, StringRef artefact) {
  OpBuilder::InsertionGuard guard(builder);
  MLIRContext *context = builder.getContext();
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.setSymName(builder.getStringAttr(name));
  properties.setFunctionType(TypeAttr::get(type));
  properties.setArgNames(builder.getStrArrayAttr(argNames));
  properties.setResNames(builder.getStrArrayAttr(resNames));
  if (kind)
    properties.setKind(ProgramKindAttr::get(context, *kind));
  if (!artefact.empty())
    properties.setArtefact(builder.getStringAttr(artefact));
  Block *body = builder.createBlock(state.addRegion());
  for (Type input : type.getInputs())
    body->addArgument(input, state.location);
}

BlockArgument FuncOp::getArgumentNamed(StringRef name) {
  for (BlockArgument argument : getArguments())
    if (getArgName(argument.getArgNumber()) == name)
      return argument;
  return {};
}

void FuncOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    if (argument.getArgNumber() < getArgNames().size())
      setName(argument, getArgName(argument.getArgNumber()));
}

//===----------------------------------------------------------------------===//
// nn.func @NAME(%a: type, ...) -> (%r: type, ...) [kind WORD] [artefact "ID"]
//     [attributes {...}] { ... }
//===----------------------------------------------------------------------===//

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  Properties &properties = state.getOrAddProperties<Properties>();
  if (parser.parseSymbolName(properties.sym_name))
    return failure();

  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> argTypes, resTypes;
  SmallVector<Attribute> argNames, resNames;
  auto name = [&](const OpAsmParser::UnresolvedOperand &operand) {
    return builder.getStringAttr(operand.name.drop_front());
  };
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true))
    return failure();
  for (const OpAsmParser::Argument &argument : arguments) {
    argTypes.push_back(argument.type);
    argNames.push_back(name(argument.ssaName));
  }
  if (succeeded(parser.parseOptionalArrow())) {
    auto parseResult = [&]() -> ParseResult {
      OpAsmParser::UnresolvedOperand result;
      if (parser.parseOperand(result, /*allowResultNumber=*/false) ||
          parser.parseColonType(resTypes.emplace_back()))
        return failure();
      resNames.push_back(name(result));
      return success();
    };
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                       parseResult))
      return failure();
  }
  properties.setFunctionType(
      TypeAttr::get(builder.getFunctionType(argTypes, resTypes)));
  properties.setArgNames(builder.getArrayAttr(argNames));
  properties.setResNames(builder.getArrayAttr(resNames));

  if (succeeded(parser.parseOptionalKeyword("kind"))) {
    SMLoc location = parser.getCurrentLocation();
    StringRef word;
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<ProgramKind> kind = symbolizeProgramKind(word);
    if (!kind)
      return parser.emitError(location)
             << "expected 'decoder' or 'encoder', found '" << word << "'";
    properties.setKind(ProgramKindAttr::get(builder.getContext(), *kind));
  }
  if (succeeded(parser.parseOptionalKeyword("artefact")) &&
      parser.parseAttribute(properties.artefact))
    return failure();
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  return parser.parseRegion(*state.addRegion(), arguments);
}

void FuncOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  llvm::interleaveComma(getArguments(), printer, [&](BlockArgument argument) {
    printer.printRegionArgument(argument);
  });
  printer << ')';
  if (!getResultTypes().empty()) {
    printer << " -> (";
    llvm::interleaveComma(llvm::seq<unsigned>(0, getResultTypes().size()),
                          printer, [&](unsigned index) {
                            printer << '%' << getResName(index) << ": "
                                    << getResultTypes()[index];
                          });
    printer << ')';
  }
  if (getKind())
    printer << " kind " << stringifyProgramKind(*getKind());
  if (getArtefact()) {
    printer << " artefact ";
    printer.printAttributeWithoutType(getArtefactAttr());
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getArgNamesAttrName(),
       getResNamesAttrName(), getKindAttrName(), getArtefactAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// Protocols
//===----------------------------------------------------------------------===//

namespace {
struct ProtocolValue {
  StringRef name;
  StringRef type; // for people
  bool (*accepts)(Type);
};
} // namespace

static ProtocolValue ids(StringRef name) {
  return {name, "tensor<?xi32>",
          [](Type type) { return type == getIdsType(type.getContext()); }};
}

static LogicalResult verifyProtocol(FuncOp func, StringRef side,
                                    ArrayRef<ProtocolValue> expected,
                                    ArrayAttr names, ArrayRef<Type> types) {
  auto fail = [&] {
    InFlightDiagnostic diagnostic = func.emitOpError("of kind ")
                                    << stringifyProgramKind(*func.getKind())
                                    << " needs the " << side << "s (";
    llvm::interleaveComma(
        expected, diagnostic, [&](const ProtocolValue &value) {
          diagnostic << "%" << value.name << ": " << value.type;
        });
    diagnostic << ")";
    return diagnostic;
  };
  if (names.size() != expected.size())
    return fail() << ", found " << names.size();
  for (auto [value, name, type] :
       llvm::zip_equal(expected, names.getAsRange<StringAttr>(), types))
    if (name != value.name || !value.accepts(type))
      return fail() << ", found %" << name.getValue() << ": " << type;
  return success();
}

LogicalResult FuncOp::verify() {
  if (getArgNames().size() != getNumArguments() ||
      getResNames().size() != getNumResults())
    return emitOpError("needs one name for each argument and result");
  for (ArrayAttr names : {getArgNames(), getResNames()}) {
    llvm::StringSet<> seen;
    for (auto name : names.getAsRange<StringAttr>())
      if (!seen.insert(name).second)
        return emitOpError("has two values named %") << name.getValue();
  }
  if (!getKind())
    return success();

  const ProtocolValue rows{"", "tensor<?xNxf32>", isRows};
  auto named = [&](StringRef name) {
    return ProtocolValue{name, rows.type, rows.accepts};
  };
  const ProtocolValue pageTable{"page_table", "tensor<?x?xi32>", [](Type type) {
                                  return type ==
                                         getPageTableType(type.getContext());
                                }};
  const ProtocolValue kv{"kv", "!nn.kv<...>",
                         [](Type type) { return isa<KvType>(type); }};
  const ProtocolValue segments{"segments", "tensor<?x2xi32>", [](Type type) {
                                 return type ==
                                        getSegmentsType(type.getContext());
                               }};
  SmallVector<ProtocolValue> arguments, results;
  if (*getKind() == ProgramKind::Decoder) {
    arguments = {ids("tokens"), ids("positions"), ids("row_seq"),
                 pageTable,     ids("out_rows"),  kv};
    results = {named("logits")};
  } else {
    arguments = {ids("tokens"), ids("positions"), ids("row_begin"),
                 ids("row_end"), segments};
    results = {named("embedding")};
  }
  if (failed(verifyProtocol(*this, "argument", arguments, getArgNames(),
                            getArgumentTypes())) ||
      failed(verifyProtocol(*this, "result", results, getResNames(),
                            getResultTypes())))
    return failure();
  return success();
}

std::vector<std::string> hetagon::nn::getDimSymbols(FuncOp func,
                                                    unsigned argument) {
  auto tensor = dyn_cast<RankedTensorType>(func.getArgumentTypes()[argument]);
  if (!tensor)
    return {};
  StringRef leading = llvm::StringSwitch<StringRef>(func.getArgName(argument))
                          .Case("out_rows", "outs")
                          .Cases("segments", "page_table", "seqs")
                          .Default("rows");
  std::vector<std::string> symbols(tensor.getRank());
  for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
    if (tensor.isDynamicDim(dim))
      symbols[dim] = dim == 0 ? leading.str() : "max_pages";
  return symbols;
}

std::string hetagon::nn::getLeadingSymbol(Value value) {
  while (value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto func = dyn_cast<FuncOp>(argument.getOwner()->getParentOp());
      if (!func)
        return {};
      std::vector<std::string> symbols =
          getDimSymbols(func, argument.getArgNumber());
      return symbols.empty() ? std::string() : symbols.front();
    }
    auto op = dyn_cast<NnOpInterface>(value.getDefiningOp());
    if (!op)
      return {};
    value = op.getLeadingOperand();
  }
  return {};
}
