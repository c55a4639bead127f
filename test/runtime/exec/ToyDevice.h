// A device half for tests: plain C++ kernels of a deterministic "model" whose
// logits are a hash of the whole sequence, read back through the page table, so
// that any error of paging, chunking or batching changes tokens.
#ifndef HETAGON_TEST_RUNTIME_EXEC_TOYDEVICE_H
#define HETAGON_TEST_RUNTIME_EXEC_TOYDEVICE_H

#include "hetagon/device.h"
#include <cstdint>

namespace hetagon::toy {

/// The device table; config keys (all optional):
///   own_address_space  bool: no import_host
///   delay_us           each submission takes this much longer
///   fail_submit        this submission (from 1) fails with "internal"
///   lose_submit        at this submission the device is lost
///   hang_submit        this submission never ends
///   max_buffer_bytes   reported limit
/// Kernels check their bindings' sizes, every index, and that each KV slot they
/// read was written; a violation fails the submission.
const hetagon_device_api *api();

/// The hash under everything, shared with the tests' own account of the model.
inline uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}
/// What a KV slot holds.
inline uint64_t slotValue(int32_t token, int32_t position) {
  return mix(uint64_t(token) * 0x10001u + uint64_t(position)) | 1;
}
/// How the state of a row grows over the positions of its sequence.
inline uint64_t nextState(uint64_t state, uint64_t slot) {
  return mix(state ^ slot);
}
/// Coarse on purpose, so that ties occur.
inline float logitOf(uint64_t state, uint64_t tableEntry) {
  return static_cast<float>(mix(state ^ tableEntry) & 0x7F) / 16.0f;
}
inline uint64_t repacked(uint64_t weight) { return weight ^ 0x5A5A5A5A5A5Au; }

} // namespace hetagon::toy

#endif // HETAGON_TEST_RUNTIME_EXEC_TOYDEVICE_H
