// Registers the nn dialect, and the operations that need no file of their own:
// skeletons, weights, constants and returns.
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hetagon::nn;

#include "dialects/Nn/IR/NnDialect.cpp.inc"

#include "dialects/Nn/IR/NnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Nn/IR/NnAttrs.cpp.inc"

#include "dialects/Nn/IR/NnInterfaces.cpp.inc"

/// Two operands of one type, which is written once.
static ParseResult parseSameType(OpAsmParser &parser, Type &first,
                                 Type &second) {
  if (parser.parseType(first))
    return failure();
  second = first;
  return success();
}

static void printSameType(OpAsmPrinter &printer, Operation *, Type first,
                          Type) {
  printer.printType(first);
}

#define GET_OP_CLASSES
#include "dialects/Nn/IR/NnOps.cpp.inc"

void NnDialect::initialize() {
  registerTypes();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Nn/IR/NnAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Nn/IR/NnOps.cpp.inc"
      >();
}

LogicalResult ModelOp::verify() {
  for (auto [name, value] :
       {std::pair<StringRef, uint64_t>{"layers", getLayers()},
        {"hidden", getHidden()},
        {"heads", getHeads()},
        {"kv_heads", getKvHeads()},
        {"head_dim", getHeadDim()},
        {"vocabulary", getVocabulary()},
        {"context_tokens", getContextTokens()}})
    if (static_cast<int64_t>(value) <= 0)
      return emitOpError() << "has " << name << " = "
                           << static_cast<int64_t>(value)
                           << ", which must be positive";
  if (getHeads() % getKvHeads() != 0)
    return emitOpError() << "has " << getHeads()
                         << " heads, no multiple of its " << getKvHeads()
                         << " key and value heads";
  return success();
}

LogicalResult WeightOp::verify() {
  auto type = getType();
  if (getRow() &&
      (type.getRank() != 1 || isa<QuantType>(type.getElementType())))
    return emitOpError("of one row needs a vector of unquantised elements, "
                       "found ")
           << type;
  if (auto func = (*this)->getParentOfType<FuncOp>())
    if (!func.getArtefact())
      return emitOpError("stands in a function without artefact")
                 .attachNote(func.getLoc())
             << "add 'artefact \"ID\"' after the function's results";
  return success();
}

LogicalResult
ConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange,
                             DictionaryAttr, OpaqueProperties properties,
                             RegionRange,
                             SmallVectorImpl<Type> &inferredReturnTypes) {
  ElementsAttr value = properties.as<Properties *>()->getValue();
  if (!value)
    return failure();
  inferredReturnTypes.push_back(value.getType());
  return success();
}

LogicalResult ConstantOp::verify() {
  if (!isa<DenseElementsAttr>(getValue()))
    return emitOpError("needs its elements written out: dense<...>");
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ReturnOp::verify() {
  auto func = cast<FuncOp>((*this)->getParentOp());
  if (getResults().getTypes() != TypeRange(func.getResultTypes()))
    return emitOpError("has types ")
           << getResults().getTypes() << ", but the function returns "
           << func.getResultTypes();
  return success();
}
