// GGUF files whose tokenizer is wrong on purpose, ten of each class, opened as
// `hetagon tokenize` opens them. Beside the mistakes that the format invites:
// llama.cpp issue 24888 (arrays of narrow types read as wide ones), pull
// requests 14145 and 25475 (counts and ids that do not fit the vocabulary) and
// 25969 ("<0x-1>" as an index), CVE-2025-49847 (a token too long for an int).
#include "frontend/Models/ModelDescription.h"
#include "test/runtime/models/Allocations.h"
#include "test/runtime/models/GgufBuilder.h"
#include "test/runtime/models/TokenizerCases.h"
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

using Random = std::mt19937;

/// The parts of a tokenizer's metadata, to be spoiled one by one.
struct Parts {
  std::string model = "gpt2";
  std::vector<std::string> tokens, merges;
  std::vector<int32_t> kinds;
  std::vector<float> scores;
  std::vector<std::pair<std::string, uint32_t>> ids = {
      {"tokenizer.ggml.bos_token_id", 0}, {"tokenizer.ggml.eos_token_id", 1}};
  /// Keys stored as bytes, whatever they should be.
  std::string narrow;

  GgufBuilder builder() const {
    GgufBuilder b;
    b.text("general.architecture", "llama");
    b.text("tokenizer.ggml.model", model);
    b.text("tokenizer.ggml.pre", "smollm");
    auto unlessNarrow = [&](const std::string &key, size_t count, auto write) {
      if (count == 0)
        return;
      if (narrow != key)
        return write();
      b.array(key, 0, count);
      b.metadata.resize(b.metadata.size() + count, 1);
    };
    b.texts("tokenizer.ggml.tokens", tokens);
    unlessNarrow("tokenizer.ggml.token_type", kinds.size(),
                 [&] { b.ints("tokenizer.ggml.token_type", kinds); });
    unlessNarrow("tokenizer.ggml.scores", scores.size(),
                 [&] { b.floats("tokenizer.ggml.scores", scores); });
    unlessNarrow("tokenizer.ggml.merges", merges.size(),
                 [&] { b.texts("tokenizer.ggml.merges", merges); });
    for (const auto &[key, id] : ids)
      b.u32(key, id);
    return b;
  }
};

/// Letters, byte tokens and two control tokens.
Parts sound(Random &random, const std::string &model) {
  Parts parts;
  parts.model = model;
  parts.tokens = {"<s>", "</s>"};
  parts.kinds = {3, 3};
  for (char c = 'a'; c <= 'z'; ++c) {
    parts.tokens.push_back(std::string(1, c));
    parts.kinds.push_back(1);
  }
  for (int i = 0; i < 20; ++i) {
    std::string left(1, char('a' + i)), right(1, char('a' + random() % 26));
    parts.tokens.push_back(left + right);
    parts.kinds.push_back(1);
    parts.merges.push_back(left + " " + right);
  }
  if (model == "llama") {
    parts.merges.clear();
    parts.tokens.push_back("<0x0A>");
    parts.kinds.push_back(6);
    for (size_t i = 0; i < parts.tokens.size(); ++i)
      parts.scores.push_back(-float(random() % 1000));
  }
  return parts;
}

/// Opens the file within the bounds of time and memory that hold for any.
Status openWithin(const Bytes &bytes, const char *name) {
  std::string path =
      writeBytes(testing::TempDir() + "hostile_tokenizer_" + name, bytes);
  auto start = std::chrono::steady_clock::now();
  AllocationPeak peak;
  auto tokenizer = openTokenizer(path);
  EXPECT_LE(peak.bytes(), 4 * bytes.size() + (size_t(64) << 20));
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::seconds(underSanitizer ? 10 : 1));
  if (tokenizer.isOk())
    (void)(*tokenizer)->encode("abc <s>", {.parseSpecial = true});
  return tokenizer.status();
}

struct HostileClass {
  const char *name, *model;
  std::function<void(Random &, Parts &)> spoil;
};

const HostileClass classes[] = {
    {"scores_of_a_narrow_type", "llama", // issue 24888
     [](Random &, Parts &p) { p.narrow = "tokenizer.ggml.scores"; }},
    {"merges_of_a_narrow_type", "gpt2",
     [](Random &, Parts &p) { p.narrow = "tokenizer.ggml.merges"; }},
    {"token_type_out_of_range", "gpt2",
     [](Random &random, Parts &p) {
       int32_t bad[] = {-1, 7, 255, std::numeric_limits<int32_t>::min()};
       p.kinds[random() % p.kinds.size()] = bad[random() % 4];
     }},
    {"token_types_do_not_match_tokens", "gpt2", // pull request 14145
     [](Random &random, Parts &p) { p.kinds.resize(1 + random() % 40, 1); }},
    {"scores_do_not_match_tokens", "llama",
     [](Random &random, Parts &p) { p.scores.resize(1 + random() % 40); }},
    {"score_not_a_number", "llama",
     [](Random &random, Parts &p) {
       p.scores[random() % p.scores.size()] =
           std::numeric_limits<float>::quiet_NaN();
     }},
    {"no_scores", "llama", [](Random &, Parts &p) { p.scores.clear(); }},
    {"no_tokens", "gpt2",
     [](Random &, Parts &p) {
       p.tokens.clear();
       p.kinds.clear();
     }},
    {"special_id_beyond_the_tokens", "gpt2", // pull request 25475
     [](Random &random, Parts &p) {
       const char *names[] = {"bos", "eos", "unknown", "padding", "eot"};
       p.ids = {
           {std::string("tokenizer.ggml.") + names[random() % 5] + "_token_id",
            uint32_t(random() % 2 ? p.tokens.size() + random() % 9
                                  : ~0u - random() % 9)}};
     }},
    {"byte_token_no_byte", "llama", // pull request 25969
     [](Random &random, Parts &p) {
       const char *bad[] = {"<0x-1>", "<0xZZ>", "<0x1>", "<0x 1>", "<0x+1>"};
       p.tokens.back() = bad[random() % 5];
     }},
    {"merge_of_no_tokens", "gpt2",
     [](Random &random, Parts &p) {
       const char *bad[] = {"ab", "", " ", "a ", "a !", "z q a"};
       p.merges[random() % p.merges.size()] = bad[random() % 6];
     }},
    {"token_twice", "gpt2",
     [](Random &random, Parts &p) {
       p.tokens[2 + random() % 20] = p.tokens[23 + random() % 5];
     }},
    {"huge_control_token", "gpt2", // CVE-2025-49847
     [](Random &random, Parts &p) {
       p.tokens[random() % 2] = std::string(257 + random() % (1 << 22), 'x');
     }},
    {"too_many_tokens", "gpt2",
     [](Random &random, Parts &p) {
       for (size_t n = (1 << 19) + random() % 100; p.tokens.size() <= n;) {
         p.tokens.push_back("t" + std::to_string(p.tokens.size()));
         p.kinds.push_back(1);
       }
     }},
    {"too_many_merges", "gpt2",
     [](Random &random, Parts &p) {
       p.merges.resize((1 << 19) + 1 + random() % 100, p.merges[0]);
     }},
    {"too_much_control_text", "gpt2",
     [](Random &random, Parts &p) {
       for (int i = 0; i < 5000; ++i) {
         std::string text = std::to_string(i);
         while (text.size() < 250)
           text += char('a' + random() % 26);
         p.tokens.push_back(text);
         p.kinds.push_back(3);
       }
     }},
};

} // namespace

TEST(HostileTokenizer, ClassesAreRefused) {
  for (const HostileClass &hostile : classes)
    for (unsigned seed = 0; seed < 10; ++seed) {
      SCOPED_TRACE(std::string(hostile.name) + " seed " + std::to_string(seed));
      Random random(seed);
      Parts parts = sound(random, hostile.model);
      hostile.spoil(random, parts);
      Status status = openWithin(parts.builder().build(), hostile.name);
      ASSERT_FALSE(status.isOk());
      ASSERT_TRUE(status.place()) << status.str();
      EXPECT_TRUE(status.place()->offset) << status.str();
    }
}

TEST(HostileTokenizer, SoundOnesAreAccepted) {
  for (const char *model : {"gpt2", "llama"})
    for (unsigned seed = 0; seed < 10; ++seed) {
      Random random(seed);
      Status status = openWithin(sound(random, model).builder().build(), model);
      EXPECT_TRUE(status.isOk()) << status.str();
    }
}

TEST(HostileTokenizer, TheLargestStayWithinTheMemoryBound) {
  Random random(1);
  for (const char *model : {"gpt2", "llama"}) {
    Parts parts = sound(random, model);
    while (parts.tokens.size() < 1 << 19) {
      parts.tokens.push_back("t" + std::to_string(parts.tokens.size()));
      parts.kinds.push_back(1);
      if (!parts.scores.empty())
        parts.scores.push_back(-1);
    }
    if (parts.scores.empty())
      parts.merges.resize(1 << 19, parts.merges[0]);
    Status status = openWithin(parts.builder().build(), "largest");
    EXPECT_TRUE(status.isOk()) << status.str();
  }
  Parts talkative = sound(random, "gpt2");
  for (int i = 0; i < 2000; ++i) {
    std::string text = std::to_string(i);
    while (text.size() < 250)
      text += char('a' + random() % 26);
    talkative.tokens.push_back(text);
    talkative.kinds.push_back(3);
  }
  Status spoken = openWithin(talkative.builder().build(), "talkative");
  EXPECT_TRUE(spoken.isOk()) << spoken.str();
  // A token longer than any piece of text is only in the way.
  Parts parts = sound(random, "gpt2");
  parts.tokens.push_back(std::string(48 << 20, 'x'));
  parts.kinds.push_back(1);
  Status status = openWithin(parts.builder().build(), "long");
  EXPECT_TRUE(status.isOk()) << status.str();
}

TEST(HostileTokenizer, MutatedOnesFailWithAPlace) {
  Random random(3);
  for (const char *model : {"gpt2", "llama"}) {
    GgufBuilder builder = sound(random, model).builder();
    Bytes original = builder.build();
    for (int round = 0; round < 200; ++round) {
      Bytes bytes = original;
      for (size_t n = 1 + random() % 4; n--;)
        bytes[random() % (24 + builder.metadata.size())] =
            random() % 2 ? uint8_t(random()) : uint8_t(random() % 8);
      Status status = openWithin(bytes, "mutated");
      if (!status.isOk())
        EXPECT_TRUE(status.place()) << status.str();
    }
  }
}
