// How the parts of the null device report failure to each other.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_OUTCOME_H
#define HETAGON_BACKENDS_NULL_DEVICE_OUTCOME_H

#include "hetagon/device.h"
#include <string>

namespace hetagon::null {

struct [[nodiscard]] Outcome {
  hetagon_code code = HETAGON_OK;
  std::string message;
  bool ok() const { return code == HETAGON_OK; }
};

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_OUTCOME_H
