// Tokenizers: text to token ids and back, for byte-level BPE, SentencePiece and
// WordPiece vocabularies. Knowledge of particular models (which patterns split
// the text, which ids end a turn) comes in through TokenizerConfig.
#ifndef HETAGON_RUNTIME_MODELS_TOKENIZER_H
#define HETAGON_RUNTIME_MODELS_TOKENIZER_H

#include "runtime/base/Status.h"
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// How to use a vocabulary. Made by the frontend, carried by the plan.
struct TokenizerConfig {
  /// "byte-bpe", "sentencepiece" or "wordpiece".
  std::string algorithm;
  /// byte-bpe: PCRE2 patterns that cut the text into the pieces merged apart
  /// from each other. Each is applied to the pieces left by the former; what
  /// matches and what lies between matches both become pieces.
  std::vector<std::string> splitPatterns;
  /// Switches ("true" or "false") and numbers; an unknown key is an error.
  ///   byte-bpe:      whole_piece_first (false): a piece that is a token is
  ///                  not cut, whatever the merges say
  ///   sentencepiece: space_prefix (true)
  ///   wordpiece:     clean_text, space_cjk, lowercase, strip_accents (all
  ///                  true), continuing_prefix ("##"), max_word_chars (100)
  ///   all:           add_eos (false): with addSpecial, the end token last
  ///                  (the separator where there is no end token)
  std::map<std::string, std::string> options;
  /// Whether addSpecial puts the begin token first (the classify token where
  /// there is no begin token).
  bool addBos = false;
  /// Ids that end a generation.
  std::vector<uint32_t> stopTokens;
  /// Jinja source; empty when the model has none. See ChatTemplate.h.
  std::string chatTemplate;
};

/// What a token stands for; the values are those of GGUF's token_type.
enum class TokenKind : uint8_t {
  Undefined = 0,
  Normal = 1,
  Unknown = 2,
  Control = 3,     ///< steers the model, prints as nothing
  UserDefined = 4, ///< matched in the text before anything else
  Unused = 5,
  Byte = 6, ///< "<0xNN>"
};

/// The tokens of a model, whatever file they came from. The texts are spelled
/// as in the file: byte-level BPE in its printable alphabet, SentencePiece with
/// U+2581 for a space, WordPiece with its continuation prefix.
struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;    ///< empty, or one per token
  std::vector<TokenKind> kinds; ///< empty (all Normal), or one per token
  /// byte-bpe: pairs in order of rank, best first.
  std::vector<std::pair<std::string, std::string>> merges;
  std::optional<uint32_t> bos, eos, unknown, separator, padding, classify, mask;
};

struct EncodeOptions {
  /// Whether the text of control tokens means the token; user-defined tokens
  /// always do.
  bool parseSpecial = false;
  /// Whether to add begin, end, classify and separator tokens as configured.
  bool addSpecial = false;
};

struct DecodeOptions {
  /// Whether control tokens print as their text instead of nothing.
  bool showControl = false;
};

/// Immutable and thread-safe once made.
class Tokenizer {
public:
  // Twice what the largest vocabularies in use have. With them, a vocabulary
  // costs no more memory than four times its file and 64 MiB.
  static constexpr size_t maxTokens = 1 << 19;
  static constexpr size_t maxMerges = 1 << 19;

  /// Checks the whole vocabulary against the algorithm's needs: sizes, ids,
  /// duplicates that make encoding ambiguous, patterns that do not compile.
  static StatusOr<std::unique_ptr<Tokenizer>> create(TokenizerConfig config,
                                                     Vocabulary vocabulary);
  virtual ~Tokenizer();

  /// Token ids of any bytes; time is O(n log n) in their number. Bytes that are
  /// not UTF-8 keep their value with byte-bpe and sentencepiece, and become
  /// U+FFFD with wordpiece. A byte without a token of its own is left out by
  /// byte-bpe, as the trainers of such vocabularies do. Texts over 1 GiB are
  /// refused.
  StatusOr<std::vector<int32_t>>
  encode(std::string_view text, const EncodeOptions &options = {}) const;
  /// The bytes the tokens stand for; not always UTF-8. An id out of range is
  /// an error. Ends of words get their spaces back with wordpiece, which does
  /// not restore the original.
  StatusOr<std::string> decode(std::span<const int32_t> ids,
                               const DecodeOptions &options = {}) const;
  /// The bytes of one token, as in the middle of a text, control tokens shown;
  /// empty for an id out of range.
  std::string_view tokenText(int32_t id) const;

  size_t size() const { return vocab.tokens.size(); }
  TokenKind kind(int32_t id) const;
  /// The id of the token spelled so in the vocabulary.
  std::optional<int32_t> find(std::string_view spelling) const;
  bool isStop(int32_t id) const;
  const TokenizerConfig &config() const { return settings; }
  const Vocabulary &vocabulary() const { return vocab; }

protected:
  Tokenizer(TokenizerConfig config, Vocabulary vocabulary);

  /// Appends the ids of text free of special tokens. `afterSpecial`: it stands
  /// at the start or right after a special token.
  virtual Status encodePlain(std::string_view text, bool afterSpecial,
                             std::vector<int32_t> &ids) const = 0;
  /// The bytes of token `id` in the middle of a text.
  virtual std::string bytesOf(uint32_t id) const = 0;
  /// What of `text`, the bytes of the first printed token, is dropped.
  virtual std::string_view trimFirst(std::string_view text) const {
    return text;
  }

  /// Refuses options that neither `known` nor all tokenizers have.
  Status checkOptions(std::initializer_list<std::string_view> known) const;
  StatusOr<bool> flag(const std::string &key, bool otherwise) const;

  TokenizerConfig settings;
  Vocabulary vocab;

private:
  friend class StreamDecoder;
  Status index();
  /// Bytes to print for a token, or nothing.
  std::string_view shownText(int32_t id, const DecodeOptions &options,
                             bool first) const;

  /// Where in `spellings` the token spelled so is, or would be.
  size_t slotOf(std::string_view spelling) const;

  static constexpr uint32_t noId = ~uint32_t(0);
  struct Specials;
  std::unique_ptr<Specials> specials;
  std::vector<uint32_t> spellings; ///< ids, open addressing by spelling
  std::vector<std::string> texts;
};

/// Turns tokens into text as they arrive: what it returns is always whole,
/// valid UTF-8; a sequence cut by a token's end waits for the next, and bytes
/// that can no longer become UTF-8 print as U+FFFD. Used by one thread; the
/// tokenizer must outlive it.
class StreamDecoder {
public:
  explicit StreamDecoder(const Tokenizer &tokenizer, DecodeOptions options = {})
      : tokenizer(tokenizer), options(options) {}
  /// The text that `id` completes; empty while bytes are held back or when the
  /// id prints nothing (or does not exist).
  std::string push(int32_t id);
  /// What is held back, as U+FFFD; the decoder then starts anew.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  DecodeOptions options;
  std::string held;
  bool first = true;
};

/// `bytes` with what is not UTF-8 replaced by U+FFFD, one for each maximal
/// part of a sequence (Unicode 15, section 3.9). With `held`, an unfinished
/// sequence at the end is moved there instead.
std::string validUtf8(std::string_view bytes, std::string *held = nullptr);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_TOKENIZER_H
