// Reference counts and the free list.
#include "runtime/memory/PagePool.h"

namespace hetagon {

PagePool::PagePool(uint32_t capacity) : counts(capacity, 0) {
  freeList.reserve(capacity);
  for (uint32_t page = capacity; page-- > 0;)
    freeList.push_back(page);
}

uint32_t PagePool::freePages() const {
  std::lock_guard lock(mutex);
  return static_cast<uint32_t>(freeList.size());
}

StatusOr<uint32_t> PagePool::allocate() {
  std::lock_guard lock(mutex);
  if (freeList.empty())
    return Status(Code::ResourceExhausted,
                  "all " + std::to_string(counts.size()) +
                      " pages of the KV pool are in use");
  uint32_t page = freeList.back();
  freeList.pop_back();
  counts[page] = 1;
  return page;
}

void PagePool::retain(uint32_t page) {
  std::lock_guard lock(mutex);
  assert(page < counts.size() && counts[page] && "retain of a free page");
  ++counts[page];
}

void PagePool::release(uint32_t page) {
  std::lock_guard lock(mutex);
  assert(page < counts.size() && counts[page] && "release of a free page");
  if (--counts[page] == 0)
    freeList.push_back(page);
}

uint32_t PagePool::references(uint32_t page) const {
  std::lock_guard lock(mutex);
  return page < counts.size() ? counts[page] : 0;
}

} // namespace hetagon
