// Hostile GGUF files, ten of each class: the published faults of llama.cpp's
// and Ollama's readers, named beside their class, and the mistakes that the
// format invites. Faults of tokenizers are in TokenizerHostile_test.cpp
// (CVE-2025-49847, CVE-2025-52566) and frontend/Models/HostileTokenizer_test.
#include "runtime/models/Gguf.h"
#include "test/runtime/models/Hostile.h"
#include <functional>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

using Random = std::mt19937_64;

uint64_t between(Random &random, uint64_t low, uint64_t high) {
  return std::uniform_int_distribution<uint64_t>(low, high)(random);
}

/// Numbers that overflow when multiplied by small sizes, or merely are large.
uint64_t huge(Random &random) {
  switch (between(random, 0, 4)) {
  case 0:
    return ~uint64_t(0) - between(random, 0, 40);
  case 1:
    return (uint64_t(1) << between(random, 56, 63)) + between(random, 0, 64);
  case 2:
    return (uint64_t(1) << 63) - between(random, 1, 100);
  case 3:
    return (~uint64_t(0) / between(random, 8, 400)) + between(random, 1, 3);
  default:
    return between(random, uint64_t(1) << 32, uint64_t(1) << 40);
  }
}

/// A small well-formed file with random extras.
GgufBuilder sound(Random &random) {
  GgufBuilder builder;
  builder.text("general.architecture", "llama");
  builder.u32("a.count", uint32_t(random()));
  builder.texts("tokenizer.ggml.tokens", {"<s>", "</s>", "a", "b"});
  builder.floats("scores", {1, 2, 3});
  for (uint64_t i = 0, n = between(random, 1, 4); i < n; ++i)
    builder.tensor("blk." + std::to_string(i) + ".w", 8,
                   {32 * between(random, 1, 3), 1}, Bytes(34 * 3));
  return builder;
}

struct HostileClass {
  const char *name;
  std::function<Bytes(Random &)> make;
};

const HostileClass classes[] = {
    {"n_kv_overflow", // CVE-2024-23605
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.extraValues = int64_t(huge(random));
       return builder.build();
     }},
    {"n_tensors_overflow", // CVE-2024-21836
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.extraTensors = int64_t(huge(random));
       return builder.build();
     }},
    {"n_tensors_more_than_there_are",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.data.clear();
       builder.extraTensors = int64_t(between(random, 1, 1000));
       return builder.build();
     }},
    {"string_length_overflow", // CVE-2024-23496
     [](Random &random) {
       GgufBuilder builder = sound(random);
       append<uint64_t>(builder.metadata, huge(random));
       append<uint32_t>(builder.metadata, 8);
       ++builder.values;
       return builder.build();
     }},
    {"string_value_beyond_the_end",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       appendText(builder.metadata, "key");
       append<uint32_t>(builder.metadata, 8);
       append<uint64_t>(builder.metadata, between(random, 1000, 1 << 30));
       ++builder.values;
       return builder.build();
     }},
    {"array_count_overflow", // CVE-2024-21825
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint32_t type = uint32_t(between(random, 0, 12));
       builder.array("array", type, huge(random));
       return builder.build();
     }},
    {"arrays_nested_too_deep",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.array("array", 9, 1);
       for (uint64_t i = 0, n = between(random, 5, 20000); i < n; ++i) {
         append<uint32_t>(builder.metadata, 9);
         append<uint64_t>(builder.metadata, 1);
       }
       append<uint32_t>(builder.metadata, 0);
       append<uint64_t>(builder.metadata, 0);
       return builder.build();
     }},
    {"metadata_type_out_of_range",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.scalar("key", uint32_t(between(random, 13, ~uint32_t(0))),
                      uint64_t(0));
       return builder.build();
     }},
    {"array_element_type_out_of_range",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.array("key", uint32_t(between(random, 13, ~uint32_t(0))),
                     between(random, 0, 2));
       append<uint64_t>(builder.metadata, 0);
       return builder.build();
     }},
    {"duplicate_key",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.u32("a.count", uint32_t(random()));
       return builder.build();
     }},
    {"bool_neither_0_nor_1",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.scalar("flag", 7, uint8_t(between(random, 2, 255)));
       return builder.build();
     }},
    {"tensor_rank", // CVE-2024-21802
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.tensorAt("t", 0,
                        std::vector<uint64_t>(between(random, 5, 100), 1), 0);
       return builder.build();
     }},
    {"tensor_dims_product_overflow", // CVE-2026-33298
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint64_t a = uint64_t(1) << between(random, 31, 33);
       uint64_t b = uint64_t(1) << between(random, 31, 33);
       builder.tensorAt("t", uint32_t(between(random, 0, 1)), {a, b, 2}, 0);
       return builder.build();
     }},
    {"tensor_sizes_sum_overflow", // CVE-2025-53630, CVE-2026-27940
     [](Random &random) {
       // Each size fits in 64 bits; their sum, or the last one padded, wraps.
       GgufBuilder builder = sound(random);
       uint64_t quarter = uint64_t(1) << 60;
       if (random() % 2)
         builder.tensorAt("t", 0, {4 * quarter - between(random, 1, 8)}, 0);
       else
         for (uint64_t i = 0; i < 4; ++i)
           builder.tensorAt("t" + std::to_string(i), 0,
                            {quarter + between(random, 0, 64)},
                            i * 4 * quarter);
       builder.tensorAt("last", 0, {8}, 0);
       return builder.build();
     }},
    {"tensor_dim_zero_or_negative",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint64_t bad =
           random() % 2 ? 0 : ~uint64_t(0) - between(random, 0, 1000);
       builder.tensorAt("t", 0, {1, bad}, 0);
       return builder.build();
     }},
    {"tensor_row_not_whole_blocks",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.tensorAt("t", 12, {between(random, 1, 255), 256}, 0);
       return builder.build();
     }},
    {"tensor_type_out_of_range",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint32_t type = random() % 2
                           ? uint32_t(between(random, 42, ~uint32_t(0)))
                           : uint32_t(between(random, 4, 5));
       builder.tensorAt("t", type, {32}, 0);
       return builder.build();
     }},
    {"tensor_offset_beyond_the_end",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint64_t offset = huge(random) / 32 * 32;
       builder.tensorAt("t", 0, {8}, offset);
       return builder.build();
     }},
    {"tensor_size_beyond_the_end", // CVE-2026-7482
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint64_t at = builder.data.size();
       builder.tensorAt("t", 0, {between(random, 1, uint64_t(1) << 50)}, at);
       return builder.build();
     }},
    {"tensor_offset_unaligned",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint64_t at = builder.data.size() + between(random, 1, 31);
       builder.data.resize(builder.data.size() + 64);
       builder.tensorAt("t", 0, {4}, at);
       return builder.build();
     }},
    {"tensors_overlap",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.tensorAt("t", 24, {between(random, 1, 34)}, 0);
       return builder.build();
     }},
    {"duplicate_tensor",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.tensor("blk.0.w", 0, {between(random, 1, 8)}, Bytes(32));
       return builder.build();
     }},
    {"tensor_name_empty_or_too_long", // GGML_MAX_NAME
     [](Random &random) {
       GgufBuilder builder = sound(random);
       std::string name(random() % 2 ? 0 : between(random, 256, 5000), 'n');
       builder.tensor(name, 0, {8}, Bytes(32));
       return builder.build();
     }},
    {"alignment_zero_or_no_power_of_two",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       uint32_t alignments[] = {0, 3, 5, 31, 33, 48, 96, 1000, ~0u, ~0u - 31};
       builder.u32("general.alignment", alignments[between(random, 0, 9)]);
       return builder.build();
     }},
    {"alignment_of_another_type", // llama.cpp pull request 26318
     [](Random &random) {
       GgufBuilder builder = sound(random);
       if (random() % 2)
         builder.text("general.alignment", "32");
       else
         builder.f32("general.alignment", 32);
       return builder.build();
     }},
    {"version_unknown",
     [](Random &random) {
       GgufBuilder builder = sound(random);
       builder.version = random() % 2 ? uint32_t(between(random, 4, ~0u))
                                      : uint32_t(between(random, 0, 1));
       return builder.build();
     }},
    {"truncated_header_or_tables", // CVE-2024-32878, CVE-2024-41130
     [](Random &random) {
       GgufBuilder builder = sound(random);
       Bytes bytes = builder.build();
       size_t tables = 24 + builder.metadata.size() + builder.infos.size();
       bytes.resize(between(random, 4, tables - 1));
       return bytes;
     }},
};

TEST(GgufHostile, ClassesAreRefused) {
  for (const HostileClass &hostile : classes)
    for (uint64_t seed = 0; seed < 10; ++seed) {
      SCOPED_TRACE(std::string(hostile.name) + " seed " + std::to_string(seed));
      Random random(seed * 1000 + 7);
      expectRefused(hostile.make(random), hostile.name);
    }
}

TEST(GgufHostile, TheSoundFileIsAccepted) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    Status status = openHostile(sound(random).build(), "sound");
    EXPECT_TRUE(status.isOk()) << status.str();
  }
}

TEST(GgufHostile, ManyTinyTensorsStayWithinTheMemoryBound) {
  GgufBuilder builder;
  for (int i = 0; i < 100000; ++i)
    builder.tensorAt(std::to_string(i), 0, {1}, uint64_t(i) * 32);
  builder.data.resize(100000 * 32);
  EXPECT_TRUE(openHostile(builder.build(), "many").isOk());
  GgufBuilder scalars;
  for (uint64_t i = 0; i < TensorFile::maxTensors; ++i)
    scalars.tensorAt(std::to_string(i), 24, {}, 0);
  scalars.data.resize(32);
  expectRefused(scalars.build(), "scalars");
}

TEST(GgufHostile, MutatedFilesNeverEscapeTheirBounds) {
  Random random(42);
  Bytes original = sound(random).build();
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes = original;
    for (uint64_t i = 0, n = between(random, 1, 6); i < n; ++i) {
      size_t at = between(random, 0, bytes.size() - 1);
      switch (between(random, 0, 3)) {
      case 0:
        bytes[at] = uint8_t(random());
        break;
      case 1:
        bytes[at] ^= uint8_t(1 << between(random, 0, 7));
        break;
      case 2:
        bytes[at] = 0xff;
        break;
      default:
        bytes.resize(std::max<size_t>(at, 8));
      }
      if (bytes.size() <= 8)
        break;
    }
    Status status = openHostile(bytes, "mutated");
    if (!status.isOk())
      EXPECT_TRUE(status.place()) << status.str();
  }
}

} // namespace
