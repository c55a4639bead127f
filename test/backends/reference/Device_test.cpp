// The device ABI as the reference device keeps it: recording, queues, fences,
// counters, and refusals.
#include "test/backends/reference/Harness.h"
#include <chrono>
#include <random>

using namespace hetagon::test;

namespace {

const std::string addLine = "reference-ops 1\nsum add d=4\n";

TEST(ReferenceDevice, AbiVersionsMustAgree) {
  hetagon_error error{};
  EXPECT_EQ(nullptr,
            hetagon_device_query(HETAGON_DEVICE_ABI_VERSION + 1, &error));
  EXPECT_EQ(HETAGON_UNSUPPORTED, error.code);
  ThreadHost host(1);
  const hetagon_device_api *api =
      hetagon_device_query(HETAGON_DEVICE_ABI_VERSION, &error);
  hetagon_device *device = nullptr;
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
            api->open(&host.table, "{\"threads\": 3}", &device, &error));
  host.table.abi_version = 99;
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
            api->open(&host.table, "{}", &device, &error));
}

TEST(ReferenceDevice, DescribesItself) {
  Harness harness;
  hetagon_device_info info{};
  info.struct_size = sizeof(info);
  harness.check(harness.api->describe(harness.device, &info, &harness.error));
  EXPECT_EQ(0u, info.own_address_space);
  EXPECT_GE(info.buffer_alignment, 4u);
  EXPECT_STREQ("reference", harness.api->backend);
  EXPECT_EQ(HETAGON_OK, harness.api->status(harness.device, &harness.error));
}

TEST(ReferenceDevice, EntriesSayWhatTheyTake) {
  Harness harness;
  hetagon_executable executable =
      harness.load("reference-ops 1\n"
                   "a linear k=32 n=8 format=q4_0 bias=f32\n"
                   "b attention layers=1 kv_heads=1 head_dim=4 page_tokens=2 "
                   "format=f32 layer=0 heads=2 scale=1\n");
  uint32_t index, bindings, constants;
  harness.check(harness.api->entry(harness.device, executable, "b", &index,
                                   &bindings, &constants, &harness.error));
  EXPECT_EQ(1u, index);
  EXPECT_EQ(6u, bindings);
  EXPECT_EQ(3u, constants);
  harness.check(harness.api->entry(harness.device, executable, "a", &index,
                                   &bindings, &constants, &harness.error));
  EXPECT_EQ(4u, bindings);
  EXPECT_EQ(1u, constants);
  EXPECT_EQ(HETAGON_NOT_FOUND,
            harness.api->entry(harness.device, executable, "c", &index,
                               &bindings, &constants, &harness.error));
  EXPECT_EQ(HETAGON_UNSUPPORTED,
            harness.api->load(harness.device, "spirv", "", 0, &executable,
                              &harness.error));
}

/// Records a chain: c = a + b, copy c to a; repeated submissions accumulate.
struct Chain {
  explicit Chain(Harness &harness) : harness(harness) {
    a = harness.buffer(bytesOf(std::vector<float>{0, 0, 0, 0}));
    b = harness.buffer(bytesOf(std::vector<float>{1, 2, 3, 4}));
    c = harness.buffer(Bytes(16));
    hetagon_executable executable = harness.load(addLine);
    harness.check(harness.api->create_commands(harness.device, &commands,
                                               &harness.error));
    hetagon_binding bindings[] = {{a, 0, 16}, {b, 0, 16}, {c, 0, 16}};
    int64_t rows = 1;
    harness.check(harness.api->record_dispatch(harness.device, commands,
                                               executable, 0, bindings, 3,
                                               &rows, 1, &harness.error));
    harness.check(harness.api->record_copy(harness.device, commands, c, 0, a, 0,
                                           16, &harness.error));
  }
  hetagon_code submit(uint64_t value, hetagon_fence wait = 0,
                      uint64_t waitValue = 0) {
    return harness.api->submit(harness.device, harness.queue, commands, wait,
                               waitValue, harness.fence, value, &harness.error);
  }
  Harness &harness;
  hetagon_buffer a, b, c;
  hetagon_commands commands = 0;
};

TEST(ReferenceDevice, SubmissionsRunInOrder) {
  Harness harness;
  Chain chain(harness);
  for (uint64_t i = 1; i <= 200; ++i)
    harness.check(chain.submit(i));
  harness.check(harness.wait(200));
  EXPECT_EQ((std::vector<float>{200, 400, 600, 800}),
            floatsOf(harness.read(chain.a, 16)));
  hetagon_counters counters{};
  counters.struct_size = sizeof(counters);
  harness.check(
      harness.api->counters(harness.device, &counters, &harness.error));
  EXPECT_EQ(200u, counters.submits);
  EXPECT_EQ(400u, counters.dispatches);
  EXPECT_EQ(48u, counters.bytes_to_device);
  EXPECT_EQ(16u, counters.bytes_from_device);
  EXPECT_EQ(48u, counters.bytes_allocated);
  EXPECT_GT(counters.busy_ns, 0u);
}

TEST(ReferenceDevice, SubmissionsWaitForFences) {
  Harness harness;
  Chain chain(harness);
  hetagon_fence gate = 0;
  hetagon_queue other = 0;
  hetagon_commands nothing = 0;
  const hetagon_device_api &api = *harness.api;
  harness.check(api.create_fence(harness.device, &gate, &harness.error));
  harness.check(api.create_queue(harness.device, &other, &harness.error));
  harness.check(api.create_commands(harness.device, &nothing, &harness.error));
  harness.check(chain.submit(1, gate, 5));
  EXPECT_EQ(HETAGON_DEADLINE_EXCEEDED, harness.wait(1, 20'000'000));
  uint64_t value = 9;
  harness.check(
      api.query_fence(harness.device, harness.fence, &value, &harness.error));
  EXPECT_EQ(0u, value);
  harness.check(api.submit(harness.device, other, nothing, 0, 0, gate, 5,
                           &harness.error));
  harness.check(harness.wait(1));
}

TEST(ReferenceDevice, CancelDropsWhatHasNotStarted) {
  Harness harness;
  Chain chain(harness);
  harness.host.setPaused(true);
  harness.check(chain.submit(1));
  harness.check(chain.submit(2));
  harness.check(
      harness.api->cancel(harness.device, harness.queue, &harness.error));
  EXPECT_EQ(HETAGON_CANCELLED, harness.wait(2));
  harness.host.setPaused(false);
  EXPECT_EQ((std::vector<float>{0, 0, 0, 0}),
            floatsOf(harness.read(chain.a, 16)));
}

TEST(ReferenceDevice, CloseDropsWhatCannotStart) {
  Harness harness;
  Chain chain(harness);
  hetagon_fence never = 0;
  harness.check(
      harness.api->create_fence(harness.device, &never, &harness.error));
  harness.check(chain.submit(1, never, 1));
} // the harness closes the device; hanging would be the failure

TEST(ReferenceDevice, FailureReachesTheFenceAndItsDependents) {
  Harness harness;
  hetagon_executable executable =
      harness.load("reference-ops 1\nlook embedding vocab=2 d=1 format=f32\n");
  hetagon_buffer ids = harness.buffer(bytesOf(std::vector<int32_t>{7}));
  hetagon_buffer table = harness.buffer(Bytes(8)),
                 out = harness.buffer(Bytes(4));
  hetagon_commands commands = 0;
  const hetagon_device_api &api = *harness.api;
  harness.check(api.create_commands(harness.device, &commands, &harness.error));
  hetagon_binding bindings[] = {{ids, 0, 4}, {table, 0, 8}, {out, 0, 4}};
  int64_t rows = 1;
  harness.check(api.record_dispatch(harness.device, commands, executable, 0,
                                    bindings, 3, &rows, 1, &harness.error));
  harness.check(api.submit(harness.device, harness.queue, commands, 0, 0,
                           harness.fence, 1, &harness.error));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, harness.wait(1));
  EXPECT_NE(nullptr, std::strstr(harness.error.message, "'look'"));
  uint64_t value = 0;
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, api.query_fence(harness.device, harness.fence,
                                                  &value, &harness.error));
  hetagon_fence next = 0;
  harness.check(api.create_fence(harness.device, &next, &harness.error));
  harness.check(api.submit(harness.device, harness.queue, commands,
                           harness.fence, 1, next, 1, &harness.error));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, api.wait_fence(harness.device, next, 1,
                                                 UINT64_MAX, &harness.error));
}

TEST(ReferenceDevice, RecordingRefusesWhatCannotBeRight) {
  Harness harness;
  hetagon_executable executable = harness.load(addLine);
  hetagon_buffer a = harness.buffer(Bytes(64)), b = harness.buffer(Bytes(64));
  alignas(64) static const float constant[16] = {};
  hetagon_buffer imported = 0;
  const hetagon_device_api &api = *harness.api;
  harness.check(
      api.import_host(harness.device, constant, 64, &imported, &harness.error));
  hetagon_commands commands = 0;
  harness.check(api.create_commands(harness.device, &commands, &harness.error));
  using Bindings = std::vector<hetagon_binding>;
  auto record = [&](uint32_t entry, Bindings bindings,
                    std::vector<int64_t> constants) {
    return api.record_dispatch(harness.device, commands, executable, entry,
                               bindings.data(), uint32_t(bindings.size()),
                               constants.data(), uint32_t(constants.size()),
                               &harness.error);
  };
  Bindings good = {{imported, 0, 16}, {a, 0, 16}, {b, 0, 16}};
  EXPECT_EQ(HETAGON_OK, record(0, good, {1}));
  EXPECT_EQ(HETAGON_OK,
            record(0, {good[0], good[1], good[1]}, {1})); // in place
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT, record(1, good, {1}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT, record(0, good, {}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT, record(0, good, {1, 1}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT, record(0, {good[0], good[1]}, {1}));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, record(0, good, {2}));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, record(0, good, {-1}));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE, record(0, good, {INT64_MAX}));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            record(0, {good[0], good[1], {b, 56, 16}}, {1}));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            record(0, {good[0], good[1], {b, UINT64_MAX - 7, 16}}, {1}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
            record(0, {good[0], good[1], {b, 2, 16}}, {1}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
            record(0, {good[0], good[1], {12345, 0, 16}}, {1}));
  EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
            record(0, {good[0], {b, 8, 16}, good[2]}, {1}));
  EXPECT_EQ(HETAGON_PERMISSION_DENIED,
            record(0, {good[1], good[2], good[0]}, {1}));
  EXPECT_EQ(HETAGON_PERMISSION_DENIED,
            api.record_copy(harness.device, commands, a, 0, imported, 0, 16,
                            &harness.error));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            api.record_copy(harness.device, commands, a, 60, b, 0, 16,
                            &harness.error));
  uint8_t byte = 0;
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            api.write(harness.device, a, 64, &byte, 1, &harness.error));
  EXPECT_EQ(HETAGON_PERMISSION_DENIED,
            api.write(harness.device, imported, 0, &byte, 1, &harness.error));
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            api.read(harness.device, a, UINT64_MAX, &byte, 1, &harness.error));
  hetagon_buffer huge = 0;
  EXPECT_EQ(HETAGON_RESOURCE_EXHAUSTED,
            api.allocate(harness.device, UINT64_MAX, &huge, &harness.error));
}

TEST(ReferenceDevice, ReleasedMemoryLivesWhileItIsRecorded) {
  Harness harness;
  Chain chain(harness);
  harness.api->release(harness.device, chain.b);
  harness.check(chain.submit(1));
  harness.check(harness.wait(1));
  EXPECT_EQ((std::vector<float>{1, 2, 3, 4}),
            floatsOf(harness.read(chain.a, 16)));
}

TEST(ReferencePayload, RefusesHostileLines) {
  Harness harness;
  std::string longName(201, 'n');
  for (std::string payload : std::vector<std::string>{
           "",
           "reference-ops 2\n",
           "reference-ops 1",
           "reference-ops 1\nx add d=4",
           "reference-ops 1\n\n",
           "reference-ops 1\nx\n",
           "reference-ops 1\nx nosuch d=4\n",
           "reference-ops 1\nx add\n",
           "reference-ops 1\nx add d\n",
           "reference-ops 1\nx add d=\n",
           "reference-ops 1\nx add d=0\n",
           "reference-ops 1\nx add d=-4\n",
           "reference-ops 1\nx add d=4.0\n",
           "reference-ops 1\nx add d=99999999999999999999\n",
           "reference-ops 1\nx add d=2147483648\n",
           "reference-ops 1\nx add d=4 d=4\n",
           "reference-ops 1\nx add d=4 k=4\n",
           "reference-ops 1\nx add  d=4\n",
           "reference-ops 1\nx add d=4 \n ",
           "reference-ops 1\nx add d=4\r\n",
           "reference-ops 1\nx add d=4 format=f16\n",
           "reference-ops 1\nx add d=4 broadcast=2\n",
           "reference-ops 1\nx add d=4\nx mul d=4\n",
           "reference-ops 1\nx/y add d=4\n",
           "reference-ops 1\n" + longName + " add d=4\n",
           "reference-ops 1\nx linear k=33 n=2 format=q4_0\n",
           "reference-ops 1\nx linear k=32 n=2 format=q5_0\n",
           "reference-ops 1\nx linear k=32 n=2 format=q4_0 bias=q4_0\n",
           "reference-ops 1\nx linear k=2147483647 n=2147483647 format=f32\n",
           "reference-ops 1\nx rms_norm d=10 g=3 eps=0\n",
           "reference-ops 1\nx rms_norm d=10 g=5 eps=nan\n",
           "reference-ops 1\nx rms_norm d=10 g=5 eps=1e99\n",
           "reference-ops 1\nx rms_norm d=10 g=5 eps=-1\n",
           "reference-ops 1\nx rms_norm d=10 g=5 eps=1e-5x\n",
           "reference-ops 1\nx rms_norm d=32 g=32 eps=0 format=q8_0\n",
           "reference-ops 1\nx rope heads=1 head_dim=4 rotary=3 pairing=half\n",
           "reference-ops 1\nx rope heads=1 head_dim=4 rotary=6 pairing=half\n",
           "reference-ops 1\nx rope heads=1 head_dim=4 rotary=4 "
           "pairing=whole\n",
           "reference-ops 1\nx attention layers=2 kv_heads=2 head_dim=4 "
           "page_tokens=2 format=f32 layer=2 heads=4 scale=1\n",
           "reference-ops 1\nx attention layers=2 kv_heads=3 head_dim=4 "
           "page_tokens=2 format=f32 layer=1 heads=4 scale=1\n",
           "reference-ops 1\nx attention layers=2 kv_heads=2 head_dim=4 "
           "page_tokens=2 format=q8_0 layer=1 heads=4 scale=1\n",
           "reference-ops 1\nx kv_append layers=2147483647 kv_heads=2147483647 "
           "head_dim=2147483647 page_tokens=2147483647 format=f32 layer=1\n",
           "reference-ops 1\nx pool d=4 kind=last\n",
           "reference-ops 1\nx activation d=4 kind=first\n",
       }) {
    hetagon_executable executable = 0;
    EXPECT_EQ(HETAGON_INVALID_ARGUMENT,
              harness.api->load(harness.device, "reference-ops", payload.data(),
                                payload.size(), &executable, &harness.error))
        << payload;
    EXPECT_NE(nullptr, std::strstr(harness.error.message, "line "))
        << harness.error.message;
  }
}

TEST(ReferencePayload, SurvivesRandomBytes) {
  Harness harness;
  std::string sound = "reference-ops 1\na linear k=32 n=8 format=q4_0\n"
                      "b rope heads=1 head_dim=4 rotary=4 pairing=half\n";
  Random random(5);
  for (int i = 0; i < 5000; ++i) {
    std::string payload = sound;
    for (size_t n = 1 + random() % 4; n--;)
      payload[random() % payload.size()] = char(random());
    hetagon_executable executable = 0;
    if (harness.api->load(harness.device, "reference-ops", payload.data(),
                          payload.size(), &executable,
                          &harness.error) == HETAGON_OK)
      harness.api->unload(harness.device, executable);
  }
}

} // namespace
