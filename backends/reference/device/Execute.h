// Runs one op on memory.
#ifndef HETAGON_BACKENDS_REFERENCE_DEVICE_EXECUTE_H
#define HETAGON_BACKENDS_REFERENCE_DEVICE_EXECUTE_H

#include "backends/reference/device/Op.h"

namespace hetagon::reference {

/// A recorded dispatch: pointers and sizes satisfy operandsOf.
struct Call {
  const Op *op = nullptr;
  std::vector<uint8_t *> data;
  std::vector<uint64_t> sizes; ///< bytes of each binding
  std::vector<int64_t> constants;

  int64_t rows() const { return constants[0]; }
  float *floats(size_t index) const {
    return reinterpret_cast<float *>(data[index]);
  }
  const int32_t *integers(size_t index) const {
    return reinterpret_cast<const int32_t *>(data[index]);
  }
};

/// The host's threads. Work is cut into as many parts as there are threads,
/// which changes who computes a number but never how.
class Team {
public:
  explicit Team(const hetagon_host &host) : host(host) {}

  uint32_t width() const { return host.worker_count; }
  /// Calls body(begin, end, part) for a partition of [0, items), at once on
  /// several threads when `work` (multiply-adds, roughly) is worth it. The
  /// body must not throw.
  template <typename Body>
  void split(int64_t items, double work, Body body) const {
    if (host.worker_count < 2 || items < 2 || work < 100'000) {
      body(int64_t(0), items, uint32_t(0));
      return;
    }
    struct Share {
      Body &body;
      int64_t items;
    } share{body, items};
    host.run_team(
        host.context, host.worker_count,
        [](void *argument, uint32_t part, uint32_t parts) {
          Share &share = *static_cast<Share *>(argument);
          int64_t begin = share.items * part / parts;
          int64_t end = share.items * (part + 1) / parts;
          if (begin < end)
            share.body(begin, end, part);
        },
        &share);
  }

private:
  const hetagon_host &host;
};

/// Runs `call`; blocks. Indices out of range fail with OUT_OF_RANGE before
/// anything is written. May throw std::bad_alloc.
Outcome execute(const Call &call, const Team &team);

// The ops that need more than one loop over rows (Attention.cpp).
Outcome appendToCache(const Call &call);
Outcome attend(const Call &call, const Team &team);
Outcome attendSegments(const Call &call, const Team &team);

/// OUT_OF_RANGE about a value at `row` of an entry.
Outcome badIndex(const Op &op, const char *what, int64_t row, int64_t value);

} // namespace hetagon::reference

#endif // HETAGON_BACKENDS_REFERENCE_DEVICE_EXECUTE_H
