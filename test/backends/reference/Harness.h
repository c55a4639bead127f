// Drives the reference device through its C table with a small host of plain
// threads.
#ifndef HETAGON_TEST_BACKENDS_REFERENCE_HARNESS_H
#define HETAGON_TEST_BACKENDS_REFERENCE_HARNESS_H

#include "hetagon/device.h"
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

extern "C" const hetagon_device_api *hetagon_device_query(uint32_t,
                                                          hetagon_error *);

namespace hetagon::test {

/// Threads made for each team, and one thread for posted tasks.
class ThreadHost {
public:
  explicit ThreadHost(uint32_t workers) {
    table = {sizeof(hetagon_host),
             HETAGON_DEVICE_ABI_VERSION,
             this,
             workers,
             runTeam,
             post};
    poster = std::thread([this] { serve(); });
  }
  ~ThreadHost() {
    {
      std::lock_guard lock(mutex);
      isStopping = true;
    }
    changed.notify_all();
    poster.join();
  }
  hetagon_host table;
  /// Holds back posted tasks while true.
  void setPaused(bool paused) {
    std::lock_guard lock(mutex);
    isPaused = paused;
    changed.notify_all();
  }

private:
  static void runTeam(void *, uint32_t parts,
                      void (*body)(void *, uint32_t, uint32_t),
                      void *argument) {
    std::vector<std::thread> threads;
    for (uint32_t part = 1; part < parts; ++part)
      threads.emplace_back(body, argument, part, parts);
    body(argument, 0, parts);
    for (std::thread &thread : threads)
      thread.join();
  }
  static void post(void *context, void (*task)(void *), void *argument) {
    ThreadHost &host = *static_cast<ThreadHost *>(context);
    std::lock_guard lock(host.mutex);
    host.tasks.push_back([=] { task(argument); });
    host.changed.notify_all();
  }
  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock,
                   [&] { return isStopping || (!isPaused && !tasks.empty()); });
      if (isStopping && tasks.empty())
        return;
      std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool isStopping = false, isPaused = false;
  std::thread poster;
};

using Bytes = std::vector<uint8_t>;

template <typename T> Bytes bytesOf(const std::vector<T> &values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline std::vector<float> floatsOf(const Bytes &bytes) {
  std::vector<float> values(bytes.size() / 4);
  if (!bytes.empty())
    std::memcpy(values.data(), bytes.data(), values.size() * 4);
  return values;
}

/// One open device and helpers that expect success.
class Harness {
public:
  explicit Harness(uint32_t workers = 1) : host(workers) {
    api = hetagon_device_query(HETAGON_DEVICE_ABI_VERSION, &error);
    EXPECT_EQ(HETAGON_OK, api->open(&host.table, "{}", &device, &error));
    check(api->create_queue(device, &queue, &error));
    check(api->create_fence(device, &fence, &error));
  }
  ~Harness() { api->close(device); }

  void check(hetagon_code code) {
    EXPECT_EQ(HETAGON_OK, code) << error.message;
  }
  hetagon_buffer buffer(const Bytes &content) {
    hetagon_buffer handle = 0;
    check(api->allocate(device, content.size(), &handle, &error));
    check(
        api->write(device, handle, 0, content.data(), content.size(), &error));
    return handle;
  }
  Bytes read(hetagon_buffer handle, size_t size) {
    Bytes content(size);
    check(api->read(device, handle, 0, content.data(), size, &error));
    return content;
  }
  hetagon_executable load(const std::string &payload) {
    hetagon_executable handle = 0;
    check(api->load(device, "reference-ops", payload.data(), payload.size(),
                    &handle, &error));
    return handle;
  }
  hetagon_code wait(uint64_t value, uint64_t timeoutNs = 20'000'000'000) {
    return api->wait_fence(device, fence, value, timeoutNs, &error);
  }

  /// Runs one entry ("NAME OPCODE ...") over these contents; returns the code,
  /// with the contents read back.
  hetagon_code tryRun(const std::string &line, std::vector<Bytes> &contents,
                      const std::vector<int64_t> &constants) {
    hetagon_executable executable = load("reference-ops 1\n" + line + "\n");
    std::vector<hetagon_binding> bindings;
    for (const Bytes &content : contents)
      bindings.push_back({buffer(content), 0, content.size()});
    hetagon_commands commands = 0;
    check(api->create_commands(device, &commands, &error));
    hetagon_code code =
        api->record_dispatch(device, commands, executable, 0, bindings.data(),
                             uint32_t(bindings.size()), constants.data(),
                             uint32_t(constants.size()), &error);
    if (code == HETAGON_OK) {
      hetagon_fence done = 0;
      check(api->create_fence(device, &done, &error));
      check(api->submit(device, queue, commands, 0, 0, done, 1, &error));
      code = api->wait_fence(device, done, 1, 60'000'000'000, &error);
      api->destroy_fence(device, done);
    }
    for (size_t i = 0; i < contents.size(); ++i) {
      contents[i] = read(bindings[i].buffer, contents[i].size());
      api->release(device, bindings[i].buffer);
    }
    api->destroy_commands(device, commands);
    api->unload(device, executable);
    return code;
  }

  /// The same for a dispatch that must succeed: inputs and the result's size
  /// in floats; returns the result.
  std::vector<float> run(const std::string &line, std::vector<Bytes> inputs,
                         size_t resultFloats,
                         const std::vector<int64_t> &constants) {
    inputs.push_back(bytesOf(std::vector<float>(resultFloats, -77.0f)));
    check(tryRun("entry " + line, inputs, constants));
    return floatsOf(inputs.back());
  }

  ThreadHost host;
  const hetagon_device_api *api = nullptr;
  hetagon_device *device = nullptr;
  hetagon_queue queue = 0;
  hetagon_fence fence = 0;
  hetagon_error error{};
};

using Random = std::mt19937;

inline std::vector<float> randomFloats(Random &random, size_t count,
                                       float deviation = 1) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

inline void expectNear(const std::vector<double> &expected,
                       const std::vector<float> &actual, double tolerance) {
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(expected[i], actual[i],
                tolerance * std::max(1.0, std::abs(expected[i])))
        << "at " << i;
}

inline void expectSameBits(const std::vector<float> &expected,
                           const std::vector<float> &actual) {
  ASSERT_EQ(expected.size(), actual.size());
  EXPECT_EQ(0, std::memcmp(expected.data(), actual.data(),
                           expected.size() * sizeof(float)));
}

} // namespace hetagon::test

#endif // HETAGON_TEST_BACKENDS_REFERENCE_HARNESS_H
