// The run-time symbols of tensor programs and the arithmetic of buffers that
// depend on them, with overflow checked.
#ifndef HETAGON_RUNTIME_EXEC_SERVICESYMBOLS_H
#define HETAGON_RUNTIME_EXEC_SERVICESYMBOLS_H

#include "runtime/base/Status.h"
#include "runtime/plan/plan_generated.h"
#include <compare>
#include <cstdint>
#include <string_view>

namespace hetagon {

/// Values of the symbols of docs/nn-programs.md. Every value is at least 1 in a
/// submission, so that no dispatch is empty.
struct SymbolValues {
  int64_t rows = 1, seqs = 1, outs = 1, maxPages = 1, pages = 1;
  auto operator<=>(const SymbolValues &) const = default;
};

/// The member that `symbol` names; null for an unknown one.
const int64_t *findSymbol(const SymbolValues &values, std::string_view symbol);

/// Bytes of a buffer under `values`. Fails on an unknown symbol, a negative
/// size, or more than 2^62 bytes.
StatusOr<uint64_t> bufferBytes(const plan::fb::BufferT &buffer,
                               const SymbolValues &values);

/// Whether any dimension depends on a symbol other than "pages".
bool variesBySubmission(const plan::fb::BufferT &buffer);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_SERVICESYMBOLS_H
