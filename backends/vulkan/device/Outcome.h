// What a call inside the device half came to.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_OUTCOME_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_OUTCOME_H

#include "hetagon/device.h"
#include <string>

namespace hetagon::vulkan {

struct [[nodiscard]] Outcome {
  hetagon_code code = HETAGON_OK;
  std::string message;
  bool ok() const { return code == HETAGON_OK; }
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_OUTCOME_H
