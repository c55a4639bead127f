// Code of the format "null-ops": what each entry of an executable does.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_PAYLOAD_H
#define HETAGON_BACKENDS_NULL_DEVICE_PAYLOAD_H

#include "backends/null/device/Outcome.h"
#include <cstdint>
#include <string_view>
#include <vector>

namespace hetagon::null {

/// Writes zeros over the first rows * rowBytes bytes of its last binding; rows
/// is its one constant.
struct Entry {
  std::string name;
  uint32_t bindings;
  uint64_t rowBytes;
};

struct Executable {
  std::vector<Entry> entries;
};

/// Reads the text that docs/backends.md defines. INVALID_ARGUMENT names the
/// line.
Outcome readPayload(std::string_view text, Executable &executable);

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_PAYLOAD_H
