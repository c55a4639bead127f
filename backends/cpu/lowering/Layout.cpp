// Sizes and names of formats and panels.
#include "backends/cpu/lowering/Layout.h"
#include "llvm/Support/ErrorHandling.h"

namespace hetagon::cpu {

llvm::StringRef formatName(WeightFormat format) {
  switch (format) {
  case WeightFormat::F32:
    return "f32";
  case WeightFormat::F16:
    return "f16";
  case WeightFormat::BF16:
    return "bf16";
  case WeightFormat::Q4_0:
    return "q4_0";
  case WeightFormat::Q4_1:
    return "q4_1";
  case WeightFormat::Q8_0:
    return "q8_0";
  case WeightFormat::Q4_K:
    return "q4_k";
  case WeightFormat::Q6_K:
    return "q6_k";
  }
  llvm_unreachable("format");
}

BlockShape blockShape(WeightFormat format) {
  switch (format) {
  case WeightFormat::F32:
    return {1, 4};
  case WeightFormat::F16:
  case WeightFormat::BF16:
    return {1, 2};
  case WeightFormat::Q4_0:
    return {32, 18};
  case WeightFormat::Q4_1:
    return {32, 20};
  case WeightFormat::Q8_0:
    return {32, 34};
  case WeightFormat::Q4_K:
    return {256, 144};
  case WeightFormat::Q6_K:
    return {256, 210};
  }
  llvm_unreachable("format");
}

llvm::StringRef formSuffix(RowForm form) {
  switch (form) {
  case RowForm::F32:
    return "";
  case RowForm::Q8:
    return "_q8";
  case RowForm::Q16:
    return "_q16";
  }
  llvm_unreachable("row form");
}

int64_t rowBytes(RowForm form, int64_t k) {
  return form == RowForm::F32
             ? k * 4
             : k / QuantisedBlock::elements * QuantisedBlock::size(form);
}

PanelLayout PanelLayout::of(WeightFormat format, int64_t n, int64_t k) {
  switch (format) {
  case WeightFormat::F32:
  case WeightFormat::Q6_K: // two scales in a block: kept exact as f32
    return {PanelKind::Float32, n, k};
  case WeightFormat::F16:
    return {PanelKind::Float16, n, k};
  case WeightFormat::BF16:
    return {PanelKind::BFloat16, n, k};
  case WeightFormat::Q4_0:
    return {PanelKind::Nibbles, n, k};
  case WeightFormat::Q4_1:
    return {PanelKind::NibblesMin, n, k};
  case WeightFormat::Q4_K:
    return {PanelKind::NibblesMinF32, n, k};
  case WeightFormat::Q8_0:
    return {PanelKind::Bytes, n, k};
  }
  llvm_unreachable("format");
}

int64_t PanelLayout::stepBytes() const {
  switch (kind) {
  case PanelKind::Float32:
    return columns * 4;
  case PanelKind::Float16:
  case PanelKind::BFloat16:
    return columns * 2;
  case PanelKind::Nibbles:
  case PanelKind::Bytes:
    return weightBytes() + columns * 2;
  case PanelKind::NibblesMin:
    return weightBytes() + columns * 4;
  case PanelKind::NibblesMinF32:
    return weightBytes() + columns * 8;
  }
  llvm_unreachable("panel kind");
}

llvm::StringRef PanelLayout::name() const {
  switch (kind) {
  case PanelKind::Float32:
    return "f32x32";
  case PanelKind::Float16:
    return "f16x32";
  case PanelKind::BFloat16:
    return "bf16x32";
  case PanelKind::Nibbles:
    return "nibbles32";
  case PanelKind::NibblesMin:
    return "nibbles32min";
  case PanelKind::NibblesMinF32:
    return "nibbles32min_f32";
  case PanelKind::Bytes:
    return "bytes32";
  }
  llvm_unreachable("panel kind");
}

} // namespace hetagon::cpu
