// What was measured on this machine, as `hetagon devices --calibrate` keeps it
// (docs/calibration.md): profiles of models on devices. Free of LLVM.
#ifndef HETAGON_FRONTEND_DEVICES_CALIBRATION_H
#define HETAGON_FRONTEND_DEVICES_CALIBRATION_H

#include "runtime/base/Json.h"
#include <optional>
#include <string>
#include <vector>

namespace hetagon {

/// Medians, in milliseconds, of so many sequences of so many tokens each.
struct ProfileSample {
  uint32_t sequences = 0, tokens = 0;
  /// A decoder's time to the first token of all; an encoder's whole time.
  double firstMs = 0;
  /// A decoder's time for one further token of all; 0 for encoders.
  double eachMs = 0;
};

/// One model on one kind of device.
struct ModelProfile {
  std::string backend, architecture;
  std::string weightsSha256;          ///< of the file that holds its weights
  std::string kind;                   ///< "decoder" or "encoder"
  double operationsPerToken = 0;      ///< in products, without attention
  double bytesPerStep = 0;            ///< of weights that each submission reads
  std::vector<ProfileSample> samples; ///< by tokens
};

/// A device without any model.
struct DeviceFigures {
  std::string backend, architecture;
  double submitUs = 0, transferUs = 0, writeGBPerS = 0, readGBPerS = 0;
};

struct Calibration {
  std::string processor, date;
  uint32_t workers = 0;
  double memoryGBPerS = 0;
  std::vector<DeviceFigures> devices;
  std::vector<ModelProfile> profiles;

  const ModelProfile *find(const std::string &backend,
                           const std::string &architecture,
                           const std::string &weightsSha256) const;
  /// Takes the place of the profile of the same model and device.
  void put(ModelProfile profile);
};

/// The best that any model's profile reached on a device; none without one.
struct ReachedSpeed {
  double operationsPerSecond = 0, bytesPerSecond = 0;
};
std::optional<ReachedSpeed> reachedSpeed(const Calibration &calibration,
                                         const std::string &backend,
                                         const std::string &architecture);

/// This machine's, as the operating system names it.
std::string processorName();
/// calibration.json in the configuration folder.
std::string calibrationPath();
/// None when the file is not there; what is wrong in it is an error with the
/// entry's place in the file's structure, or line and column.
StatusOr<std::optional<Calibration>> readCalibration(const std::string &path);
Json toJson(const Calibration &calibration);

} // namespace hetagon

#endif // HETAGON_FRONTEND_DEVICES_CALIBRATION_H
