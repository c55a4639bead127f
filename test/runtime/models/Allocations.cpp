// Replaces operator new and delete with versions that keep count.
#include "test/runtime/models/Allocations.h"
#include <atomic>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

std::atomic<size_t> held, peak;

[[maybe_unused]] void *allocate(size_t size, size_t alignment) {
  void *memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (size + alignment - 1) /
                                                         alignment * alignment)
                     : std::malloc(size ? size : 1);
  if (!memory)
    return nullptr;
  size_t now = held += malloc_usable_size(memory);
  size_t seen = peak;
  while (seen < now && !peak.compare_exchange_weak(seen, now))
    ;
  return memory;
}

[[maybe_unused]] void release(void *memory) {
  if (memory)
    held -= malloc_usable_size(memory);
  std::free(memory);
}

} // namespace

// The thread sanitizer brings its own operators, in an archive that cannot be
// replaced; nothing is counted there.
#if !__has_feature(thread_sanitizer)
void *operator new(size_t size) {
  if (void *memory = allocate(size, 0))
    return memory;
  throw std::bad_alloc();
}
void *operator new(size_t size, std::align_val_t alignment) {
  if (void *memory = allocate(size, size_t(alignment)))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { release(memory); }
void operator delete(void *memory, size_t) noexcept { release(memory); }
void operator delete(void *memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void *memory, size_t, std::align_val_t) noexcept {
  release(memory);
}
#endif

namespace hetagon::test {

AllocationPeak::AllocationPeak() : before(held) { peak = before; }

size_t AllocationPeak::bytes() const {
  size_t most = peak;
  return most > before ? most - before : 0;
}

} // namespace hetagon::test
