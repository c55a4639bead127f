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
  bool residual = false;        ///< f32 [rows, n] added last
  bool quantisedOutput = false; ///< store a QuantisedRow instead of f32
};

/// bindings: x (QuantisedRows, or f32 for float panels), panels, [second
/// panels], [bias], [residual], result; constants: rows.
std::string requireLinear(KernelSet &set, const LinearSpec &spec);

/// Raw tensor [n, k] to panels. bindings: raw, panels; no constants.
std::string requireRepack(KernelSet &set, WeightFormat format,
                          const PanelLayout &layout);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_KERNELS_H
