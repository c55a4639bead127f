// Vocabularies, tokenizer.json texts and patterns that are wrong on purpose:
// each is refused with a message or used within bounds, never a crash. Two of
// the classes are llama.cpp's: CVE-2025-49847 (HugeToken, whose length did not
// fit an int) and CVE-2025-52566 (ATextOverTheLimit, whose count of tokens did
// not).
#include "runtime/models/TokenizerFiles.h"
#include "test/runtime/models/TokenizerCases.h"
#include <chrono>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

namespace hetagon {
namespace {

using Rng = std::mt19937;

TokenizerConfig bpeConfig() {
  TokenizerConfig config;
  config.algorithm = "byte-bpe";
  config.splitPatterns = {test::wordPattern};
  return config;
}

std::string randomBytes(Rng &rng, size_t size) {
  std::string bytes(size, 0);
  for (char &c : bytes)
    c = char(rng());
  return bytes;
}

/// Creates and uses a tokenizer; true when it was refused.
bool refused(TokenizerConfig config, Vocabulary vocab) {
  auto start = std::chrono::steady_clock::now();
  auto made = Tokenizer::create(std::move(config), std::move(vocab));
  if (made.isOk()) {
    for (std::string text : {std::string("aab <s> x1\xFF"),
                             std::string(3000, 'a'), std::string()}) {
      auto ids = (*made)->encode(text, {.parseSpecial = true});
      if (ids.isOk()) {
        for (int32_t id : *ids)
          EXPECT_LT(size_t(id), (*made)->size());
        EXPECT_TRUE((*made)->decode(*ids).isOk());
      }
    }
  } else {
    EXPECT_FALSE(made.status().message().empty());
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), test::underSanitizer ? 10.0 : 1.0);
  return !made.isOk();
}

struct HostileVocabulary {
  const char *name;
  bool mustRefuse;
  std::function<void(Rng &, Vocabulary &)> spoil;
};

const HostileVocabulary bpeClasses[] = {
    {"MergeOfUnknownToken", true,
     [](Rng &rng, Vocabulary &v) {
       v.merges[rng() % v.merges.size()].second = "nothing";
     }},
    {"MergeMakesUnknownToken", true,
     [](Rng &rng, Vocabulary &v) {
       v.merges.emplace_back("c", std::string(1, char('d' + rng() % 20)));
     }},
    {"EmptyMerge", true,
     [](Rng &rng, Vocabulary &v) {
       v.merges.insert(v.merges.begin() + ptrdiff_t(rng() % 4), {"", ""});
     }},
    {"DuplicateToken", true,
     [](Rng &rng, Vocabulary &v) {
       v.tokens[rng() % 200] = v.tokens[200 + rng() % 50];
     }},
    {"SpecialIdOutOfRange", true,
     [](Rng &rng, Vocabulary &v) {
       std::optional<uint32_t> *ids[] = {&v.bos, &v.eos, &v.unknown, &v.mask};
       *ids[rng() % 4] = uint32_t(v.tokens.size() + rng() % 1000);
     }},
    {"WrongCountOfKinds", true,
     [](Rng &rng, Vocabulary &v) { v.kinds.resize(1 + rng() % 100); }},
    {"WrongCountOfScores", true,
     [](Rng &rng, Vocabulary &v) { v.scores.resize(1 + rng() % 100); }},
    {"NoTokens", true,
     [](Rng &, Vocabulary &v) {
       v.tokens.clear();
       v.kinds.clear();
     }},
    {"HugeSpecialToken", true,
     [](Rng &rng, Vocabulary &v) {
       v.tokens.back() = std::string(1 << 20, char('a' + rng() % 26));
     }},
    {"EmptyTokens", false,
     [](Rng &rng, Vocabulary &v) {
       for (int i = 0; i < 50; ++i)
         v.tokens[rng() % 60].clear();
     }},
    {"HugeToken", false,
     [](Rng &rng, Vocabulary &v) {
       v.tokens.push_back(std::string(1 << 20, char('a' + rng() % 26)));
       v.kinds.push_back(TokenKind::Normal);
     }},
    {"TokensNotUtf8", false,
     [](Rng &rng, Vocabulary &v) {
       for (int i = 0; i < 100; ++i) {
         v.tokens.push_back(randomBytes(rng, 12) + std::to_string(i));
         v.kinds.push_back(TokenKind(rng() % 7));
       }
     }},
    {"MergesInCircles", false,
     [](Rng &rng, Vocabulary &v) {
       // "aa" is made in several ways, some of them longer than the result.
       for (int i = 0; i < 50; ++i)
         v.merges.push_back(v.merges[rng() % v.merges.size()]);
       v.merges.emplace_back("aa", "aa");
     }},
    {"AllBytesMissing", false,
     [](Rng &rng, Vocabulary &v) {
       v.merges.clear();
       for (size_t i = 0; i < 256; ++i)
         v.tokens[i] = "t" + std::to_string(i) + std::to_string(rng());
     }},
};

TEST(TokenizerHostile, ByteBpe) {
  for (const HostileVocabulary &each : bpeClasses)
    for (unsigned seed = 0; seed < 10; ++seed) {
      Rng rng(seed);
      Vocabulary vocab = test::smallBpeVocabulary();
      each.spoil(rng, vocab);
      EXPECT_TRUE(refused(bpeConfig(), vocab) || !each.mustRefuse)
          << each.name << " " << seed;
    }
}

TEST(TokenizerHostile, SentencePiece) {
  const HostileVocabulary classes[] = {
      {"NoScores", true, [](Rng &, Vocabulary &v) { v.scores.clear(); }},
      {"ScoreNotANumber", true,
       [](Rng &rng, Vocabulary &v) {
         v.scores[rng() % v.scores.size()] = std::nanf("");
       }},
      {"InfiniteScores", false,
       [](Rng &rng, Vocabulary &v) {
         for (float &score : v.scores)
           score = rng() % 2 ? INFINITY : -INFINITY;
       }},
      {"BadByteToken", true,
       [](Rng &rng, Vocabulary &v) { v.tokens[2 + rng() % 256] = "<0xG1>"; }},
      {"ByteKindOnText", true,
       [](Rng &rng, Vocabulary &v) {
         v.kinds[258 + rng() % 10] = TokenKind::Byte;
       }},
      {"NoBytesNoUnknown", false,
       [](Rng &, Vocabulary &v) {
         v.unknown.reset();
         for (size_t i = 2; i < 258; ++i)
           v.kinds[i] = TokenKind::Unused;
       }},
      {"ChainOfPrefixes", false,
       [](Rng &rng, Vocabulary &v) {
         for (size_t n = 5; n < 1000; ++n) {
           v.tokens.push_back(std::string(n, 'a'));
           v.scores.push_back(float(rng()));
           v.kinds.push_back(TokenKind::Normal);
         }
       }},
      {"RandomKinds", false,
       [](Rng &rng, Vocabulary &v) {
         for (size_t i = 258; i < v.kinds.size(); ++i)
           v.kinds[i] = TokenKind(rng() % 6);
       }},
  };
  TokenizerConfig config;
  config.algorithm = "sentencepiece";
  for (const HostileVocabulary &each : classes)
    for (unsigned seed = 0; seed < 10; ++seed) {
      Rng rng(seed);
      Vocabulary vocab = test::smallSentencePieceVocabulary();
      each.spoil(rng, vocab);
      EXPECT_TRUE(refused(config, vocab) || !each.mustRefuse)
          << each.name << " " << seed;
    }
}

TEST(TokenizerHostile, ATextOverTheLimit) {
  // Refused by its size: the bytes behind it are not there to be read.
  const std::string text = "a";
  for (size_t size : {(size_t(1) << 30) + 1, size_t(1) << 31, size_t(1) << 32,
                      ~size_t(0) >> 1})
    for (const auto &tokenizer :
         {test::smallBpe(), test::smallSentencePiece(), test::smallWordPiece()})
      EXPECT_EQ(Code::ResourceExhausted,
                tokenizer->encode(std::string_view(text.data(), size))
                    .status()
                    .code());
}

TEST(TokenizerHostile, Patterns) {
  for (const char *pattern :
       {"(", "[a", "a{99999999}", "(?<=a+)b", "\\p{Zzz}", "*", "(?P<", "\\C"}) {
    TokenizerConfig config = bpeConfig();
    config.splitPatterns = {pattern};
    auto made = Tokenizer::create(config, test::smallBpeVocabulary());
    EXPECT_EQ(made.status().code(), Code::InvalidArgument) << pattern;
  }
  for (const char *pattern : {"(a+)+b", "(a|aa)+$b", "(?:(?:a*)*)*c", "(a*)*b",
                              "\\Ka", "(?=a\\K)", "a*?", ""}) {
    TokenizerConfig config = bpeConfig();
    config.splitPatterns = {pattern};
    refused(config, test::smallBpeVocabulary());
  }
}

const char *const goodJson = R"({"model": {"type": "WordPiece",
  "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}},
  "added_tokens": [{"id": 0, "content": "[UNK]", "special": true}],
  "post_processor": {"single": [{"SpecialToken": {"id": "[UNK]"}}]}})";

TEST(TokenizerHostile, TokenizerJson) {
  auto read = [](const std::string &text) -> Status {
    auto root = parseJson(text, "tokenizer.json");
    if (!root.isOk())
      return root.status();
    auto vocab = readJsonVocabulary(*root, "tokenizer.json");
    return vocab.isOk() ? Status::ok() : vocab.status();
  };
  EXPECT_TRUE(read(goodJson).isOk());
  const std::pair<const char *, const char *> wrong[] = {
      {"\"a\": 1", "\"a\": 99"},
      {"\"a\": 1", "\"a\": -1"},
      {"\"a\": 1", "\"a\": 1.5"},
      {"\"a\": 1", "\"a\": \"1\""},
      {"\"a\": 1", "\"a\": 18446744073709551615"},
      {"\"a\": 1", "\"a\": 0"},
      {"\"a\": 1", "\"##b\": 1"},
      {"\"WordPiece\"", "\"Unigram\""},
      {"\"WordPiece\"", "7"},
      {"\"WordPiece\"", "\"BPE\""},
      {"{\"[UNK]\": 0, \"a\": 1, \"##b\": 2}", "[]"},
      {"\"unk_token\": \"[UNK]\"", "\"unk_token\": \"none\""},
      {"\"id\": 0", "\"id\": null"},
      {"\"content\": \"[UNK]\"", "\"content\": {}"},
      {"[{\"id\": 0", "{\"id\": 0"},
  };
  for (const auto &[from, to] : wrong) {
    std::string text = goodJson;
    text.replace(text.find(from), std::string_view(from).size(), to);
    EXPECT_FALSE(read(text).isOk()) << from << " " << to;
  }
  Rng rng(5);
  for (int round = 0; round < 3000; ++round) {
    std::string text = goodJson;
    for (size_t edits = 1 + rng() % 3; edits > 0; --edits) {
      size_t at = rng() % text.size();
      if (rng() % 2)
        text[at] = char(rng());
      else
        text.erase(at, 1 + rng() % 8);
      if (text.empty())
        break;
    }
    Status status = read(text);
    if (!status.isOk())
      EXPECT_TRUE(status.place()) << text;
  }
}

} // namespace
} // namespace hetagon
