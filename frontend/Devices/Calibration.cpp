// calibration.json: reading, writing, and what follows from it.
#include "frontend/Devices/Calibration.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <tuple>

namespace hetagon {

namespace {

constexpr int formatVersion = 1;

/// Takes fields out of one object; the first fault is kept.
class Fields {
public:
  Fields(const Json &object, std::string where, Status &fault)
      : object(object), where(std::move(where)), fault(fault) {
    if (!object.is_object())
      fail("must be an object");
  }
  void text(const char *key, std::string &target) {
    if (const Json *value = find(key, &Json::is_string))
      target = value->get<std::string>();
  }
  void number(const char *key, double &target) {
    const Json *value = find(key, &Json::is_number);
    if (!value)
      return;
    target = value->get<double>();
    if (!(target >= 0) || !std::isfinite(target))
      fail(std::string("'") + key + "' must be a number from 0 on");
  }
  void count(const char *key, uint32_t &target) {
    double value = 0;
    number(key, value);
    if (value > 1e9 || value != std::floor(value))
      fail(std::string("'") + key + "' must be a count");
    else
      target = uint32_t(value);
  }
  /// Calls `each` with every element of a list and its place.
  template <typename Each> void list(const char *key, Each each) {
    const Json *value = find(key, &Json::is_array);
    for (size_t i = 0; value && i < value->size() && fault.isOk(); ++i)
      each((*value)[i], where + "." + key + "[" + std::to_string(i) + "]");
  }

private:
  const Json *find(const char *key, bool (Json::*is)() const noexcept) {
    if (!fault.isOk())
      return nullptr;
    auto value = object.find(key);
    if (value != object.end() && ((*value).*is)())
      return &*value;
    fail(std::string("'") + key + "' is missing or of the wrong kind");
    return nullptr;
  }
  void fail(const std::string &what) {
    if (fault.isOk())
      fault = Status(Code::InvalidArgument,
                     where + ": " + what +
                         "; delete the file and run 'hetagon devices "
                         "--calibrate' again");
  }

  const Json &object;
  std::string where;
  Status &fault;
};

ModelProfile readProfile(const Json &json, const std::string &where,
                         Status &fault) {
  ModelProfile profile;
  Fields fields(json, where, fault);
  fields.text("backend", profile.backend);
  fields.text("architecture", profile.architecture);
  fields.text("weights_sha256", profile.weightsSha256);
  fields.text("kind", profile.kind);
  fields.number("operations_per_token", profile.operationsPerToken);
  fields.number("bytes_per_step", profile.bytesPerStep);
  fields.list("samples", [&](const Json &entry, const std::string &place) {
    ProfileSample &sample = profile.samples.emplace_back();
    Fields inner(entry, place, fault);
    inner.count("sequences", sample.sequences);
    inner.count("tokens", sample.tokens);
    inner.number("first_ms", sample.firstMs);
    if (profile.kind == "decoder")
      inner.number("each_ms", sample.eachMs);
  });
  std::sort(profile.samples.begin(), profile.samples.end(),
            [](const ProfileSample &a, const ProfileSample &b) {
              return std::tie(a.tokens, a.sequences) <
                     std::tie(b.tokens, b.sequences);
            });
  return profile;
}

} // namespace

const ModelProfile *Calibration::find(const std::string &backend,
                                      const std::string &architecture,
                                      const std::string &weightsSha256) const {
  for (const ModelProfile &profile : profiles)
    if (profile.backend == backend && profile.architecture == architecture &&
        profile.weightsSha256 == weightsSha256)
      return &profile;
  return nullptr;
}

void Calibration::put(ModelProfile profile) {
  std::erase_if(profiles, [&](const ModelProfile &old) {
    return old.backend == profile.backend &&
           old.architecture == profile.architecture &&
           old.weightsSha256 == profile.weightsSha256;
  });
  profiles.push_back(std::move(profile));
}

std::optional<ReachedSpeed> reachedSpeed(const Calibration &calibration,
                                         const std::string &backend,
                                         const std::string &architecture) {
  ReachedSpeed best;
  for (const ModelProfile &profile : calibration.profiles) {
    if (profile.backend != backend || profile.architecture != architecture)
      continue;
    for (const ProfileSample &sample : profile.samples) {
      double tokens = double(sample.sequences) * sample.tokens;
      if (sample.firstMs > 0)
        best.operationsPerSecond = std::max(best.operationsPerSecond,
                                            profile.operationsPerToken *
                                                tokens / sample.firstMs * 1e3);
      double stepMs = sample.eachMs > 0 ? sample.eachMs : sample.firstMs;
      if (stepMs > 0)
        best.bytesPerSecond =
            std::max(best.bytesPerSecond, profile.bytesPerStep / stepMs * 1e3);
    }
  }
  if (best.operationsPerSecond == 0 || best.bytesPerSecond == 0)
    return std::nullopt;
  return best;
}

std::string processorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

std::string calibrationPath() {
  return (std::filesystem::path(configFolder()) / "calibration.json").string();
}

StatusOr<std::optional<Calibration>> readCalibration(const std::string &path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return std::optional<Calibration>();
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(path));
  HETAGON_ASSIGN_OR_RETURN(Json json, parseJson(text, path));
  Status fault;
  Calibration calibration;
  double version = 0;
  Fields fields(json, path, fault);
  fields.number("version", version);
  if (fault.isOk() && version != formatVersion)
    return Status(Code::Unsupported,
                  path + ": version " + std::to_string(int(version)) +
                      ", this build reads " + std::to_string(formatVersion) +
                      "; run 'hetagon devices --calibrate' again");
  fields.text("processor", calibration.processor);
  fields.text("date", calibration.date);
  fields.count("workers", calibration.workers);
  fields.number("memory_gb_per_s", calibration.memoryGBPerS);
  fields.list("devices", [&](const Json &entry, const std::string &place) {
    DeviceFigures &device = calibration.devices.emplace_back();
    Fields inner(entry, place, fault);
    inner.text("backend", device.backend);
    inner.text("architecture", device.architecture);
    inner.number("submit_us", device.submitUs);
    inner.number("transfer_us", device.transferUs);
    inner.number("write_gb_per_s", device.writeGBPerS);
    inner.number("read_gb_per_s", device.readGBPerS);
  });
  fields.list("profiles", [&](const Json &entry, const std::string &place) {
    calibration.profiles.push_back(readProfile(entry, place, fault));
  });
  if (!fault.isOk())
    return fault;
  return std::optional(std::move(calibration));
}

Json toJson(const Calibration &calibration) {
  Json devices = Json::array(), profiles = Json::array();
  for (const DeviceFigures &device : calibration.devices)
    devices.push_back({{"backend", device.backend},
                       {"architecture", device.architecture},
                       {"submit_us", device.submitUs},
                       {"transfer_us", device.transferUs},
                       {"write_gb_per_s", device.writeGBPerS},
                       {"read_gb_per_s", device.readGBPerS}});
  for (const ModelProfile &profile : calibration.profiles) {
    Json samples = Json::array();
    for (const ProfileSample &sample : profile.samples) {
      Json entry = {{"sequences", sample.sequences},
                    {"tokens", sample.tokens},
                    {"first_ms", sample.firstMs}};
      if (profile.kind == "decoder")
        entry["each_ms"] = sample.eachMs;
      samples.push_back(std::move(entry));
    }
    profiles.push_back({{"backend", profile.backend},
                        {"architecture", profile.architecture},
                        {"weights_sha256", profile.weightsSha256},
                        {"kind", profile.kind},
                        {"operations_per_token", profile.operationsPerToken},
                        {"bytes_per_step", profile.bytesPerStep},
                        {"samples", std::move(samples)}});
  }
  return Json{{"version", formatVersion},
              {"processor", calibration.processor},
              {"date", calibration.date},
              {"workers", calibration.workers},
              {"memory_gb_per_s", calibration.memoryGBPerS},
              {"devices", std::move(devices)},
              {"profiles", std::move(profiles)}};
}

} // namespace hetagon
