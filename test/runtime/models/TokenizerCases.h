// Small tokenizers made in code, for tests that need no model file.
#ifndef HETAGON_TEST_RUNTIME_MODELS_TOKENIZERCASES_H
#define HETAGON_TEST_RUNTIME_MODELS_TOKENIZERCASES_H

#include "runtime/models/Tokenizer.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace hetagon::test {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool underSanitizer = true;
#else
inline constexpr bool underSanitizer = false;
#endif
#else
inline constexpr bool underSanitizer = false;
#endif

inline constexpr const char *wordPattern =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
    "\\s+(?!\\S)|\\s+";

/// The printable spelling of each byte in byte-level vocabularies.
inline std::vector<std::string> byteAlphabet() {
  std::vector<std::string> alphabet;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    bool visible = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    unsigned point = visible ? byte : next++;
    alphabet.push_back(point < 128 ? std::string(1, char(point))
                                   : std::string{char(0xC0 | point >> 6),
                                                 char(0x80 | (point & 63))});
  }
  return alphabet;
}

inline std::unique_ptr<Tokenizer> made(TokenizerConfig config,
                                       Vocabulary vocab) {
  auto tokenizer = Tokenizer::create(std::move(config), std::move(vocab));
  EXPECT_TRUE(tokenizer.isOk()) << tokenizer.status().str();
  return std::move(*tokenizer);
}

inline Vocabulary smallBpeVocabulary() {
  Vocabulary vocab;
  vocab.tokens = byteAlphabet();
  vocab.kinds.assign(256, TokenKind::Normal);
  for (auto [left, right] :
       {std::pair("a", "a"), {"aa", "aa"}, {"a", "b"}, {"\u0120", "a"}}) {
    vocab.merges.emplace_back(left, right);
    vocab.tokens.push_back(std::string(left) + right);
    vocab.kinds.push_back(TokenKind::Normal);
  }
  vocab.tokens.push_back("<s>");
  vocab.kinds.push_back(TokenKind::Control);
  return vocab;
}

inline std::unique_ptr<Tokenizer> smallBpe() {
  TokenizerConfig config;
  config.algorithm = "byte-bpe";
  config.splitPatterns = {"\\p{N}", wordPattern};
  return made(config, smallBpeVocabulary());
}

/// Random merges over the letters a, b and c, without splitting.
inline std::unique_ptr<Tokenizer> randomBpe(std::mt19937 &rng) {
  Vocabulary vocab;
  vocab.tokens = byteAlphabet();
  std::vector<std::string> usable = {"a", "b", "c"};
  for (int i = 0; i < 12; ++i) {
    std::string left = usable[rng() % usable.size()];
    std::string right = usable[rng() % usable.size()];
    if (std::ranges::find(usable, left + right) == usable.end()) {
      usable.push_back(left + right);
      vocab.tokens.push_back(left + right);
    }
    if (std::ranges::find(vocab.merges, std::pair(left, right)) ==
        vocab.merges.end())
      vocab.merges.emplace_back(left, right);
  }
  TokenizerConfig config;
  config.algorithm = "byte-bpe";
  return made(config, vocab);
}

inline Vocabulary smallSentencePieceVocabulary() {
  Vocabulary vocab;
  auto add = [&](std::string token, float score, TokenKind kind) {
    vocab.tokens.push_back(std::move(token));
    vocab.scores.push_back(score);
    vocab.kinds.push_back(kind);
  };
  add("<unk>", 0, TokenKind::Unknown);
  add("<s>", 0, TokenKind::Control);
  static constexpr char hex[] = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte)
    add(std::string("<0x") + hex[byte >> 4] + hex[byte & 15] + ">", 0,
        TokenKind::Byte);
  float score = -1;
  for (const char *token : {"ab", "\u2581ab", "aa", "\u2581\u2581", "aaaa",
                            "\u2581", "a", "b", "中", "s", "<"})
    add(token, score--, TokenKind::Normal);
  vocab.unknown = 0;
  vocab.bos = 1;
  return vocab;
}

inline std::unique_ptr<Tokenizer> smallSentencePiece() {
  TokenizerConfig config;
  config.algorithm = "sentencepiece";
  config.addBos = true;
  return made(config, smallSentencePieceVocabulary());
}

inline std::unique_ptr<Tokenizer> smallWordPiece() {
  Vocabulary vocab;
  vocab.tokens = {"[UNK]", "[CLS]", "[SEP]", "a", "##a", "ab", "##b", "."};
  vocab.unknown = 0;
  TokenizerConfig config;
  config.algorithm = "wordpiece";
  return made(config, vocab);
}

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_MODELS_TOKENIZERCASES_H
