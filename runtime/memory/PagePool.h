// Pages of a KV cache: who holds which, counted by reference. The pool knows
// page numbers only; the bytes belong to the device.
#ifndef HETAGON_RUNTIME_MEMORY_PAGEPOOL_H
#define HETAGON_RUNTIME_MEMORY_PAGEPOOL_H

#include "runtime/base/Status.h"
#include <cstdint>
#include <mutex>
#include <vector>

namespace hetagon {

/// Page numbers 0 to capacity-1, each free or held by one or more tables.
/// Thread-safe. Must outlive its tables.
class PagePool {
public:
  explicit PagePool(uint32_t capacity);

  uint32_t capacity() const { return static_cast<uint32_t>(counts.size()); }
  uint32_t freePages() const;

  /// A free page with one reference; ResourceExhausted when none is left. The
  /// page that was freed last comes first.
  StatusOr<uint32_t> allocate();
  /// Adds a reference; the page must be held.
  void retain(uint32_t page);
  /// Drops a reference; the page must be held.
  void release(uint32_t page);
  uint32_t references(uint32_t page) const;

private:
  mutable std::mutex mutex;
  std::vector<uint32_t> counts;
  std::vector<uint32_t> freeList;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MEMORY_PAGEPOOL_H
