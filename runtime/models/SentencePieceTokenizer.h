// SentencePiece BPE: neighbours are merged as long as they form a token, the
// best-scored token first; what forms none falls back to bytes.
#ifndef HETAGON_RUNTIME_MODELS_SENTENCEPIECETOKENIZER_H
#define HETAGON_RUNTIME_MODELS_SENTENCEPIECETOKENIZER_H

#include "runtime/models/Tokenizer.h"
#include <array>

namespace hetagon {

/// Made through Tokenizer::create.
class SentencePieceTokenizer final : public Tokenizer {
public:
  SentencePieceTokenizer(TokenizerConfig config, Vocabulary vocabulary)
      : Tokenizer(std::move(config), std::move(vocabulary)) {}
  Status prepare();

protected:
  Status encodePlain(std::string_view text, bool afterSpecial,
                     std::vector<int32_t> &ids) const override;
  std::string bytesOf(uint32_t id) const override;
  std::string_view trimFirst(std::string_view text) const override;

private:
  /// The token that text can become, or -1: no control, unknown, unused or byte
  /// token.
  int32_t findMergeable(std::string_view text) const;

  std::array<int32_t, 256> byteTokens;
  size_t longest = 0; ///< bytes
  bool spacePrefix = true;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_SENTENCEPIECETOKENIZER_H
