// The table of element formats. Sizes are those of GGML's block structures (as
// in PyPI gguf's GGML_QUANT_SIZES) and of the safetensors dtypes.
#include "runtime/models/TensorFormat.h"
#include <array>

namespace hetagon {

namespace {

struct Entry {
  TensorFormat format;
  std::string_view word;
  uint32_t elements;
  uint32_t bytes;
};

constexpr Entry entries[] = {
    {TensorFormat::F32, "f32", 1, 4},
    {TensorFormat::F16, "f16", 1, 2},
    {TensorFormat::BF16, "bf16", 1, 2},
    {TensorFormat::I32, "i32", 1, 4},
    {TensorFormat::Q8_0, "q8_0", 32, 34},
    {TensorFormat::Q4_0, "q4_0", 32, 18},
    {TensorFormat::Q4_1, "q4_1", 32, 20},
    {TensorFormat::Q4_K, "q4_k", 256, 144},
    {TensorFormat::Q6_K, "q6_k", 256, 210},
    {TensorFormat::F64, "f64", 1, 8},
    {TensorFormat::I8, "i8", 1, 1},
    {TensorFormat::I16, "i16", 1, 2},
    {TensorFormat::I64, "i64", 1, 8},
    {TensorFormat::U8, "u8", 1, 1},
    {TensorFormat::U16, "u16", 1, 2},
    {TensorFormat::U32, "u32", 1, 4},
    {TensorFormat::U64, "u64", 1, 8},
    {TensorFormat::Bool, "bool", 1, 1},
    {TensorFormat::F8E4M3, "f8e4m3", 1, 1},
    {TensorFormat::F8E5M2, "f8e5m2", 1, 1},
    {TensorFormat::Q5_0, "q5_0", 32, 22},
    {TensorFormat::Q5_1, "q5_1", 32, 24},
    {TensorFormat::Q8_1, "q8_1", 32, 36},
    {TensorFormat::Q2_K, "q2_k", 256, 84},
    {TensorFormat::Q3_K, "q3_k", 256, 110},
    {TensorFormat::Q5_K, "q5_k", 256, 176},
    {TensorFormat::Q8_K, "q8_k", 256, 292},
    {TensorFormat::IQ2_XXS, "iq2_xxs", 256, 66},
    {TensorFormat::IQ2_XS, "iq2_xs", 256, 74},
    {TensorFormat::IQ3_XXS, "iq3_xxs", 256, 98},
    {TensorFormat::IQ1_S, "iq1_s", 256, 50},
    {TensorFormat::IQ4_NL, "iq4_nl", 32, 18},
    {TensorFormat::IQ3_S, "iq3_s", 256, 110},
    {TensorFormat::IQ2_S, "iq2_s", 256, 82},
    {TensorFormat::IQ4_XS, "iq4_xs", 256, 136},
    {TensorFormat::IQ1_M, "iq1_m", 256, 56},
    {TensorFormat::TQ1_0, "tq1_0", 256, 54},
    {TensorFormat::TQ2_0, "tq2_0", 256, 66},
    {TensorFormat::MXFP4, "mxfp4", 32, 17},
    {TensorFormat::NVFP4, "nvfp4", 64, 36},
    {TensorFormat::Q1_0, "q1_0", 128, 18},
};

constexpr bool isInOrder() {
  for (size_t i = 0; i < std::size(entries); ++i)
    if (size_t(entries[i].format) != i)
      return false;
  return true;
}
static_assert(isInOrder(), "entries are indexed by the enumeration's value");

const Entry &entryOf(TensorFormat format) { return entries[size_t(format)]; }

} // namespace

std::string_view formatWord(TensorFormat format) {
  return entryOf(format).word;
}

std::optional<TensorFormat> parseFormatWord(std::string_view word) {
  for (const Entry &entry : entries)
    if (entry.word == word)
      return entry.format;
  return std::nullopt;
}

uint32_t blockElements(TensorFormat format) { return entryOf(format).elements; }

uint32_t blockBytes(TensorFormat format) { return entryOf(format).bytes; }

bool isUsable(TensorFormat format) { return format <= TensorFormat::Q6_K; }

std::string_view usableFormats() {
  return "f32, f16, bf16, i32, q8_0, q4_0, q4_1, q4_k, q6_k";
}

std::optional<uint64_t> tensorBytes(TensorFormat format,
                                    std::span<const uint64_t> dims) {
  uint64_t last = dims.empty() ? 1 : dims.back();
  if (last % blockElements(format) != 0)
    return std::nullopt;
  uint64_t bytes = last / blockElements(format);
  if (__builtin_mul_overflow(bytes, uint64_t(blockBytes(format)), &bytes))
    return std::nullopt;
  for (size_t i = 0; i + 1 < dims.size(); ++i)
    if (__builtin_mul_overflow(bytes, dims[i], &bytes))
      return std::nullopt;
  // The number of elements must be countable too, for whoever expands them.
  uint64_t elements = 1;
  for (uint64_t dim : dims)
    if (__builtin_mul_overflow(elements, dim, &elements))
      return std::nullopt;
  return bytes;
}

} // namespace hetagon
