// WordPiece: text is normalised, cut into words and punctuation, and each word
// into the longest tokens from its left.
#ifndef HETAGON_RUNTIME_MODELS_WORDPIECETOKENIZER_H
#define HETAGON_RUNTIME_MODELS_WORDPIECETOKENIZER_H

#include "runtime/models/Tokenizer.h"
#include <unordered_map>

namespace hetagon {

/// Made through Tokenizer::create.
class WordPieceTokenizer final : public Tokenizer {
public:
  WordPieceTokenizer(TokenizerConfig config, Vocabulary vocabulary)
      : Tokenizer(std::move(config), std::move(vocabulary)) {}
  Status prepare();

protected:
  Status encodePlain(std::string_view text, bool afterSpecial,
                     std::vector<int32_t> &ids) const override;
  std::string bytesOf(uint32_t id) const override;
  std::string_view trimFirst(std::string_view text) const override;

private:
  StatusOr<std::vector<int32_t>> normalise(std::string_view text) const;
  void encodeWord(std::span<const int32_t> points,
                  std::vector<int32_t> &ids) const;

  /// Tokens that begin a word, and those that continue one, without prefix.
  std::unordered_map<std::string_view, int32_t> initial, continuing;
  size_t longest = 0; ///< bytes
  bool cleanText = true, spaceCjk = true, lowercase = true, stripAccents = true;
  std::string prefix = "##";
  size_t maxWordChars = 100;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_WORDPIECETOKENIZER_H
