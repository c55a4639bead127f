// Elementary functions as polynomials on f32 lanes: no library is linked into
// kernels, and the same bits come out on every call.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_MATH_H
#define HETAGON_BACKENDS_CPU_LOWERING_MATH_H

#include "backends/cpu/lowering/Emitter.h"
#include "backends/cpu/lowering/Layout.h"

namespace hetagon::cpu {

enum class Activation { Silu, Gelu, GeluTanh, Relu };
llvm::StringRef activationName(Activation kind);

/// e^x for finite x or minus infinity; below -87.3 the result is 0, above 88.3
/// that of 88.3. Relative error below 2e-7.
Val emitExp(Emitter &e, Val x);
/// The error function, absolute error below 2e-7.
Val emitErf(Emitter &e, Val x);
Val emitActivation(Emitter &e, Activation kind, Val x);

struct SinCos {
  Val sin, cos;
};
/// Of angles in f64 lanes with magnitude below 2^30, as f32: absolute error
/// below 1.2e-7.
SinCos emitSinCos(Emitter &e, Val angle);

/// Quantises 32 values (two vectors of 16) into one QuantisedBlock at `target`:
/// the largest becomes 127 (Q8) or 16256 (Q16), numbers are rounded to nearest
/// even.
void emitQuantiseBlock(Emitter &e, RowForm form, Val low, Val high, Val target);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_MATH_H
