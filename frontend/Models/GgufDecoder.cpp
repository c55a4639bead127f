// Decoders from GGUF. The families differ in three facts, tabled here: how
// rotary pairs lie, and whether biases and head norms are part of the family.
#include "frontend/Models/Readers.h"
#include <cmath>
#include <cstring>

namespace hetagon {

namespace {

/// What an architecture's name implies beyond the metadata.
struct Family {
  std::string_view name;
  /// llama: the converter permutes query and key rows into adjacent pairs.
  RopePairing pairing;
  bool needsQkvBias;
  bool needsHeadNorms;
};

constexpr Family families[] = {
    {"llama", RopePairing::Interleaved, false, false},
    {"qwen2", RopePairing::Half, true, false},
    {"qwen3", RopePairing::Half, false, true},
};

constexpr uint32_t maxLayers = 1024;

class Reader {
public:
  explicit Reader(const GgufFile &file) : file(file), roles(file) {}

  StatusOr<ModelDescription> run() {
    HETAGON_RETURN_IF_ERROR(findFamily());
    HETAGON_RETURN_IF_ERROR(readSizes());
    HETAGON_RETURN_IF_ERROR(refuseVariants());
    HETAGON_RETURN_IF_ERROR(readRope());
    HETAGON_RETURN_IF_ERROR(assignTensors());
    ModelDescription model;
    model.path = model.weightsFile = model.tokenizerFile = file.path();
    if (file.value("general.name")) {
      HETAGON_ASSIGN_OR_RETURN(model.name, file.textValue("general.name"));
    }
    if (file.value("general.license")) {
      HETAGON_ASSIGN_OR_RETURN(model.licence,
                               file.textValue("general.license"));
    }
    HETAGON_ASSIGN_OR_RETURN(model.tokenizer, ggufTokenizer(file));
    model.parameters = roles.parameters();
    model.weightBytes = roles.bytes();
    model.network = std::move(decoder);
    return model;
  }

private:
  std::string key(std::string_view suffix) const {
    return std::string(family->name) + "." + std::string(suffix);
  }

  Status unsupported(std::string_view key, std::string message) const {
    const GgufValue *value = file.value(key);
    return Status(Code::Unsupported, std::move(message),
                  file.at(value ? value->offset : 0));
  }

  Status findFamily() {
    HETAGON_ASSIGN_OR_RETURN(std::string_view name,
                             file.textValue("general.architecture"));
    std::string known;
    for (const Family &candidate : families) {
      if (candidate.name == name)
        family = &candidate;
      known += (known.empty() ? "" : ", ") + std::string(candidate.name);
    }
    if (!family)
      return unsupported("general.architecture",
                         "GGUF architecture '" + std::string(name) +
                             "' is not supported; supported are " + known);
    return Status::ok();
  }

  StatusOr<uint32_t> size(std::string_view suffix, uint32_t limit) {
    HETAGON_ASSIGN_OR_RETURN(uint64_t value, file.unsignedValue(key(suffix)));
    if (value == 0 || value > limit)
      return Status(Code::InvalidArgument,
                    "metadata '" + key(suffix) + "' is " +
                        std::to_string(value) + "; 1 to " +
                        std::to_string(limit) + " are allowed",
                    file.at(file.value(key(suffix))->offset));
    return uint32_t(value);
  }

  StatusOr<uint32_t> sizeOr(std::string_view suffix, uint32_t limit,
                            uint32_t missing) {
    return file.value(key(suffix)) ? size(suffix, limit) : missing;
  }

  Status readSizes() {
    constexpr uint32_t large = 1 << 24;
    HETAGON_ASSIGN_OR_RETURN(uint32_t layers, size("block_count", maxLayers));
    decoder.layers.resize(layers);
    HETAGON_ASSIGN_OR_RETURN(decoder.hidden, size("embedding_length", large));
    HETAGON_ASSIGN_OR_RETURN(decoder.feedForward,
                             size("feed_forward_length", large));
    HETAGON_ASSIGN_OR_RETURN(decoder.heads,
                             size("attention.head_count", 1 << 16));
    HETAGON_ASSIGN_OR_RETURN(decoder.kvHeads, sizeOr("attention.head_count_kv",
                                                     1 << 16, decoder.heads));
    if (decoder.heads % decoder.kvHeads != 0)
      return Status(Code::InvalidArgument,
                    std::to_string(decoder.heads) + " heads cannot share " +
                        std::to_string(decoder.kvHeads) + " KV heads evenly",
                    file.at(file.value(key("attention.head_count"))->offset));
    HETAGON_ASSIGN_OR_RETURN(decoder.headDim,
                             sizeOr("attention.key_length", 1 << 16,
                                    decoder.hidden / decoder.heads));
    HETAGON_ASSIGN_OR_RETURN(
        uint32_t valueDim,
        sizeOr("attention.value_length", 1 << 16, decoder.headDim));
    if (valueDim != decoder.headDim)
      return unsupported(key("attention.value_length"),
                         "keys of " + std::to_string(decoder.headDim) +
                             " and values of " + std::to_string(valueDim) +
                             " elements; only equal sizes are supported");
    if (decoder.headDim == 0 || decoder.headDim % 2 != 0)
      return Status(Code::InvalidArgument,
                    "heads of " + std::to_string(decoder.headDim) +
                        " elements; an even number is needed",
                    file.at(file.value(key("attention.head_count"))->offset));
    HETAGON_ASSIGN_OR_RETURN(decoder.contextTokens,
                             size("context_length", 1u << 30));
    HETAGON_ASSIGN_OR_RETURN(
        double epsilon,
        file.numberValue(key("attention.layer_norm_rms_epsilon")));
    if (!(epsilon >= 0 && epsilon < 1))
      return Status(
          Code::InvalidArgument,
          "the norm's epsilon is " + std::to_string(epsilon),
          file.at(file.value(key("attention.layer_norm_rms_epsilon"))->offset));
    decoder.normEpsilon = float(epsilon);
    decoder.attentionScale = 1.0f / std::sqrt(float(decoder.headDim));
    if (file.value(key("attention.scale"))) {
      HETAGON_ASSIGN_OR_RETURN(double scale,
                               file.numberValue(key("attention.scale")));
      if (scale != 0)
        decoder.attentionScale = float(scale);
    }
    HETAGON_ASSIGN_OR_RETURN(std::vector<std::string_view> tokens,
                             file.textArray("tokenizer.ggml.tokens"));
    if (tokens.empty() || tokens.size() > large)
      return Status(Code::InvalidArgument,
                    "the vocabulary has " + std::to_string(tokens.size()) +
                        " tokens",
                    file.at(file.value("tokenizer.ggml.tokens")->offset));
    decoder.vocabulary = uint32_t(tokens.size());
    return Status::ok();
  }

  /// Metadata that would change the network in ways not implemented.
  Status refuseVariants() {
    for (const char *suffix :
         {"expert_count", "attention.sliding_window", "attention.causal",
          "logit_scale", "residual_scale", "embedding_scale",
          "attention.clamp_kqv", "attention.max_alibi_bias",
          "final_logit_softcapping", "attn_logit_softcapping",
          "use_parallel_residual"}) {
      const GgufValue *value = file.value(key(suffix));
      if (!value)
        continue;
      bool harmless = false;
      if (value->type == GgufType::Bool && !value->isArray)
        harmless = *file.boolValue(key(suffix)) ==
                   !std::strcmp(suffix, "attention.causal");
      else if (!value->isArray)
        if (StatusOr<double> number = file.numberValue(key(suffix));
            number.isOk())
          harmless = *number == 0 ||
                     (*number == 1 && std::strstr(suffix, "scale")) ||
                     (!std::strcmp(suffix, "attention.sliding_window") &&
                      *number >= decoder.contextTokens);
      if (!harmless)
        return unsupported(key(suffix), "metadata '" + key(suffix) +
                                            "' asks for a variant that is not "
                                            "supported");
    }
    return Status::ok();
  }

  StatusOr<double> numberOr(std::string_view suffix, double missing) {
    return file.value(key(suffix)) ? file.numberValue(key(suffix)) : missing;
  }

  Status readRope() {
    RopeParameters p;
    HETAGON_ASSIGN_OR_RETURN(
        p.rotary,
        sizeOr("rope.dimension_count", decoder.headDim, decoder.headDim));
    HETAGON_ASSIGN_OR_RETURN(p.base, numberOr("rope.freq_base", 10000));
    if (file.value(key("rope.scaling.type"))) {
      HETAGON_ASSIGN_OR_RETURN(std::string_view type,
                               file.textValue(key("rope.scaling.type")));
      p.scaling = type;
    } else if (file.value(key("rope.scaling.factor")) ||
               file.value(key("rope.scale_linear"))) {
      p.scaling = "linear"; // a factor of no stated kind
    }
    HETAGON_ASSIGN_OR_RETURN(double oldFactor,
                             numberOr("rope.scale_linear", 1));
    HETAGON_ASSIGN_OR_RETURN(p.factor,
                             numberOr("rope.scaling.factor", oldFactor));
    if (p.factor == 0) // how some converters say "none"
      p.factor = 1;
    HETAGON_ASSIGN_OR_RETURN(p.originalContext,
                             numberOr("rope.scaling.original_context_length",
                                      decoder.contextTokens));
    HETAGON_ASSIGN_OR_RETURN(p.attentionFactor,
                             numberOr("rope.scaling.attn_factor", 1));
    HETAGON_ASSIGN_OR_RETURN(p.extrapolation,
                             numberOr("rope.scaling.yarn_ext_factor", 1));
    HETAGON_ASSIGN_OR_RETURN(p.betaFast,
                             numberOr("rope.scaling.yarn_beta_fast", 32));
    HETAGON_ASSIGN_OR_RETURN(p.betaSlow,
                             numberOr("rope.scaling.yarn_beta_slow", 1));
    // Frequency factors (the "llama3" scaling) are stored as a tensor.
    const std::string factors = "rope_freqs.weight";
    if (file.lookup(factors)) {
      TensorRef role = roles.vector(factors, p.rotary / 2);
      HETAGON_RETURN_IF_ERROR(roles.status());
      p.divisors.resize(p.rotary / 2);
      HETAGON_RETURN_IF_ERROR(
          dequantize(role.format, file.lookup(factors)->bytes, p.divisors));
    }
    StatusOr<RopeDescription> rope = makeRope(p, family->pairing);
    if (!rope.isOk()) {
      const GgufValue *type = file.value(key("rope.scaling.type"));
      return rope.status().at(file.at(type ? type->offset : 0));
    }
    decoder.rope = std::move(*rope);
    return Status::ok();
  }

  LinearRef linear(const std::string &name, uint64_t rows, uint64_t columns) {
    return {roles.matrix(name + ".weight", rows, columns),
            roles.optionalVector(name + ".bias", rows)};
  }

  Status assignTensors() {
    uint64_t hidden = decoder.hidden, wide = decoder.feedForward;
    uint64_t queries = uint64_t(decoder.heads) * decoder.headDim;
    uint64_t keys = uint64_t(decoder.kvHeads) * decoder.headDim;
    decoder.embedding =
        roles.matrix("token_embd.weight", decoder.vocabulary, hidden);
    decoder.outputNorm = roles.vector("output_norm.weight", hidden);
    decoder.tiedHead = !file.lookup("output.weight");
    decoder.head = decoder.tiedHead ? decoder.embedding
                                    : roles.matrix("output.weight",
                                                   decoder.vocabulary, hidden);
    for (size_t i = 0; i < decoder.layers.size(); ++i) {
      DecoderLayer &layer = decoder.layers[i];
      std::string block = "blk." + std::to_string(i) + ".";
      layer.attentionNorm = roles.vector(block + "attn_norm.weight", hidden);
      layer.query = linear(block + "attn_q", queries, hidden);
      layer.key = linear(block + "attn_k", keys, hidden);
      layer.value = linear(block + "attn_v", keys, hidden);
      layer.output = linear(block + "attn_output", hidden, queries);
      layer.queryNorm =
          roles.optionalVector(block + "attn_q_norm.weight", decoder.headDim);
      layer.keyNorm =
          roles.optionalVector(block + "attn_k_norm.weight", decoder.headDim);
      layer.feedForwardNorm = roles.vector(block + "ffn_norm.weight", hidden);
      layer.gate = linear(block + "ffn_gate", wide, hidden);
      layer.up = linear(block + "ffn_up", wide, hidden);
      layer.down = linear(block + "ffn_down", hidden, wide);
      HETAGON_RETURN_IF_ERROR(roles.status());
      HETAGON_RETURN_IF_ERROR(checkOptional(layer, block));
    }
    for (const TensorView &tensor : file.tensors())
      if (!roles.isUsed(tensor.name))
        return Status(Code::Unsupported,
                      "tensor '" + tensor.name +
                          "' has no role in this architecture; running the "
                          "model without it would be wrong",
                      file.at(tensor.offset));
    return Status::ok();
  }

  Status checkOptional(const DecoderLayer &layer, const std::string &block) {
    auto missing = [&](const char *name) {
      return Status(Code::NotFound,
                    "no tensor '" + block + name + "', which architecture '" +
                        std::string(family->name) + "' needs",
                    Place{file.path(), 0, 0, {}});
    };
    if (family->needsQkvBias) {
      if (!layer.query.bias.present())
        return missing("attn_q.bias");
      if (!layer.key.bias.present())
        return missing("attn_k.bias");
      if (!layer.value.bias.present())
        return missing("attn_v.bias");
    }
    if (family->needsHeadNorms && !layer.queryNorm.present())
      return missing("attn_q_norm.weight");
    if (family->needsHeadNorms && !layer.keyNorm.present())
      return missing("attn_k_norm.weight");
    return Status::ok();
  }

  const GgufFile &file;
  TensorRoles roles;
  const Family *family = nullptr;
  DecoderDescription decoder;
};

} // namespace

StatusOr<ModelDescription> describeGguf(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file,
                           GgufFile::open(path));
  return Reader(*file).run();
}

} // namespace hetagon
