// Runs what a backend's lowering half made of one program on that backend's
// device, with the runtime's own device objects.
#ifndef HETAGON_TEST_BACKENDS_VULKAN_PROGRAMRUNNER_H
#define HETAGON_TEST_BACKENDS_VULKAN_PROGRAMRUNNER_H

#include "runtime/device/Device.h"
#include "runtime/plan/plan_generated.h"
#include "runtime/sched/HostExecutor.h"
#include <map>
#include <string>
#include <vector>

namespace hetagon::test {

using Bytes = std::vector<uint8_t>;

template <typename T> Bytes bytesOf(const std::vector<T> &values) {
  auto data = reinterpret_cast<const uint8_t *>(values.data());
  return Bytes(data, data + values.size() * sizeof(T));
}

/// What vulkan_lower wrote.
struct LoweredProgram {
  plan::fb::ServiceT service;
  std::vector<Bytes> sections;
};

/// Lowers the one nn.func of `text` for `backend` in another process. On
/// failure `diagnostics` says why.
StatusOr<LoweredProgram> lowerProgram(const std::string &backend,
                                      const std::string &text,
                                      std::string *diagnostics = nullptr);

/// Contents of inputs and weights by name; run-time symbols by name.
struct ProgramData {
  std::map<std::string, Bytes> contents;
  std::map<std::string, int64_t> symbols;
};

/// A device with nothing on it, and programs on it one after another.
class ProgramRunner {
public:
  static StatusOr<std::unique_ptr<ProgramRunner>>
  open(const std::string &backend, const std::string &config = "{}");

  /// Loads the program, runs it `repeats` times in separate submissions and
  /// returns its output's floats.
  StatusOr<std::vector<float>> run(const LoweredProgram &program,
                                   const ProgramData &data, int repeats = 1);
  /// Seconds that the fastest submission of the last run took.
  double seconds() const { return fastest; }
  Device &device() { return *opened; }

private:
  ProgramRunner();

  HostExecutor executor;
  std::shared_ptr<Device> opened;
  Queue queue;
  Fence fence;
  uint64_t ticks = 0;
  double fastest = 0;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_BACKENDS_VULKAN_PROGRAMRUNNER_H
