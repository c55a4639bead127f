// Counts the bytes that a piece of code holds on the heap at most, for tests
// of readers that must not be made to allocate. Include in one file of a test
// program: it replaces operator new. Threads other than the test's own count
// too.
#ifndef HETAGON_TEST_RUNTIME_MODELS_ALLOCATIONS_H
#define HETAGON_TEST_RUNTIME_MODELS_ALLOCATIONS_H

#include <cstddef>

namespace hetagon::test {

/// The most bytes held at once since construction, beyond those held then.
class AllocationPeak {
public:
  AllocationPeak();
  size_t bytes() const;

private:
  size_t before;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_MODELS_ALLOCATIONS_H
