// Chooses among the variants of the inner loops.
#include "backends/reference/device/Kernels.h"

namespace hetagon::reference {

extern const Kernels kernelsBase;
#if defined(__x86_64__)
extern const Kernels kernelsV3, kernelsV4;
#endif

const Kernels &kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4"))
    return kernelsV4;
  if (__builtin_cpu_supports("x86-64-v3"))
    return kernelsV3;
#endif
  return kernelsBase;
}

} // namespace hetagon::reference
