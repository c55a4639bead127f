// How a GGUF file's text becomes tokens: which patterns its pre-tokenizer's
// name stands for, and which tokens end a generation.
#include "frontend/Models/Readers.h"
#include <algorithm>
#include <set>

namespace hetagon {

namespace {

// The patterns say \p{White_Space} where their sources say \s, which in PCRE2
// also means U+180E; that has not been a space since Unicode 6.3.

/// GPT-2's split; the regular expression of OpenAI's published encoder.
constexpr const char *gpt2Split =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|)"
    R"(\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+)";
constexpr const char *singleDigits = R"(\p{N})";
/// cl100k's split with digits in groups of up to three, as Llama 3 uses it.
constexpr const char *threeDigitSplit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|)"
    R"(\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+)";
/// The same with single digits, as Qwen 2 uses it.
constexpr const char *oneDigitSplit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|)"
    R"(\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+)";

struct Split {
  std::vector<std::string_view> names; ///< of tokenizer.ggml.pre
  std::vector<std::string> patterns;
  bool wholePieceFirst;
  bool addBos; ///< where the file does not say
};

const std::vector<Split> &splits() {
  static const std::vector<Split> list = {
      {{"smollm"}, {singleDigits, gpt2Split}, false, false},
      {{"gpt-2"}, {gpt2Split}, false, false},
      {{"llama-bpe", "llama3", "llama-v3"}, {threeDigitSplit}, true, true},
      {{"qwen2", "deepseek-r1-qwen"}, {oneDigitSplit}, false, false},
      // What llama.cpp does for files that do not name their pre-tokenizer.
      {{"default"},
       {R"([\p{P}\$\+<=>\^~\|]+)", gpt2Split, R"(\p{N}+)", "[0-9][0-9][0-9]"},
       false,
       false},
  };
  return list;
}

/// Texts that end a turn or a text whatever the metadata say: a file rarely
/// lists more than one of them, and some have the wrong token type.
const std::set<std::string_view> endTexts = {
    "<|eot_id|>",      "<|im_end|>",         "<|end|>", "<end_of_turn>",
    "<|endoftext|>",   "<|eom_id|>",         "<EOT>",   "_<EOT>",
    "<|end_of_text|>", "<end_of_utterance>",
};

class Reader {
public:
  explicit Reader(const GgufFile &file) : file(file) {}

  StatusOr<TokenizerConfig> run() {
    HETAGON_ASSIGN_OR_RETURN(std::string_view model,
                             file.textValue("tokenizer.ggml.model"));
    if (model == "gpt2")
      HETAGON_RETURN_IF_ERROR(byteBpe());
    else if (model == "llama")
      HETAGON_RETURN_IF_ERROR(sentencePiece());
    else
      return Status(Code::Unsupported,
                    "tokenizer '" + std::string(model) +
                        "' is not supported; supported are gpt2, llama",
                    file.at(file.value("tokenizer.ggml.model")->offset));
    HETAGON_RETURN_IF_ERROR(
        flag("tokenizer.ggml.add_bos_token", config.addBos));
    bool addEos = false;
    HETAGON_RETURN_IF_ERROR(flag("tokenizer.ggml.add_eos_token", addEos));
    if (addEos)
      config.options["add_eos"] = "true";
    HETAGON_RETURN_IF_ERROR(findStops());
    if (file.value("tokenizer.chat_template")) {
      HETAGON_ASSIGN_OR_RETURN(config.chatTemplate,
                               file.textValue("tokenizer.chat_template"));
    }
    return config;
  }

private:
  Status flag(std::string_view key, bool &target) {
    if (!file.value(key))
      return Status::ok();
    HETAGON_ASSIGN_OR_RETURN(target, file.boolValue(key));
    return Status::ok();
  }

  Status byteBpe() {
    config.algorithm = "byte-bpe";
    std::string_view name = "default";
    if (file.value("tokenizer.ggml.pre")) {
      HETAGON_ASSIGN_OR_RETURN(name, file.textValue("tokenizer.ggml.pre"));
    }
    std::string known;
    for (const Split &split : splits()) {
      for (std::string_view candidate : split.names)
        known += (known.empty() ? "" : ", ") + std::string(candidate);
      if (std::find(split.names.begin(), split.names.end(), name) ==
          split.names.end())
        continue;
      config.splitPatterns = split.patterns;
      config.addBos = split.addBos;
      if (split.wholePieceFirst)
        config.options["whole_piece_first"] = "true";
      return Status::ok();
    }
    return Status(Code::Unsupported,
                  "pre-tokenizer '" + std::string(name) +
                      "' is not supported; supported are " + known,
                  file.at(file.value("tokenizer.ggml.pre")->offset));
  }

  Status sentencePiece() {
    config.algorithm = "sentencepiece";
    config.addBos = true;
    bool spacePrefix = true;
    HETAGON_RETURN_IF_ERROR(
        flag("tokenizer.ggml.add_space_prefix", spacePrefix));
    config.options["space_prefix"] = spacePrefix ? "true" : "false";
    return Status::ok();
  }

  Status findStops() {
    HETAGON_ASSIGN_OR_RETURN(std::vector<std::string_view> tokens,
                             file.textArray("tokenizer.ggml.tokens"));
    std::set<uint32_t> stops;
    for (const char *key :
         {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
          "tokenizer.ggml.eom_token_id"}) {
      if (!file.value(key))
        continue;
      HETAGON_ASSIGN_OR_RETURN(uint64_t id, file.unsignedValue(key));
      if (id >= tokens.size())
        return Status(Code::OutOfRange,
                      "metadata '" + std::string(key) + "' is " +
                          std::to_string(id) + ", but there are " +
                          std::to_string(tokens.size()) + " tokens",
                      file.at(file.value(key)->offset));
      stops.insert(uint32_t(id));
    }
    for (size_t i = 0; i < tokens.size(); ++i)
      if (endTexts.count(tokens[i]))
        stops.insert(uint32_t(i));
    config.stopTokens.assign(stops.begin(), stops.end());
    return Status::ok();
  }

  const GgufFile &file;
  TokenizerConfig config;
};

} // namespace

StatusOr<TokenizerConfig> ggufTokenizer(const GgufFile &file) {
  return Reader(file).run();
}

} // namespace hetagon
