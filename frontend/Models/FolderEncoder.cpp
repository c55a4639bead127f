// Encoders from Hugging Face folders: config.json says the sizes, modules.json
// and its neighbours how the token states become one embedding.
#include "frontend/Models/Readers.h"
#include <cmath>
#include <filesystem>

namespace hetagon {

namespace {

constexpr uint32_t maxLayers = 1024;
constexpr uint32_t maxSize = 1 << 24;

struct ActivationName {
  std::string_view theirs, ours;
};
constexpr ActivationName activations[] = {
    {"gelu", "gelu"}, {"gelu_new", "gelu_tanh"},
    {"relu", "relu"}, {"gelu_pytorch_tanh", "gelu_tanh"},
    {"silu", "silu"}, {"swish", "silu"},
};

StatusOr<Json> readJson(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(path, 1 << 20));
  return parseJson(text, path);
}

class Reader {
public:
  explicit Reader(std::string folder) : folder(std::move(folder)) {}

  StatusOr<ModelDescription> run() {
    HETAGON_RETURN_IF_ERROR(readConfig());
    HETAGON_RETURN_IF_ERROR(readModules());
    ModelDescription model;
    model.path = folder;
    model.weightsFile = inFolder("model.safetensors");
    model.tokenizerFile = inFolder("tokenizer.json");
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const TensorFile> file,
                             TensorFile::open(model.weightsFile));
    TensorRoles roles(*file);
    HETAGON_RETURN_IF_ERROR(assignTensors(*file, roles));
    HETAGON_ASSIGN_OR_RETURN(model.tokenizer,
                             jsonTokenizer(model.tokenizerFile));
    model.name = name;
    model.parameters = roles.parameters();
    model.weightBytes = roles.bytes();
    model.network = std::move(encoder);
    return model;
  }

private:
  std::string inFolder(const std::string &file) const {
    return (std::filesystem::path(folder) / file).string();
  }

  static Status unsupported(const std::string &file, std::string message) {
    return Status(Code::Unsupported, std::move(message), Place{file, 0, 0, {}});
  }

  static StatusOr<uint32_t> bounded(const JsonObject &config, const char *key,
                                    const std::string &file) {
    HETAGON_ASSIGN_OR_RETURN(uint32_t value, config.size(key));
    if (value > maxSize)
      return Status(Code::OutOfRange,
                    std::string("member '") + key + "' is " +
                        std::to_string(value) + "; at most " +
                        std::to_string(maxSize) + " is allowed",
                    Place{file, 0, 0, {}});
    return value;
  }

  Status readConfig() {
    std::string file = inFolder("config.json");
    HETAGON_ASSIGN_OR_RETURN(Json json, readJson(file));
    JsonObject config(json, file);
    HETAGON_ASSIGN_OR_RETURN(std::string type, config.text("model_type"));
    if (type != "bert")
      return unsupported(file, "model_type '" + type +
                                   "' is not supported in a Hugging Face "
                                   "folder; supported is bert (decoders load "
                                   "from GGUF files)");
    HETAGON_ASSIGN_OR_RETURN(name, config.textOr("_name_or_path", ""));
    HETAGON_ASSIGN_OR_RETURN(
        std::string positions,
        config.textOr("position_embedding_type", "absolute"));
    if (positions != "absolute")
      return unsupported(file, "position_embedding_type '" + positions +
                                   "' is not supported; supported is absolute");
    HETAGON_ASSIGN_OR_RETURN(bool isDecoder,
                             config.flagOr("is_decoder", false));
    if (isDecoder)
      return unsupported(file, "is_decoder is true; only encoders are "
                               "supported");
    HETAGON_ASSIGN_OR_RETURN(encoder.hidden,
                             bounded(config, "hidden_size", file));
    HETAGON_ASSIGN_OR_RETURN(encoder.feedForward,
                             bounded(config, "intermediate_size", file));
    HETAGON_ASSIGN_OR_RETURN(encoder.heads,
                             bounded(config, "num_attention_heads", file));
    HETAGON_ASSIGN_OR_RETURN(encoder.vocabulary,
                             bounded(config, "vocab_size", file));
    HETAGON_ASSIGN_OR_RETURN(encoder.positions,
                             bounded(config, "max_position_embeddings", file));
    HETAGON_ASSIGN_OR_RETURN(encoder.types,
                             config.sizeOr("type_vocab_size", 2));
    HETAGON_ASSIGN_OR_RETURN(uint32_t layers,
                             bounded(config, "num_hidden_layers", file));
    if (layers > maxLayers || encoder.hidden % encoder.heads != 0)
      return Status(Code::InvalidArgument,
                    std::to_string(layers) + " layers of " +
                        std::to_string(encoder.heads) + " heads in " +
                        std::to_string(encoder.hidden) + " columns: at most " +
                        std::to_string(maxLayers) +
                        " layers, and heads must divide the columns",
                    Place{file, 0, 0, {}});
    encoder.layers.resize(layers);
    encoder.headDim = encoder.hidden / encoder.heads;
    encoder.attentionScale = 1.0f / std::sqrt(float(encoder.headDim));
    encoder.maxTokens = encoder.positions;
    HETAGON_ASSIGN_OR_RETURN(double epsilon, config.number("layer_norm_eps"));
    if (!(epsilon >= 0 && epsilon < 1))
      return Status(Code::InvalidArgument,
                    "layer_norm_eps must be between 0 and 1",
                    Place{file, 0, 0, {}});
    encoder.normEpsilon = float(epsilon);
    HETAGON_ASSIGN_OR_RETURN(std::string activation, config.text("hidden_act"));
    std::string known;
    for (const ActivationName &candidate : activations) {
      if (candidate.theirs == activation)
        encoder.activation = candidate.ours;
      known += (known.empty() ? "" : ", ") + std::string(candidate.theirs);
    }
    if (encoder.activation.empty())
      return unsupported(file, "hidden_act '" + activation +
                                   "' is not supported; supported are " +
                                   known);
    return Status::ok();
  }

  /// modules.json lists what follows the transformer. Without it, token
  /// states are averaged and left as they are.
  Status readModules() {
    encoder.pooling = "mean";
    HETAGON_RETURN_IF_ERROR(readLimit());
    std::string file = inFolder("modules.json");
    if (!std::filesystem::exists(file))
      return Status::ok();
    HETAGON_ASSIGN_OR_RETURN(Json modules, readJson(file));
    if (!modules.is_array() || modules.size() > 16)
      return Status(Code::InvalidArgument, "not a short list of modules",
                    Place{file, 0, 0, {}});
    for (const Json &module : modules) {
      JsonObject entry(module, file);
      HETAGON_ASSIGN_OR_RETURN(std::string type, entry.text("type"));
      std::string kind = type.substr(type.rfind('.') + 1);
      if (kind == "Transformer")
        continue;
      if (kind == "Normalize") {
        encoder.normalize = true;
      } else if (kind == "Pooling") {
        HETAGON_ASSIGN_OR_RETURN(std::string path, entry.text("path"));
        HETAGON_RETURN_IF_ERROR(readPooling(path));
      } else {
        return unsupported(file, "module '" + type +
                                     "' is not supported; supported are "
                                     "Transformer, Pooling, Normalize");
      }
    }
    return Status::ok();
  }

  Status readLimit() {
    std::string file = inFolder("sentence_bert_config.json");
    if (!std::filesystem::exists(file))
      return Status::ok();
    HETAGON_ASSIGN_OR_RETURN(Json json, readJson(file));
    HETAGON_ASSIGN_OR_RETURN(
        uint32_t limit,
        JsonObject(json, file).sizeOr("max_seq_length", encoder.positions));
    encoder.maxTokens = std::min(limit, encoder.positions);
    return Status::ok();
  }

  Status readPooling(const std::string &path) {
    if (path.empty() || path[0] == '/' || path.find("..") != std::string::npos)
      return Status(Code::InvalidArgument,
                    "the pooling module's path '" + path +
                        "' leads out of the model's folder",
                    Place{inFolder("modules.json"), 0, 0, {}});
    std::string file = inFolder(path + "/config.json");
    HETAGON_ASSIGN_OR_RETURN(Json json, readJson(file));
    if (!json.is_object())
      return Status(Code::InvalidArgument, "not an object",
                    Place{file, 0, 0, {}});
    JsonObject config(json, file);
    encoder.pooling.clear();
    for (const auto &[key, value] : json.items()) {
      if (key.rfind("pooling_mode_", 0) != 0)
        continue;
      HETAGON_ASSIGN_OR_RETURN(bool chosen, config.flagOr(key.c_str(), false));
      if (!chosen)
        continue;
      std::string word = key == "pooling_mode_mean_tokens" ? "mean"
                         : key == "pooling_mode_cls_token" ? "first"
                                                           : "";
      if (word.empty() || !encoder.pooling.empty())
        return unsupported(file, "'" + key +
                                     "' is not supported here; supported is "
                                     "one of pooling_mode_mean_tokens, "
                                     "pooling_mode_cls_token");
      encoder.pooling = word;
    }
    if (encoder.pooling.empty())
      return unsupported(file, "no pooling mode is chosen");
    return Status::ok();
  }

  Status assignTensors(const TensorFile &file, TensorRoles &roles) {
    const std::string words = "embeddings.word_embeddings.weight";
    std::string prefix =
        !file.lookup(words) && file.lookup("bert." + words) ? "bert." : "";
    uint64_t hidden = encoder.hidden, wide = encoder.feedForward;
    auto linear = [&](const std::string &base, uint64_t rows,
                      uint64_t columns) {
      return LinearRef{roles.matrix(base + ".weight", rows, columns),
                       roles.vector(base + ".bias", rows)};
    };
    auto norm = [&](const std::string &base) {
      return LayerNormRef{roles.vector(base + ".weight", hidden),
                          roles.vector(base + ".bias", hidden)};
    };
    std::string embeddings = prefix + "embeddings.";
    encoder.wordEmbedding =
        roles.matrix(prefix + words, encoder.vocabulary, hidden);
    encoder.positionEmbedding = roles.matrix(
        embeddings + "position_embeddings.weight", encoder.positions, hidden);
    encoder.typeEmbedding = roles.matrix(
        embeddings + "token_type_embeddings.weight", encoder.types, hidden);
    encoder.embeddingNorm = norm(embeddings + "LayerNorm");
    for (size_t i = 0; i < encoder.layers.size(); ++i) {
      EncoderLayer &layer = encoder.layers[i];
      std::string block = prefix + "encoder.layer." + std::to_string(i) + ".";
      layer.query = linear(block + "attention.self.query", hidden, hidden);
      layer.key = linear(block + "attention.self.key", hidden, hidden);
      layer.value = linear(block + "attention.self.value", hidden, hidden);
      layer.output = linear(block + "attention.output.dense", hidden, hidden);
      layer.attentionNorm = norm(block + "attention.output.LayerNorm");
      layer.up = linear(block + "intermediate.dense", wide, hidden);
      layer.down = linear(block + "output.dense", hidden, wide);
      layer.outputNorm = norm(block + "output.LayerNorm");
      HETAGON_RETURN_IF_ERROR(roles.status());
    }
    // Layers beyond the stated number would be dropped silently.
    std::string beyond =
        prefix + "encoder.layer." + std::to_string(encoder.layers.size()) + ".";
    for (const TensorView &tensor : file.tensors())
      if (tensor.name.rfind(beyond, 0) == 0)
        return Status(Code::InvalidArgument,
                      "tensor '" + tensor.name +
                          "' belongs to a layer beyond "
                          "num_hidden_layers",
                      file.at(tensor.offset));
    return roles.status();
  }

  std::string folder, name;
  EncoderDescription encoder;
};

} // namespace

StatusOr<ModelDescription> describeFolder(const std::string &path) {
  return Reader(path).run();
}

} // namespace hetagon
