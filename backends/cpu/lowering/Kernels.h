// The kernel families: each function makes sure that the kernel for one static
// shape exists in a set and returns its entry name. Run-time sizes come as
// dispatch constants; bindings and constants are listed in order.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_KERNELS_H
#define HETAGON_BACKENDS_CPU_LOWERING_KERNELS_H

#include "backends/cpu/lowering/KernelSet.h"
#include "backends/cpu/lowering/Layout.h"
#include "backends/cpu/lowering/Math.h"
#include <optional>

namespace hetagon::cpu {

/// A product with everything that happens to its result before it is stored.
struct LinearSpec {
  PanelLayout weights;
  bool bias = false; ///< f32 [n]
  /// Applied after the bias.
  std::optional<Activation> activation = std::nullopt;
  /// A second weight matrix of the same layout: activation(first) * second.
  bool gated = false;
  bool residual = false; ///< f32 [rows, n] added last
  /// Of x: F32 exactly with float panels.
  RowForm input = RowForm::F32;
  RowForm output = RowForm::F32; ///< quantised: n is a multiple of 32
};

/// bindings: x, panels, [second panels], [bias], [residual], result;
/// constants: rows.
std::string requireLinear(KernelSet &set, const LinearSpec &spec);

/// One source of a pointwise kernel.
enum class PointwiseOp { Add, AddVector, Mul, MulVector, Scale, Activate, Glu };

struct PointwiseSpec {
  PointwiseOp op;
  int64_t columns;
  double factor = 1;                        ///< Scale
  Activation activation = Activation::Relu; ///< Activate, Glu
  RowForm output = RowForm::F32;
};
/// bindings: first, [second], result; constants: rows.
std::string requirePointwise(KernelSet &set, const PointwiseSpec &spec);

enum class NormKind { Rms, Layer, L2 };
struct NormSpec {
  NormKind kind;
  int64_t columns;
  int64_t piece; ///< columns normalised together; divides `columns`
  double eps;
  RowForm output = RowForm::F32;
};
/// bindings: x, [weight [piece] (Rms, Layer)], [bias (Layer)], result;
/// constants: rows.
std::string requireNorm(KernelSet &set, const NormSpec &spec);

/// bindings: x f32 [rows, columns], rows of `form`; constants: rows.
std::string requireQuantise(KernelSet &set, int64_t columns, RowForm form);

/// bindings: ids, raw table, result; constants: rows. Ids outside the table
/// give zeros.
std::string requireEmbedding(KernelSet &set, WeightFormat format,
                             int64_t tableRows, int64_t columns);

/// bindings: x, row numbers, result; constants: rows of the result, rows of x.
std::string requireGatherRows(KernelSet &set, int64_t columns);

/// bindings: x, segments, result; constants: segments, rows of x.
std::string requirePool(KernelSet &set, int64_t columns, bool mean);

/// f16 or bf16 vector to f32. bindings: source, result; no constants.
std::string requireWiden(KernelSet &set, WeightFormat format, int64_t count);

/// Cosines and sines of positions[r] * frequencies[i], times scale: rows of
/// [pairs cosines, pairs sines]. bindings: positions, frequencies f32, result;
/// constants: rows.
std::string requireRopeTable(KernelSet &set, int64_t pairs, double scale);

struct RopeSpec {
  int64_t columns, headDim, pairs;
  bool interleaved;
};
/// bindings: x, rope table, result; constants: rows.
std::string requireRope(KernelSet &set, const RopeSpec &spec);

/// The cache of one service, see !nn.kv.
struct KvSpec {
  int64_t layers, heads, headDim, pageTokens;
  WeightFormat format; ///< F32, F16 or BF16
  int64_t elementBytes() const { return blockShape(format).bytes; }
  int64_t headBytes() const { return pageTokens * headDim * elementBytes(); }
  int64_t pageBytes() const { return layers * 2 * heads * headBytes(); }
  std::string name() const;
};
/// bindings: keys, values, pool, row_seq, positions, page_table; constants:
/// rows, layer, seqs, max_pages, pages. Fails on numbers out of range.
std::string requireKvAppend(KernelSet &set, const KvSpec &kv);

struct AttentionSpec {
  KvSpec kv;
  int64_t heads;
  double scale;
  int64_t window = 0; ///< 0: none
  RowForm output = RowForm::F32;
};
/// bindings: queries, pool, row_seq, positions, page_table, result; constants:
/// rows, layer, max_pages. Page numbers were checked by the append.
std::string requireAttention(KernelSet &set, const AttentionSpec &spec);

struct SegmentAttentionSpec {
  int64_t heads, headDim;
  double scale;
};
/// bindings: queries, keys, values, row_begin, row_end, result; constants:
/// rows. Fails when a segment leaves the rows.
std::string requireSegmentAttention(KernelSet &set,
                                    const SegmentAttentionSpec &spec);

/// The 6-bit scale and minimum of sub-block `j` from the 12 packed bytes of a
/// q4_k block, as i32.
struct PackedScale {
  Val scale, minimum;
};
PackedScale emitQ4KScale(Emitter &e, Val scales, int64_t j);

/// Raw tensor [n, k] to panels. bindings: raw, panels; no constants.
std::string requireRepack(KernelSet &set, WeightFormat format,
                          const PanelLayout &layout);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_KERNELS_H
