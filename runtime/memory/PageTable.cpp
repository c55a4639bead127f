// Growth, sharing and copy on write of one sequence's pages.
#include "runtime/memory/PageTable.h"
#include <limits>

namespace hetagon {

PageTable::PageTable(PagePool &pool, uint32_t pageTokens)
    : pool(&pool), pageTokens(pageTokens) {
  assert(pageTokens > 0 && "a page holds at least one position");
}

PageTable::PageTable(PageTable &&other) noexcept
    : pool(other.pool), pageTokens(other.pageTokens),
      positions(std::exchange(other.positions, 0)),
      held(std::exchange(other.held, {})) {}

PageTable &PageTable::operator=(PageTable &&other) noexcept {
  if (this != &other) {
    truncate(0);
    pool = other.pool;
    pageTokens = other.pageTokens;
    positions = std::exchange(other.positions, 0);
    held = std::exchange(other.held, {});
  }
  return *this;
}

PageTable::~PageTable() { truncate(0); }

StatusOr<std::vector<PageCopy>> PageTable::extend(uint32_t count) {
  std::vector<PageCopy> copies;
  if (count == 0)
    return copies;
  if (count > std::numeric_limits<uint32_t>::max() - positions)
    return Status(Code::OutOfRange, "a sequence has at most 2^32 positions");

  bool partial = positions % pageTokens != 0;
  bool copyLast = partial && pool->references(held.back()) > 1;
  size_t wanted = pagesFor(uint64_t(positions) + count, pageTokens);
  std::vector<uint32_t> fresh;
  for (size_t i = held.size(); i < wanted + copyLast; ++i) {
    StatusOr<uint32_t> page = pool->allocate();
    if (!page.isOk()) {
      for (uint32_t back : fresh)
        pool->release(back);
      return page.status();
    }
    fresh.push_back(*page);
  }

  auto next = fresh.begin();
  if (copyLast) {
    copies.push_back({held.back(), *next});
    pool->release(held.back());
    held.back() = *next++;
  }
  held.insert(held.end(), next, fresh.end());
  positions += count;
  return copies;
}

PageTable PageTable::fork() const {
  PageTable other(*pool, pageTokens);
  other.held = held;
  other.positions = positions;
  for (uint32_t page : held)
    pool->retain(page);
  return other;
}

void PageTable::truncate(uint32_t length) {
  if (length >= positions)
    return;
  positions = length;
  size_t keep = pagesFor(length, pageTokens);
  while (held.size() > keep) {
    pool->release(held.back());
    held.pop_back();
  }
}

} // namespace hetagon
