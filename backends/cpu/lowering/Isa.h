// The instruction-set variants for which kernels are generated, by the device
// half's word for its architecture.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_ISA_H
#define HETAGON_BACKENDS_CPU_LOWERING_ISA_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hetagon::cpu {

struct Isa {
  std::string cpu;      ///< LLVM's name of the target CPU
  std::string features; ///< LLVM's feature string beyond it
  std::string tune;     ///< LLVM's name of the CPU to schedule for
  bool vnni = false;    ///< vpdpbusd on 512-bit registers
  /// What the device half must find in cpuid, by the bits of
  /// backends/cpu/KernelTable.h.
  uint64_t requiredFeatures = 0;
  /// The same in words, for the plan.
  std::vector<std::string> featureNames;
};

/// The variant for an architecture such as "x86_64+avx512vnni+avx512bf16" or
/// "x86_64+avx2"; nothing when the word is not known.
std::optional<Isa> parseArchitecture(llvm::StringRef architecture);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_ISA_H
