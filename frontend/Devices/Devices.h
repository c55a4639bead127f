// The devices that a user adds to those found on this machine, read from a
// file: endpoints, and devices with a configuration. Free of LLVM.
#ifndef HETAGON_FRONTEND_DEVICES_DEVICES_H
#define HETAGON_FRONTEND_DEVICES_DEVICES_H

#include "runtime/base/Diagnostic.h"
#include <optional>
#include <string>
#include <vector>

namespace hetagon {

/// Where somebody else runs a model. Prices are in dollars per million tokens.
struct EndpointEntry {
  std::string url, model;
  std::string secret; ///< name of the secret that holds the key; may be empty
  double pricePerMillionInput = 0, pricePerMillionOutput = 0;
};

struct DeviceEntry {
  Place place;
  std::string id, backend, zone = "this-machine", trust = "own";
  std::string config; ///< JSON object for the device half; may be empty
  std::optional<EndpointEntry> endpoint;
};

/// Reads a file of the form
///   devices:
///     - id: lab
///       backend: remote
///       zone: lab
///       trust: contract
///       endpoint: {url: "http://localhost:8080/v1", model: small, secret: KEY,
///                  price_per_million_input: 0.1, price_per_million_output:
///                  0.4}
///     - {id: "vulkan:0", backend: vulkan, config: {validation: true}}
/// Unknown and repeated keys, wrong kinds and repeated ids are located errors.
std::vector<DeviceEntry> readDevices(const std::string &path,
                                     Diagnostics &diagnostics);

} // namespace hetagon

#endif // HETAGON_FRONTEND_DEVICES_DEVICES_H
