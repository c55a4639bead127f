// Queues and timeline fences of every device: order, time-outs, cancelling,
// threads.
#include "test/conformance/Harness.h"
#include <chrono>
#include <thread>

using namespace hetagon::test;

namespace {

using FenceConformance = Conformance;
HETAGON_FOR_EVERY_BACKEND(FenceConformance);

TEST_P(FenceConformance, ValuesOnlyGrow) {
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  hetagon_commands nothing = createCommands();
  uint64_t value = 9;
  expectOk(api->query_fence(device, fence, &value, &error));
  EXPECT_EQ(0u, value);
  expectOk(wait(fence, 0, 0));
  expectOk(submit(queue, nothing, fence, 5));
  expectOk(wait(fence, 5));
  expectOk(wait(fence, 1, 0));
  expectOk(submit(queue, nothing, fence, 8));
  uint64_t last = 5;
  while (last < 8) {
    expectOk(api->query_fence(device, fence, &value, &error));
    ASSERT_TRUE(value == 8 || value == last) << value;
    last = value;
  }
}

TEST_P(FenceConformance, WaitsEndInTime) {
  hetagon_fence fence = createFence();
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(HETAGON_DEADLINE_EXCEEDED, wait(fence, 1, 0));
  EXPECT_EQ(HETAGON_DEADLINE_EXCEEDED, wait(fence, 1, 30'000'000));
  auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(30));
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST_P(FenceConformance, SubmissionsWaitForFences) {
  hetagon_queue queue = createQueue(), other = createQueue();
  hetagon_fence gate = createFence(), done = createFence();
  hetagon_buffer source = bufferOf({1, 2, 3, 4}), target = allocate(4);
  hetagon_commands copy = createCommands(), nothing = createCommands();
  expectOk(api->record_copy(device, copy, source, 0, target, 0, 4, &error));
  expectOk(submit(queue, copy, done, 1, gate, 5));
  EXPECT_EQ(HETAGON_DEADLINE_EXCEEDED, wait(done, 1, 20'000'000));
  expectOk(submit(other, nothing, gate, 4));
  EXPECT_EQ(HETAGON_DEADLINE_EXCEEDED, wait(done, 1, 20'000'000));
  expectOk(submit(other, nothing, gate, 5));
  expectOk(wait(done, 1));
  EXPECT_EQ((Bytes{1, 2, 3, 4}), read(target, 4));
}

TEST_P(FenceConformance, CancelDropsWhatHasNotStarted) {
  if (!api->cancel)
    return; // optional
  hetagon_queue queue = createQueue();
  hetagon_fence gate = createFence(), first = createFence(),
                second = createFence();
  hetagon_commands nothing = createCommands();
  expectOk(submit(queue, nothing, first, 1, gate, 1));
  expectOk(submit(queue, nothing, second, 1, gate, 1));
  expectOk(api->cancel(device, queue, &error));
  EXPECT_EQ(HETAGON_CANCELLED, wait(first, 1));
  EXPECT_EQ(HETAGON_CANCELLED, wait(second, 1));
  uint64_t value = 0;
  EXPECT_EQ(HETAGON_CANCELLED, api->query_fence(device, first, &value, &error));
  // The queue goes on.
  hetagon_fence third = createFence();
  expectOk(submit(queue, nothing, third, 1));
  expectOk(wait(third, 1));
}

TEST_P(FenceConformance, CloseDoesNotWaitForWhatCannotStart) {
  hetagon_queue queue = createQueue();
  hetagon_fence never = createFence(), done = createFence();
  expectOk(submit(queue, createCommands(), done, 1, never, 1));
} // the harness closes the device

/// More than a queue takes at once, from one thread.
TEST_P(FenceConformance, SubmitBlocksUntilThereIsPlace) {
  hetagon_device_info info{};
  info.struct_size = sizeof info;
  expectOk(api->describe(device, &info, &error));
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  hetagon_commands nothing = createCommands();
  uint64_t count = 3 * uint64_t(info.max_in_flight) + 1;
  ASSERT_LT(count, 100000u);
  for (uint64_t i = 1; i <= count; ++i)
    expectOk(submit(queue, nothing, fence, i));
  expectOk(wait(fence, count));
}

TEST_P(FenceConformance, ThreadsWorkSideBySide) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      hetagon_error own{};
      hetagon_queue queue = 0;
      hetagon_fence fence = 0;
      EXPECT_EQ(HETAGON_OK, api->create_queue(device, &queue, &own));
      EXPECT_EQ(HETAGON_OK, api->create_fence(device, &fence, &own));
      for (uint64_t i = 1; i <= 25; ++i) {
        hetagon_buffer source = 0, target = 0;
        hetagon_commands commands = 0;
        Bytes content(64, uint8_t(thread * 50 + int(i))), back(64);
        EXPECT_EQ(HETAGON_OK, api->allocate(device, 64, &source, &own));
        EXPECT_EQ(HETAGON_OK, api->allocate(device, 64, &target, &own));
        EXPECT_EQ(HETAGON_OK,
                  api->write(device, source, 0, content.data(), 64, &own));
        EXPECT_EQ(HETAGON_OK, api->create_commands(device, &commands, &own));
        EXPECT_EQ(HETAGON_OK, api->record_copy(device, commands, source, 0,
                                               target, 0, 64, &own));
        EXPECT_EQ(HETAGON_OK,
                  api->submit(device, queue, commands, 0, 0, fence, i, &own))
            << own.message;
        EXPECT_EQ(HETAGON_OK,
                  api->wait_fence(device, fence, i, UINT64_MAX, &own))
            << own.message;
        EXPECT_EQ(HETAGON_OK,
                  api->read(device, target, 0, back.data(), 64, &own));
        EXPECT_EQ(content, back);
        api->destroy_commands(device, commands);
        api->release(device, source);
        api->release(device, target);
      }
      api->destroy_queue(device, queue);
      api->destroy_fence(device, fence);
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
