// The parts of describeModel: one function for each kind of file and concern.
#ifndef HETAGON_FRONTEND_MODELS_READERS_H
#define HETAGON_FRONTEND_MODELS_READERS_H

#include "frontend/Models/ModelDescription.h"
#include "frontend/Models/TensorRoles.h"
#include "runtime/base/Json.h"
#include "runtime/models/Gguf.h"

namespace hetagon {

/// A GGUF file of one of the supported decoder architectures.
StatusOr<ModelDescription> describeGguf(const std::string &path);
/// A Hugging Face folder (config.json, model.safetensors, tokenizer.json).
StatusOr<ModelDescription> describeFolder(const std::string &path);

/// The `tokenizer.*` metadata of a GGUF file.
StatusOr<TokenizerConfig> ggufTokenizer(const GgufFile &file);
/// What tokenizer.json says of normalising and splitting, for WordPiece.
StatusOr<TokenizerConfig> jsonTokenizer(const std::string &path);

/// What a file's metadata say of rotary embedding.
struct RopeParameters {
  uint32_t rotary = 0;
  double base = 10000;
  std::string scaling = "none"; ///< "none", "linear", "yarn"
  double factor = 1;
  double originalContext = 0;
  double attentionFactor = 1, extrapolation = 1, betaFast = 32, betaSlow = 1;
  std::vector<float> divisors; ///< of each frequency; empty: all 1
};

/// The frequencies and scale that follow; failures have no place.
/// Linear: https://arxiv.org/abs/2306.15595; YaRN: arXiv 2309.00071, with the
/// ramp and magnitude as GGML computes them.
StatusOr<RopeDescription> makeRope(const RopeParameters &parameters,
                                   RopePairing pairing);

/// Members of a JSON object with located errors (by file and path of keys).
class JsonObject {
public:
  JsonObject(const Json &json, std::string file) : json(json), file(file) {}
  StatusOr<uint32_t> size(const char *key) const; ///< 1 to 2^31 - 1
  StatusOr<uint32_t> sizeOr(const char *key, uint32_t missing) const;
  StatusOr<double> number(const char *key) const;
  StatusOr<std::string> text(const char *key) const;
  StatusOr<std::string> textOr(const char *key, const char *missing) const;
  StatusOr<bool> flagOr(const char *key, bool missing) const;
  bool has(const char *key) const;

private:
  Status wrong(const char *key, const char *wanted) const;
  const Json &json;
  std::string file;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_READERS_H
