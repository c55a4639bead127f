// Memory layouts of the cpu backend: weight panels and quantised rows.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_LAYOUT_H
#define HETAGON_BACKENDS_CPU_LOWERING_LAYOUT_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace hetagon::cpu {

/// Element formats of weights as they stand in artefacts.
enum class WeightFormat { F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K };

llvm::StringRef formatName(WeightFormat format);
/// Elements and bytes of one block along a row; {1, element size} for floats.
struct BlockShape {
  int64_t elements, bytes;
};
BlockShape blockShape(WeightFormat format);
/// Bytes of a tensor's row of `k` elements; `k` is a multiple of the block.
inline int64_t rowBytes(WeightFormat format, int64_t k) {
  BlockShape block = blockShape(format);
  return k / block.elements * block.bytes;
}

/// How a panel holds its weights.
enum class PanelKind {
  Float32,       ///< [k][32 columns] f32
  Float16,       ///< [k][32 columns] f16
  BFloat16,      ///< [k][32 columns] bf16
  Nibbles,       ///< q4_0: 512 B of nibbles, 32 f16 scales; zero point 8
  NibblesMin,    ///< q4_1: the same and 32 f16 minima
  NibblesMinF32, ///< q4_k: 512 B of nibbles, 32 f32 scales, 32 f32 minima
  Bytes,         ///< q8_0: 1024 B of bytes, 32 f16 scales; zero point 128
};

/// A weight matrix [n, k] as panels of 32 output columns, one after another;
/// columns beyond n are zero. A quantised panel is a sequence of blocks of 32
/// along k; inside, elements 4d to 4d+3 of 16 columns form one 64-byte line:
/// [dword d][column group 0..1][lane 0..15][4 bytes], and with nibbles element
/// i + 16 sits above element i. Scales (and minima) follow: one for each
/// column.
struct PanelLayout {
  PanelKind kind;
  int64_t n = 0, k = 0;

  static constexpr int64_t columns = 32;
  static constexpr int64_t blockElements = 32;

  static PanelLayout of(WeightFormat format, int64_t n, int64_t k);
  bool isFloat() const {
    return kind == PanelKind::Float32 || kind == PanelKind::Float16 ||
           kind == PanelKind::BFloat16;
  }
  bool hasMinima() const {
    return kind == PanelKind::NibblesMin || kind == PanelKind::NibblesMinF32;
  }
  bool hasWideScales() const { return kind == PanelKind::NibblesMinF32; }
  /// Of the integer weights in one block.
  int64_t weightBytes() const { return kind == PanelKind::Bytes ? 1024 : 512; }
  /// Of one step along k: a block, or a single k for floats.
  int64_t stepBytes() const;
  int64_t stepElements() const { return isFloat() ? 1 : blockElements; }
  int64_t panelBytes() const { return k / stepElements() * stepBytes(); }
  int64_t panels() const { return (n + columns - 1) / columns; }
  int64_t bytes() const { return panels() * panelBytes(); }
  /// The layout's name in plans and kernel names.
  llvm::StringRef name() const;
};

/// How a row of activations is stored.
enum class RowForm {
  F32,
  Q8,  ///< blocks of 32 signed bytes
  Q16, ///< blocks of 32 numbers in -16256 to 16256, as two planes of bytes
};

/// What kernel names carry for a form: "", "_q8" or "_q16".
llvm::StringRef formSuffix(RowForm form);
/// Bytes of one row; `k` is a multiple of 32 unless the form is F32.
int64_t rowBytes(RowForm form, int64_t k);

/// A block of 32 quantised activations: what the products need of the block,
/// then the numbers q with value = scale * q. A number of the form Q16 is
/// 128 * (signed byte of the plane `bytes`) + (signed byte of `lowBytes`).
struct QuantisedBlock {
  static constexpr int64_t elements = 32;
  static constexpr int64_t scale = 0;        ///< f32
  static constexpr int64_t scaledSum = 4;    ///< f32: scale * sum of q
  static constexpr int64_t minus8Sum = 8;    ///< i32: -8 * sum of q
  static constexpr int64_t minus128Sum = 12; ///< i32: -128 * sum of q
  static constexpr int64_t bytes = 16;
  static constexpr int64_t lowBytes = 48; ///< Q16 only
  static constexpr int64_t size(RowForm form) {
    return form == RowForm::Q16 ? 80 : 48;
  }
};

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_LAYOUT_H
