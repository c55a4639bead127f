// Random data and runs on several teams.
#include "test/backends/cpu/KernelTest.h"
#include "runtime/models/TensorFormat.h"

namespace hetagon::cpu {

void KernelTest::SetUp() {
  std::string architecture =
      GetParam() == "native" ? hostArchitecture() : GetParam();
  if (hostArchitecture() == "x86_64")
    GTEST_SKIP() << "this processor has no AVX2";
  auto isa = parseArchitecture(architecture);
  ASSERT_TRUE(isa) << architecture;
  set = std::make_unique<KernelSet>(context, *isa);
}

void KernelTest::compile() {
  auto object = set->compile();
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  for (uint32_t workers : {1, 2, 3}) {
    hosts.push_back(std::make_unique<KernelHost>(workers));
    hosts.back()->load(*object);
  }
}

Bytes KernelTest::run(const std::string &entry,
                      const std::vector<Bytes> &inputs, size_t resultBytes,
                      std::vector<int64_t> constants) {
  Bytes first;
  for (auto &host : hosts) {
    std::vector<Buffer> buffers;
    for (const Bytes &input : inputs)
      buffers.push_back(host->upload(input));
    buffers.push_back(host->allocate(resultBytes));
    std::vector<const Buffer *> bindings;
    for (const Buffer &buffer : buffers)
      bindings.push_back(&buffer);
    host->run(entry, bindings, constants);
    Bytes result = host->download(buffers.back(), resultBytes);
    if (first.empty())
      first = std::move(result);
    else
      EXPECT_EQ(first, result) << entry << ": teams differ";
  }
  return first;
}

std::vector<float> KernelTest::floats(size_t count, float scale) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

static TensorFormat readerFormat(WeightFormat format) {
  switch (format) {
  case WeightFormat::F32:
    return TensorFormat::F32;
  case WeightFormat::F16:
    return TensorFormat::F16;
  case WeightFormat::BF16:
    return TensorFormat::BF16;
  case WeightFormat::Q4_0:
    return TensorFormat::Q4_0;
  case WeightFormat::Q4_1:
    return TensorFormat::Q4_1;
  case WeightFormat::Q8_0:
    return TensorFormat::Q8_0;
  case WeightFormat::Q4_K:
    return TensorFormat::Q4_K;
  case WeightFormat::Q6_K:
    return TensorFormat::Q6_K;
  }
  return TensorFormat::F32;
}

Bytes KernelTest::blocks(WeightFormat format, int64_t count) {
  BlockShape shape = blockShape(format);
  if (format == WeightFormat::F32)
    return toBytes(floats(count));
  Bytes bytes(count * shape.bytes);
  for (uint8_t &byte : bytes)
    byte = static_cast<uint8_t>(random());
  auto putHalf = [&](size_t at, bool bf16) {
    // Exponents around one, either sign.
    uint16_t mantissa = random() & (bf16 ? 0x7f : 0x3ff);
    uint16_t exponent = bf16 ? 124 + random() % 4 : 11 + random() % 4;
    uint16_t bits =
        (random() & 1) << 15 | exponent << (bf16 ? 7 : 10) | mantissa;
    std::memcpy(&bytes[at], &bits, 2);
  };
  for (int64_t i = 0; i < count; ++i) {
    size_t start = i * shape.bytes;
    switch (format) {
    case WeightFormat::F16:
    case WeightFormat::BF16:
      putHalf(start, format == WeightFormat::BF16);
      break;
    case WeightFormat::Q4_1:
    case WeightFormat::Q4_K:
      putHalf(start, false);
      putHalf(start + 2, false);
      break;
    case WeightFormat::Q6_K:
      putHalf(start + 208, false);
      break;
    default:
      putHalf(start, false);
    }
  }
  return bytes;
}

std::vector<float> KernelTest::expand(WeightFormat format,
                                      const Bytes &blocks) {
  BlockShape shape = blockShape(format);
  std::vector<float> values(blocks.size() / shape.bytes * shape.elements);
  Status status = dequantize(readerFormat(format), blocks, values);
  EXPECT_TRUE(status.isOk()) << status.str();
  return values;
}

void expectClose(const std::vector<float> &actual,
                 const std::vector<double> &expected, double tolerance,
                 const std::string &what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    double error = std::abs(actual[i] - expected[i]);
    if (!(error <= worst)) {
      worst = error;
      where = i;
    }
  }
  EXPECT_LE(worst, tolerance)
      << what << ": element " << where << " is " << actual[where]
      << ", expected " << expected[where];
}

} // namespace hetagon::cpu
