// Maps architecture words to LLVM targets.
#include "backends/cpu/lowering/Isa.h"
#include "backends/cpu/KernelTable.h"
#include "llvm/ADT/SmallVector.h"

namespace hetagon::cpu {

std::optional<Isa> parseArchitecture(llvm::StringRef architecture) {
  llvm::SmallVector<llvm::StringRef> words;
  architecture.split(words, '+');
  if (words.empty() || words.front() != "x86_64")
    return std::nullopt;
  bool avx2 = false, vnni = false;
  for (llvm::StringRef word : llvm::drop_begin(words)) {
    if (word == "avx2")
      avx2 = true;
    else if (word == "avx512vnni")
      vnni = true;
    else if (word != "avx512bf16")
      return std::nullopt;
  }
  Isa isa;
  if (vnni) {
    isa.cpu = "x86-64-v4";
    isa.features = "+avx512vnni,-prefer-256-bit";
    isa.tune = "znver4";
    isa.vnni = true;
    isa.requiredFeatures =
        HETAGON_CPU_AVX2 | HETAGON_CPU_AVX512 | HETAGON_CPU_AVX512_VNNI;
    isa.featureNames = {"x86-64-v4", "avx512vnni"};
    return isa;
  }
  if (!avx2)
    return std::nullopt;
  isa.cpu = "x86-64-v3";
  isa.tune = "znver3";
  isa.requiredFeatures = HETAGON_CPU_AVX2;
  isa.featureNames = {"x86-64-v3"};
  return isa;
}

} // namespace hetagon::cpu
