// The names of tokenizers in model files. The patterns are those that the
// models were trained with (their tokenizer.json), written without inline
// flags and cross-checked with llama.cpp's table of pre-tokenizers.
#include "frontend/Models/PreTokenizers.h"
#include <algorithm>

namespace hetagon {

namespace {

/// Contractions, letters, digits, other signs, each with a space before it;
/// a run of spaces leaves its last for what follows.
constexpr const char *wordsWithSpace =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
    "\\s+(?!\\S)|\\s+";

/// The same for both cases of contractions, with ends of lines apart and
/// digits in groups of up to three.
constexpr const char *wordsWithTriples =
    "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|"
    "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/// The same with each digit alone.
constexpr const char *wordsWithDigits =
    "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|"
    "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

struct PreTokenizer {
  std::vector<std::string_view> names;
  std::vector<const char *> patterns;
  bool wholePieceFirst = false;
  bool addBos = false;
};

const std::vector<PreTokenizer> &preTokenizers() {
  static const std::vector<PreTokenizer> table = {
      {{"", "default"},
       {"[\\p{P}\\$\\+<=>\\^~\\|]+", wordsWithSpace, "\\p{N}+",
        "[0-9][0-9][0-9]"}},
      {{"gpt-2"}, {wordsWithSpace}},
      {{"smollm"}, {"\\p{N}", wordsWithSpace}},
      {{"llama-bpe", "llama3", "llama-v3"}, {wordsWithTriples}, true, true},
      {{"qwen2", "deepseek-r1-qwen"}, {wordsWithDigits}},
  };
  return table;
}

const Json *member(const Json &value, const char *key) {
  if (!value.is_object())
    return nullptr;
  auto it = value.find(key);
  return it == value.end() ? nullptr : &*it;
}

std::string typeOf(const Json *value) {
  const Json *type = value ? member(*value, "type") : nullptr;
  return type && type->is_string() ? type->get<std::string>() : "none";
}

/// A switch of the normaliser; absent and null mean `otherwise`.
StatusOr<bool> flagOf(const Json &value, const char *key, bool otherwise,
                      const std::string &file) {
  const Json *found = member(value, key);
  if (!found || found->is_null())
    return otherwise;
  if (!found->is_boolean())
    return Status(Code::InvalidArgument,
                  std::string("'") + key + "' is not true, false or null",
                  Place{file, 0, 0, {}});
  return found->get<bool>();
}

std::string word(bool value) { return value ? "true" : "false"; }

} // namespace

StatusOr<TokenizerConfig> ggufTokenizerConfig(std::string_view model,
                                              std::string_view pre) {
  TokenizerConfig config;
  if (model == "llama") {
    config.algorithm = "sentencepiece";
    config.addBos = true;
    return config;
  }
  if (model != "gpt2")
    return Status(Code::Unsupported, "the tokenizer '" + std::string(model) +
                                         "' is not supported; known are: "
                                         "gpt2, llama");
  std::string known;
  for (const PreTokenizer &entry : preTokenizers()) {
    for (std::string_view name : entry.names)
      if (!name.empty())
        known += (known.empty() ? "" : ", ") + std::string(name);
    if (std::ranges::find(entry.names, pre) == entry.names.end())
      continue;
    config.algorithm = "byte-bpe";
    config.splitPatterns.assign(entry.patterns.begin(), entry.patterns.end());
    config.addBos = entry.addBos;
    if (entry.wholePieceFirst)
      config.options["whole_piece_first"] = "true";
    return config;
  }
  return Status(Code::Unsupported,
                "the pre-tokenizer '" + std::string(pre) +
                    "' is not supported; known are: " + known);
}

StatusOr<TokenizerConfig> jsonTokenizerConfig(const Json &root,
                                              const std::string &file) {
  auto unsupported = [&](const std::string &what, const std::string &found) {
    return Status(Code::Unsupported,
                  "the " + what + " '" + found + "' is not supported",
                  Place{file, 0, 0, {}});
  };
  const Json *model = member(root, "model");
  const Json *normalizer = member(root, "normalizer");
  const Json *splitter = member(root, "pre_tokenizer");
  const Json *frame = member(root, "post_processor");
  if (typeOf(model) != "WordPiece")
    return unsupported("tokenizer model", typeOf(model));
  if (typeOf(normalizer) != "BertNormalizer")
    return unsupported("normaliser", typeOf(normalizer));
  if (typeOf(splitter) != "BertPreTokenizer")
    return unsupported("pre-tokenizer", typeOf(splitter));
  std::string framing = typeOf(frame);
  if (framing != "TemplateProcessing" && framing != "BertProcessing" &&
      framing != "none")
    return unsupported("post-processor", framing);

  TokenizerConfig config;
  config.algorithm = "wordpiece";
  HETAGON_ASSIGN_OR_RETURN(bool lowercase,
                           flagOf(*normalizer, "lowercase", true, file));
  HETAGON_ASSIGN_OR_RETURN(
      bool accents, flagOf(*normalizer, "strip_accents", lowercase, file));
  HETAGON_ASSIGN_OR_RETURN(bool clean,
                           flagOf(*normalizer, "clean_text", true, file));
  HETAGON_ASSIGN_OR_RETURN(
      bool ideographs, flagOf(*normalizer, "handle_chinese_chars", true, file));
  config.options = {{"lowercase", word(lowercase)},
                    {"strip_accents", word(accents)},
                    {"clean_text", word(clean)},
                    {"space_cjk", word(ideographs)}};
  if (const Json *prefix = member(*model, "continuing_subword_prefix");
      prefix && prefix->is_string())
    config.options["continuing_prefix"] = prefix->get<std::string>();
  if (const Json *longest = member(*model, "max_input_chars_per_word");
      longest && longest->is_number_unsigned())
    config.options["max_word_chars"] = std::to_string(longest->get<uint64_t>());
  config.addBos = framing != "none";
  config.options["add_eos"] = word(config.addBos);
  return config;
}

} // namespace hetagon
