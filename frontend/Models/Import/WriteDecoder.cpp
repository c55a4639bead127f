// The program of a causal transformer with rotary positions, grouped heads and
// a gated feed-forward network.
#include "frontend/Models/Import/ProgramWriter.h"

using namespace mlir;
using namespace hetagon;

LogicalResult hetagon::writeDecoder(ProgramWriter &writer, nn::FuncOp func,
                                    const DecoderDescription &network) {
  Value positions = func.getArgumentNamed("positions");
  Value rowSeq = func.getArgumentNamed("row_seq");
  Value pageTable = func.getArgumentNamed("page_table");
  Value kv = func.getArgumentNamed("kv");
  FloatAttr epsilon = writer.number(network.normEpsilon);

  auto activation = writer.activation(network.activation);
  if (!activation)
    return emitError(writer.loc()) << "the activation '" << network.activation
                                   << "' is unknown to nn.glu";
  auto pairing = nn::RopePairingAttr::get(
      writer.context(), network.rope.pairing == RopePairing::Interleaved
                            ? nn::RopePairing::Interleaved
                            : nn::RopePairing::Half);
  auto norm = [&](Value input, const TensorRef &weight) -> Value {
    return writer.create<nn::RmsNormOp>(input, writer.weight(weight), epsilon);
  };

  writer.enter("embedding");
  Value inverseFrequencies = writer.constant(network.rope.inverseFrequencies);
  auto rotate = [&](Value heads) -> Value {
    return writer.create<nn::RopeOp>(heads, positions, inverseFrequencies,
                                     pairing, writer.count(network.headDim),
                                     writer.number(network.rope.scale));
  };
  Value x = writer.create<nn::EmbeddingOp>(func.getArgumentNamed("tokens"),
                                           writer.weight(network.embedding));

  for (auto [index, layer] : llvm::enumerate(network.layers)) {
    writer.enter("layer " + Twine(index) + " attention");
    Value input = norm(x, layer.attentionNorm);
    Value query = writer.linear(input, layer.query);
    Value key = writer.linear(input, layer.key);
    Value value = writer.linear(input, layer.value);
    if (layer.queryNorm.present())
      query = norm(query, layer.queryNorm);
    if (layer.keyNorm.present())
      key = norm(key, layer.keyNorm);
    kv =
        writer.create<nn::KvAppendOp>(rotate(key), value, kv, rowSeq, positions,
                                      pageTable, writer.count(index));
    Value attended = writer.create<nn::AttentionOp>(
        rotate(query), kv, rowSeq, positions, pageTable, writer.count(index),
        writer.count(network.heads), writer.number(network.attentionScale),
        writer.count(0));
    x = writer.create<nn::AddOp>(x, writer.linear(attended, layer.output));

    writer.enter("layer " + Twine(index) + " feed-forward");
    input = norm(x, layer.feedForwardNorm);
    Value gated =
        writer.create<nn::GluOp>(writer.linear(input, layer.gate),
                                 writer.linear(input, layer.up), activation);
    x = writer.create<nn::AddOp>(x, writer.linear(gated, layer.down));
  }

  writer.enter("head");
  x = writer.create<nn::GatherRowsOp>(x, func.getArgumentNamed("out_rows"));
  x = norm(x, network.outputNorm);
  Value logits = writer.linear(x, {network.head, {}});
  writer.create<nn::ReturnOp>(logits);
  return success();
}
