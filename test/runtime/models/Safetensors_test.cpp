// Reading safetensors: well-formed files, and ten hostile ones of each class.
#include "runtime/models/Safetensors.h"
#include "test/runtime/models/Hostile.h"
#include "test/runtime/models/Models.h"
#include <functional>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

using Random = std::mt19937_64;

uint64_t between(Random &random, uint64_t low, uint64_t high) {
  return std::uniform_int_distribution<uint64_t>(low, high)(random);
}

std::string entry(const std::string &name, const std::string &dtype,
                  const std::string &shape, const std::string &begin,
                  const std::string &end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + begin + "," + end + "]}";
}

/// {"a": f32 [2,3], "b": f16 [4]}: 32 bytes of data.
const std::string soundEntries = entry("a", "F32", "2,3", "0", "24") + "," +
                                 entry("b", "F16", "4", "24", "32");

std::string text(uint64_t number) { return std::to_string(number); }

TEST(Safetensors, ReadsTensorsAndMetadata) {
  std::string path = writeBytes(
      testing::TempDir() + "sound.safetensors",
      safetensors("{\"__metadata__\":{\"format\":\"pt\"}," + soundEntries +
                      "," + entry("ids", "I64", "", "32", "40") + "}   ",
                  40));
  auto opened = TensorFile::open(path);
  ASSERT_TRUE(opened.isOk()) << opened.status().str();
  auto a = (*opened)->find("a");
  ASSERT_TRUE(a.isOk());
  EXPECT_EQ("2x3xf32", a->shape());
  EXPECT_EQ(24u, a->bytes.size());
  EXPECT_EQ(TensorFormat::F16, (*opened)->find("b")->format);
  EXPECT_EQ(Code::Unsupported, (*opened)->find("ids").status().code());
  auto *file = dynamic_cast<const SafetensorsFile *>(opened->get());
  ASSERT_TRUE(file);
  EXPECT_EQ("pt", file->metadata().at("format"));
}

TEST(Safetensors, ReadsTheExampleModel) {
  std::string folder = exampleEncoder();
  if (folder.empty())
    GTEST_SKIP() << modelsMissing;
  auto opened = TensorFile::open(folder + "/model.safetensors");
  ASSERT_TRUE(opened.isOk()) << opened.status().str();
  auto words = (*opened)->find("embeddings.word_embeddings.weight");
  ASSERT_TRUE(words.isOk()) << words.status().str();
  EXPECT_EQ("30522x384xf32", words->shape());
}

struct HostileClass {
  const char *name;
  std::function<Bytes(Random &)> make;
};

Bytes withEntry(const std::string &more, size_t dataBytes = 32) {
  return safetensors("{" + soundEntries + "," + more + "}", dataBytes);
}

const HostileClass classes[] = {
    {"header_length_beyond_the_file",
     [](Random &random) {
       Bytes bytes = safetensors("{" + soundEntries + "}", 32);
       uint64_t length = random() % 2 ? between(random, 1000, 99'000'000)
                                      : ~uint64_t(0) - between(random, 0, 16);
       std::memcpy(bytes.data(), &length, 8);
       return bytes;
     }},
    {"header_cut_short",
     [](Random &random) {
       Bytes bytes = safetensors("{" + soundEntries + "}", 32);
       uint64_t length = between(random, 1, soundEntries.size());
       std::memcpy(bytes.data(), &length, 8);
       return bytes;
     }},
    {"header_not_json",
     [](Random &random) {
       std::string header = "{" + soundEntries + "}";
       header[between(random, 1, 20)] = char(between(random, 1, 31));
       return safetensors(header, 32);
     }},
    {"header_nested_deep",
     [](Random &random) {
       std::string open;
       for (uint64_t i = 0, n = between(random, 3, 200000); i < n; ++i)
         open += random() % 2 ? "[" : "{\"a\":";
       return safetensors("{\"a\":" + open, 0);
     }},
    {"header_many_numbers",
     [](Random &random) {
       std::string shape = "1";
       for (uint64_t i = 0, n = between(random, 9, 300000); i < n; ++i)
         shape += ",1";
       return withEntry(entry("c", "F32", shape, "32", "36"), 36);
     }},
    {"offsets_beyond_the_data",
     [](Random &random) {
       uint64_t end = 33 + between(random, 0, uint64_t(1) << 60);
       return withEntry(entry("c", "U8", text(end - 32), "32", text(end)));
     }},
    {"offsets_reversed",
     [](Random &random) {
       return withEntry(entry("c", "F32", "1", text(between(random, 9, 32)),
                              text(between(random, 0, 8))));
     }},
    {"offsets_overlap",
     [](Random &random) {
       uint64_t begin = between(random, 0, 31);
       return withEntry(entry("c", "U8", text(32 - begin), text(begin), "32"));
     }},
    {"offsets_with_holes",
     [](Random &random) {
       uint64_t hole = between(random, 1, 1000);
       return withEntry(entry("c", "U8", "8", text(32 + hole), text(40 + hole)),
                        40 + hole);
     }},
    {"bytes_behind_the_last_tensor",
     [](Random &random) {
       return safetensors("{" + soundEntries + "}",
                          32 + between(random, 1, 1000));
     }},
    {"shape_product_overflow",
     [](Random &random) {
       uint64_t a = uint64_t(1) << between(random, 30, 34);
       std::string shape = text(a) + "," + text(a) + "," + text(a);
       return withEntry(entry("c", "F32", shape, "32", "32"));
     }},
    {"shape_and_offsets_disagree",
     [](Random &random) {
       return withEntry(
           entry("c", "F32", text(between(random, 2, 99)), "32", "36"), 36);
     }},
    {"dtype_unknown",
     [](Random &random) {
       const char *dtypes[] = {"F31", "f32", "", "COMPLEX", "Q4_0"};
       return withEntry(
           entry("c", dtypes[between(random, 0, 4)], "1", "32", "36"), 36);
     }},
    {"duplicate_tensor",
     [](Random &random) {
       return withEntry(entry(random() % 2 ? "a" : "b", "U8", "4", "32", "36"),
                        36);
     }},
    {"wrong_kinds_of_values",
     [](Random &random) {
       const char *values[] = {
           "\"c\":5",
           "\"c\":[1]",
           "\"c\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[32,36]}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[32,36]}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[32,36]}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[32,36]}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[32]}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[3,6,9]}",
           "\"c\":{\"shape\":[1],\"data_offsets\":[32,36]}",
           "\"c\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}",
           "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"more\":[1]}",
           "\"__metadata__\":{\"a\":{}}",
           "\"__metadata__\":3",
           "\"c\":{}",
           "\"c\":null",
       };
       return withEntry(values[between(random, 0, std::size(values) - 1)], 36);
     }},
};

TEST(SafetensorsHostile, ClassesAreRefused) {
  for (const HostileClass &hostile : classes)
    for (uint64_t seed = 0; seed < 10; ++seed) {
      SCOPED_TRACE(std::string(hostile.name) + " seed " + std::to_string(seed));
      Random random(seed * 100 + 3);
      expectRefused(hostile.make(random), hostile.name);
    }
}

TEST(SafetensorsHostile, MutatedFilesNeverEscapeTheirBounds) {
  Random random(7);
  Bytes original = safetensors("{" + soundEntries + "}", 32);
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes = original;
    for (uint64_t i = 0, n = between(random, 1, 5); i < n; ++i) {
      uint8_t &byte = bytes[between(random, 0, bytes.size() - 1)];
      byte = random() % 2 ? uint8_t(random())
                          : uint8_t("0123456789,:[]{}\""[random() % 17]);
    }
    if (random() % 4 == 0)
      bytes.resize(between(random, 0, bytes.size()));
    Status status = openHostile(bytes, "mutated_st");
    if (!status.isOk())
      EXPECT_TRUE(status.place()) << status.str();
  }
}

} // namespace
