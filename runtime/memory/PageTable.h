// The pages of one sequence, in order; shared with other sequences until one of
// them writes (copy on write).
#ifndef HETAGON_RUNTIME_MEMORY_PAGETABLE_H
#define HETAGON_RUNTIME_MEMORY_PAGETABLE_H

#include "runtime/memory/PagePool.h"
#include <span>

namespace hetagon {

/// A page whose bytes the owner of the memory must copy before the next write.
struct PageCopy {
  uint32_t source, target;
};

/// Position p of the sequence lives in pages()[p / pageTokens] at slot
/// p % pageTokens. Move-only; gives its pages back when destroyed. Not
/// thread-safe.
class PageTable {
public:
  PageTable(PagePool &pool, uint32_t pageTokens);
  PageTable(PageTable &&other) noexcept;
  PageTable &operator=(PageTable &&other) noexcept;
  ~PageTable();

  uint32_t length() const { return positions; }
  std::span<const uint32_t> pages() const { return held; }

  /// Makes room for `count` positions more, all or nothing: new pages, and a
  /// page of this table's own in place of a shared one that would be written.
  /// Returns the copy this needs, at most one, to be done before the write;
  /// the source stays valid only while the table that shares it lives.
  StatusOr<std::vector<PageCopy>> extend(uint32_t count);
  /// A second table of the same positions over the same pages.
  PageTable fork() const;
  /// Forgets positions from `length` on and gives back pages no longer needed.
  void truncate(uint32_t length);

  static uint32_t pagesFor(uint64_t positions, uint32_t pageTokens) {
    return static_cast<uint32_t>((positions + pageTokens - 1) / pageTokens);
  }

private:
  PagePool *pool;
  uint32_t pageTokens;
  uint32_t positions = 0;
  std::vector<uint32_t> held;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MEMORY_PAGETABLE_H
