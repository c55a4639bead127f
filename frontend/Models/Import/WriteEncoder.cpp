// The program of a bidirectional transformer with learned positions and norms
// behind each residual sum, pooled to one row a text.
#include "frontend/Models/Import/ProgramWriter.h"

using namespace mlir;
using namespace hetagon;

LogicalResult hetagon::writeEncoder(ProgramWriter &writer, nn::FuncOp func,
                                    const EncoderDescription &network) {
  Value rowBegin = func.getArgumentNamed("row_begin");
  Value rowEnd = func.getArgumentNamed("row_end");
  FloatAttr epsilon = writer.number(network.normEpsilon);

  auto activation = writer.activation(network.activation);
  if (!activation)
    return emitError(writer.loc()) << "the activation '" << network.activation
                                   << "' is unknown to nn.activation";
  std::optional<nn::PoolKind> pooling = nn::symbolizePoolKind(network.pooling);
  if (!pooling)
    return emitError(writer.loc())
           << "the pooling '" << network.pooling << "' is unknown to nn.pool";
  auto norm = [&](Value input, const LayerNormRef &weights) -> Value {
    return writer.create<nn::LayerNormOp>(input, writer.weight(weights.weight),
                                          writer.weight(weights.bias), epsilon);
  };

  writer.enter("embedding");
  Value x = writer.create<nn::EmbeddingOp>(
      func.getArgumentNamed("tokens"), writer.weight(network.wordEmbedding));
  Value place =
      writer.create<nn::EmbeddingOp>(func.getArgumentNamed("positions"),
                                     writer.weight(network.positionEmbedding));
  x = writer.create<nn::AddOp>(x, place);
  // All tokens are of the first type: a text is embedded alone, not as a pair.
  if (network.typeEmbedding.present())
    x = writer.create<nn::AddOp>(x, writer.weightRow(network.typeEmbedding, 0));
  x = norm(x, network.embeddingNorm);

  for (auto [index, layer] : llvm::enumerate(network.layers)) {
    writer.enter("layer " + Twine(index) + " attention");
    Value query = writer.linear(x, layer.query);
    Value key = writer.linear(x, layer.key);
    Value value = writer.linear(x, layer.value);
    Value attended = writer.create<nn::SegmentAttentionOp>(
        query, key, value, rowBegin, rowEnd, writer.count(network.heads),
        writer.number(network.attentionScale));
    x = writer.create<nn::AddOp>(writer.linear(attended, layer.output), x);
    x = norm(x, layer.attentionNorm);

    writer.enter("layer " + Twine(index) + " feed-forward");
    Value wide =
        writer.create<nn::ActivationOp>(writer.linear(x, layer.up), activation);
    x = writer.create<nn::AddOp>(writer.linear(wide, layer.down), x);
    x = norm(x, layer.outputNorm);
  }

  writer.enter("pooling");
  x = writer.create<nn::PoolOp>(
      x, func.getArgumentNamed("segments"),
      nn::PoolKindAttr::get(writer.context(), *pooling));
  if (network.normalize)
    x = writer.create<nn::L2NormalizeOp>(x);
  writer.create<nn::ReturnOp>(x);
  return success();
}
