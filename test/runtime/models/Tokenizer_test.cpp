// Tokenizers against golden ids, against the `tokenizers` package, and as
// properties over random bytes.
#include "runtime/base/File.h"
#include "runtime/models/ChatTemplate.h"
#include "runtime/models/Tokenizer.h"
#include "runtime/models/TokenizerFiles.h"
#include "test/runtime/models/Models.h"
#include "test/runtime/models/TokenizerCases.h"
#include <chrono>
#include <gtest/gtest.h>
#include <random>

namespace hetagon {
namespace {

using test::byteAlphabet;
using test::smallBpe;
using test::smallSentencePiece;

std::vector<Json> readLines(const std::string &name) {
  auto text = readFile(std::string(HETAGON_TEST_DATA) + "/models/" + name);
  EXPECT_TRUE(text.isOk()) << text.status().str();
  std::vector<Json> lines;
  for (size_t at = 0; text.isOk() && at < text->size();) {
    size_t end = text->find('\n', at);
    auto line = parseJson(std::string_view(*text).substr(at, end - at), name);
    EXPECT_TRUE(line.isOk()) << line.status().str();
    lines.push_back(std::move(*line));
    at = end + 1;
  }
  return lines;
}

std::unique_ptr<Tokenizer> decoderTokenizer() {
  auto file = GgufFile::open(test::exampleDecoder());
  EXPECT_TRUE(file.isOk()) << file.status().str();
  auto vocab = readGgufVocabulary(**file);
  EXPECT_TRUE(vocab.isOk()) << vocab.status().str();
  TokenizerConfig config;
  config.algorithm = "byte-bpe";
  config.splitPatterns = {"\\p{N}", test::wordPattern};
  config.stopTokens = {2};
  config.chatTemplate = (*file)->textValue("tokenizer.chat_template").value();
  auto made = Tokenizer::create(std::move(config), std::move(*vocab));
  EXPECT_TRUE(made.isOk()) << made.status().str();
  return std::move(*made);
}

TEST(Tokenizer, GoldenIdsAndPrompts) {
  if (test::exampleDecoder().empty())
    GTEST_SKIP() << test::modelsMissing;
  auto tokenizer = decoderTokenizer();
  auto chat = ChatTemplate::parse(tokenizer->config().chatTemplate);
  ASSERT_TRUE(chat.isOk()) << chat.status().str();
  size_t checked = 0;
  for (const Json &line : readLines("smollm2-135m-f32-greedy.jsonl")) {
    std::string kind = line["kind"];
    auto ids = [&](const char *key) {
      return line[key].get<std::vector<int32_t>>();
    };
    auto encoded = [&](const std::string &text, bool special) {
      auto result = tokenizer->encode(text, {.parseSpecial = special});
      EXPECT_TRUE(result.isOk()) << result.status().str();
      return *result;
    };
    if (kind == "tokenize") {
      EXPECT_EQ(encoded(line["text"], true), ids("tokens")) << line["text"];
      EXPECT_EQ(encoded(line["text"], false), ids("tokens_plain"))
          << line["text"];
    } else if (kind == "chat") {
      Json messages =
          Json::array({{{"role", "user"}, {"content", line["user"]}}});
      auto rendered = renderChat(*chat, *tokenizer, messages, true);
      ASSERT_TRUE(rendered.isOk()) << rendered.status().str();
      EXPECT_EQ(*rendered, line["rendered"].get<std::string>());
      EXPECT_EQ(encoded(*rendered, true), ids("prompt_tokens"));
      EXPECT_EQ(*tokenizer->decode(ids("tokens")),
                line["text"].get<std::string>());
    } else {
      ASSERT_EQ(kind, "completion");
      EXPECT_EQ(encoded(line["prompt"], true), ids("prompt_tokens"));
      EXPECT_EQ(*tokenizer->decode(ids("tokens")),
                line["text"].get<std::string>());
    }
    ++checked;
  }
  EXPECT_EQ(checked, 37u);
  EXPECT_TRUE(tokenizer->isStop(2));
}

TEST(Tokenizer, WordPieceEqualsTokenizersPackage) {
  if (test::exampleEncoder().empty())
    GTEST_SKIP() << test::modelsMissing;
  std::string path = test::exampleEncoder() + "/tokenizer.json";
  auto text = readFile(path);
  ASSERT_TRUE(text.isOk());
  auto root = parseJson(*text, path);
  ASSERT_TRUE(root.isOk()) << root.status().str();
  auto vocab = readJsonVocabulary(*root, path);
  ASSERT_TRUE(vocab.isOk()) << vocab.status().str();
  TokenizerConfig config;
  config.algorithm = "wordpiece";
  config.addBos = true;
  config.options = {{"add_eos", "true"}};
  auto tokenizer = Tokenizer::create(config, std::move(*vocab));
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().str();
  std::vector<Json> cases = readLines("wordpiece.jsonl");
  EXPECT_GE(cases.size(), 300u);
  for (const Json &each : cases) {
    auto ids = (*tokenizer)
                   ->encode(each["text"].get<std::string>(),
                            {.parseSpecial = true, .addSpecial = true});
    ASSERT_TRUE(ids.isOk()) << ids.status().str();
    EXPECT_EQ(*ids, each["ids"].get<std::vector<int32_t>>()) << each.dump();
  }
}

std::string randomText(std::mt19937 &rng, bool utf8) {
  static constexpr std::string_view pool[] = {
      "a",   "b",    "ab", " ",     "  ", "\n", "1", "23",
      "'s",  "é",    "中", "😀",    "\t", ".",  "x", "\xE2\x96\x81",
      "<s>", "\r\n", "Ω",  "\u0301"};
  std::string text;
  for (size_t n = rng() % 40; n > 0; --n)
    if (utf8)
      text += pool[rng() % std::size(pool)];
    else
      text += char(rng());
  return text;
}

TEST(Tokenizer, DecodeInvertsEncode) {
  std::mt19937 rng(7);
  auto bpe = smallBpe(), pieces = smallSentencePiece();
  for (int round = 0; round < 4000; ++round) {
    for (const Tokenizer *tokenizer : {bpe.get(), pieces.get()}) {
      std::string text = randomText(rng, round % 2 == 0);
      // SentencePiece spells a space so, and cannot tell the two apart.
      if (tokenizer == pieces.get() && text.find("\u2581") != std::string::npos)
        continue;
      auto ids = tokenizer->encode(text);
      ASSERT_TRUE(ids.isOk()) << ids.status().str();
      EXPECT_EQ(*tokenizer->decode(*ids), text);
    }
  }
}

TEST(Tokenizer, StreamEqualsWhole) {
  std::mt19937 rng(8);
  auto bpe = smallBpe(), pieces = smallSentencePiece();
  for (int round = 0; round < 4000; ++round) {
    for (const Tokenizer *tokenizer : {bpe.get(), pieces.get()}) {
      std::vector<int32_t> ids;
      if (round % 2)
        ids = *tokenizer->encode(randomText(rng, true));
      else
        for (size_t n = rng() % 30; n > 0; --n)
          ids.push_back(int32_t(rng() % tokenizer->size()));
      StreamDecoder stream(*tokenizer);
      std::string text;
      for (int32_t id : ids) {
        std::string part = stream.push(id);
        EXPECT_EQ(part, validUtf8(part));
        text += part;
      }
      text += stream.finish();
      EXPECT_EQ(text, validUtf8(*tokenizer->decode(ids)));
    }
  }
}

TEST(Tokenizer, ValidUtf8UnderAnySplit) {
  std::mt19937 rng(9);
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = randomText(rng, round % 2 == 0);
    for (char &c : bytes)
      if (rng() % 8 == 0)
        c = char(0x80 + rng() % 0x80);
    std::string held, text;
    for (size_t at = 0; at < bytes.size();) {
      size_t length = 1 + rng() % 3;
      held += bytes.substr(at, length);
      std::string now = std::exchange(held, {});
      text += validUtf8(now, &held);
      at += length;
    }
    EXPECT_EQ(text + validUtf8(held), validUtf8(bytes));
  }
}

/// The reference: merge the best-ranked pair, leftmost first, until none is.
std::vector<std::string>
mergeSlowly(std::string_view piece,
            const std::vector<std::pair<std::string, std::string>> &merges) {
  std::vector<std::string> parts;
  for (char c : piece)
    parts.push_back(byteAlphabet()[uint8_t(c)]);
  while (true) {
    size_t best = merges.size(), where = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      for (size_t rank = 0; rank < best; ++rank)
        if (merges[rank].first == parts[i] &&
            merges[rank].second == parts[i + 1]) {
          best = rank;
          where = i;
        }
    if (best == merges.size())
      return parts;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + ptrdiff_t(where) + 1);
  }
}

TEST(Tokenizer, HeapMergesEqualSlowMerges) {
  std::mt19937 rng(10);
  for (int round = 0; round < 200; ++round) {
    auto tokenizer = test::randomBpe(rng);
    for (int i = 0; i < 10; ++i) {
      std::string text;
      for (size_t n = rng() % 60; n > 0; --n)
        text += "abc"[rng() % 3];
      std::vector<std::string> got;
      std::vector<int32_t> ids = *tokenizer->encode(text);
      for (int32_t id : ids)
        got.push_back(tokenizer->vocabulary().tokens[id]);
      EXPECT_EQ(got, text.empty()
                         ? std::vector<std::string>()
                         : mergeSlowly(text, tokenizer->vocabulary().merges));
    }
  }
}

TEST(Tokenizer, SentencePieceByHand) {
  auto tokenizer = smallSentencePiece();
  auto texts = [&](std::string_view text, EncodeOptions options = {}) {
    std::vector<std::string> out;
    std::vector<int32_t> ids = *tokenizer->encode(text, options);
    for (int32_t id : ids)
      out.push_back(tokenizer->vocabulary().tokens[id]);
    return out;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(texts("ab"), (List{"\u2581ab"}));
  EXPECT_EQ(texts("abab"), (List{"\u2581ab", "ab"}));
  EXPECT_EQ(texts("é"), (List{"\u2581", "<0xC3>", "<0xA9>"}));
  EXPECT_EQ(texts("<s>", {.parseSpecial = true}), (List{"<s>"}));
  EXPECT_EQ(texts("<s>").front(), "\u2581");
  EXPECT_EQ(texts("ab", {.addSpecial = true}), (List{"<s>", "\u2581ab"}));
}

TEST(Tokenizer, LongTextsAreFast) {
  std::mt19937 rng(11);
  auto bpe = smallBpe(), pieces = smallSentencePiece();
  auto words = test::smallWordPiece();
  std::string mixed;
  while (mixed.size() < (1 << 20))
    mixed += randomText(rng, true);
  for (const std::string &text :
       {std::string(1 << 20, 'a'), std::string(1 << 20, ' '), mixed,
        std::string(1 << 20, '\xFF'), std::string(1 << 20, '\n')}) {
    for (const Tokenizer *tokenizer : {bpe.get(), pieces.get(), words.get()}) {
      auto start = std::chrono::steady_clock::now();
      auto ids = tokenizer->encode(text);
      std::chrono::duration<double> took =
          std::chrono::steady_clock::now() - start;
      EXPECT_TRUE(ids.isOk()) << ids.status().str();
      if (!test::underSanitizer)
        EXPECT_LT(took.count(), 1.0) << tokenizer->config().algorithm;
    }
  }
}

TEST(Tokenizer, Speed) {
  if (test::exampleDecoder().empty())
    GTEST_SKIP() << test::modelsMissing;
  auto tokenizer = decoderTokenizer();
  auto prose = readFile(std::string(HETAGON_TEST_DATA) +
                        "/models/smollm2-135m-f32-greedy.jsonl");
  ASSERT_TRUE(prose.isOk());
  std::string text;
  while (text.size() < (4 << 20))
    text += *prose;
  auto start = std::chrono::steady_clock::now();
  auto ids = tokenizer->encode(text);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(ids.isOk());
  double rate = double(text.size()) / 1e6 / took.count();
  RecordProperty("megabytes_per_second", std::to_string(rate));
  std::printf("byte-bpe: %.1f MB/s\n", rate);
  if (!test::underSanitizer)
    EXPECT_GT(rate, 1.0);
}

TEST(TokenizerConfig, RefusesWhatItDoesNotKnow) {
  Vocabulary vocab;
  vocab.tokens = {"a"};
  TokenizerConfig config;
  config.algorithm = "unigram";
  EXPECT_EQ(Tokenizer::create(config, vocab).status().code(),
            Code::Unsupported);
  config.algorithm = "byte-bpe";
  config.options = {{"lowercase", "true"}};
  EXPECT_EQ(Tokenizer::create(config, vocab).status().code(),
            Code::InvalidArgument);
  config.options = {{"whole_piece_first", "maybe"}};
  EXPECT_EQ(Tokenizer::create(config, vocab).status().code(),
            Code::InvalidArgument);
}

} // namespace
} // namespace hetagon
