// Sizes of buffers under values of the run-time symbols.
#include "runtime/exec/ServiceSymbols.h"

namespace hetagon {

const int64_t *findSymbol(const SymbolValues &values, std::string_view symbol) {
  if (symbol == "rows")
    return &values.rows;
  if (symbol == "seqs")
    return &values.seqs;
  if (symbol == "outs")
    return &values.outs;
  if (symbol == "max_pages")
    return &values.maxPages;
  if (symbol == "pages")
    return &values.pages;
  return nullptr;
}

StatusOr<uint64_t> bufferBytes(const plan::fb::BufferT &buffer,
                               const SymbolValues &values) {
  constexpr uint64_t limit = uint64_t(1) << 62;
  uint64_t bytes = buffer.element_bytes;
  for (const auto &dim : buffer.dims) {
    if (!dim)
      return Status(Code::InvalidArgument, "a dimension is missing");
    int64_t size = dim->size;
    if (!dim->symbol.empty()) {
      const int64_t *value = findSymbol(values, dim->symbol);
      if (!value)
        return Status(Code::InvalidArgument,
                      "unknown symbol '" + dim->symbol + "' in a dimension");
      size = *value;
    }
    if (size < 0)
      return Status(Code::InvalidArgument, "a dimension is negative");
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes) ||
        bytes > limit)
      return Status(Code::OutOfRange, "the size exceeds 2^62 bytes");
  }
  return bytes;
}

bool variesBySubmission(const plan::fb::BufferT &buffer) {
  for (const auto &dim : buffer.dims)
    if (dim && !dim->symbol.empty() && dim->symbol != "pages")
      return true;
  return false;
}

} // namespace hetagon
