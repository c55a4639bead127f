// What the compiler needs to know of a model, in terms of structure: sizes,
// which tensor plays which role, and how text becomes tokens. This folder is
// the only place where names of architectures stand; what it returns has none.
#ifndef HETAGON_FRONTEND_MODELS_MODELDESCRIPTION_H
#define HETAGON_FRONTEND_MODELS_MODELDESCRIPTION_H

#include "runtime/models/TensorFormat.h"
#include "runtime/models/Tokenizer.h"
#include <string>
#include <variant>
#include <vector>

namespace hetagon {

/// A tensor of the weights file in one role; an empty name means that the
/// model has none. The shape has been checked against the sizes.
struct TensorRef {
  std::string name;
  TensorFormat format = TensorFormat::F32;
  std::vector<int64_t> dims; ///< outermost first

  bool present() const { return !name.empty(); }
};

enum class RopePairing { Interleaved, Half };

struct RopeDescription {
  RopePairing pairing = RopePairing::Interleaved;
  uint32_t rotary = 0; ///< leading elements of each head that turn
  double base = 10000;
  std::string scaling; ///< "none", "linear", "yarn", "factors": for explain
  /// rotary / 2 angles per position, scaling applied.
  std::vector<float> inverseFrequencies;
  float scale = 1; ///< of both cosine and sine
};

/// A linear layer: weight [out, in] and an optional bias [out].
struct LinearRef {
  TensorRef weight, bias;
};

struct DecoderLayer {
  TensorRef attentionNorm; ///< [hidden]
  LinearRef query, key, value, output;
  TensorRef queryNorm, keyNorm; ///< [head_dim], optional, before the rotation
  TensorRef feedForwardNorm;    ///< [hidden]
  LinearRef gate, up, down;
};

/// A causal transformer: x += attention(rms_norm(x)); x += glu(rms_norm(x)).
struct DecoderDescription {
  uint32_t hidden = 0, feedForward = 0, heads = 0, kvHeads = 0, headDim = 0;
  uint32_t vocabulary = 0, contextTokens = 0;
  float normEpsilon = 0;
  float attentionScale = 0;        ///< of the scores, usually head_dim^-1/2
  std::string activation = "silu"; ///< of the gate; a word of nn.glu
  RopeDescription rope;
  TensorRef embedding; ///< [vocabulary, hidden]
  TensorRef outputNorm;
  TensorRef head; ///< [vocabulary, hidden]; the embedding again when tied
  bool tiedHead = false;
  std::vector<DecoderLayer> layers;
};

/// layer_norm with weight and bias [hidden].
struct LayerNormRef {
  TensorRef weight, bias;
};

struct EncoderLayer {
  LinearRef query, key, value, output;
  LayerNormRef attentionNorm;
  LinearRef up, down;
  LayerNormRef outputNorm;
};

/// A bidirectional transformer with norms behind each residual sum:
/// x = norm(x + attention(x)); x = norm(x + down(activation(up(x)))).
struct EncoderDescription {
  uint32_t hidden = 0, feedForward = 0, heads = 0, headDim = 0;
  uint32_t vocabulary = 0, positions = 0, types = 0;
  uint32_t maxTokens = 0; ///< longest text, special tokens included
  float normEpsilon = 0;
  float attentionScale = 0;
  std::string activation; ///< a word of nn.activation
  std::string pooling;    ///< a word of nn.pool
  bool normalize = false; ///< the embedding gets length 1
  TensorRef wordEmbedding, positionEmbedding, typeEmbedding;
  LayerNormRef embeddingNorm;
  std::vector<EncoderLayer> layers;
};

struct ModelDescription {
  std::string path;          ///< file or folder that was described
  std::string weightsFile;   ///< what TensorFile::open takes
  std::string tokenizerFile; ///< GGUF: the same as weightsFile
  std::string name, licence; ///< as the file says; may be empty
  std::variant<DecoderDescription, EncoderDescription> network;
  TokenizerConfig tokenizer;
  uint64_t parameters = 0;  ///< elements of the tensors in use, each once
  uint64_t weightBytes = 0; ///< their bytes in the file

  const DecoderDescription *decoder() const {
    return std::get_if<DecoderDescription>(&network);
  }
  const EncoderDescription *encoder() const {
    return std::get_if<EncoderDescription>(&network);
  }
};

/// The model file or folder that `path` means: a GGUF file; a folder with
/// config.json; a folder with exactly one GGUF file; or a folder whose
/// subfolder `model` is one of these (as Python packages of weights have it).
StatusOr<std::string> locateModel(const std::string &path);

/// Reads the metadata of the model at `path` (see locateModel) and checks its
/// tensors against it. Anything outside the supported families, and any tensor
/// that would be ignored though it changes results, is refused by name.
StatusOr<ModelDescription> describeModel(const std::string &path);

/// The tokenizer of the model at `path` (see locateModel). Weights are neither
/// needed nor read: a GGUF file with nothing but a vocabulary will do.
StatusOr<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &path);

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_MODELDESCRIPTION_H
