// Types of the nn dialect and the predicates over tensor types that its
// operations share.
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hetagon::nn;

#define GET_TYPEDEF_CLASSES
#include "dialects/Nn/IR/NnTypes.cpp.inc"

void NnDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Nn/IR/NnTypes.cpp.inc"
      >();
}

int64_t QuantType::getBlockElements() const {
  switch (getFormat()) {
  case QuantFormat::Q4_0:
  case QuantFormat::Q4_1:
  case QuantFormat::Q8_0:
    return 32;
  case QuantFormat::Q4_K:
  case QuantFormat::Q6_K:
    return 256;
  }
  llvm_unreachable("covered switch");
}

int64_t QuantType::getBlockBytes() const {
  switch (getFormat()) {
  case QuantFormat::Q4_0:
    return 2 + 16;
  case QuantFormat::Q4_1:
    return 2 + 2 + 16;
  case QuantFormat::Q8_0:
    return 2 + 32;
  case QuantFormat::Q4_K:
    return 2 + 2 + 12 + 128;
  case QuantFormat::Q6_K:
    return 128 + 64 + 16 + 2;
  }
  llvm_unreachable("covered switch");
}

static bool isFloatElement(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
}

LogicalResult KvType::verify(function_ref<InFlightDiagnostic()> emitError,
                             int64_t layers, int64_t kvHeads, int64_t headDim,
                             int64_t pageTokens, Type format) {
  for (auto [name, value] : {std::pair<StringRef, int64_t>{"layers", layers},
                             {"kv_heads", kvHeads},
                             {"head_dim", headDim},
                             {"page_tokens", pageTokens}})
    if (value <= 0 || value > (1 << 24))
      return emitError() << "!nn.kv has " << name << " = " << value
                         << ", which must lie between 1 and 2^24";
  if (!isFloatElement(format))
    return emitError() << "!nn.kv has format " << format
                       << "; it must be f32, f16 or bf16";
  return success();
}

namespace hetagon::nn {

bool isRows(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.getElementType().isF32() &&
         tensor.isDynamicDim(0) && !tensor.isDynamicDim(1) &&
         tensor.getDimSize(1) > 0 && !tensor.getEncoding();
}

bool isStaticTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || tensor.getEncoding() ||
      llvm::is_contained(tensor.getShape(), 0))
    return false;
  Type element = tensor.getElementType();
  if (auto quant = dyn_cast<QuantType>(element))
    return tensor.getRank() > 0 &&
           tensor.getShape().back() % quant.getBlockElements() == 0;
  return isFloatElement(element) || element.isSignlessInteger(32);
}

bool isVector(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 1 &&
         isFloatElement(tensor.getElementType()) && isStaticTensor(type);
}

bool isMatrix(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && isStaticTensor(type) &&
         !tensor.getElementType().isInteger();
}

RankedTensorType getIdsType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic},
                               IntegerType::get(context, 32));
}

RankedTensorType getPageTableType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic},
                               IntegerType::get(context, 32));
}

RankedTensorType getSegmentsType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic, 2},
                               IntegerType::get(context, 32));
}

RankedTensorType getRowsType(MLIRContext *context, int64_t columns) {
  return RankedTensorType::get({ShapedType::kDynamic, columns},
                               Float32Type::get(context));
}

int64_t getColumns(Type type) {
  return cast<RankedTensorType>(type).getShape().back();
}

int64_t getStorageBytes(RankedTensorType type) {
  Type element = type.getElementType();
  if (auto quant = dyn_cast<QuantType>(element))
    return type.getNumElements() / quant.getBlockElements() *
           quant.getBlockBytes();
  return type.getNumElements() * (element.getIntOrFloatBitWidth() / 8);
}

std::string getFormatName(Type elementType) {
  if (auto quant = dyn_cast<QuantType>(elementType))
    return stringifyQuantFormat(quant.getFormat()).str();
  std::string name;
  llvm::raw_string_ostream(name) << elementType;
  return name;
}

} // namespace hetagon::nn
