// The inner loops of the reference device, compiled once for each instruction
// set; every variant gives the same bits. Sizes are in elements.
#ifndef HETAGON_BACKENDS_REFERENCE_DEVICE_KERNELS_H
#define HETAGON_BACKENDS_REFERENCE_DEVICE_KERNELS_H

#include <cstdint>

namespace hetagon::reference {

enum class Format : uint8_t { F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q6_K };

/// Sums are taken in lanes of this width.
inline constexpr int64_t laneCount = 16;
/// Elements of K after which lanes are added up.
inline constexpr int64_t pieceSize = 256;

struct Kernels {
  /// Expands `count` elements (whole blocks) to F32.
  void (*expand)(Format format, const uint8_t *blocks, int64_t count,
                 float *values);
  /// out[r][c] = sum over k of x[r][k] * w[c][k], in the order that
  /// docs/reference-backend.md fixes. k is a multiple of laneCount.
  void (*multiply)(const float *x, int64_t xStride, int64_t rows,
                   const float *w, int64_t columns, int64_t k, float *out,
                   int64_t outStride);
  /// sum of a[i] * b[i] in the order of `multiply`; any n.
  float (*dot)(const float *a, const float *b, int64_t n);
  /// sums[i] += factor * values[i], each rounded once.
  void (*accumulate)(float factor, const float *values, float *sums, int64_t n);
};

/// The fastest variant that this processor runs.
const Kernels &kernels();

} // namespace hetagon::reference

#endif // HETAGON_BACKENDS_REFERENCE_DEVICE_KERNELS_H
