// Vocabularies from tokenizer.json and from GGUF metadata.
#include "runtime/models/TokenizerFiles.h"

namespace hetagon {

namespace {

/// Twice the largest in use: a parsed value takes many times its text.
constexpr size_t maxJsonBytes = size_t(64) << 20;

/// The reading of one tokenizer.json; every access checks the type.
class JsonVocabulary {
public:
  JsonVocabulary(const Json &root, const std::string &file)
      : root(root), file(file) {}

  StatusOr<Vocabulary> read() {
    HETAGON_ASSIGN_OR_RETURN(const Json *model, object(root, "model"));
    const Json *type = member(*model, "type");
    std::string kind = type && type->is_string() ? type->get<std::string>()
                                                 : std::string("(none)");
    if (kind != "WordPiece" && kind != "BPE")
      return Status(Code::Unsupported,
                    "the tokenizer model '" + kind +
                        "' is neither WordPiece nor BPE",
                    Place{file, 0, 0, {}});
    HETAGON_RETURN_IF_ERROR(readTokens(*model));
    if (kind == "BPE")
      HETAGON_RETURN_IF_ERROR(readMerges(*model));
    if (const Json *unknown = member(*model, "unk_token");
        unknown && unknown->is_string()) {
      HETAGON_ASSIGN_OR_RETURN(vocab.unknown,
                               idOf(*model, unknown->get<std::string>()));
      vocab.kinds[*vocab.unknown] = TokenKind::Unknown;
    }
    readFrame();
    return std::move(vocab);
  }

private:
  Status bad(std::string message) const {
    return Status(Code::InvalidArgument, std::move(message),
                  Place{file, 0, 0, {}});
  }

  static const Json *member(const Json &value, const char *key) {
    if (!value.is_object())
      return nullptr;
    auto it = value.find(key);
    return it == value.end() ? nullptr : &*it;
  }

  StatusOr<const Json *> object(const Json &value, const char *key) const {
    const Json *found = member(value, key);
    if (!found || !found->is_object())
      return bad(std::string("'") + key + "' is missing or not an object");
    return found;
  }

  StatusOr<uint32_t> idOf(const Json &model, const std::string &token) const {
    const Json *entries = member(model, "vocab");
    const Json *id = entries ? member(*entries, token.c_str()) : nullptr;
    if (!id)
      return bad("'" + token + "' is not in the vocabulary");
    return id->get<uint32_t>(); // checked by readTokens
  }

  Status place(const std::string &token, const Json &id, size_t bound,
               TokenKind kind) {
    if (!id.is_number_integer() || id < 0 || id >= bound)
      return bad("the id of token '" + token +
                 "' is not an integer below the vocabulary's size " +
                 std::to_string(bound));
    size_t index = id.get<size_t>();
    if (index >= vocab.tokens.size()) {
      vocab.tokens.resize(index + 1);
      vocab.kinds.resize(index + 1, TokenKind::Undefined);
    }
    if (!vocab.tokens[index].empty() && vocab.tokens[index] != token)
      return bad("tokens '" + vocab.tokens[index] + "' and '" + token +
                 "' both have id " + std::to_string(index));
    vocab.tokens[index] = token;
    vocab.kinds[index] = kind;
    return Status::ok();
  }

  Status readTokens(const Json &model) {
    HETAGON_ASSIGN_OR_RETURN(const Json *entries, object(model, "vocab"));
    const Json *added = member(root, "added_tokens");
    if (added && !added->is_array())
      return bad("'added_tokens' is not a list");
    const size_t bound = entries->size() + (added ? added->size() : 0);
    for (const auto &[token, id] : entries->items())
      HETAGON_RETURN_IF_ERROR(place(token, id, bound, TokenKind::Normal));
    if (!added)
      return Status::ok();
    for (const Json &entry : *added) {
      const Json *content = member(entry, "content");
      const Json *id = member(entry, "id");
      const Json *special = member(entry, "special");
      if (!content || !content->is_string() || !id)
        return bad("an added token lacks its content or id");
      bool control = special && special->is_boolean() && special->get<bool>();
      HETAGON_RETURN_IF_ERROR(
          place(content->get<std::string>(), *id, bound,
                control ? TokenKind::Control : TokenKind::UserDefined));
    }
    return Status::ok();
  }

  Status readMerges(const Json &model) {
    const Json *merges = member(model, "merges");
    if (!merges || !merges->is_array())
      return bad("'merges' is missing or not a list");
    for (const Json &merge : *merges) {
      if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
          merge[1].is_string()) {
        vocab.merges.emplace_back(merge[0].get<std::string>(),
                                  merge[1].get<std::string>());
        continue;
      }
      std::string text = merge.is_string() ? merge.get<std::string>() : "";
      size_t space = text.find(' ', 1);
      if (text.empty() || space == std::string::npos)
        return bad("merge " + std::to_string(vocab.merges.size()) +
                   " is not a pair of tokens");
      vocab.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    }
    return Status::ok();
  }

  std::optional<uint32_t> find(const std::string &token) const {
    for (size_t id = 0; id < vocab.tokens.size(); ++id)
      if (vocab.tokens[id] == token)
        return uint32_t(id);
    return std::nullopt;
  }

  /// The special tokens before and after a single text.
  void readFrame() {
    const Json *processor = member(root, "post_processor");
    if (!processor)
      return;
    if (const Json *single = member(*processor, "single");
        single && single->is_array()) {
      bool afterText = false;
      for (const Json &part : *single) {
        if (member(part, "Sequence"))
          afterText = true;
        const Json *special = member(part, "SpecialToken");
        const Json *name = special ? member(*special, "id") : nullptr;
        if (name && name->is_string())
          (afterText ? vocab.separator : vocab.classify) =
              find(name->get<std::string>());
      }
      return;
    }
    auto named = [&](const char *key) -> std::optional<uint32_t> {
      const Json *pair = member(*processor, key);
      if (!pair || !pair->is_array() || pair->empty() ||
          !(*pair)[0].is_string())
        return std::nullopt;
      return find((*pair)[0].get<std::string>());
    };
    vocab.classify = named("cls");
    vocab.separator = named("sep");
  }

  const Json &root;
  const std::string &file;
  Vocabulary vocab;
};

} // namespace

StatusOr<Vocabulary> readJsonVocabulary(const Json &root,
                                        const std::string &file) {
  return JsonVocabulary(root, file).read();
}

StatusOr<Vocabulary> readGgufVocabulary(const GgufFile &file) {
  const std::string prefix = "tokenizer.ggml.";
  auto has = [&](const char *key) { return file.value(prefix + key); };
  auto bad = [&](const char *key, const std::string &message) {
    return Status(Code::InvalidArgument, prefix + key + ": " + message,
                  file.at(file.value(prefix + key)->offset));
  };
  Vocabulary vocab;
  // Before anything is copied.
  for (auto [key, most] : {std::pair{"tokens", Tokenizer::maxTokens},
                           {"merges", Tokenizer::maxMerges}})
    if (has(key) && has(key)->count > most)
      return bad(key, std::to_string(has(key)->count) + " entries; at most " +
                          std::to_string(most) + " are supported");
  {
    HETAGON_ASSIGN_OR_RETURN(std::vector<std::string_view> tokens,
                             file.textArray(prefix + "tokens"));
    vocab.tokens.assign(tokens.begin(), tokens.end());
  }
  if (has("scores")) {
    HETAGON_ASSIGN_OR_RETURN(vocab.scores, file.floatArray(prefix + "scores"));
  }
  if (has("token_type")) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> types,
                             file.intArray(prefix + "token_type"));
    for (int32_t type : types) {
      if (type < 0 || type > int32_t(TokenKind::Byte))
        return bad("token_type", std::to_string(type) + " is not a token type");
      vocab.kinds.push_back(TokenKind(type));
    }
  }
  if (has("merges")) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<std::string_view> merges,
                             file.textArray(prefix + "merges"));
    vocab.merges.reserve(merges.size());
    for (std::string_view merge : merges) {
      size_t space = merge.find(' ', 1);
      if (space == std::string_view::npos)
        return bad("merges", "merge " + std::to_string(vocab.merges.size()) +
                                 " is not a pair of tokens");
      vocab.merges.emplace_back(merge.substr(0, space),
                                merge.substr(space + 1));
    }
  }
  const std::pair<const char *, std::optional<uint32_t> *> ids[] = {
      {"bos_token_id", &vocab.bos},
      {"eos_token_id", &vocab.eos},
      {"unknown_token_id", &vocab.unknown},
      {"seperator_token_id", &vocab.separator}, // spelled so in the format
      {"padding_token_id", &vocab.padding},
      {"cls_token_id", &vocab.classify},
      {"mask_token_id", &vocab.mask}};
  for (const auto &[key, id] : ids) {
    if (!has(key))
      continue;
    HETAGON_ASSIGN_OR_RETURN(uint64_t value, file.unsignedValue(prefix + key));
    if (value >= vocab.tokens.size())
      return bad(key, std::to_string(value) +
                          " is not below the number of tokens, " +
                          std::to_string(vocab.tokens.size()));
    *id = uint32_t(value);
  }
  return vocab;
}

StatusOr<Vocabulary> readVocabulary(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                           MappedFile::open(path));
  std::string_view text(reinterpret_cast<const char *>(mapped->bytes().data()),
                        mapped->bytes().size());
  if (text.starts_with("GGUF")) {
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file,
                             GgufFile::read(mapped));
    return readGgufVocabulary(*file);
  }
  if (text.size() > maxJsonBytes)
    return Status(Code::ResourceExhausted,
                  "a tokenizer of " + std::to_string(text.size()) +
                      " bytes; at most " + std::to_string(maxJsonBytes) +
                      " are read",
                  Place{path, 0, 0, {}});
  HETAGON_ASSIGN_OR_RETURN(Json root, parseJson(text, path));
  return readJsonVocabulary(root, path);
}

} // namespace hetagon
