// Every device half that is built, opened through its C table, one after the
// other.
#ifndef HETAGON_TEST_CONFORMANCE_HARNESS_H
#define HETAGON_TEST_CONFORMANCE_HARNESS_H

#include "runtime/device/DeviceLibrary.h"
#include "runtime/sched/HostExecutor.h"
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace hetagon::test {

using Bytes = std::vector<uint8_t>;

/// The names of the backends whose device halves are built.
std::vector<std::string> builtBackends();

Bytes randomBytes(std::mt19937_64 &random, size_t size);

/// Opens the backend that is the test's parameter; skips where its hardware or
/// driver is missing. A test that takes a minute is killed: nothing may hang.
class Conformance : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override;
  void TearDown() override;

  void expectOk(hetagon_code code) {
    EXPECT_EQ(HETAGON_OK, code) << error.message;
  }
  hetagon_buffer allocate(uint64_t size);
  hetagon_buffer bufferOf(const Bytes &content);
  Bytes read(hetagon_buffer buffer, uint64_t size, uint64_t offset = 0);
  hetagon_queue createQueue();
  hetagon_fence createFence();
  hetagon_commands createCommands();
  hetagon_code submit(hetagon_queue queue, hetagon_commands commands,
                      hetagon_fence signal, uint64_t value,
                      hetagon_fence wait = 0, uint64_t waitValue = 0);
  hetagon_code wait(hetagon_fence fence, uint64_t value,
                    uint64_t timeoutNs = UINT64_MAX);
  hetagon_counters counters();

  HostExecutor executor;
  const hetagon_device_api *api = nullptr;
  hetagon_device *device = nullptr;
  hetagon_error error{};
};

#define HETAGON_FOR_EVERY_BACKEND(SUITE)                                       \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SUITE);                        \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Backends, SUITE, testing::ValuesIn(builtBackends()),                     \
      [](const testing::TestParamInfo<std::string> &info) {                    \
        return info.param;                                                     \
      })

} // namespace hetagon::test

#endif // HETAGON_TEST_CONFORMANCE_HARNESS_H
