// What all tokenizers share: the checks of a vocabulary, special tokens found
// in the text before it is cut, and decoding.
#include "runtime/models/Tokenizer.h"
#include "runtime/models/BpeTokenizer.h"
#include "runtime/models/SentencePieceTokenizer.h"
#include "runtime/models/WordPieceTokenizer.h"
#include <algorithm>
#include <array>
#include <bit>
#include <unordered_map>

namespace hetagon {

namespace {

constexpr size_t maxTextBytes = size_t(1) << 30;
/// A bound on special tokens keeps their search linear in the text, and one on
/// all of them the memory of the trie small.
constexpr size_t maxSpecialBytes = 256;
constexpr size_t maxSpecialBytesInAll = 512 << 10;

Status bad(std::string message) {
  return Status(Code::InvalidArgument, "vocabulary: " + std::move(message));
}

bool printsNothing(TokenKind kind) {
  return kind == TokenKind::Control || kind == TokenKind::Unknown;
}

} // namespace

/// A trie over the texts of control and user-defined tokens.
struct Tokenizer::Specials {
  struct Match {
    uint32_t id;
    size_t begin, end;
  };

  void insert(std::string_view text, uint32_t id) {
    starts[uint8_t(text[0])] = true;
    uint32_t node = 0;
    for (char c : text) {
      auto [it, fresh] =
          edges.try_emplace(uint64_t(node) << 8 | uint8_t(c), accepts.size());
      if (fresh)
        accepts.push_back(-1);
      node = it->second;
    }
    accepts[node] = int32_t(id);
  }

  /// The leftmost, then longest, special token at or after `from`.
  template <typename Allowed>
  std::optional<Match> find(std::string_view text, size_t from,
                            Allowed allowed) const {
    for (size_t begin = from; begin < text.size(); ++begin) {
      if (!starts[uint8_t(text[begin])])
        continue;
      std::optional<Match> best;
      uint32_t node = 0;
      for (size_t i = begin; i < text.size(); ++i) {
        auto it = edges.find(uint64_t(node) << 8 | uint8_t(text[i]));
        if (it == edges.end())
          break;
        node = it->second;
        if (accepts[node] >= 0 && allowed(uint32_t(accepts[node])))
          best = Match{uint32_t(accepts[node]), begin, i + 1};
      }
      if (best)
        return best;
    }
    return std::nullopt;
  }

  std::unordered_map<uint64_t, uint32_t> edges;
  std::vector<int32_t> accepts = {-1};
  std::array<bool, 256> starts = {};
};

Tokenizer::Tokenizer(TokenizerConfig config, Vocabulary vocabulary)
    : settings(std::move(config)), vocab(std::move(vocabulary)),
      specials(std::make_unique<Specials>()) {}

Tokenizer::~Tokenizer() = default;

Status Tokenizer::index() {
  const size_t count = vocab.tokens.size();
  if (count == 0)
    return bad("it has no tokens");
  if (count > maxTokens)
    return bad("it has " + std::to_string(count) + " tokens; at most " +
               std::to_string(maxTokens) + " are supported");
  if (!vocab.scores.empty() && vocab.scores.size() != count)
    return bad(std::to_string(vocab.scores.size()) + " scores for " +
               std::to_string(count) + " tokens");
  if (!vocab.kinds.empty() && vocab.kinds.size() != count)
    return bad(std::to_string(vocab.kinds.size()) + " token types for " +
               std::to_string(count) + " tokens");
  const std::pair<const char *, std::optional<uint32_t>> named[] = {
      {"begin", vocab.bos},       {"end", vocab.eos},
      {"unknown", vocab.unknown}, {"separator", vocab.separator},
      {"padding", vocab.padding}, {"classify", vocab.classify},
      {"mask", vocab.mask}};
  for (const auto &[name, id] : named)
    if (id && *id >= count)
      return bad(std::string("the ") + name + " token's id " +
                 std::to_string(*id) + " is not below " +
                 std::to_string(count));
  for (uint32_t id : settings.stopTokens)
    if (id >= count)
      return bad("the stop token's id " + std::to_string(id) +
                 " is not below " + std::to_string(count));

  spellings.assign(std::bit_ceil(count * 2), noId);
  size_t specialBytes = 0;
  for (size_t id = 0; id < count; ++id) {
    const std::string &spelling = vocab.tokens[id];
    if (spelling.empty())
      continue;
    uint32_t &slot = spellings[slotOf(spelling)];
    if (slot != noId)
      return bad("tokens " + std::to_string(slot) + " and " +
                 std::to_string(id) + " are spelled the same");
    slot = uint32_t(id);
    TokenKind kind = this->kind(int32_t(id));
    if (!printsNothing(kind) && kind != TokenKind::UserDefined)
      continue;
    if (spelling.size() > maxSpecialBytes)
      return bad("special token " + std::to_string(id) + " has " +
                 std::to_string(spelling.size()) + " bytes; at most " +
                 std::to_string(maxSpecialBytes) + " are supported");
    if ((specialBytes += spelling.size()) > maxSpecialBytesInAll)
      return bad("its special tokens have more than " +
                 std::to_string(maxSpecialBytesInAll) + " bytes");
    specials->insert(spelling, uint32_t(id));
  }
  return Status::ok();
}

size_t Tokenizer::slotOf(std::string_view spelling) const {
  const size_t mask = spellings.size() - 1;
  size_t slot = std::hash<std::string_view>()(spelling) & mask;
  while (spellings[slot] != noId && vocab.tokens[spellings[slot]] != spelling)
    slot = (slot + 1) & mask;
  return slot;
}

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::create(TokenizerConfig config,
                                                       Vocabulary vocabulary) {
  std::unique_ptr<Tokenizer> made;
  Status (*prepare)(Tokenizer &) = nullptr;
  if (config.algorithm == "byte-bpe") {
    made = std::make_unique<BpeTokenizer>(std::move(config),
                                          std::move(vocabulary));
    prepare = [](Tokenizer &t) {
      return static_cast<BpeTokenizer &>(t).prepare();
    };
  } else if (config.algorithm == "sentencepiece") {
    made = std::make_unique<SentencePieceTokenizer>(std::move(config),
                                                    std::move(vocabulary));
    prepare = [](Tokenizer &t) {
      return static_cast<SentencePieceTokenizer &>(t).prepare();
    };
  } else if (config.algorithm == "wordpiece") {
    made = std::make_unique<WordPieceTokenizer>(std::move(config),
                                                std::move(vocabulary));
    prepare = [](Tokenizer &t) {
      return static_cast<WordPieceTokenizer &>(t).prepare();
    };
  } else {
    return Status(Code::Unsupported,
                  "tokenizer algorithm '" + config.algorithm +
                      "' is none of byte-bpe, sentencepiece, wordpiece");
  }
  HETAGON_RETURN_IF_ERROR(made->index());
  HETAGON_RETURN_IF_ERROR(prepare(*made));
  const size_t count = made->size();
  made->texts.reserve(count);
  for (uint32_t id = 0; id < count; ++id) {
    TokenKind kind = made->kind(int32_t(id));
    bool verbatim = printsNothing(kind) || kind == TokenKind::UserDefined;
    made->texts.push_back(verbatim ? made->vocab.tokens[id]
                                   : made->bytesOf(id));
  }
  return made;
}

StatusOr<std::vector<int32_t>>
Tokenizer::encode(std::string_view text, const EncodeOptions &options) const {
  if (text.size() > maxTextBytes)
    return Status(Code::ResourceExhausted,
                  "text of " + std::to_string(text.size()) +
                      " bytes; at most 1 GiB can be tokenized");
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 4);
  if (options.addSpecial && settings.addBos) {
    std::optional<uint32_t> begin = vocab.bos ? vocab.bos : vocab.classify;
    if (!begin)
      return bad("a begin token is asked for, and there is none");
    ids.push_back(int32_t(*begin));
  }
  auto allowed = [&](uint32_t id) {
    return options.parseSpecial || kind(int32_t(id)) == TokenKind::UserDefined;
  };
  size_t at = 0;
  bool afterSpecial = true;
  while (at < text.size()) {
    auto match = specials->find(text, at, allowed);
    size_t end = match ? match->begin : text.size();
    if (end > at)
      HETAGON_RETURN_IF_ERROR(
          encodePlain(text.substr(at, end - at), afterSpecial, ids));
    if (!match)
      break;
    ids.push_back(int32_t(match->id));
    afterSpecial = true;
    at = match->end;
  }
  auto addEos = settings.options.find("add_eos");
  if (options.addSpecial && addEos != settings.options.end() &&
      addEos->second == "true") {
    std::optional<uint32_t> end = vocab.eos ? vocab.eos : vocab.separator;
    if (!end)
      return bad("an end token is asked for, and there is none");
    ids.push_back(int32_t(*end));
  }
  return ids;
}

std::string_view Tokenizer::shownText(int32_t id, const DecodeOptions &options,
                                      bool first) const {
  if (id < 0 || size_t(id) >= texts.size())
    return {};
  if (printsNothing(kind(id)))
    return options.showControl ? std::string_view(texts[id])
                               : std::string_view();
  return first ? trimFirst(texts[id]) : std::string_view(texts[id]);
}

StatusOr<std::string> Tokenizer::decode(std::span<const int32_t> ids,
                                        const DecodeOptions &options) const {
  std::string text;
  bool first = true;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || size_t(ids[i]) >= texts.size())
      return Status(Code::OutOfRange, "token id " + std::to_string(ids[i]) +
                                          " at position " + std::to_string(i) +
                                          " is not below " +
                                          std::to_string(texts.size()));
    text += shownText(ids[i], options, first);
    first = first && printsNothing(kind(ids[i]));
  }
  return text;
}

std::string_view Tokenizer::tokenText(int32_t id) const {
  return id < 0 || size_t(id) >= texts.size() ? std::string_view()
                                              : std::string_view(texts[id]);
}

TokenKind Tokenizer::kind(int32_t id) const {
  if (id < 0 || size_t(id) >= vocab.tokens.size())
    return TokenKind::Undefined;
  return vocab.kinds.empty() ? TokenKind::Normal : vocab.kinds[id];
}

std::optional<int32_t> Tokenizer::find(std::string_view spelling) const {
  if (spelling.empty())
    return std::nullopt;
  uint32_t id = spellings[slotOf(spelling)];
  return id == noId ? std::nullopt : std::optional(int32_t(id));
}

bool Tokenizer::isStop(int32_t id) const {
  return id >= 0 && std::ranges::find(settings.stopTokens, uint32_t(id)) !=
                        settings.stopTokens.end();
}

Status
Tokenizer::checkOptions(std::initializer_list<std::string_view> known) const {
  for (const auto &[key, value] : settings.options)
    if (key != "add_eos" && std::ranges::find(known, key) == known.end())
      return Status(Code::InvalidArgument, "unknown option '" + key +
                                               "' for the tokenizer " +
                                               settings.algorithm);
  return Status::ok();
}

StatusOr<bool> Tokenizer::flag(const std::string &key, bool otherwise) const {
  auto it = settings.options.find(key);
  if (it == settings.options.end())
    return otherwise;
  if (it->second != "true" && it->second != "false")
    return Status(Code::InvalidArgument, "tokenizer option " + key + " is '" +
                                             it->second +
                                             "'; it must be true or false");
  return it->second == "true";
}

std::string StreamDecoder::push(int32_t id) {
  std::string_view shown = tokenizer.shownText(id, options, first);
  if (id >= 0 && size_t(id) < tokenizer.size())
    first = first && printsNothing(tokenizer.kind(id));
  if (shown.empty())
    return {};
  std::string bytes = std::move(held);
  held.clear();
  bytes += shown;
  return validUtf8(bytes, &held);
}

std::string StreamDecoder::finish() {
  first = true;
  std::string rest = std::move(held);
  held.clear();
  return validUtf8(rest);
}

std::string validUtf8(std::string_view bytes, std::string *held) {
  std::string out;
  out.reserve(bytes.size());
  size_t i = 0;
  while (i < bytes.size()) {
    uint8_t lead = bytes[i];
    if (lead < 0x80) {
      out += bytes[i++];
      continue;
    }
    size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                    : lead >= 0xE0 && lead <= 0xEF ? 3
                    : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                   : 0;
    // The second byte's range excludes overlong forms, surrogates and code
    // points above U+10FFFF (Unicode 15, table 3-7).
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    size_t good = 1;
    while (length && good < length && i + good < bytes.size()) {
      uint8_t next = bytes[i + good];
      if (next < low || next > high)
        break;
      low = 0x80;
      high = 0xBF;
      ++good;
    }
    if (length && good == length) {
      out += bytes.substr(i, length);
    } else if (length && i + good == bytes.size() && held) {
      *held = bytes.substr(i);
      break;
    } else {
      out += "\xEF\xBF\xBD";
    }
    i += good;
  }
  return out;
}

} // namespace hetagon
