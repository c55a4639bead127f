// Byte-level BPE: text is cut into pieces by patterns, and within a piece the
// pair of best rank is merged until none is left.
#ifndef HETAGON_RUNTIME_MODELS_BPETOKENIZER_H
#define HETAGON_RUNTIME_MODELS_BPETOKENIZER_H

#include "runtime/models/Tokenizer.h"
#include "runtime/models/TokenizerSplit.h"
#include <array>

namespace hetagon {

/// Made through Tokenizer::create.
class BpeTokenizer final : public Tokenizer {
public:
  BpeTokenizer(TokenizerConfig config, Vocabulary vocabulary)
      : Tokenizer(std::move(config), std::move(vocabulary)) {}
  Status prepare();

protected:
  Status encodePlain(std::string_view text, bool afterSpecial,
                     std::vector<int32_t> &ids) const override;
  std::string bytesOf(uint32_t id) const override;

private:
  struct Merge {
    uint64_t pair = emptyPair;
    uint32_t rank = 0;
    int32_t merged = -1;
  };
  struct Scratch;
  static constexpr uint64_t emptyPair = ~uint64_t(0);

  Status addMerge(uint32_t rank);
  const Merge *findMerge(int32_t left, int32_t right) const;
  void encodePiece(std::string_view piece, Scratch &scratch,
                   std::vector<int32_t> &ids) const;

  std::optional<TextSplitter> splitter;
  std::array<int32_t, 256> byteTokens;
  std::vector<Merge> merges; ///< open addressing; the size is a power of two
  bool wholePieceFirst = false;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_BPETOKENIZER_H
