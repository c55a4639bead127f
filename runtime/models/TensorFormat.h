// How tensor elements are stored in model files: the formats by the words that
// plans and nn programs use, their block sizes, and dequantisation to F32.
#ifndef HETAGON_RUNTIME_MODELS_TENSORFORMAT_H
#define HETAGON_RUNTIME_MODELS_TENSORFORMAT_H

#include "runtime/base/Status.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hetagon {

/// Every element format that GGUF and safetensors files name. Those up to Q6_K
/// can be used; the others are listed, and refused by name on use.
enum class TensorFormat : uint8_t {
  F32,
  F16,
  BF16,
  I32,
  Q8_0,
  Q4_0,
  Q4_1,
  Q4_K,
  Q6_K,
  F64,
  I8,
  I16,
  I64,
  U8,
  U16,
  U32,
  U64,
  Bool,
  F8E4M3,
  F8E5M2,
  Q5_0,
  Q5_1,
  Q8_1,
  Q2_K,
  Q3_K,
  Q5_K,
  Q8_K,
  IQ2_XXS,
  IQ2_XS,
  IQ3_XXS,
  IQ1_S,
  IQ4_NL,
  IQ3_S,
  IQ2_S,
  IQ4_XS,
  IQ1_M,
  TQ1_0,
  TQ2_0,
  MXFP4,
  NVFP4,
  Q1_0,
};

/// "f32", "q4_1", ...: the words of docs/nn-programs.md.
std::string_view formatWord(TensorFormat format);
/// The format of a word that formatWord gives.
std::optional<TensorFormat> parseFormatWord(std::string_view word);
/// Elements in one block; 1 for plain formats. Blocks lie along the last
/// dimension.
uint32_t blockElements(TensorFormat format);
/// Bytes of one block.
uint32_t blockBytes(TensorFormat format);
/// Whether Hetagon computes with the format.
bool isUsable(TensorFormat format);
/// "f32, f16, ...": the usable formats, for messages.
std::string_view usableFormats();

/// Bytes of a tensor of `dims` (outermost first); nullopt when the last
/// dimension is no multiple of the block or the product overflows.
std::optional<uint64_t> tensorBytes(TensorFormat format,
                                    std::span<const uint64_t> dims);

/// Expands whole blocks to F32, equal bit for bit to PyPI gguf's dequantize.
/// `blocks` needs no alignment; `values` must hold exactly as many elements.
/// I32 and formats that are not usable are Unsupported.
Status dequantize(TensorFormat format, std::span<const uint8_t> blocks,
                  std::span<float> values);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_TENSORFORMAT_H
