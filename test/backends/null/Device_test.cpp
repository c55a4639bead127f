// What the null device computes and in which order, with the faults that its
// configuration asks for.
#include "test/backends/null/Harness.h"
#include <cstring>

using namespace hetagon;
using namespace hetagon::test;

namespace {

hetagon_code submit(Device &device, const Queue &queue,
                    const Commands &commands, uint64_t wait, uint64_t waitValue,
                    const Fence &signal, uint64_t value) {
  hetagon_error error{};
  hetagon_code code =
      device.api().submit(device.raw(), queue.get(), commands.get(), wait,
                          waitValue, signal.get(), value, &error);
  EXPECT_EQ(HETAGON_OK, code) << error.message;
  return code;
}

TEST(NullDevice, KeepsWhatIsWritten) {
  auto device = openNull();
  EXPECT_EQ(1u, device->info().own_address_space);
  for (size_t size :
       {size_t(0), size_t(1), size_t(1) << 20, (size_t(3) << 20) + 17}) {
    Buffer buffer = must(device->allocate(size + 8));
    Bytes zeros(size + 8, 7), back(size);
    EXPECT_OK(device->read(buffer, 0, zeros));
    EXPECT_EQ(Bytes(size + 8), zeros);
    Bytes content = counting(size);
    EXPECT_OK(device->write(buffer, 5, content));
    EXPECT_OK(device->read(buffer, 5, back));
    EXPECT_EQ(content, back);
    EXPECT_CODE(OutOfRange, device->write(buffer, 9, content));
    EXPECT_CODE(OutOfRange, device->read(buffer, UINT64_MAX, back));
  }
  Bytes byte(1);
  EXPECT_CODE(Unsupported, device->importHost(byte).status());
}

TEST(NullDevice, WritesZerosOverTheRowsOfTheLastBinding) {
  auto device = openNull();
  std::string code = "null-ops 1\nfirst 1 8\nsecond 2 16\n";
  Executable executable = must(
      device->load("null-ops", {reinterpret_cast<const uint8_t *>(code.data()),
                                code.size()}));
  EntryInfo entry = must(device->entry(executable, "second"));
  EXPECT_EQ(1u, entry.index);
  EXPECT_EQ(2u, entry.bindings);
  EXPECT_EQ(1u, entry.constants);
  EXPECT_CODE(NotFound, device->entry(executable, "third").status());

  Buffer input = must(device->allocate(128)),
         output = must(device->allocate(256));
  EXPECT_OK(device->write(input, 0, counting(128)));
  EXPECT_OK(device->write(output, 0, counting(256)));
  Commands commands = must(device->createCommands());
  hetagon_binding bindings[] = {{input.get(), 0, 128}, {output.get(), 64, 128}};
  int64_t rows = 3;
  EXPECT_OK(device->recordDispatch(commands, executable, entry.index, bindings,
                                   {&rows, 1}));
  for (int64_t wrong : {int64_t(-1), int64_t(9), INT64_MAX})
    EXPECT_CODE(OutOfRange,
                device->recordDispatch(commands, executable, entry.index,
                                       bindings, {&wrong, 1}));
  EXPECT_CODE(InvalidArgument,
              device->recordDispatch(commands, executable, entry.index,
                                     {bindings, 1}, {&rows, 1}));
  EXPECT_CODE(
      InvalidArgument,
      device->recordDispatch(commands, executable, entry.index, bindings, {}));
  hetagon_binding askew[] = {bindings[0], {output.get(), 4, 128}};
  EXPECT_CODE(InvalidArgument,
              device->recordDispatch(commands, executable, entry.index, askew,
                                     {&rows, 1}));
  Queue queue = must(device->createQueue());
  Fence fence = must(device->createFence());
  EXPECT_OK(device->submit(queue, commands, fence, 1));
  EXPECT_OK(device->wait(fence, 1, forever));
  Bytes expected = counting(256), actual(256), kept(128);
  std::memset(expected.data() + 64, 0, 48);
  EXPECT_OK(device->read(output, 0, actual));
  EXPECT_OK(device->read(input, 0, kept));
  EXPECT_EQ(expected, actual);
  EXPECT_EQ(counting(128), kept);

  hetagon_counters counters = must(device->counters());
  EXPECT_EQ(1u, counters.submits);
  EXPECT_EQ(1u, counters.dispatches);
  EXPECT_EQ(384u, counters.bytes_to_device);
  EXPECT_EQ(384u, counters.bytes_from_device);
  EXPECT_EQ(384u, counters.bytes_allocated);
}

TEST(NullDevice, TakesAtLeastTheDelay) {
  auto device = openNull(R"({"delay_us": 60000})");
  Commands commands = must(device->createCommands());
  Queue queue = must(device->createQueue());
  Fence fence = must(device->createFence());
  Clock::time_point start = Clock::now();
  EXPECT_OK(device->submit(queue, commands, fence, 1));
  EXPECT_OK(device->submit(queue, commands, fence, 2));
  EXPECT_EQ(0u, must(device->query(fence)));
  EXPECT_CODE(DeadlineExceeded, device->wait(fence, 1, milliseconds(5)));
  EXPECT_OK(device->wait(fence, 2, forever));
  EXPECT_GE(Clock::now() - start, milliseconds(120));
  EXPECT_GE(must(device->counters()).busy_ns, 120'000'000u);
}

TEST(NullDevice, CancelDropsWhatHasNotStarted) {
  auto device = openNull(R"({"delay_us": 50000})");
  Commands commands = must(device->createCommands());
  Queue queue = must(device->createQueue());
  Fence first = must(device->createFence()),
        second = must(device->createFence());
  EXPECT_OK(device->submit(queue, commands, first, 1));
  EXPECT_OK(device->submit(queue, commands, second, 1));
  EXPECT_OK(device->cancel(queue));
  EXPECT_CODE(Cancelled, device->wait(second, 1, forever));
  EXPECT_CODE(Cancelled, device->query(second).status());
  EXPECT_OK(device->wait(first, 1, forever));
}

/// Queues finish in another order than they were submitted to, for some seed;
/// a chain of submissions over all of them keeps its order, for every seed.
TEST(NullDevice, ReordersQueuesButKeepsFences) {
  bool wasReordered = false;
  for (int seed = 0; seed < 6; ++seed) {
    // Delays of up to 40 ms: far longer than it takes to submit and to look.
    auto device = openNull(R"({"reorder": true, "delay_us": 20000, "seed": )" +
                           std::to_string(seed) + "}");
    constexpr size_t count = 5;
    std::vector<Queue> queues;
    std::vector<Commands> steps;
    Buffer log = must(device->allocate(8 * (count + 1)));
    EXPECT_OK(device->write(log, 0, counting(8)));
    Commands nothing = must(device->createCommands());
    for (size_t i = 0; i < count; ++i) {
      queues.push_back(must(device->createQueue()));
      steps.push_back(must(device->createCommands()));
      EXPECT_OK(device->recordCopy(steps[i], log, 8 * i, log, 8 * (i + 1), 8));
    }
    std::vector<Fence> fences;
    for (size_t i = 0; i < count; ++i) {
      fences.push_back(must(device->createFence()));
      submit(*device, queues[i], nothing, 0, 0, fences[i], 1);
    }
    // The first to be done need not be the first submitted.
    bool isFirstDone = false;
    EXPECT_TRUE(becomesTrue([&] {
      isFirstDone = must(device->query(fences[0])) == 1;
      bool isOtherDone = false;
      for (size_t i = 1; i < count; ++i)
        isOtherDone |= must(device->query(fences[i])) == 1;
      return isFirstDone || isOtherDone;
    }));
    wasReordered |= !isFirstDone;
    for (Fence &fence : fences)
      EXPECT_OK(device->wait(fence, 1, forever));

    // Submitted last step first; each waits for the one before it.
    Fence chain = must(device->createFence());
    for (size_t i = count; i-- > 0;)
      submit(*device, queues[i], steps[i], i ? chain.get() : 0, i, chain,
             i + 1);
    EXPECT_OK(device->wait(chain, count, forever));
    Bytes last(8);
    EXPECT_OK(device->read(log, 8 * count, last));
    EXPECT_EQ(counting(8), last) << "seed " << seed;
  }
  EXPECT_TRUE(wasReordered);
}

TEST(NullDevice, CloseLeavesNothingBehind) {
  {
    auto device = openNull(R"({"delay_us": 30000000})");
    Commands commands = must(device->createCommands());
    Queue queue = must(device->createQueue());
    Fence fence = must(device->createFence()),
          never = must(device->createFence());
    EXPECT_OK(device->submit(queue, commands, fence, 1));
    submit(*device, queue, commands, never.get(), 1, fence, 2);
    EXPECT_EQ(1u, childrenOf(::getpid()).size());
  }
  EXPECT_TRUE(childrenOf(::getpid()).empty());
}

TEST(NullDevice, RefusesSettingsThatItDoesNotKnow) {
  for (const char *config :
       {"", "[]", "{", "{}x", "{\"delay\": 1}", "{\"delay_us\": -1}",
        "{\"delay_us\": 1.5}", "{\"delay_us\": \"1\"}", "{\"delay_us\": 01}",
        "{\"delay_us\": 99999999999999999999}", "{\"delay_us\": 60000001}",
        "{\"reorder\": 1}", "{\"reorder\": true,}", "{\"seed\" 1}",
        "{\"seed\": 1 \"reorder\": true}", "{\"seed\": 1, \"seed\": 1}",
        "{\"se\\u0065d\": 1}", "{seed: 1}", "{\"answer_ms\": 0}"}) {
    hetagon_device *device = nullptr;
    hetagon_error error{};
    auto library = must(DeviceLibrary::open(
        (devicesFolder() / "hetagon-device-null.so").string()));
    EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
              library->api().open(&idleHost(), config, &device, &error))
        << config;
    EXPECT_NE(nullptr, std::strstr(error.message, "byte ")) << error.message;
  }
  openNull(" { \"seed\" : 18446744073709551615 , \"reorder\":false } ");
}

TEST(NullPayload, RefusesHostileLines) {
  auto device = openNull();
  for (std::string code : std::vector<std::string>{
           "", "null-ops 2\n", "null-ops 1", "null-ops 1\nx 1 4",
           "null-ops 1\n\n", "null-ops 1\nx\n", "null-ops 1\nx 1\n",
           "null-ops 1\nx 0 4\n", "null-ops 1\nx 1025 4\n",
           "null-ops 1\nx -1 4\n", "null-ops 1\nx 1 -4\n",
           "null-ops 1\nx 1 99999999999999999999\n", "null-ops 1\nx 1 4 5\n",
           "null-ops 1\nx  1 4\n", "null-ops 1\nx/y 1 4\n",
           "null-ops 1\nx 1 4\r\n", "null-ops 1\nx 1 4\nx 2 4\n",
           "null-ops 1\n" + std::string(201, 'n') + " 1 4\n"}) {
    Status refused =
        device
            ->load("null-ops", {reinterpret_cast<const uint8_t *>(code.data()),
                                code.size()})
            .status();
    EXPECT_CODE(InvalidArgument, refused);
    EXPECT_NE(std::string::npos, refused.str().find("line ")) << refused.str();
  }
  Bytes large((1 << 20) + 1);
  EXPECT_CODE(OutOfRange, device->load("null-ops", large).status());
  EXPECT_CODE(Unsupported, device->load("spirv", {}).status());
}

} // namespace
