// The vulkan device by itself, through the runtime's device objects: memory of
// its own, fences, time-outs, what it refuses. Runs under the validation layer
// when that is installed.
#include "runtime/device/Device.h"
#include "runtime/sched/HostExecutor.h"
#include <gtest/gtest.h>
#include <numeric>

using namespace hetagon;

namespace {

class VulkanDevice : public testing::Test {
protected:
  VulkanDevice()
      : executor(HostExecutor::Options{1, std::chrono::microseconds(50)}) {}

  StatusOr<std::shared_ptr<Device>> open(const std::string &config) {
    HETAGON_ASSIGN_OR_RETURN(auto library, DeviceLibrary::find("vulkan"));
    return Device::open(library, executor.host(), "vulkan:0", config);
  }
  void SetUp() override {
    auto watched = open(R"({"validation": true})");
    isWatched = watched.isOk();
    auto opened = isWatched ? std::move(watched) : open("{}");
    if (!opened.isOk())
      GTEST_SKIP() << opened.status().str();
    device = std::move(opened).value();
  }
  void TearDown() override {
    if (device) {
      Status status = device->status();
      EXPECT_TRUE(status.isOk()) << status.str();
    }
  }
  hetagon_commands emptyCommands() {
    hetagon_commands commands = 0;
    EXPECT_EQ(HETAGON_OK,
              api().create_commands(device->raw(), &commands, &error));
    return commands;
  }
  const hetagon_device_api &api() { return device->api(); }

  HostExecutor executor;
  std::shared_ptr<Device> device;
  bool isWatched = false;
  hetagon_error error{};
};

TEST_F(VulkanDevice, HasMemoryOfItsOwn) {
  EXPECT_EQ(device->info().own_address_space, 1u);
  std::vector<uint8_t> data(10);
  auto imported = device->importHost(data);
  ASSERT_FALSE(imported.isOk());
  EXPECT_EQ(imported.status().code(), Code::Unsupported);
}

TEST_F(VulkanDevice, MemoryIsZeroAndTransfersAreExact) {
  // Larger than one staging step, at odd offsets.
  auto buffer = device->allocate(20'000'003);
  ASSERT_TRUE(buffer.isOk()) << buffer.status().str();
  std::vector<uint8_t> data(17'000'001), back(20'000'003, 1);
  std::iota(data.begin(), data.end(), 1);
  ASSERT_TRUE(device->write(*buffer, 1'000'001, data).isOk());
  ASSERT_TRUE(device->read(*buffer, 0, back).isOk());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), back.begin() + 1'000'001));
  std::fill_n(back.begin() + 1'000'001, data.size(), 0);
  EXPECT_EQ(std::count(back.begin(), back.end(), 0), int64_t(back.size()));
  EXPECT_EQ(device->write(*buffer, 20'000'000, std::span(data).first(4)).code(),
            Code::OutOfRange);
  EXPECT_EQ(device->read(*buffer, UINT64_MAX, std::span(back).first(4)).code(),
            Code::OutOfRange);
}

TEST_F(VulkanDevice, RefusesBuffersBeyondItsLimit) {
  auto buffer = device->allocate(device->info().max_buffer_bytes + 1);
  ASSERT_FALSE(buffer.isOk());
  EXPECT_EQ(buffer.status().code(), Code::ResourceExhausted);
}

TEST_F(VulkanDevice, CopiesSeeEarlierCopies) {
  auto a = device->allocate(64), b = device->allocate(64),
       c = device->allocate(64);
  std::vector<uint8_t> data(64), back(64);
  std::iota(data.begin(), data.end(), 0);
  ASSERT_TRUE(device->write(*a, 0, data).isOk());
  auto commands = device->createCommands();
  ASSERT_TRUE(device->recordCopy(*commands, *a, 0, *b, 0, 64).isOk());
  ASSERT_TRUE(device->recordCopy(*commands, *b, 0, *c, 0, 64).isOk());
  EXPECT_EQ(device->recordCopy(*commands, *b, 1, *c, 0, 64).code(),
            Code::OutOfRange);
  EXPECT_EQ(device->recordCopy(*commands, *b, 0, *b, 8, 16).code(),
            Code::InvalidArgument);
  auto queue = device->createQueue();
  auto fence = device->createFence();
  // More submissions than may be in flight at once.
  for (uint64_t i = 1; i <= 40; ++i)
    ASSERT_TRUE(device->submit(*queue, *commands, *fence, i).isOk());
  ASSERT_TRUE(device->wait(*fence, 40, std::chrono::seconds(10)).isOk());
  ASSERT_TRUE(device->read(*c, 0, back).isOk());
  EXPECT_EQ(data, back);
  EXPECT_EQ(device->query(*fence).value(), 40u);
  EXPECT_EQ(device->counters().value().submits, 40u);
}

TEST_F(VulkanDevice, WaitsEndInTime) {
  auto fence = device->createFence();
  Status status = device->wait(*fence, 1, std::chrono::milliseconds(50));
  EXPECT_EQ(status.code(), Code::DeadlineExceeded);
}

TEST_F(VulkanDevice, AWaiterSubmittedFirstRunsSecond) {
  auto first = device->createQueue(), second = device->createQueue();
  auto gate = device->createFence(), done = device->createFence();
  hetagon_commands commands = emptyCommands();
  ASSERT_EQ(HETAGON_OK, api().submit(device->raw(), first->get(), commands,
                                     gate->get(), 1, done->get(), 1, &error));
  EXPECT_EQ(device->wait(*done, 1, std::chrono::milliseconds(30)).code(),
            Code::DeadlineExceeded);
  ASSERT_EQ(HETAGON_OK, api().submit(device->raw(), second->get(), commands, 0,
                                     0, gate->get(), 1, &error));
  EXPECT_TRUE(device->wait(*done, 1, std::chrono::seconds(10)).isOk());
  api().destroy_commands(device->raw(), commands);
}

TEST_F(VulkanDevice, CancelFailsWhatWaits) {
  auto queue = device->createQueue();
  auto gate = device->createFence(), done = device->createFence();
  hetagon_commands commands = emptyCommands();
  ASSERT_EQ(HETAGON_OK, api().submit(device->raw(), queue->get(), commands,
                                     gate->get(), 1, done->get(), 1, &error));
  ASSERT_TRUE(device->cancel(*queue).isOk());
  EXPECT_EQ(device->wait(*done, 1, std::chrono::seconds(10)).code(),
            Code::Cancelled);
  api().destroy_commands(device->raw(), commands);
}

TEST_F(VulkanDevice, RefusesForeignPayloads) {
  std::vector<uint8_t> noise(100, 0x55);
  EXPECT_EQ(device->load("spirv", noise).status().code(),
            Code::InvalidArgument);
  EXPECT_EQ(device->load("spirv", {}).status().code(), Code::InvalidArgument);
  EXPECT_EQ(device->load("reference-ops", noise).status().code(),
            Code::Unsupported);
}

TEST_F(VulkanDevice, RefusesUnknownSettings) {
  for (const char *config :
       {"[]", "{", R"({"device": 1})", R"({"speed": true})",
        R"({"validation": maybe})", R"({"validation": true} x)",
        R"({"device": "a\"b"})", R"({"validation": true,})"}) {
    auto opened = open(config);
    ASSERT_FALSE(opened.isOk()) << config;
    EXPECT_EQ(opened.status().code(), Code::InvalidArgument)
        << opened.status().str();
  }
  auto absent = open(R"({"device": "no such device"})");
  ASSERT_FALSE(absent.isOk());
  EXPECT_EQ(absent.status().code(), Code::Unavailable);
  EXPECT_NE(absent.status().str().find("found: "), std::string::npos);
}

} // namespace
