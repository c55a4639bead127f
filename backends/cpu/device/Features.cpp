// Reads cpuid.
#include "backends/cpu/device/Features.h"
#include "backends/cpu/KernelTable.h"
#include <cpuid.h>
#include <cstdlib>
#include <cstring>

namespace hetagon::cpu {

namespace {

struct Variant {
  const char *word;
  uint64_t features;
};
constexpr uint64_t wide =
    HETAGON_CPU_AVX2 | HETAGON_CPU_AVX512 | HETAGON_CPU_AVX512_VNNI;
/// Best first.
constexpr Variant variants[] = {
    {"x86_64+avx512vnni+avx512bf16", wide | HETAGON_CPU_AVX512_BF16},
    {"x86_64+avx512vnni", wide},
    {"x86_64+avx2", HETAGON_CPU_AVX2},
    {"x86_64", 0}};

const Variant *limit(const char *word) {
  for (const Variant &variant : variants)
    if (word && std::strcmp(word, variant.word) == 0)
      return &variant;
  return nullptr;
}

constexpr const char *limitVariable = "HETAGON_CPU_ARCHITECTURE";

} // namespace

bool isKnownLimit() {
  const char *word = std::getenv(limitVariable);
  return !word || limit(word);
}

uint64_t processorFeatures() {
  __builtin_cpu_init();
  uint64_t features = 0;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
  bool lzcnt = __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & 32);
  bool movbe = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_MOVBE);
  // __builtin_cpu_supports asks the operating system's state too (xgetbv).
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && f16c &&
      lzcnt && movbe)
    features |= HETAGON_CPU_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    features |= HETAGON_CPU_AVX512;
  if (__builtin_cpu_supports("avx512vnni"))
    features |= HETAGON_CPU_AVX512_VNNI;
  if (__builtin_cpu_supports("avx512bf16"))
    features |= HETAGON_CPU_AVX512_BF16;
  if (const Variant *most = limit(std::getenv(limitVariable)))
    features &= most->features;
  return features;
}

std::string architectureWord(uint64_t features) {
  for (const Variant &variant : variants)
    if ((features & variant.features) == variant.features)
      return variant.word;
  return {}; // the last variant asks nothing
}

std::string featureWords(uint64_t features) {
  static constexpr const char *words[] = {"avx2", "avx512", "avx512vnni",
                                          "avx512bf16"};
  std::string text;
  for (unsigned bit = 0; bit < 64; ++bit) {
    if (!(features >> bit & 1))
      continue;
    if (!text.empty())
      text += ", ";
    text += bit < 4 ? words[bit] : "bit " + std::to_string(bit);
  }
  return text.empty() ? "none" : text;
}

std::string processorName() {
  unsigned words[12] = {};
  unsigned highest = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(0x80000000, &highest, &ebx, &ecx, &edx) ||
      highest < 0x80000004)
    return "x86-64 processor";
  for (unsigned leaf = 0; leaf < 3; ++leaf)
    __get_cpuid(0x80000002 + leaf, &words[4 * leaf], &words[4 * leaf + 1],
                &words[4 * leaf + 2], &words[4 * leaf + 3]);
  char text[sizeof(words) + 1] = {};
  std::memcpy(text, words, sizeof(words));
  std::string name(text);
  size_t begin = name.find_first_not_of(' '), end = name.find_last_not_of(' ');
  return begin == std::string::npos ? "x86-64 processor"
                                    : name.substr(begin, end - begin + 1);
}

} // namespace hetagon::cpu
