// hetagon devices --calibrate: has the worker measure the devices, and each
// known model on each of them, and keeps the result (docs/calibration.md).
#include "frontend/Devices/Calibration.h"
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/File.h"
#include "runtime/base/Sha256.h"
#include "tools/hetagon/Front.h"
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>

namespace hetagon::front {

namespace {

/// One JSON object printed by hetagon-worker.
StatusOr<Json> askWorker(const Words &words) {
  std::string text;
  if (int status = captureProgram("hetagon-worker", words, text);
      status != exitOk)
    return Status(Code::Internal, "hetagon-worker " + words.front() +
                                      " ended with status " +
                                      std::to_string(status));
  return parseJson(text, "hetagon-worker " + words.front());
}

std::string today() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

/// What one token takes in products, and what each submission reads.
void describeWork(const ModelDescription &model, ModelProfile &profile) {
  double table = 0, tableBytes = 0;
  auto count = [&](const TensorRef &tensor) {
    if (!tensor.present())
      return;
    double elements = 1;
    for (int64_t size : tensor.dims)
      elements *= double(size);
    table += elements;
    tableBytes += elements * double(model.weightBytes) /
                  double(std::max<uint64_t>(model.parameters, 1));
  };
  if (const DecoderDescription *decoder = model.decoder()) {
    count(decoder->embedding);
    // A tied table is read whole as the head; each head row is for one token of
    // a prompt only.
    if (decoder->tiedHead)
      tableBytes = 0;
    else
      count(decoder->head), tableBytes /= 2;
  } else {
    const EncoderDescription &encoder = *model.encoder();
    count(encoder.wordEmbedding);
    count(encoder.positionEmbedding);
    count(encoder.typeEmbedding);
  }
  profile.operationsPerToken = 2 * (double(model.parameters) - table);
  profile.bytesPerStep = double(model.weightBytes) - tableBytes;
}

StatusOr<ModelProfile> measureModel(const ModelOptions &options,
                                    const std::string &id,
                                    const ModelDescription &model,
                                    const DeviceFigures &device,
                                    const CalibrateOptions &wanted) {
  std::string plan;
  if (cachedModelPlan(options, id, device.backend, plan) != exitOk)
    return Status(Code::Unsupported, "cannot run it"); // said why already
  HETAGON_ASSIGN_OR_RETURN(Json json,
                           askWorker({"measure", plan, "-r", wanted.rounds,
                                      "--seconds", wanted.seconds}));
  ModelProfile profile;
  profile.backend = device.backend;
  profile.architecture = device.architecture;
  profile.weightsSha256 = json.value("weights_sha256", "");
  profile.kind = json.value("kind", "");
  for (const Json &sample : json["samples"])
    profile.samples.push_back(
        {sample.value("sequences", 0u), sample.value("tokens", 0u),
         sample.value("first_ms", 0.0), sample.value("each_ms", 0.0)});
  describeWork(model, profile);
  return profile;
}

} // namespace

int calibrate(const ModelOptions &options, const CalibrateOptions &wanted,
              bool json) {
  ModelRegistry registry;
  if (Status status = fillRegistry(options, registry); !status.isOk())
    return fail(status);
  std::string path = calibrationPath();
  StatusOr<std::optional<Calibration>> before = readCalibration(path);
  Calibration calibration;
  if (!before.isOk())
    std::cerr << "warning: " << before.status().str() << "\n";
  else if (*before)
    calibration = std::move(**before);
  if (calibration.processor != processorName())
    calibration.profiles.clear(); // another machine's

  std::cerr << "measuring the devices\n";
  StatusOr<Json> found = askWorker({"devices", "--measure"});
  if (!found.isOk())
    return fail(found.status(), exitFailed);
  calibration.processor = processorName();
  calibration.date = today();
  calibration.workers = found->value("workers", 0u);
  calibration.memoryGBPerS = found->value("memory_gb_per_s", 0.0);
  calibration.devices.clear();
  for (const Json &device : (*found)["devices"])
    calibration.devices.push_back(
        {device.value("backend", ""), device.value("architecture", ""),
         device.value("submit_us", 0.0), device.value("transfer_us", 0.0),
         device.value("write_gb_per_s", 0.0),
         device.value("read_gb_per_s", 0.0)});

  if (registry.all().empty())
    std::cerr << "no models are known, so only the devices are measured; give "
                 "--model-map ID=PATH or --models FILE\n";
  for (const auto &[id, entry] : registry.all()) {
    StatusOr<ModelDescription> model = describeModel(entry.path);
    if (!model.isOk()) {
      std::cerr << "warning: '" << id << "': " << model.status().str() << "\n";
      continue;
    }
    for (const DeviceFigures &device : calibration.devices) {
      if (!wanted.backend.empty() && device.backend != wanted.backend)
        continue;
      std::cerr << "measuring '" << id << "' on " << device.backend << "\n";
      StatusOr<ModelProfile> profile =
          measureModel(options, id, *model, device, wanted);
      if (profile.isOk())
        calibration.put(std::move(*profile));
      else
        std::cerr << "warning: '" << id << "' on " << device.backend << ": "
                  << profile.status().str() << "\n";
    }
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(),
                                      error);
  Json result = toJson(calibration);
  if (Status status = writeFileAtomically(path, result.dump(1) + "\n");
      !status.isOk())
    return fail(status);
  if (json)
    std::cout << printJson(result) << "\n";
  else
    std::cout << "wrote " << path << ": " << calibration.devices.size()
              << " devices, " << calibration.profiles.size()
              << " profiles of models, memory " << calibration.memoryGBPerS
              << " GB/s\n";
  return exitOk;
}

} // namespace hetagon::front
