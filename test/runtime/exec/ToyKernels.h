// The kernels of the toy device, by entry name.
#ifndef HETAGON_TEST_RUNTIME_EXEC_TOYKERNELS_H
#define HETAGON_TEST_RUNTIME_EXEC_TOYKERNELS_H

#include "hetagon/device.h"
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hetagon::toy {

struct Argument {
  uint8_t *data;
  uint64_t size;
};

struct Kernel {
  const char *name;
  uint32_t bindings, constants;
  /// Returns what is wrong; empty: nothing.
  std::string (*run)(const hetagon_host &host, std::span<const Argument>,
                     std::span<const int64_t>);
};

std::span<const Kernel> kernels();

} // namespace hetagon::toy

#endif // HETAGON_TEST_RUNTIME_EXEC_TOYKERNELS_H
