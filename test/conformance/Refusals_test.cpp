// What no device may accept, and none may crash on.
#include "test/conformance/Harness.h"
#include <cstring>

using namespace hetagon::test;

namespace {

using RefusalConformance = Conformance;
HETAGON_FOR_EVERY_BACKEND(RefusalConformance);

TEST_P(RefusalConformance, DescribesItself) {
  hetagon_device_info info{};
  info.struct_size = sizeof info;
  expectOk(api->describe(device, &info, &error));
  ASSERT_NE(nullptr, info.name);
  ASSERT_NE(nullptr, info.architecture);
  EXPECT_NE(0u, std::strlen(info.name));
  EXPECT_NE(0u, std::strlen(info.architecture));
  EXPECT_GE(info.buffer_alignment, 1u);
  EXPECT_GE(info.max_in_flight, 1u);
  EXPECT_LE(info.own_address_space, 1u);
  EXPECT_EQ(GetParam(), api->backend);
  expectOk(api->status(device, &error));
}

TEST_P(RefusalConformance, OtherVersions) {
  auto open = [&](hetagon_host host, const char *config) {
    hetagon_device *opened = nullptr;
    std::memset(&error, 0, sizeof error);
    hetagon_code code = api->open(&host, config, &opened, &error);
    EXPECT_NE(0u, std::strlen(error.message)) << config;
    if (code == HETAGON_OK)
      api->close(opened);
    return code;
  };
  hetagon_host host = executor.host();
  host.abi_version = HETAGON_DEVICE_ABI_VERSION + 1;
  EXPECT_NE(HETAGON_OK, open(host, "{}"));
  host = executor.host();
  host.struct_size = 8;
  EXPECT_NE(HETAGON_OK, open(host, "{}"));
  for (const char *config : {"{\"no_such_key\": 1}", "[]", "{} x", "{"})
    EXPECT_EQ(HETAGON_INVALID_ARGUMENT, open(executor.host(), config))
        << config;
  hetagon_device_info info{};
  info.struct_size = 4;
  hetagon_device_info untouched = info;
  EXPECT_NE(HETAGON_OK, api->describe(device, &info, &error));
  EXPECT_EQ(0, std::memcmp(&info, &untouched, sizeof info));
  hetagon_counters values{};
  values.struct_size = 4;
  EXPECT_NE(HETAGON_OK, api->counters(device, &values, &error));
  EXPECT_EQ(0u, values.submits);
}

TEST_P(RefusalConformance, RangesOutsideBuffers) {
  hetagon_buffer buffer = allocate(100), other = allocate(50);
  hetagon_commands commands = createCommands();
  Bytes bytes(200);
  struct Range {
    uint64_t offset, size;
  };
  for (Range range :
       {Range{0, 101}, Range{100, 1}, Range{99, 2}, Range{UINT64_MAX, 1},
        Range{UINT64_MAX - 50, 100}, Range{101, 0}, Range{UINT64_MAX, 0}}) {
    EXPECT_EQ(HETAGON_OUT_OF_RANGE,
              api->write(device, buffer, range.offset, bytes.data(), range.size,
                         &error))
        << range.offset << " " << range.size;
    EXPECT_EQ(HETAGON_OUT_OF_RANGE, api->read(device, buffer, range.offset,
                                              bytes.data(), range.size, &error))
        << range.offset << " " << range.size;
    EXPECT_EQ(HETAGON_OUT_OF_RANGE,
              api->record_copy(device, commands, buffer, range.offset, other, 0,
                               range.size, &error))
        << range.offset << " " << range.size;
    EXPECT_EQ(HETAGON_OUT_OF_RANGE,
              api->record_copy(device, commands, other, 0, buffer, range.offset,
                               range.size, &error))
        << range.offset << " " << range.size;
  }
  EXPECT_EQ(HETAGON_OUT_OF_RANGE,
            api->record_copy(device, commands, buffer, 0, other, 0, UINT64_MAX,
                             &error));
}

TEST_P(RefusalConformance, MemoryThatNobodyHas) {
  for (uint64_t size : {UINT64_MAX, UINT64_MAX - 4095, uint64_t(1) << 62}) {
    hetagon_buffer buffer = 0;
    hetagon_code code = api->allocate(device, size, &buffer, &error);
    EXPECT_TRUE(code == HETAGON_RESOURCE_EXHAUSTED ||
                code == HETAGON_OUT_OF_RANGE)
        << size << ": " << code;
  }
}

/// Both say it: the handle is wrong, or there is nothing of that name.
bool isNoHandle(hetagon_code code) {
  return code == HETAGON_INVALID_ARGUMENT || code == HETAGON_NOT_FOUND;
}

TEST_P(RefusalConformance, HandlesThatAreNone) {
  hetagon_buffer buffer = allocate(64);
  hetagon_commands commands = createCommands();
  hetagon_queue queue = createQueue();
  hetagon_fence fence = createFence();
  uint8_t bytes[64] = {};
  uint64_t value = 0;
  uint32_t index = 0, bindings = 0, constants = 0;
  for (uint64_t bad : {uint64_t(0), uint64_t(987654321), UINT64_MAX}) {
    SCOPED_TRACE(bad);
    EXPECT_PRED1(isNoHandle, api->write(device, bad, 0, bytes, 1, &error));
    EXPECT_PRED1(isNoHandle, api->read(device, bad, 0, bytes, 1, &error));
    EXPECT_PRED1(isNoHandle, api->record_copy(device, bad, buffer, 0, buffer,
                                              32, 8, &error));
    EXPECT_PRED1(isNoHandle, api->record_copy(device, commands, bad, 0, buffer,
                                              0, 8, &error));
    EXPECT_PRED1(isNoHandle, api->record_copy(device, commands, buffer, 0, bad,
                                              0, 8, &error));
    EXPECT_PRED1(isNoHandle, api->entry(device, bad, "x", &index, &bindings,
                                        &constants, &error));
    EXPECT_PRED1(isNoHandle,
                 api->record_dispatch(device, commands, bad, 0, nullptr, 0,
                                      nullptr, 0, &error));
    EXPECT_PRED1(isNoHandle, submit(bad, commands, fence, 1));
    EXPECT_PRED1(isNoHandle, submit(queue, bad, fence, 1));
    EXPECT_PRED1(isNoHandle, submit(queue, commands, bad, 1));
    if (bad) // 0 waits for nothing
      EXPECT_PRED1(isNoHandle, submit(queue, commands, fence, 1, bad, 1));
    EXPECT_PRED1(isNoHandle, api->query_fence(device, bad, &value, &error));
    EXPECT_PRED1(isNoHandle, wait(bad, 1, 0));
    if (api->cancel)
      EXPECT_PRED1(isNoHandle, api->cancel(device, bad, &error));
    api->release(device, bad);
    api->unload(device, bad);
    api->destroy_commands(device, bad);
    api->destroy_queue(device, bad);
    api->destroy_fence(device, bad);
  }
  // What was destroyed is gone, and may be destroyed once more.
  api->release(device, buffer);
  api->release(device, buffer);
  EXPECT_PRED1(isNoHandle, api->read(device, buffer, 0, bytes, 1, &error));
  api->destroy_fence(device, fence);
  api->destroy_fence(device, fence);
  EXPECT_PRED1(isNoHandle, wait(fence, 0, 0));
  // Nothing of this reached the device.
  EXPECT_EQ(0u, counters().submits);
  expectOk(api->status(device, &error));
}

TEST_P(RefusalConformance, CodeOfOtherFormats) {
  hetagon_executable executable = 0;
  for (const char *format : {"", "no-such-format", "NULL-OPS"}) {
    std::memset(&error, 0, sizeof error);
    EXPECT_EQ(HETAGON_UNSUPPORTED,
              api->load(device, format, "abc", 3, &executable, &error))
        << format;
    EXPECT_NE(0u, std::strlen(error.message));
  }
}

/// An error structure is optional everywhere.
TEST_P(RefusalConformance, WithoutAskingWhy) {
  hetagon_buffer buffer = 0;
  uint64_t value = 0;
  hetagon_executable executable = 0;
  EXPECT_NE(HETAGON_OK, api->allocate(device, UINT64_MAX, &buffer, nullptr));
  EXPECT_NE(HETAGON_OK, api->query_fence(device, 77, &value, nullptr));
  EXPECT_NE(HETAGON_OK,
            api->load(device, "no-such-format", "", 0, &executable, nullptr));
  EXPECT_NE(HETAGON_OK, api->submit(device, 0, 0, 0, 0, 0, 0, nullptr));
}

} // namespace
