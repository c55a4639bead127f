// Memory of every device: zeroed, kept, copied, imported, accounted for.
#include "test/conformance/Harness.h"
#include <algorithm>

using namespace hetagon::test;

namespace {

using MemoryConformance = Conformance;
HETAGON_FOR_EVERY_BACKEND(MemoryConformance);

TEST_P(MemoryConformance, AllocatesZeros) {
  for (uint64_t size : {1, 3, 64, 4099, 1 << 20, (2 << 20) + 5}) {
    hetagon_buffer buffer = bufferOf(Bytes(size, 0xff));
    api->release(device, buffer);
    buffer = allocate(size); // perhaps the same memory
    EXPECT_EQ(Bytes(size), read(buffer, size)) << size;
    api->release(device, buffer);
  }
}

TEST_P(MemoryConformance, KeepsWhatIsWritten) {
  std::mt19937_64 random(1);
  constexpr size_t size = 10007;
  hetagon_buffer buffer = allocate(size);
  Bytes model(size);
  for (int i = 0; i < 200; ++i) {
    size_t offset = random() % (size + 1);
    Bytes content = randomBytes(
        random, random() % std::min<size_t>(size - offset + 1, 300));
    std::copy(content.begin(), content.end(), model.begin() + long(offset));
    expectOk(api->write(device, buffer, offset, content.data(), content.size(),
                        &error));
    offset = random() % (size + 1);
    size_t length = random() % (size - offset + 1);
    ASSERT_EQ(Bytes(model.begin() + long(offset),
                    model.begin() + long(offset + length)),
              read(buffer, length, offset));
  }
}

/// Random copies between two buffers, recorded at once, against a model that
/// makes them one after the other.
TEST_P(MemoryConformance, CopiesInOrder) {
  std::mt19937_64 random(2);
  constexpr size_t size = 4096 + 12;
  std::vector<Bytes> model = {randomBytes(random, size),
                              randomBytes(random, size)};
  hetagon_buffer buffers[] = {bufferOf(model[0]), bufferOf(model[1])};
  hetagon_commands commands = createCommands();
  for (int i = 0; i < 100; ++i) {
    size_t from = random() % 2, to = 1 - from;
    size_t source = random() % (size + 1), target = random() % (size + 1);
    size_t length = random() % (std::min(size - source, size - target) + 1);
    expectOk(api->record_copy(device, commands, buffers[from], source,
                              buffers[to], target, length, &error));
    std::copy_n(model[from].begin() + long(source), length,
                model[to].begin() + long(target));
  }
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  expectOk(submit(queue, commands, fence, 1));
  expectOk(wait(fence, 1));
  EXPECT_EQ(model[0], read(buffers[0], size));
  EXPECT_EQ(model[1], read(buffers[1], size));
}

TEST_P(MemoryConformance, CommandsRunAsOftenAsTheyAreSubmitted) {
  constexpr size_t count = 20;
  Bytes content(4 * (count + 1));
  content[0] = 7;
  hetagon_buffer buffer = bufferOf(content);
  // Each submission moves the number one place further.
  hetagon_commands commands = createCommands();
  for (size_t i = count; i-- > 0;)
    expectOk(api->record_copy(device, commands, buffer, 4 * i, buffer,
                              4 * (i + 1), 4, &error));
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  for (size_t i = 1; i <= count; ++i)
    expectOk(submit(queue, commands, fence, i));
  expectOk(wait(fence, count));
  EXPECT_EQ(7, read(buffer, 4, 4 * count)[0]);
}

TEST_P(MemoryConformance, ImportsHostMemoryOrSaysThatItCannot) {
  if (!api->import_host)
    return; // optional
  std::mt19937_64 random(3);
  Bytes storage = randomBytes(random, 3 * 4096);
  size_t shift = 4096 - reinterpret_cast<uintptr_t>(storage.data()) % 4096;
  const Bytes content(storage.begin() + long(shift),
                      storage.begin() + long(shift) + 4096);
  hetagon_buffer buffer = 0;
  hetagon_code code =
      api->import_host(device, storage.data() + shift, 4096, &buffer, &error);
  if (code == HETAGON_UNSUPPORTED)
    return;
  expectOk(code);
  EXPECT_EQ(content, read(buffer, 4096));
  hetagon_buffer copy = allocate(4096);
  hetagon_commands commands = createCommands();
  expectOk(
      api->record_copy(device, commands, buffer, 0, copy, 0, 4096, &error));
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  expectOk(submit(queue, commands, fence, 1));
  expectOk(wait(fence, 1));
  EXPECT_EQ(content, read(copy, 4096));
  uint8_t byte = uint8_t(~content[0]);
  EXPECT_NE(HETAGON_OK, api->write(device, buffer, 0, &byte, 1, &error))
      << "imported memory is read-only";
  EXPECT_EQ(content[0], storage[shift]);
  api->release(device, buffer);
}

TEST_P(MemoryConformance, CountsItsOwnWork) {
  hetagon_counters before = counters();
  Bytes content(1000, 1);
  hetagon_buffer buffer = bufferOf(content), other = allocate(1000);
  hetagon_commands commands = createCommands();
  expectOk(
      api->record_copy(device, commands, buffer, 0, other, 0, 1000, &error));
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  for (uint64_t i = 1; i <= 3; ++i)
    expectOk(submit(queue, commands, fence, i));
  expectOk(wait(fence, 3));
  EXPECT_EQ(content, read(other, 1000));
  hetagon_counters after = counters();
  EXPECT_EQ(3u, after.submits - before.submits);
  EXPECT_EQ(1000u, after.bytes_to_device - before.bytes_to_device);
  EXPECT_EQ(1000u, after.bytes_from_device - before.bytes_from_device);
  EXPECT_GE(after.bytes_allocated - before.bytes_allocated, 2000u);
  api->destroy_commands(device, commands);
  api->release(device, buffer);
  api->release(device, other);
  EXPECT_EQ(before.bytes_allocated, counters().bytes_allocated);
  EXPECT_GE(after.busy_ns, before.busy_ns);
}

TEST_P(MemoryConformance, TheClockGoesOn) {
  uint64_t last = api->clock_ns(device);
  for (int i = 0; i < 100; ++i) {
    uint64_t now = api->clock_ns(device);
    EXPECT_GE(now, last);
    last = now;
  }
}

} // namespace
