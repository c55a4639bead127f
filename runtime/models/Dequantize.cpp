// Dequantisation of GGUF blocks to F32. Each formula is written in the order of
// roundings that PyPI gguf's quants.py has, so that the bits agree; this file
// is compiled without contraction of products and sums.
#include "runtime/models/TensorFormat.h"
#include <bit>
#include <cstring>
#include <string>

namespace hetagon {

static_assert(std::endian::native == std::endian::little,
              "model files are little-endian and read in place");

namespace {

uint16_t load16(const uint8_t *bytes) {
  uint16_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 31;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 31) {
    // A signalling NaN becomes quiet, as conversion instructions make it.
    uint32_t quiet = mantissa ? 0x400000 : 0;
    return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13 | quiet);
  }
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  // Subnormal: mantissa * 2^-24 is exact.
  float magnitude = float(mantissa) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

float loadHalf(const uint8_t *bytes) { return halfToFloat(load16(bytes)); }

void expandF32(const uint8_t *block, float *out) { std::memcpy(out, block, 4); }

void expandF16(const uint8_t *block, float *out) { *out = loadHalf(block); }

void expandBf16(const uint8_t *block, float *out) {
  *out = std::bit_cast<float>(uint32_t(load16(block)) << 16);
}

void expandQ80(const uint8_t *block, float *out) {
  float scale = loadHalf(block);
  for (int i = 0; i < 32; ++i)
    out[i] = float(int8_t(block[2 + i])) * scale;
}

void expandQ40(const uint8_t *block, float *out) {
  float scale = loadHalf(block);
  for (int i = 0; i < 16; ++i) {
    uint8_t pair = block[2 + i];
    out[i] = scale * float(int(pair & 15) - 8);
    out[i + 16] = scale * float(int(pair >> 4) - 8);
  }
}

void expandQ41(const uint8_t *block, float *out) {
  float scale = loadHalf(block), minimum = loadHalf(block + 2);
  for (int i = 0; i < 16; ++i) {
    uint8_t pair = block[4 + i];
    out[i] = scale * float(pair & 15) + minimum;
    out[i + 16] = scale * float(pair >> 4) + minimum;
  }
}

void expandQ4K(const uint8_t *block, float *out) {
  float scale = loadHalf(block), minimumScale = loadHalf(block + 2);
  const uint8_t *packed = block + 4, *nibbles = block + 16;
  for (int group = 0; group < 8; ++group) {
    // Six-bit scales and minima: the first four in bytes 0-7 directly, the
    // last four in nibbles of bytes 8-11 with their high bits above the first.
    int low = group & 3;
    int factor = packed[low] & 63, offset = packed[low + 4] & 63;
    if (group >= 4) {
      factor = (packed[low + 8] & 15) | ((packed[low] >> 2) & 48);
      offset = (packed[low + 8] >> 4) | ((packed[low + 4] >> 2) & 48);
    }
    float groupScale = scale * float(factor);
    float groupMinimum = minimumScale * float(offset);
    const uint8_t *pairs = nibbles + (group / 2) * 32;
    int shift = (group & 1) * 4;
    for (int i = 0; i < 32; ++i)
      out[group * 32 + i] =
          groupScale * float((pairs[i] >> shift) & 15) - groupMinimum;
  }
}

void expandQ6K(const uint8_t *block, float *out) {
  const uint8_t *low = block, *high = block + 128, *scales = block + 192;
  float scale = loadHalf(block + 208);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, quarter = (i % 128) / 32, lane = i % 32;
    int lowBits =
        (low[half * 64 + (quarter & 1) * 32 + lane] >> (quarter / 2 * 4)) & 15;
    int highBits = (high[half * 32 + lane] >> (quarter * 2)) & 3;
    float groupScale = scale * float(int8_t(scales[i / 16]));
    out[i] = groupScale * float((lowBits | highBits << 4) - 32);
  }
}

using Expander = void (*)(const uint8_t *block, float *out);

Expander expanderOf(TensorFormat format) {
  switch (format) {
  case TensorFormat::F32:
    return expandF32;
  case TensorFormat::F16:
    return expandF16;
  case TensorFormat::BF16:
    return expandBf16;
  case TensorFormat::Q8_0:
    return expandQ80;
  case TensorFormat::Q4_0:
    return expandQ40;
  case TensorFormat::Q4_1:
    return expandQ41;
  case TensorFormat::Q4_K:
    return expandQ4K;
  case TensorFormat::Q6_K:
    return expandQ6K;
  default:
    return nullptr;
  }
}

} // namespace

Status dequantize(TensorFormat format, std::span<const uint8_t> blocks,
                  std::span<float> values) {
  Expander expand = expanderOf(format);
  if (!expand)
    return Status(Code::Unsupported, "elements of format " +
                                         std::string(formatWord(format)) +
                                         " cannot be expanded to f32");
  size_t elements = blockElements(format), bytes = blockBytes(format);
  if (blocks.size() % bytes != 0 || values.size() % elements != 0 ||
      blocks.size() / bytes != values.size() / elements)
    return Status(Code::InvalidArgument,
                  std::to_string(blocks.size()) + " bytes of " +
                      std::string(formatWord(format)) + " do not make " +
                      std::to_string(values.size()) + " elements");
  for (size_t i = 0, count = blocks.size() / bytes; i < count; ++i)
    expand(blocks.data() + i * bytes, values.data() + i * elements);
  return Status::ok();
}

} // namespace hetagon
