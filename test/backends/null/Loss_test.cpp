// The null device's process dies, stalls, or says what it may not: every call
// ends with the device's loss, soon, and no process stays behind.
#include "backends/null/device/Process.h"
#include "backends/null/device/Protocol.h"
#include "test/backends/null/Harness.h"
#include <atomic>
#include <map>
#include <random>
#include <spawn.h>
#include <sys/wait.h>

using namespace hetagon;
using namespace hetagon::test;

namespace {

pid_t onlyChild() {
  std::vector<pid_t> children = childrenOf(::getpid());
  EXPECT_EQ(1u, children.size());
  return children.size() == 1 ? children[0] : -1;
}

void expectLost(Device &device, const std::string &why) {
  Status status = device.status();
  EXPECT_CODE(DeviceLost, status);
  EXPECT_NE(std::string::npos, status.str().find(why)) << status.str();
  EXPECT_CODE(DeviceLost, device.allocate(1).status());
  EXPECT_CODE(DeviceLost, device.counters().status());
  EXPECT_CODE(DeviceLost, device.createFence().status());
  EXPECT_TRUE(childrenOf(::getpid()).empty());
}

TEST(NullLoss, KillingTheProcessEndsEveryWait) {
  auto device = openNull(R"({"delay_us": 60000000})");
  Commands commands = must(device->createCommands());
  Buffer buffer = must(device->allocate(64));
  std::vector<Queue> queues;
  std::vector<Fence> fences;
  for (int i = 0; i < 4; ++i) {
    queues.push_back(must(device->createQueue()));
    fences.push_back(must(device->createFence()));
    EXPECT_OK(device->submit(queues[i], commands, fences[i], 1));
  }
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  std::atomic<int64_t> slowestMs{0};
  std::atomic<Clock::rep> killedAt{0};
  auto expectLoss = [&](Status outcome) {
    Clock::time_point now = Clock::now();
    auto ms = std::chrono::duration_cast<milliseconds>(
                  now.time_since_epoch() - Clock::duration(killedAt.load()))
                  .count();
    EXPECT_CODE(DeviceLost, outcome);
    EXPECT_NE(std::string::npos, outcome.str().find("killed by signal 9"))
        << outcome.str();
    for (int64_t slowest = slowestMs;
         slowest < ms && !slowestMs.compare_exchange_weak(slowest, ms);) {
    }
  };
  for (const Fence &fence : fences)
    threads.emplace_back([&] {
      ++waiting;
      expectLoss(device->wait(fence, 1, forever));
    });
  // One in the middle of submitting, blocked by the queue's bound.
  threads.emplace_back([&] {
    Status outcome;
    ++waiting;
    while (outcome.isOk())
      outcome = device->submit(queues[0], commands, fences[0], 2);
    expectLoss(outcome);
  });
  EXPECT_TRUE(becomesTrue([&] { return waiting == 5; }));
  std::this_thread::sleep_for(milliseconds(30));
  killedAt = Clock::now().time_since_epoch().count();
  EXPECT_EQ(0, ::kill(onlyChild(), SIGKILL));
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_LT(slowestMs, 1000);
  EXPECT_CODE(DeviceLost, device->query(fences[0]).status());
  EXPECT_CODE(DeviceLost, device->wait(fences[0], 0, forever));
  expectLost(*device, "killed by signal 9");
  Bytes bytes(64);
  EXPECT_CODE(DeviceLost, device->read(buffer, 0, bytes));
}

TEST(NullLoss, DiesAfterAsManySubmissionsAsAskedFor) {
  auto device = openNull(R"({"lose_after": 3})");
  Commands commands = must(device->createCommands());
  Queue queue = must(device->createQueue());
  Fence fence = must(device->createFence());
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_OK(device->submit(queue, commands, fence, i));
    EXPECT_OK(device->wait(fence, i, forever));
  }
  // The loss may be seen by the submission itself or by the wait.
  Status outcome = device->submit(queue, commands, fence, 4);
  if (outcome.isOk())
    outcome = device->wait(fence, 4, forever);
  EXPECT_CODE(DeviceLost, outcome);
  expectLost(*device, "killed by signal 9");
}

TEST(NullLoss, AStalledProcessIsLost) {
  auto device = openNull(R"({"answer_ms": 300, "delay_us": 60000000})");
  Commands commands = must(device->createCommands());
  Queue queue = must(device->createQueue());
  Fence fence = must(device->createFence());
  EXPECT_OK(device->submit(queue, commands, fence, 1));
  EXPECT_EQ(0, ::kill(onlyChild(), SIGSTOP));
  Clock::time_point start = Clock::now();
  EXPECT_CODE(DeviceLost, device->wait(fence, 1, forever));
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
  expectLost(*device, "unanswered for 300 ms");
}

/// Fresh copies of the module in a folder of their own, beside a program that
/// plays the device process: sends each of `parts`, waits for a request of so
/// many bytes before each but the first, then does `then` (of sh).
class Impostor {
public:
  Impostor(const std::vector<std::pair<size_t, Bytes>> &parts,
           const std::string &then) {
    static int number = 0;
    folder = std::filesystem::path(testing::TempDir()) /
             ("null-impostor-" + std::to_string(::getpid()) + "-" +
              std::to_string(++number));
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(devicesFolder() / "hetagon-device-null.so",
                               folder / "hetagon-device-null.so");
    std::filesystem::path program = folder / "hetagon-null-device";
    std::ofstream script(program);
    script << "#!/bin/sh\n";
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto &[wanted, bytes] = parts[i];
      std::string file = "bytes" + std::to_string(i);
      std::ofstream(folder / file, std::ios::binary)
          .write(reinterpret_cast<const char *>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      if (wanted)
        script << "head -c " << wanted << " > /dev/null\n";
      script << "cat \"${0%/*}/" << file << "\" >&0\n";
    }
    script << then << "\n";
    script.close();
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }
  ~Impostor() {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
  }
  std::filesystem::path folder;
};

void add(Bytes &bytes, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i)
    bytes.push_back(uint8_t(value >> (8 * i)));
}

Bytes frame(null::Kind kind, uint64_t id, const Bytes &body) {
  Bytes bytes;
  add(bytes, uint64_t(kind), 4);
  add(bytes, body.size(), 4);
  add(bytes, id, 8);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

Bytes integers(std::vector<std::pair<uint64_t, size_t>> values) {
  Bytes bytes;
  for (auto [value, size] : values)
    add(bytes, value, size);
  return bytes;
}

Bytes joined(std::vector<Bytes> parts) {
  Bytes all;
  for (const Bytes &part : parts)
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Bytes hello =
    frame(null::Kind::Hello, 0,
          integers({{null::protocolMagic, 4}, {null::protocolVersion, 4}}));
const Bytes opened = frame(null::Kind::Reply, 1, integers({{0, 4}}));

/// The process opens as it should; the second request is an allocation.
TEST(NullLoss, HostileRepliesLoseTheDevice) {
  using null::Kind;
  struct Case {
    const char *name;
    Bytes bytes;
    const char *text;
    bool ends = false; // the process, afterwards
  };
  Bytes allocated = integers({{0, 4}, {7, 8}});
  const std::vector<Case> cases = {
      {"nothing", {}, "", true},
      {"half a header", {2, 0, 0, 0, 9}, "inside a frame", true},
      {"half a body", integers({{2, 4}, {12, 4}, {2, 8}, {0, 4}}),
       "inside a frame", true},
      {"endless body", integers({{2, 4}, {0xffffffff, 4}, {2, 8}}),
       "announces 4294967295 bytes"},
      {"unknown kind", frame(Kind(99), 2, {}), "unknown kind 99"},
      {"the host's kind", frame(Kind::Submit, 2, {}), "only the host"},
      {"a second greeting", hello, "only the host"},
      {"empty reply", frame(Kind::Reply, 2, {}), "malformed reply"},
      {"unknown code", frame(Kind::Reply, 2, integers({{77, 4}, {0, 4}})),
       "malformed reply"},
      {"long text", frame(Kind::Reply, 2, integers({{1, 4}, {0xffffff, 4}})),
       "malformed reply"},
      {"failure with content",
       frame(Kind::Reply, 2, integers({{1, 4}, {0, 4}, {1, 8}})),
       "malformed reply"},
      {"no handle", frame(Kind::Reply, 2, integers({{0, 4}})), "handle"},
      {"null handle", frame(Kind::Reply, 2, integers({{0, 4}, {0, 8}})),
       "handle"},
      {"too much", frame(Kind::Reply, 2, joined({allocated, {1}})), "handle"},
      {"another's reply", frame(Kind::Reply, 3, allocated), "no request"},
      {"a reply twice",
       joined({frame(Kind::Reply, 2, allocated), frame(Kind::Reply, 2, {})}),
       "no request"},
      {"a completion of nothing",
       frame(Kind::Completed, 0, integers({{1, 8}, {1, 8}, {1, 8}, {0, 4}})),
       "nothing that was submitted"},
      {"half a completion", frame(Kind::Completed, 0, {1, 2}),
       "nothing that was submitted"},
  };
  for (const Case &hostile : cases) {
    SCOPED_TRACE(hostile.name);
    Impostor impostor({{0, hello}, {44, opened}, {24, hostile.bytes}},
                      hostile.ends ? "exit 5" : "exec cat > /dev/null");
    auto device = tryOpen("{}", impostor.folder);
    ASSERT_TRUE(device.isOk()) << device.status().str();
    Clock::time_point start = Clock::now();
    Status outcome = (*device)->allocate(8).status();
    if (outcome.isOk()) // the allocation succeeded before the offence
      EXPECT_TRUE(
          becomesTrue([&] { return !(outcome = (*device)->status()).isOk(); }));
    EXPECT_LT(Clock::now() - start, milliseconds(3000));
    EXPECT_CODE(DeviceLost, outcome);
    EXPECT_NE(std::string::npos, outcome.str().find(hostile.text))
        << outcome.str();
    EXPECT_NE(std::string::npos, outcome.str().find("the device process"))
        << outcome.str();
    EXPECT_TRUE(becomesTrue([] { return childrenOf(::getpid()).empty(); }));
  }
}

TEST(NullLoss, HostileGreetingsAreRefused) {
  Bytes noise(4096);
  std::mt19937 random(3);
  for (uint8_t &byte : noise)
    byte = uint8_t(random());
  std::vector<std::pair<Bytes, std::string>> cases = {
      {noise, "exec cat > /dev/null"},
      {opened, "exec cat > /dev/null"},
      {{}, "exit 3"},
      {frame(null::Kind::Hello, 0,
             integers({{null::protocolMagic, 4}, {2, 4}})),
       "exec cat > /dev/null"},
      {{}, "exec sleep 100"},
  };
  for (const auto &[bytes, then] : cases) {
    Impostor impostor({{0, bytes}}, then);
    auto device = tryOpen(R"({"answer_ms": 500})", impostor.folder);
    EXPECT_CODE(DeviceLost, device.status());
    EXPECT_TRUE(childrenOf(::getpid()).empty());
  }
  Impostor impostor({}, "exit 1");
  std::filesystem::remove(impostor.folder / "hetagon-null-device");
  Status missing = tryOpen("{}", impostor.folder).status();
  EXPECT_CODE(Unavailable, missing);
  EXPECT_NE(std::string::npos, missing.str().find("hetagon-null-device"));
}

/// The other direction: what the device process makes of a hostile host.
TEST(NullLoss, TheProcessSurvivesHostileRequests) {
  std::mt19937_64 random(11);
  std::string program = (devicesFolder() / "hetagon-null-device").string();
  for (int round = 0; round < 60; ++round) {
    null::Process process;
    ASSERT_TRUE(process.start(program).ok());
    null::Frame reply;
    ASSERT_TRUE(null::receiveFrame(process.socket(), reply).ok());
    ASSERT_TRUE(null::sendFrame(process.socket(), null::Kind::Open, 1,
                                null::Writer().u64(0).u32(0).u64(0).u64(0))
                    .ok());
    ASSERT_TRUE(null::receiveFrame(process.socket(), reply).ok());
    // Frames of every kind but Close, of the sizes that each must have, whose
    // integers are mostly small, so that handles hit; a few of other sizes.
    const std::map<null::Kind, std::string_view> layouts = {
        {null::Kind::Ping, ""},
        {null::Kind::Counters, ""},
        {null::Kind::Allocate, "8"},
        {null::Kind::Release, "8"},
        {null::Kind::Write, "888"},
        {null::Kind::Read, "888"},
        {null::Kind::Load, "code"},
        {null::Kind::Unload, "8"},
        {null::Kind::Entry, "8t"},
        {null::Kind::CreateCommands, ""},
        {null::Kind::DestroyCommands, "8"},
        {null::Kind::Dispatch, "880188818"},
        {null::Kind::Copy, "888888"},
        {null::Kind::CreateQueue, ""},
        {null::Kind::DestroyQueue, "8"},
        {null::Kind::CreateFence, ""},
        {null::Kind::DestroyFence, "8"},
        {null::Kind::Submit, "888888"},
        {null::Kind::Cancel, "8"}};
    for (int i = 0; i < 300; ++i) {
      null::Writer body;
      auto layout = std::next(layouts.begin(), long(random() % layouts.size()));
      for (char field : layout->second) {
        if (field == '8')
          body.u64(random() % 8 ? random() % 16 : random());
        else if (field == 't')
          body.text(random() % 2 ? "x" : "y");
        else if (field == 'c')
          body.raw("null-ops 1\nx 1 8\n", 17);
        else if (field == '0' || field == '1')
          body.u32(uint32_t(field - '0'));
      }
      if (random() % 300 == 0)
        body.u32(uint32_t(random()));
      if (!null::sendFrame(process.socket(), layout->first, uint64_t(i) + 2,
                           body)
               .ok())
        break;
      do {
        if (!null::receiveFrame(process.socket(), reply).ok())
          break;
      } while (reply.kind == null::Kind::Completed);
    }
    process.disconnect();
    process.reap(5000);
    EXPECT_NE(std::string::npos, process.fate().find("ended with status"))
        << process.fate();
  }
  null::Process process;
  ASSERT_TRUE(process.start(program).ok());
  Bytes endless = integers({{9, 4}, {0xfffffff0, 4}, {1, 8}});
  ASSERT_EQ(ssize_t(endless.size()),
            ::write(process.socket(), endless.data(), endless.size()));
  process.reap(5000);
  EXPECT_NE(std::string::npos, process.fate().find("ended with status 3"))
      << process.fate();
}

/// Not a test of its own: the parent that the next one kills.
TEST(NullLoss, DISABLED_HoldsADevice) {
  auto device = openNull();
  std::this_thread::sleep_for(std::chrono::seconds(60));
}

TEST(NullLoss, TheProcessEndsWithItsParent) {
  const char *arguments[] = {"null_test",
                             "--gtest_filter=NullLoss.DISABLED_HoldsADevice",
                             "--gtest_also_run_disabled_tests", nullptr};
  pid_t holder = 0;
  ASSERT_EQ(0, ::posix_spawn(&holder, "/proc/self/exe", nullptr, nullptr,
                             const_cast<char **>(arguments), environ));
  std::vector<pid_t> devices;
  EXPECT_TRUE(
      becomesTrue([&] { return !(devices = childrenOf(holder)).empty(); },
                  milliseconds(20000)));
  EXPECT_EQ(0, ::kill(holder, SIGKILL));
  EXPECT_EQ(holder, ::waitpid(holder, nullptr, 0));
  for (pid_t device : devices)
    EXPECT_TRUE(becomesTrue([&] { return !isAlive(device); }));
}

} // namespace
