// The vulkan backend against the reference backend: the same programs and
// contents through both lowering halves and devices, each operation alone and
// an encoder whole.
#include "backends/vulkan/Payload.h"
#include "test/backends/vulkan/ProgramRunner.h"
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::test;

namespace {

using Random = std::mt19937;

Bytes randomFloats(Random &random, size_t count, float deviation = 1) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return bytesOf(values);
}

/// Sequences of random lengths: what an encoder's protocol says of them.
void addBatch(Random &random, ProgramData &data, int64_t seqs, int64_t longest,
              int64_t vocabulary) {
  std::vector<int32_t> tokens, positions, begins, ends, segments;
  for (int64_t seq = 0; seq < seqs; ++seq) {
    auto begin = int32_t(tokens.size());
    auto length = int32_t(1 + random() % longest);
    segments.insert(segments.end(), {begin, begin + length});
    for (int32_t position = 0; position < length; ++position) {
      tokens.push_back(int32_t(random() % vocabulary));
      positions.push_back(position);
      begins.push_back(begin);
      ends.push_back(begin + length);
    }
  }
  data.symbols["rows"] = int64_t(tokens.size());
  data.symbols["seqs"] = seqs;
  data.contents["tokens"] = bytesOf(tokens);
  data.contents["positions"] = bytesOf(positions);
  data.contents["row_begin"] = bytesOf(begins);
  data.contents["row_end"] = bytesOf(ends);
  data.contents["segments"] = bytesOf(segments);
}

/// Fills every weight and float input of the program that has no content yet.
void addRandom(Random &random, ProgramData &data,
               const LoweredProgram &program) {
  for (const auto &buffer : program.service.buffers) {
    if (buffer->storage != plan::fb::Storage::weight &&
        buffer->storage != plan::fb::Storage::input)
      continue;
    if (data.contents.count(buffer->name))
      continue;
    size_t count = 1;
    for (const auto &dim : buffer->dims)
      count *= dim->symbol.empty() ? dim->size : data.symbols.at(dim->symbol);
    bool isMatrix = buffer->dims.size() == 2 && buffer->dims[0]->symbol.empty();
    float deviation =
        isMatrix ? 1 / std::sqrt(float(buffer->dims[1]->size)) : 1;
    data.contents[buffer->name] = randomFloats(random, count, deviation);
  }
}

double cosine(const float *a, const float *b, size_t count) {
  double product = 0, first = 0, second = 0;
  for (size_t i = 0; i < count; ++i) {
    product += double(a[i]) * b[i];
    first += double(a[i]) * a[i];
    second += double(b[i]) * b[i];
  }
  return product / std::sqrt(first * second);
}

class Vulkan : public testing::Test {
protected:
  static void SetUpTestSuite() {
    // Under the validation layer, whose complaints fail every later call; where
    // it is not installed, unwatched.
    auto watched = ProgramRunner::open("vulkan", R"({"validation": true})");
    isWatched = watched.isOk();
    auto opened =
        isWatched ? std::move(watched) : ProgramRunner::open("vulkan");
    if (opened.isOk())
      vulkan = std::move(opened).value();
    else
      reason = opened.status().str();
    auto oracle = ProgramRunner::open("reference");
    if (oracle.isOk())
      reference = std::move(oracle).value();
    else
      reason = oracle.status().str();
  }
  static void TearDownTestSuite() {
    vulkan.reset();
    reference.reset();
  }
  void SetUp() override {
    if (!vulkan || !reference)
      GTEST_SKIP() << reason;
  }
  void TearDown() override {
    if (vulkan) {
      Status status = vulkan->device().status();
      EXPECT_TRUE(status.isOk()) << status.str();
    }
  }

  /// Both results of the program.
  void runBoth(const std::string &text, ProgramData data, Random &random,
               std::vector<float> &expected, std::vector<float> &actual) {
    auto forVulkan = lowerProgram("vulkan", text);
    ASSERT_TRUE(forVulkan.isOk()) << forVulkan.status().str();
    auto forReference = lowerProgram("reference", text);
    ASSERT_TRUE(forReference.isOk()) << forReference.status().str();
    addRandom(random, data, forReference.value());
    auto wanted = reference->run(forReference.value(), data);
    ASSERT_TRUE(wanted.isOk()) << wanted.status().str();
    auto got = vulkan->run(forVulkan.value(), data, 2);
    ASSERT_TRUE(got.isOk()) << got.status().str();
    expected = std::move(wanted).value();
    actual = std::move(got).value();
  }

  static inline std::unique_ptr<ProgramRunner> vulkan, reference;
  static inline std::string reason;
  static inline bool isWatched = false;
};

std::string rows(int64_t columns) {
  return "tensor<?x" + std::to_string(columns) + "xf32>";
}
std::string vector(int64_t columns) {
  return "tensor<" + std::to_string(columns) + "xf32>";
}
std::string matrix(int64_t n, int64_t k) {
  return "tensor<" + std::to_string(n) + "x" + vector(k).substr(7);
}

/// One operation: how to write it, and the sizes to draw.
struct OpCase {
  const char *name;
  /// The body from %x [rows, in] to %y [rows or seqs, out].
  std::string (*body)(int64_t in, int64_t out);
  bool keepsColumns = true;
};

void PrintTo(const OpCase &value, std::ostream *stream) {
  *stream << value.name;
}

const OpCase opCases[] = {
    {"Embedding",
     [](int64_t in, int64_t out) {
       return "%t = nn.weight \"t\" : " + matrix(50, out) +
              "\n%y = nn.embedding %tokens, %t : " + matrix(50, out) + " -> " +
              rows(out);
     }},
    {"Linear",
     [](int64_t in, int64_t out) {
       return "%w = nn.weight \"w\" : " + matrix(out, in) +
              "\n%y = nn.linear %x, %w : " + rows(in) + ", " + matrix(out, in) +
              " -> " + rows(out);
     },
     false},
    {"LinearBias",
     [](int64_t in, int64_t out) {
       return "%w = nn.weight \"w\" : " + matrix(out, in) +
              "\n%b = nn.weight \"b\" : " + vector(out) +
              "\n%y = nn.linear %x, %w bias %b : " + rows(in) + ", " +
              matrix(out, in) + ", " + vector(out) + " -> " + rows(out);
     },
     false},
    {"LayerNorm",
     [](int64_t in, int64_t) {
       return "%w = nn.weight \"w\" : " + vector(in) +
              "\n%b = nn.weight \"b\" : " + vector(in) +
              "\n%y = nn.layer_norm %x, %w, %b eps 1.0e-12 : " + rows(in) +
              ", " + vector(in);
     }},
    {"L2Normalize",
     [](int64_t in, int64_t) {
       return "%y = nn.l2_normalize %x : " + rows(in);
     }},
    {"SegmentAttention",
     [](int64_t in, int64_t) {
       return "%y = nn.segment_attention %x, %x, %x, %row_begin, %row_end "
              "heads "
              "1 scale 0.3 : " +
              rows(in);
     }},
    {"Add",
     [](int64_t in, int64_t) {
       return "%y = nn.add %x, %x : " + rows(in) + ", " + rows(in);
     }},
    {"AddVector",
     [](int64_t in, int64_t) {
       return "%v = nn.weight \"v\" : " + vector(in) +
              "\n%y = nn.add %x, %v : " + rows(in) + ", " + vector(in);
     }},
    {"MulVector",
     [](int64_t in, int64_t) {
       return "%v = nn.weight \"v\" : " + vector(in) +
              "\n%y = nn.mul %x, %v : " + rows(in) + ", " + vector(in);
     }},
    {"Scale", [](int64_t in,
                 int64_t) { return "%y = nn.scale %x by 0.7 : " + rows(in); }},
    {"Gelu",
     [](int64_t in, int64_t) {
       return "%y = nn.activation gelu %x : " + rows(in);
     }},
    {"GeluTanh",
     [](int64_t in, int64_t) {
       return "%y = nn.activation gelu_tanh %x : " + rows(in);
     }},
    {"Silu",
     [](int64_t in, int64_t) {
       return "%y = nn.activation silu %x : " + rows(in);
     }},
    {"Relu",
     [](int64_t in, int64_t) {
       return "%y = nn.activation relu %x : " + rows(in);
     }},
    {"PoolMean",
     [](int64_t in, int64_t) {
       return "%y = nn.pool mean %x, %segments : " + rows(in);
     }},
    {"PoolFirst",
     [](int64_t in, int64_t) {
       return "%y = nn.pool first %x, %segments : " + rows(in);
     }},
};

TEST_F(Vulkan, RunsUnderTheValidationLayer) {
  if (!isWatched)
    GTEST_SKIP() << "VK_LAYER_KHRONOS_validation is not installed";
  EXPECT_TRUE(vulkan->device().status().isOk());
}

class VulkanOp : public Vulkan, public testing::WithParamInterface<OpCase> {};

TEST_P(VulkanOp, AgreesWithReference) {
  Random random(7);
  // Columns that can be moved by fours, and columns that cannot.
  for (int64_t in : {8, 7, 96, 33}) {
    int64_t out = GetParam().keepsColumns ? in : 1 + random() % 70;
    std::string text =
        "nn.func @op(%tokens: tensor<?xi32>, %x: " + rows(in) +
        ", %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: "
        "tensor<?x2xi32>) -> (%result: " +
        rows(out) + ") artefact \"w\" {\n" + GetParam().body(in, out) +
        "\nnn.return %y : " + rows(out) + "\n}\n";
    ProgramData data;
    addBatch(random, data, 1 + int64_t(random() % 4), 13, 53);
    std::vector<float> expected, actual;
    ASSERT_NO_FATAL_FAILURE(runBoth(text, data, random, expected, actual));
    ASSERT_EQ(expected.size(), actual.size());
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(expected[i], actual[i],
                  3e-6 * std::max(1.0f, std::abs(expected[i])))
          << "column " << i % out << " of " << out << ", row " << i / out;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, VulkanOp, testing::ValuesIn(opCases),
                         [](const auto &info) { return info.param.name; });

/// A small encoder of two layers with everything that MiniLM's has.
std::string encoder(int64_t columns, int64_t inner, int64_t heads) {
  std::string r = rows(columns), v = vector(columns);
  std::string text =
      "nn.func @encoder(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, "
      "%row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: "
      "tensor<?x2xi32>) -> (%embedding: " +
      r + ") kind encoder artefact \"w\" {\n";
  int next = 0;
  auto line = [&](const std::string &rest) {
    std::string name = "%v" + std::to_string(next++);
    text += "  " + name + " = " + rest + "\n";
    return name;
  };
  auto weight = [&](const std::string &type) {
    return line("nn.weight \"w" + std::to_string(next) + "\" : " + type);
  };
  auto linear = [&](const std::string &x, int64_t k, int64_t n) {
    std::string w = weight(matrix(n, k)), b = weight(vector(n));
    return line("nn.linear " + x + ", " + w + " bias " + b + " : " + rows(k) +
                ", " + matrix(n, k) + ", " + vector(n) + " -> " + rows(n));
  };
  auto add = [&](const std::string &a, const std::string &b) {
    return line("nn.add " + a + ", " + b + " : " + r + ", " + r);
  };
  auto norm = [&](const std::string &x) {
    std::string w = weight(v), b = weight(v);
    return line("nn.layer_norm " + x + ", " + w + ", " + b +
                " eps 1.0e-12 : " + r + ", " + v);
  };
  auto embed = [&](const std::string &ids, int64_t count) {
    std::string table = weight(matrix(count, columns));
    return line("nn.embedding " + ids + ", " + table + " : " +
                matrix(count, columns) + " -> " + r);
  };
  std::string x = add(embed("%tokens", 100), embed("%positions", 64));
  std::string type = weight(v);
  x = norm(line("nn.add " + x + ", " + type + " : " + r + ", " + v));
  for (int layer = 0; layer < 2; ++layer) {
    std::string q = linear(x, columns, columns),
                k = linear(x, columns, columns),
                w = linear(x, columns, columns);
    std::string a = line(
        "nn.segment_attention " + q + ", " + k + ", " + w +
        ", %row_begin, %row_end heads " + std::to_string(heads) + " scale " +
        std::to_string(1 / std::sqrt(double(columns) / heads)) + " : " + r);
    x = norm(add(linear(a, columns, columns), x));
    std::string up = linear(x, columns, inner);
    std::string g = line("nn.activation gelu " + up + " : " + rows(inner));
    x = norm(add(linear(g, inner, columns), x));
  }
  std::string p = line("nn.pool mean " + x + ", %segments : " + r);
  std::string e = line("nn.l2_normalize " + p + " : " + r);
  return text + "  nn.return " + e + " : " + r + "\n}\n";
}

TEST_F(Vulkan, EncoderAgreesWithReference) {
  Random random(11);
  ProgramData data;
  addBatch(random, data, 5, 40, 100);
  std::vector<float> expected, actual;
  ASSERT_NO_FATAL_FAILURE(
      runBoth(encoder(48, 96, 3), data, random, expected, actual));
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t at = 0; at < expected.size(); at += 48)
    EXPECT_GT(cosine(&expected[at], &actual[at], 48), 0.999999) << at / 48;
}

TEST_F(Vulkan, ARowDoesNotDependOnItsBatch) {
  Random random(13);
  auto program = lowerProgram("vulkan", encoder(48, 96, 3));
  ASSERT_TRUE(program.isOk()) << program.status().str();
  ProgramData batch;
  addBatch(random, batch, 5, 40, 100);
  addRandom(random, batch, program.value());
  auto together = vulkan->run(program.value(), batch);
  ASSERT_TRUE(together.isOk()) << together.status().str();
  auto segments =
      reinterpret_cast<const int32_t *>(batch.contents["segments"].data());
  for (int seq = 0; seq < 5; ++seq) {
    int32_t begin = segments[2 * seq], end = segments[2 * seq + 1];
    ProgramData alone = batch;
    alone.symbols["rows"] = end - begin;
    alone.symbols["seqs"] = 1;
    for (const char *name : {"tokens", "positions"}) {
      const Bytes &all = batch.contents[name];
      alone.contents[name] =
          Bytes(all.begin() + 4 * begin, all.begin() + 4 * end);
    }
    std::vector<int32_t> begins(end - begin, 0), ends(end - begin, end - begin);
    alone.contents["row_begin"] = bytesOf(begins);
    alone.contents["row_end"] = bytesOf(ends);
    alone.contents["segments"] = bytesOf(std::vector<int32_t>{0, end - begin});
    auto single = vulkan->run(program.value(), alone);
    ASSERT_TRUE(single.isOk()) << single.status().str();
    for (int i = 0; i < 48; ++i)
      ASSERT_EQ(together.value()[48 * seq + i], single.value()[i]) << seq;
  }
}

TEST_F(Vulkan, CountsItsOwnWork) {
  Random random(17);
  auto program = lowerProgram("vulkan", encoder(48, 96, 3));
  ASSERT_TRUE(program.isOk()) << program.status().str();
  ProgramData data;
  addBatch(random, data, 3, 10, 100);
  addRandom(random, data, program.value());
  auto before = vulkan->device().counters();
  ASSERT_TRUE(before.isOk());
  ASSERT_TRUE(vulkan->run(program.value(), data, 3).isOk());
  auto after = vulkan->device().counters();
  ASSERT_TRUE(after.isOk());
  EXPECT_EQ(after.value().submits - before.value().submits, 3u);
  EXPECT_EQ(after.value().dispatches - before.value().dispatches,
            3 * program.value().service.step->commands.size());
  EXPECT_GT(after.value().busy_ns, before.value().busy_ns);
  EXPECT_EQ(after.value().bytes_from_device - before.value().bytes_from_device,
            3u * 48 * 4);
  EXPECT_EQ(after.value().bytes_allocated, before.value().bytes_allocated);
}

TEST_F(Vulkan, KernelsAreValidSpirv) {
  if (std::system("spirv-val --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "spirv-val (package spirv-tools) is not installed";
  auto program = lowerProgram("vulkan", encoder(48, 96, 3));
  ASSERT_TRUE(program.isOk()) << program.status().str();
  const auto &executable = *program.value().service.executables.front();
  std::vector<vulkan::Entry> entries;
  std::string error;
  ASSERT_TRUE(vulkan::decode(program.value().sections[executable.section],
                             entries, error))
      << error;
  ASSERT_EQ(entries.size(), executable.entries.size());
  for (const vulkan::Entry &entry : entries) {
    std::string path = testing::TempDir() + "vulkan_" + entry.name + ".spv";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(entry.words.data()),
               std::streamsize(entry.words.size() * 4));
    std::string command =
        "spirv-val --target-env vulkan1.1 '" + path + "' 1>&2";
    EXPECT_EQ(std::system(command.c_str()), 0) << entry.name;
  }
}

TEST_F(Vulkan, RefusesWhatDecodersNeed) {
  auto lowered = lowerProgram(
      "vulkan",
      "nn.func @f(%x: tensor<?x8xf32>) -> (%result: tensor<?x8xf32>) "
      "artefact \"w\" {\n"
      "  %w = nn.weight \"w\" : tensor<8xf32>\n"
      "  %y = nn.rms_norm %x, %w eps 1.0e-5 : tensor<?x8xf32>, tensor<8xf32>\n"
      "  nn.return %y : tensor<?x8xf32>\n}\n");
  ASSERT_FALSE(lowered.isOk());
  std::string message = lowered.status().str();
  EXPECT_NE(message.find(":3:8: error: 'nn.rms_norm' op cannot run on vulkan"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("pin the service to the cpu"), std::string::npos);
}

TEST_F(Vulkan, RefusesWeightsThatAreNotF32) {
  auto lowered = lowerProgram(
      "vulkan", "nn.func @f(%x: tensor<?x8xf32>) -> (%result: tensor<?x8xf32>) "
                "artefact \"w\" {\n"
                "  %w = nn.weight \"w\" : tensor<8x8xf16>\n"
                "  %y = nn.linear %x, %w : tensor<?x8xf32>, tensor<8x8xf16> -> "
                "tensor<?x8xf32>\n"
                "  nn.return %y : tensor<?x8xf32>\n}\n");
  ASSERT_FALSE(lowered.isOk());
  EXPECT_NE(lowered.status().str().find("reads f16"), std::string::npos)
      << lowered.status().str();
}

} // namespace
