// Makes programs and skeletons of described models; the networks themselves
// stand in WriteDecoder.cpp and WriteEncoder.cpp.
#include "frontend/Models/Import/ImportModel.h"
#include "frontend/Models/Import/ProgramWriter.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace hetagon;

Type hetagon::elementType(MLIRContext *context, TensorFormat format) {
  switch (format) {
  case TensorFormat::F32:
    return Float32Type::get(context);
  case TensorFormat::F16:
    return Float16Type::get(context);
  case TensorFormat::BF16:
    return BFloat16Type::get(context);
  case TensorFormat::I32:
    return IntegerType::get(context, 32);
  default:
    break;
  }
  std::string_view word = formatWord(format);
  auto quant = nn::symbolizeQuantFormat(StringRef(word.data(), word.size()));
  return quant ? nn::QuantType::get(context, *quant) : Type();
}

void ProgramWriter::enter(const Twine &part) {
  std::string name =
      part.isTriviallyEmpty() ? model : (model + " " + part).str();
  location = NameLoc::get(builder.getStringAttr(name));
}

Value ProgramWriter::weight(const TensorRef &tensor) {
  auto type =
      RankedTensorType::get(tensor.dims, elementType(context(), tensor.format));
  return create<nn::WeightOp>(type, tensor.name);
}

Value ProgramWriter::weightRow(const TensorRef &tensor, int64_t row) {
  auto type = RankedTensorType::get(tensor.dims.back(),
                                    elementType(context(), tensor.format));
  return create<nn::WeightOp>(type, builder.getStringAttr(tensor.name),
                              count(row));
}

Value ProgramWriter::linear(Value input, const LinearRef &layer) {
  Value bias = layer.bias.present() ? weight(layer.bias) : Value();
  return create<nn::LinearOp>(input, weight(layer.weight), bias);
}

Value ProgramWriter::constant(ArrayRef<float> values) {
  auto type = RankedTensorType::get(values.size(), builder.getF32Type());
  return create<nn::ConstantOp>(DenseElementsAttr::get(type, values));
}

nn::ActivationKindAttr ProgramWriter::activation(StringRef word) {
  auto kind = nn::symbolizeActivationKind(word);
  return kind ? nn::ActivationKindAttr::get(context(), *kind)
              : nn::ActivationKindAttr();
}

static FailureOr<nn::KvType> kvType(Location location,
                                    const DecoderDescription &network,
                                    const ImportOptions &options) {
  MLIRContext *context = location.getContext();
  Type format = llvm::StringSwitch<Type>(options.kvFormat)
                    .Case("f32", Float32Type::get(context))
                    .Case("f16", Float16Type::get(context))
                    .Case("bf16", BFloat16Type::get(context))
                    .Default(Type());
  if (!format)
    return emitError(location) << "the KV cache cannot have the format '"
                               << options.kvFormat << "'; use f32, f16 or bf16";
  nn::KvType kv = nn::KvType::getChecked(
      [&] { return emitError(location); }, context,
      int64_t(network.layers.size()), int64_t(network.kvHeads),
      int64_t(network.headDim), options.pageTokens, format);
  if (!kv)
    return failure();
  return kv;
}

FailureOr<nn::FuncOp> hetagon::importModel(OpBuilder &builder,
                                           const ModelDescription &model,
                                           StringRef symbol,
                                           const ImportOptions &options) {
  OpBuilder::InsertionGuard guard(builder);
  MLIRContext *context = builder.getContext();
  Location location = NameLoc::get(builder.getStringAttr(symbol));
  Type ids = nn::getIdsType(context);
  nn::FuncOp func;
  if (const DecoderDescription *decoder = model.decoder()) {
    FailureOr<nn::KvType> kv = kvType(location, *decoder, options);
    if (failed(kv))
      return failure();
    func = builder.create<nn::FuncOp>(
        location, symbol,
        builder.getFunctionType(
            {ids, ids, ids, nn::getPageTableType(context), ids, *kv},
            nn::getRowsType(context, decoder->vocabulary)),
        ArrayRef<StringRef>{"tokens", "positions", "row_seq", "page_table",
                            "out_rows", "kv"},
        ArrayRef<StringRef>{"logits"}, nn::ProgramKind::Decoder,
        options.artefact);
  } else {
    func = builder.create<nn::FuncOp>(
        location, symbol,
        builder.getFunctionType(
            {ids, ids, ids, ids, nn::getSegmentsType(context)},
            nn::getRowsType(context, model.encoder()->hidden)),
        ArrayRef<StringRef>{"tokens", "positions", "row_begin", "row_end",
                            "segments"},
        ArrayRef<StringRef>{"embedding"}, nn::ProgramKind::Encoder,
        options.artefact);
  }

  builder.setInsertionPointToEnd(&func.getBody().front());
  ProgramWriter writer(builder, symbol);
  LogicalResult written = model.decoder()
                              ? writeDecoder(writer, func, *model.decoder())
                              : writeEncoder(writer, func, *model.encoder());
  if (failed(written)) {
    func.erase();
    return failure();
  }
  return func;
}

/// Bytes of `tensor` in its file; its shape has been checked by the reader.
static int64_t bytesOf(const TensorRef &tensor) {
  std::vector<uint64_t> dims(tensor.dims.begin(), tensor.dims.end());
  return tensorBytes(tensor.format, dims).value_or(0);
}

nn::ModelOp hetagon::importSkeleton(OpBuilder &builder,
                                    const ModelDescription &model,
                                    StringRef symbol,
                                    const ImportOptions &options) {
  auto create = [&](nn::ProgramKind kind, const auto &network, int64_t kvHeads,
                    int64_t contextTokens, int64_t embedding,
                    int64_t lookedUpBytes) {
    auto number = [&](int64_t value) {
      return builder.getI64IntegerAttr(value);
    };
    return builder.create<nn::ModelOp>(
        NameLoc::get(builder.getStringAttr(symbol)),
        builder.getStringAttr(symbol),
        nn::ProgramKindAttr::get(builder.getContext(), kind),
        options.artefact.empty() ? StringAttr()
                                 : builder.getStringAttr(options.artefact),
        number(network.layers.size()), number(network.hidden),
        number(network.feedForward), number(network.heads), number(kvHeads),
        number(network.headDim), number(network.vocabulary),
        number(contextTokens), number(embedding), number(model.parameters),
        number(model.weightBytes), number(model.weightBytes - lookedUpBytes));
  };
  if (const DecoderDescription *decoder = model.decoder())
    return create(nn::ProgramKind::Decoder, *decoder, decoder->kvHeads,
                  decoder->contextTokens, 0,
                  decoder->tiedHead ? 0 : bytesOf(decoder->embedding));
  const EncoderDescription &encoder = *model.encoder();
  return create(nn::ProgramKind::Encoder, encoder, encoder.heads,
                encoder.maxTokens, encoder.hidden,
                bytesOf(encoder.wordEmbedding) +
                    bytesOf(encoder.positionEmbedding));
}
