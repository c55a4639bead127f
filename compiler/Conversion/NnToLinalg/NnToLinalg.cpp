// Types, dispatch and whole programs of the conversion from nn to linalg, and
// its pass.
#include "compiler/Conversion/NnToLinalg/NnToLinalg.h"
#include "compiler/Conversion/NnToLinalg/Decompose.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace hetagon::conversion {
#define GEN_PASS_DEF_CONVERTNNTOLINALG
#include "compiler/Conversion/NnToLinalg/Passes.h.inc"
} // namespace hetagon::conversion

using namespace mlir;
using namespace hetagon;
using namespace hetagon::conversion;

Type hetagon::conversion::convertType(Type type) {
  if (auto kv = dyn_cast<nn::KvType>(type))
    return RankedTensorType::get({ShapedType::kDynamic, kv.getLayers(), 2,
                                  kv.getKvHeads(), kv.getPageTokens(),
                                  kv.getHeadDim()},
                                 kv.getFormat());
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto quant =
      tensor ? dyn_cast<nn::QuantType>(tensor.getElementType()) : nullptr;
  if (!quant)
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  shape.back() =
      shape.back() / quant.getBlockElements() * quant.getBlockBytes();
  return RankedTensorType::get(shape, IntegerType::get(type.getContext(), 8));
}

FailureOr<SmallVector<Value>>
hetagon::conversion::decompose(OpBuilder &builder, Operation *op,
                               ValueRange operands) {
  Emitter emitter(op->getLoc(), builder);
  return llvm::TypeSwitch<Operation *, FailureOr<SmallVector<Value>>>(op)
      .Case<nn::EmbeddingOp, nn::LinearOp, nn::RmsNormOp, nn::LayerNormOp,
            nn::L2NormalizeOp, nn::RopeOp, nn::KvAppendOp, nn::AttentionOp,
            nn::SegmentAttentionOp, nn::AddOp, nn::MulOp, nn::ActivationOp,
            nn::GluOp, nn::ScaleOp, nn::GatherRowsOp, nn::PoolOp>(
          [&](auto typed) {
            return SmallVector<Value>{decomposeOp(emitter, typed, operands)};
          })
      .Case([&](nn::ConstantOp constant) {
        return SmallVector<Value>{emitter.create<arith::ConstantOp>(
            cast<TypedAttr>(constant.getValueAttr()))};
      })
      .Default([](Operation *other) -> FailureOr<SmallVector<Value>> {
        return other->emitOpError("has no decomposition to linalg");
      });
}

FailureOr<func::FuncOp> hetagon::conversion::outline(OpBuilder &builder,
                                                     Operation *op,
                                                     StringRef name) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> inputs, results;
  for (Type type : op->getOperandTypes())
    inputs.push_back(convertType(type));
  for (Type type : op->getResultTypes())
    results.push_back(convertType(type));
  auto func = builder.create<func::FuncOp>(
      op->getLoc(), name, builder.getFunctionType(inputs, results));
  Block *body = func.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  FailureOr<SmallVector<Value>> values =
      decompose(builder, op, body->getArguments());
  if (failed(values)) {
    func.erase();
    return failure();
  }
  builder.create<func::ReturnOp>(op->getLoc(), *values);
  return func;
}

FailureOr<func::FuncOp>
hetagon::conversion::convertProgram(nn::FuncOp program) {
  OpBuilder builder(program);
  Block &source = program.getBody().front();

  // The signature first: arguments, then each tensor of the artefact once.
  SmallVector<Type> inputs, results;
  SmallVector<DictionaryAttr> attributes;
  for (Type type : program.getArgumentTypes()) {
    inputs.push_back(convertType(type));
    attributes.push_back(builder.getDictionaryAttr({}));
  }
  llvm::MapVector<Attribute, unsigned> weights; // what it is -> argument
  auto keyOf = [&](nn::WeightOp weight) -> Attribute {
    return builder.getArrayAttr(
        {weight.getNameAttr(), TypeAttr::get(weight.getType()),
         builder.getI64IntegerAttr(weight.getRow().value_or(-1))});
  };
  for (nn::WeightOp weight : source.getOps<nn::WeightOp>()) {
    if (!weights.insert({keyOf(weight), inputs.size()}).second)
      continue;
    inputs.push_back(convertType(weight.getType()));
    NamedAttrList marks;
    marks.set("nn.weight", weight.getNameAttr());
    if (weight.getRowAttr())
      marks.set("nn.row", weight.getRowAttr());
    attributes.push_back(marks.getDictionary(builder.getContext()));
  }
  for (Type type : program.getResultTypes())
    results.push_back(convertType(type));
  Value lastHandle;
  for (auto append : source.getOps<nn::KvAppendOp>())
    lastHandle = append.getResult();
  if (lastHandle)
    results.push_back(convertType(lastHandle.getType()));

  auto func =
      builder.create<func::FuncOp>(program.getLoc(), program.getSymName(),
                                   builder.getFunctionType(inputs, results),
                                   ArrayRef<NamedAttribute>{}, attributes);
  Block *body = func.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  IRMapping mapping;
  mapping.map(source.getArguments(),
              body->getArguments().take_front(source.getNumArguments()));
  for (Operation &op : source) {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(mapping.lookup(operand));
    if (auto weight = dyn_cast<nn::WeightOp>(op)) {
      mapping.map(weight.getResult(),
                  body->getArgument(weights.lookup(keyOf(weight))));
    } else if (isa<nn::ReturnOp>(op)) {
      if (lastHandle)
        operands.push_back(mapping.lookup(lastHandle));
      builder.create<func::ReturnOp>(op.getLoc(), operands);
    } else {
      FailureOr<SmallVector<Value>> values = decompose(builder, &op, operands);
      if (failed(values)) {
        func.erase();
        return failure();
      }
      mapping.map(op.getResults(), *values);
    }
  }
  program.erase();
  return func;
}

void hetagon::conversion::registerNnToLinalgDialects(
    DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  math::MathDialect, scf::SCFDialect, tensor::TensorDialect>();
}

namespace {
struct ConvertNnToLinalg
    : hetagon::conversion::impl::ConvertNnToLinalgBase<ConvertNnToLinalg> {
  void runOnOperation() override {
    for (nn::FuncOp program :
         llvm::make_early_inc_range(getOperation().getOps<nn::FuncOp>()))
      if (failed(convertProgram(program)))
        return signalPassFailure();
  }
};
} // namespace
