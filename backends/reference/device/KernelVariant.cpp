// One variant of the inner loops; compiled several times with different
// instruction sets and HETAGON_KERNELS naming the table. Includes nothing with
// inline functions of external linkage, which the linker might take from the
// wrong variant. Built without contraction: every fused product is written out.
#include "backends/reference/device/Kernels.h"

namespace hetagon::reference {

namespace {

typedef float Lanes __attribute__((ext_vector_type(16)));
typedef float Lanes8 __attribute__((ext_vector_type(8)));
typedef float Lanes4 __attribute__((ext_vector_type(4)));
typedef float Lanes2 __attribute__((ext_vector_type(2)));
typedef uint8_t Codes __attribute__((ext_vector_type(16)));
typedef int8_t SignedCodes __attribute__((ext_vector_type(16)));

#define HETAGON_INLINE static inline __attribute__((always_inline))

HETAGON_INLINE uint16_t load16(const uint8_t *bytes) {
  return uint16_t(bytes[0] | bytes[1] << 8);
}

HETAGON_INLINE float fromBits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

/// IEEE half to single. The exponent is moved by a product, which also makes
/// subnormals right; infinities and NaN get their exponent back.
HETAGON_INLINE float half(uint16_t bits) {
  uint32_t shifted = uint32_t(bits & 0x7fff) << 13;
  float magnitude = fromBits(shifted) * 0x1p112f;
  uint32_t result;
  __builtin_memcpy(&result, &magnitude, 4);
  result = (bits & 0x7c00) == 0x7c00 ? shifted | 0x7f800000 : result;
  return fromBits(result | uint32_t(bits & 0x8000) << 16);
}

HETAGON_INLINE float loadHalf(const uint8_t *bytes) {
  return half(load16(bytes));
}

HETAGON_INLINE void store(Lanes values, float *to) {
  __builtin_memcpy(to, &values, sizeof(Lanes));
}

HETAGON_INLINE void expandQ4K(const uint8_t *block, float *out) {
  float d = loadHalf(block), dmin = loadHalf(block + 2);
  const uint8_t *s = block + 4, *q = block + 16;
  for (int g = 0; g < 8; ++g) {
    int scale, min;
    if (g < 4) {
      scale = s[g] & 63;
      min = s[g + 4] & 63;
    } else {
      scale = (s[g + 4] & 15) | (s[g - 4] >> 6 << 4);
      min = (s[g + 4] >> 4) | (s[g] >> 6 << 4);
    }
    float a = d * float(scale), b = dmin * float(min);
    const uint8_t *pair = q + g / 2 * 32;
    for (int i = 0; i < 32; ++i)
      out[g * 32 + i] = a * float((g & 1 ? pair[i] >> 4 : pair[i] & 15)) - b;
  }
}

HETAGON_INLINE void expandQ6K(const uint8_t *block, float *out) {
  float d = loadHalf(block + 208);
  for (int h = 0; h < 2; ++h) {
    const uint8_t *low = block + h * 64, *high = block + 128 + h * 32;
    const uint8_t *scales = block + 192 + h * 8;
    float *to = out + h * 128;
    for (int i = 0; i < 32; ++i) {
      float s0 = d * float(int8_t(scales[i / 16]));
      float s1 = d * float(int8_t(scales[i / 16 + 2]));
      float s2 = d * float(int8_t(scales[i / 16 + 4]));
      float s3 = d * float(int8_t(scales[i / 16 + 6]));
      int bits = high[i];
      to[i] = s0 * float(((low[i] & 15) | (bits & 3) << 4) - 32);
      to[i + 32] = s1 * float(((low[i + 32] & 15) | (bits >> 2 & 3) << 4) - 32);
      to[i + 64] = s2 * float(((low[i] >> 4) | (bits >> 4 & 3) << 4) - 32);
      to[i + 96] = s3 * float(((low[i + 32] >> 4) | (bits >> 6) << 4) - 32);
    }
  }
}

void expand(Format format, const uint8_t *in, int64_t count, float *out) {
  switch (format) {
  case Format::F32:
    __builtin_memcpy(out, in, uint64_t(count) * 4);
    return;
  case Format::F16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = loadHalf(in + 2 * i);
    return;
  case Format::BF16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = fromBits(uint32_t(load16(in + 2 * i)) << 16);
    return;
  case Format::Q8_0:
    for (int64_t b = 0; b < count / 32; ++b, in += 34, out += 32) {
      float d = loadHalf(in);
      Codes codes[2];
      __builtin_memcpy(codes, in + 2, 32);
      for (int i = 0; i < 2; ++i)
        store(__builtin_convertvector(
                  __builtin_convertvector(codes[i], SignedCodes), Lanes) *
                  d,
              out + 16 * i);
    }
    return;
  case Format::Q4_0:
    for (int64_t b = 0; b < count / 32; ++b, in += 18, out += 32) {
      float d = loadHalf(in);
      Codes codes;
      __builtin_memcpy(&codes, in + 2, 16);
      store(d * (__builtin_convertvector(codes & 15, Lanes) - 8.0f), out);
      store(d * (__builtin_convertvector(codes >> 4, Lanes) - 8.0f), out + 16);
    }
    return;
  case Format::Q4_1:
    for (int64_t b = 0; b < count / 32; ++b, in += 20, out += 32) {
      float d = loadHalf(in), m = loadHalf(in + 2);
      Codes codes;
      __builtin_memcpy(&codes, in + 4, 16);
      store(d * __builtin_convertvector(codes & 15, Lanes) + m, out);
      store(d * __builtin_convertvector(codes >> 4, Lanes) + m, out + 16);
    }
    return;
  case Format::Q4_K:
    for (int64_t b = 0; b < count / 256; ++b, in += 144, out += 256)
      expandQ4K(in, out);
    return;
  case Format::Q6_K:
    for (int64_t b = 0; b < count / 256; ++b, in += 210, out += 256)
      expandQ6K(in, out);
    return;
  }
}

HETAGON_INLINE float addLanes(Lanes lanes) {
  Lanes8 a = lanes.lo + lanes.hi;
  Lanes4 b = a.lo + a.hi;
  Lanes2 c = b.lo + b.hi;
  return c.x + c.y;
}

#if defined(__AVX512F__)
constexpr int tileRows = 4, tileColumns = 4;
#else
constexpr int tileRows = 2, tileColumns = 2;
#endif

template <int Rows, int Columns>
HETAGON_INLINE void tile(const float *x, int64_t xStride, const float *w,
                         int64_t k, float *out, int64_t outStride) {
  float totals[Rows][Columns];
  for (int64_t piece = 0; piece < k; piece += pieceSize) {
    int64_t end = piece + pieceSize < k ? piece + pieceSize : k;
    Lanes sums[Rows][Columns];
    for (int r = 0; r < Rows; ++r)
      for (int c = 0; c < Columns; ++c)
        sums[r][c] = 0.0f;
    for (int64_t i = piece; i < end; i += laneCount) {
      Lanes weights[Columns];
      for (int c = 0; c < Columns; ++c)
        __builtin_memcpy(&weights[c], w + c * k + i, sizeof(Lanes));
      for (int r = 0; r < Rows; ++r) {
        Lanes input;
        __builtin_memcpy(&input, x + r * xStride + i, sizeof(Lanes));
        for (int c = 0; c < Columns; ++c)
          sums[r][c] = __builtin_elementwise_fma(input, weights[c], sums[r][c]);
      }
    }
    for (int r = 0; r < Rows; ++r)
      for (int c = 0; c < Columns; ++c) {
        float sum = addLanes(sums[r][c]);
        totals[r][c] = piece == 0 ? sum : totals[r][c] + sum;
      }
  }
  for (int r = 0; r < Rows; ++r)
    for (int c = 0; c < Columns; ++c)
      out[r * outStride + c] = totals[r][c];
}

void multiply(const float *x, int64_t xStride, int64_t rows, const float *w,
              int64_t columns, int64_t k, float *out, int64_t outStride) {
  int64_t r = 0;
  for (; r + tileRows <= rows; r += tileRows) {
    const float *in = x + r * xStride;
    float *to = out + r * outStride;
    int64_t c = 0;
    for (; c + tileColumns <= columns; c += tileColumns)
      tile<tileRows, tileColumns>(in, xStride, w + c * k, k, to + c, outStride);
    for (; c < columns; ++c)
      tile<tileRows, 1>(in, xStride, w + c * k, k, to + c, outStride);
  }
  for (; r < rows; ++r) {
    const float *in = x + r * xStride;
    float *to = out + r * outStride;
    int64_t c = 0;
    for (; c + tileColumns <= columns; c += tileColumns)
      tile<1, tileColumns>(in, xStride, w + c * k, k, to + c, outStride);
    for (; c < columns; ++c)
      tile<1, 1>(in, xStride, w + c * k, k, to + c, outStride);
  }
}

float dot(const float *a, const float *b, int64_t n) {
  float total = 0;
  for (int64_t piece = 0; piece < n; piece += pieceSize) {
    int64_t end = piece + pieceSize < n ? piece + pieceSize : n;
    Lanes sums = 0.0f;
    int64_t i = piece;
    for (; i + laneCount <= end; i += laneCount) {
      Lanes left, right;
      __builtin_memcpy(&left, a + i, sizeof(Lanes));
      __builtin_memcpy(&right, b + i, sizeof(Lanes));
      sums = __builtin_elementwise_fma(left, right, sums);
    }
    for (int lane = 0; i < end; ++i, ++lane)
      sums[lane] = __builtin_fmaf(a[i], b[i], sums[lane]);
    total = piece == 0 ? addLanes(sums) : total + addLanes(sums);
  }
  return total;
}

void accumulate(float factor, const float *values, float *sums, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    sums[i] = __builtin_fmaf(factor, values[i], sums[i]);
}

} // namespace

extern const Kernels HETAGON_KERNELS;
const Kernels HETAGON_KERNELS = {expand, multiply, dot, accumulate};

} // namespace hetagon::reference
