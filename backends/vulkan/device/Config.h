// The settings with which a device is opened.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_CONFIG_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_CONFIG_H

#include "backends/vulkan/device/Outcome.h"
#include <string_view>

namespace hetagon::vulkan {

struct Config {
  std::string device;      // part of the device's name; empty: any
  bool validation = false; // run under VK_LAYER_KHRONOS_validation
};

/// Reads a flat JSON object of the settings above; anything else is refused
/// with the byte at which it stands.
Outcome parseConfig(std::string_view text, Config &config);

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_CONFIG_H
