// Finding and opening the device halves under test.
#include "test/conformance/Harness.h"
#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace hetagon::test {

namespace {
const std::string prefix = "hetagon-device-", suffix = ".so";
}

std::vector<std::string> builtBackends() {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto &entry :
       std::filesystem::directory_iterator(HETAGON_DEVICES, failure)) {
    std::string file = entry.path().filename().string();
    if (file.starts_with(prefix) && file.ends_with(suffix))
      names.push_back(file.substr(prefix.size(),
                                  file.size() - prefix.size() - suffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Bytes randomBytes(std::mt19937_64 &random, size_t size) {
  Bytes bytes(size);
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  return bytes;
}

void Conformance::SetUp() {
  ::alarm(60);
  auto library = DeviceLibrary::open(std::string(HETAGON_DEVICES) + "/" +
                                         prefix + GetParam() + suffix,
                                     GetParam());
  ASSERT_TRUE(library.isOk()) << library.status().str();
  api = &(*library)->api();
  hetagon_code code = api->open(&executor.host(), "{}", &device, &error);
  if (code == HETAGON_NOT_FOUND || code == HETAGON_UNAVAILABLE)
    GTEST_SKIP() << error.message;
  ASSERT_EQ(HETAGON_OK, code) << error.message;
}

void Conformance::TearDown() {
  if (device)
    api->close(device);
  ::alarm(0);
}

hetagon_buffer Conformance::allocate(uint64_t size) {
  hetagon_buffer buffer = 0;
  expectOk(api->allocate(device, size, &buffer, &error));
  EXPECT_NE(0u, buffer);
  return buffer;
}

hetagon_buffer Conformance::bufferOf(const Bytes &content) {
  hetagon_buffer buffer = allocate(content.size());
  expectOk(
      api->write(device, buffer, 0, content.data(), content.size(), &error));
  return buffer;
}

Bytes Conformance::read(hetagon_buffer buffer, uint64_t size, uint64_t offset) {
  Bytes content(size, 0xa5);
  expectOk(api->read(device, buffer, offset, content.data(), size, &error));
  return content;
}

hetagon_queue Conformance::createQueue() {
  hetagon_queue queue = 0;
  expectOk(api->create_queue(device, &queue, &error));
  EXPECT_NE(0u, queue);
  return queue;
}

hetagon_fence Conformance::createFence() {
  hetagon_fence fence = 0;
  expectOk(api->create_fence(device, &fence, &error));
  EXPECT_NE(0u, fence);
  return fence;
}

hetagon_commands Conformance::createCommands() {
  hetagon_commands commands = 0;
  expectOk(api->create_commands(device, &commands, &error));
  EXPECT_NE(0u, commands);
  return commands;
}

hetagon_code Conformance::submit(hetagon_queue queue, hetagon_commands commands,
                                 hetagon_fence signal, uint64_t value,
                                 hetagon_fence wait, uint64_t waitValue) {
  return api->submit(device, queue, commands, wait, waitValue, signal, value,
                     &error);
}

hetagon_code Conformance::wait(hetagon_fence fence, uint64_t value,
                               uint64_t timeoutNs) {
  return api->wait_fence(device, fence, value, timeoutNs, &error);
}

hetagon_counters Conformance::counters() {
  hetagon_counters values{};
  values.struct_size = sizeof values;
  expectOk(api->counters(device, &values, &error));
  EXPECT_EQ(sizeof values, values.struct_size);
  return values;
}

} // namespace hetagon::test
