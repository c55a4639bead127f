// Opens null devices through the runtime's wrappers and watches their
// processes.
#ifndef HETAGON_TEST_BACKENDS_NULL_HARNESS_H
#define HETAGON_TEST_BACKENDS_NULL_HARNESS_H

#include "runtime/device/Device.h"
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>
#include <unistd.h>

namespace hetagon::test {

using Bytes = std::vector<uint8_t>;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline constexpr std::chrono::nanoseconds forever =
    std::chrono::nanoseconds::max();

/// The folder of the built device halves.
inline std::filesystem::path devicesFolder() {
  return std::filesystem::path(HETAGON_DEVICES);
}

/// The null device asks its host for nothing.
inline const hetagon_host &idleHost() {
  static const hetagon_host host{
      sizeof(hetagon_host),
      HETAGON_DEVICE_ABI_VERSION,
      nullptr,
      1,
      [](void *, uint32_t, void (*)(void *, uint32_t, uint32_t), void *) {},
      [](void *, void (*)(void *), void *) {}};
  return host;
}

inline StatusOr<std::shared_ptr<Device>>
tryOpen(const std::string &config,
        const std::filesystem::path &folder = devicesFolder()) {
  auto library =
      DeviceLibrary::open((folder / "hetagon-device-null.so").string(), "null");
  if (!library.isOk())
    return library.status();
  return Device::open(*library, idleHost(), "null:0", config);
}

inline std::shared_ptr<Device> openNull(const std::string &config = "{}") {
  auto device = tryOpen(config);
  EXPECT_TRUE(device.isOk()) << device.status().str();
  return device.isOk() ? *device : nullptr;
}

/// The processes whose parent is `parent`, zombies too, by the process table.
inline std::vector<pid_t> childrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto &entry :
       std::filesystem::directory_iterator("/proc", error)) {
    std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    std::ifstream file(entry.path() / "stat");
    std::string line;
    std::getline(file, line);
    size_t close = line.rfind(')'); // "PID (NAME) STATE PPID"
    if (close != std::string::npos && close + 4 < line.size() &&
        std::atoi(line.c_str() + close + 4) == parent)
      children.push_back(std::atoi(name.c_str()));
  }
  return children;
}

inline bool isAlive(pid_t pid) { return ::kill(pid, 0) == 0; }

template <typename Condition>
bool becomesTrue(Condition condition, milliseconds limit = milliseconds(5000)) {
  Clock::time_point end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end)
      return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

template <typename T> T must(StatusOr<T> value) {
  EXPECT_TRUE(value.isOk()) << value.status().str();
  return value.isOk() ? std::move(*value) : T();
}

#define EXPECT_OK(expression)                                                  \
  do {                                                                         \
    ::hetagon::Status got = (expression);                                      \
    EXPECT_TRUE(got.isOk()) << got.str();                                      \
  } while (false)
#define EXPECT_CODE(expected, expression)                                      \
  do {                                                                         \
    ::hetagon::Status got = (expression);                                      \
    EXPECT_EQ(::hetagon::Code::expected, got.code()) << got.str();             \
  } while (false)

inline Bytes counting(size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), uint8_t(1));
  return bytes;
}

} // namespace hetagon::test

#endif // HETAGON_TEST_BACKENDS_NULL_HARNESS_H
