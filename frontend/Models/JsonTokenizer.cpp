// What a tokenizer.json says beyond its vocabulary: normalising and splitting,
// for WordPiece.
#include "frontend/Models/Readers.h"
#include "runtime/base/File.h"

namespace hetagon {

namespace {

const Json &member(const Json &json, const char *key) {
  static const Json missing;
  return json.is_object() && json.contains(key) ? json[key] : missing;
}

} // namespace

StatusOr<TokenizerConfig> jsonTokenizer(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(path));
  HETAGON_ASSIGN_OR_RETURN(Json root, parseJson(text, path));
  Place place{path, 0, 0, {}};
  auto requireType = [&](const char *part, const char *wanted) -> Status {
    HETAGON_ASSIGN_OR_RETURN(
        std::string type,
        JsonObject(member(root, part), path).textOr("type", "none"));
    if (type != wanted)
      return Status(Code::Unsupported,
                    std::string(part) + " of type '" + type +
                        "' is not supported; supported is " + wanted,
                    place);
    return Status::ok();
  };
  HETAGON_RETURN_IF_ERROR(requireType("model", "WordPiece"));
  HETAGON_RETURN_IF_ERROR(requireType("normalizer", "BertNormalizer"));
  HETAGON_RETURN_IF_ERROR(requireType("pre_tokenizer", "BertPreTokenizer"));

  TokenizerConfig config;
  config.algorithm = "wordpiece";
  JsonObject normalizer(member(root, "normalizer"), path);
  auto word = [](bool flag) { return flag ? "true" : "false"; };
  HETAGON_ASSIGN_OR_RETURN(bool clean, normalizer.flagOr("clean_text", true));
  HETAGON_ASSIGN_OR_RETURN(bool space,
                           normalizer.flagOr("handle_chinese_chars", true));
  HETAGON_ASSIGN_OR_RETURN(bool lower, normalizer.flagOr("lowercase", true));
  // null means: as lowercase.
  HETAGON_ASSIGN_OR_RETURN(bool strip,
                           normalizer.flagOr("strip_accents", lower));
  config.options["clean_text"] = word(clean);
  config.options["space_cjk"] = word(space);
  config.options["lowercase"] = word(lower);
  config.options["strip_accents"] = word(strip);
  JsonObject model(member(root, "model"), path);
  HETAGON_ASSIGN_OR_RETURN(config.options["continuing_prefix"],
                           model.textOr("continuing_subword_prefix", "##"));
  HETAGON_ASSIGN_OR_RETURN(uint32_t longest,
                           model.sizeOr("max_input_chars_per_word", 100));
  config.options["max_word_chars"] = std::to_string(longest);
  // The frame of classify and separator tokens around a text.
  const Json &frame = member(root, "post_processor");
  HETAGON_ASSIGN_OR_RETURN(std::string framing,
                           JsonObject(frame, path).textOr("type", "none"));
  if (framing != "none" && framing != "TemplateProcessing" &&
      framing != "BertProcessing")
    return Status(Code::Unsupported,
                  "post_processor of type '" + framing +
                      "' is not supported; supported are TemplateProcessing, "
                      "BertProcessing",
                  place);
  config.addBos = framing != "none";
  config.options["add_eos"] = word(config.addBos);
  return config;
}

} // namespace hetagon
