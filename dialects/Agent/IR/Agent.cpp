// Registration of the agent dialect, its types and attributes.
#include "dialects/Agent/IR/Agent.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hetagon::agent;

#include "dialects/Agent/IR/AgentDialect.cpp.inc"
#include "dialects/Agent/IR/AgentEnums.cpp.inc"
#include "dialects/Agent/IR/AgentInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Agent/IR/AgentTypes.cpp.inc"

/// `[@a, @b]`, possibly empty.
static ParseResult
parseSymbolList(AsmParser &parser,
                SmallVectorImpl<FlatSymbolRefAttr> &symbols) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parser.parseAttribute(symbols.emplace_back());
  });
}

static void printSymbolList(AsmPrinter &printer,
                            ArrayRef<FlatSymbolRefAttr> symbols) {
  printer << '[';
  llvm::interleaveComma(symbols, printer);
  printer << ']';
}

#define GET_ATTRDEF_CLASSES
#include "dialects/Agent/IR/AgentAttributes.cpp.inc"

void AgentDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Agent/IR/AgentTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Agent/IR/AgentAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Agent/IR/AgentOps.cpp.inc"
      >();
}

Operation *AgentDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  auto text = dyn_cast<StringAttr>(value);
  if (!text || !isa<TextType, JsonType, ListType>(type))
    return nullptr;
  return builder.create<ConstantOp>(loc, type, text);
}

bool hetagon::agent::isValueType(Type type) {
  return isa<AgentDialect>(type.getDialect());
}

bool hetagon::agent::isReadable(Type type) {
  if (auto stream = dyn_cast<StreamType>(type))
    return isa<TextType>(stream.getElementType());
  return isa<TextType, MessageType, JsonType>(type);
}

LogicalResult ListType::verify(function_ref<InFlightDiagnostic()> emitError,
                               Type elementType) {
  if (!isValueType(elementType) || llvm::isa<StreamType>(elementType))
    return emitError() << "a list cannot hold " << elementType
                       << "; its elements are whole values of the agent "
                          "dialect";
  return success();
}

LogicalResult StreamType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 Type elementType) {
  if (!llvm::isa<TextType, TokensType, AudioType, JsonType>(elementType))
    return emitError() << "a stream cannot carry " << elementType
                       << "; only text, tokens, json and audio come in pieces";
  return success();
}
