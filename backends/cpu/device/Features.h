// What this processor can do, in the terms of KernelTable.h.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_FEATURES_H
#define HETAGON_BACKENDS_CPU_DEVICE_FEATURES_H

#include <cstdint>
#include <string>

namespace hetagon::cpu {

/// HETAGON_CPU_* bits of the running processor, by cpuid and the operating
/// system's register state; of these, only what $HETAGON_CPU_ARCHITECTURE has
/// where that is set, so that one machine can try a lesser one's variant.
uint64_t processorFeatures();
/// Whether $HETAGON_CPU_ARCHITECTURE, where it is set, is one of the words that
/// architectureWord gives.
bool isKnownLimit();

/// "x86_64", then the variants for which the compiler makes kernels:
/// "x86_64+avx512vnni+avx512bf16", "x86_64+avx512vnni", "x86_64+avx2".
std::string architectureWord(uint64_t features);

/// The bits in words, for messages.
std::string featureWords(uint64_t features);

/// "AMD EPYC", as the processor calls itself.
std::string processorName();

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_FEATURES_H
