// hetagon-worker measure: how long one model takes at a grid of sizes, and what
// the devices of this machine do without any model. docs/calibration.md says
// what becomes of it.
#include "tools/hetagon-worker/Worker.h"
#include <algorithm>
#include <iostream>

namespace hetagon::worker {

namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half]
                           : (values[half - 1] + values[half]) / 2;
}

/// One point of the grid and what was seen there, in milliseconds.
struct Sample {
  uint32_t sequences, tokens;
  std::vector<double> first, each = {};
};

/// Small sizes first, so that a slow device has something when time is up.
std::vector<Sample> decoderGrid() {
  return {{1, 1, {}},    {1, 16, {}},   {1, 32, {}},  {1, 64, {}},
          {4, 16, {}},   {1, 128, {}},  {2, 64, {}},  {16, 16, {}},
          {1, 256, {}},  {4, 128, {}},  {8, 64, {}},  {1, 512, {}},
          {16, 128, {}}, {1, 1024, {}}, {4, 512, {}}, {1, 2048, {}}};
}

std::vector<Sample> encoderGrid() {
  return {{1, 4, {}},   {1, 16, {}},  {1, 64, {}},  {8, 16, {}},
          {1, 128, {}}, {8, 64, {}},  {32, 16, {}}, {1, 256, {}},
          {8, 128, {}}, {32, 64, {}}, {32, 128, {}}};
}

/// Different tokens in each sequence, so that none can be shared.
std::vector<int32_t> anyTokens(uint32_t count, uint32_t sequence,
                               uint32_t vocabulary) {
  std::vector<int32_t> tokens(count);
  for (uint32_t i = 0; i < count; ++i)
    tokens[i] = int32_t((i * 7919 + sequence * 104729 + 1013) % vocabulary);
  return tokens;
}

Status runDecoder(LoadedService &service, Sample &sample) {
  constexpr uint32_t steps = 24;
  std::vector<std::shared_ptr<Generation>> running;
  for (uint32_t sequence = 0; sequence < sample.sequences; ++sequence) {
    GenerationRequest request;
    request.prompt =
        anyTokens(sample.tokens, sequence, service.plan->vocabulary);
    request.maxTokens = steps + 1;
    request.ignoreStopTokens = true;
    request.cancel = interrupted();
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<Generation> generation,
                             service.decoder->submit(std::move(request)));
    running.push_back(std::move(generation));
  }
  double first = 0, last = 0;
  for (auto &generation : running) {
    HETAGON_ASSIGN_OR_RETURN(GenerationResult result, generation->wait());
    first = std::max(first, result.times.ttftMs);
    last = std::max(last, result.times.tokenMs.back());
  }
  sample.first.push_back(first);
  sample.each.push_back((last - first) / steps);
  return Status::ok();
}

Status runEncoder(LoadedService &service, Sample &sample) {
  std::vector<std::vector<int32_t>> sequences;
  for (uint32_t sequence = 0; sequence < sample.sequences; ++sequence)
    sequences.push_back(
        anyTokens(sample.tokens, sequence, service.plan->vocabulary));
  EmbeddingOptions options;
  options.cancel = interrupted();
  auto begin = Clock::now();
  HETAGON_ASSIGN_OR_RETURN(std::vector<Embedding> embeddings,
                           service.encoder->embed(sequences, options));
  sample.first.push_back(millisecondsSince(begin));
  return Status::ok();
}

/// Rounds over the grid until `seconds` are over, at least one; what the first
/// round did not reach is left out.
Status sampleAll(LoadedService &service, std::vector<Sample> &grid,
                 uint32_t rounds, double seconds) {
  auto begin = Clock::now();
  auto isOver = [&] { return millisecondsSince(begin) > seconds * 1e3; };
  auto run = service.decoder ? runDecoder : runEncoder;
  HETAGON_RETURN_IF_ERROR(run(service, grid.front())); // warms up
  grid.front().first.clear();
  grid.front().each.clear();
  for (uint32_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < grid.size(); ++i) {
      if (isOver() && (round > 0 || i >= 2)) {
        if (round == 0)
          grid.resize(i);
        return Status::ok();
      }
      HETAGON_RETURN_IF_ERROR(run(service, grid[i]));
    }
  }
  return Status::ok();
}

std::string weightsDigest(const plan::fb::PlanT &plan) {
  for (const auto &artefact : plan.artefacts)
    if (artefact->kind == plan::fb::ArtefactKind::weights) {
      Digest digest; // 32 bytes, as a verified plan's are
      std::copy_n(artefact->sha256.begin(), digest.size(), digest.begin());
      return hex(digest);
    }
  return {};
}

/// Gigabytes per second that all compute threads together read from memory.
double memoryBandwidth(HostExecutor &executor) {
  struct Work {
    std::vector<uint64_t> words;
    std::atomic<uint64_t> sink{0};
  } work;
  constexpr size_t bytes = size_t(256) << 20; // beyond every cache
  work.words.assign(bytes / sizeof(uint64_t), 1);
  std::vector<double> rates;
  for (int round = 0; round < 7; ++round) {
    auto begin = Clock::now();
    executor.runTeam(
        executor.workers(),
        [](void *argument, uint32_t part, uint32_t parts) {
          auto &work = *static_cast<Work *>(argument);
          size_t count = work.words.size();
          const uint64_t *at = work.words.data() + count * part / parts;
          const uint64_t *end = work.words.data() + count * (part + 1) / parts;
          uint64_t sums[16] = {};
          for (; at + 16 <= end; at += 16)
            for (size_t lane = 0; lane < 16; ++lane)
              sums[lane] += at[lane];
          for (uint64_t sum : sums)
            work.sink.fetch_add(sum, std::memory_order_relaxed);
        },
        &work);
    rates.push_back(double(bytes) / millisecondsSince(begin) * 1e-6);
  }
  return median(rates);
}

/// A submission's round trip, and transfers small and large.
StatusOr<Json> measureDevice(Device &device) {
  HETAGON_ASSIGN_OR_RETURN(Queue queue, device.createQueue());
  HETAGON_ASSIGN_OR_RETURN(Fence fence, device.createFence());
  HETAGON_ASSIGN_OR_RETURN(Commands commands, device.createCommands());
  constexpr size_t large = size_t(32) << 20;
  HETAGON_ASSIGN_OR_RETURN(Buffer buffer, device.allocate(large));
  std::vector<uint8_t> host(large, 1);
  std::vector<double> submits, small, writes, reads;
  for (uint64_t i = 1; i <= 50; ++i) {
    auto begin = Clock::now();
    HETAGON_RETURN_IF_ERROR(device.submit(queue, commands, fence, i));
    HETAGON_RETURN_IF_ERROR(device.wait(fence, i, std::chrono::seconds(10)));
    submits.push_back(millisecondsSince(begin));
    begin = Clock::now();
    HETAGON_RETURN_IF_ERROR(device.write(buffer, 0, std::span(host).first(64)));
    small.push_back(millisecondsSince(begin));
  }
  for (int i = 0; i < 5; ++i) {
    auto begin = Clock::now();
    HETAGON_RETURN_IF_ERROR(device.write(buffer, 0, host));
    writes.push_back(millisecondsSince(begin));
    begin = Clock::now();
    HETAGON_RETURN_IF_ERROR(device.read(buffer, 0, host));
    reads.push_back(millisecondsSince(begin));
  }
  auto rate = [&](const std::vector<double> &times) {
    return double(large) / median(times) * 1e-6;
  };
  return Json{{"backend", std::string(device.backend())},
              {"architecture", device.info().architecture},
              {"submit_us", median(submits) * 1e3},
              {"transfer_us", median(small) * 1e3},
              {"write_gb_per_s", rate(writes)},
              {"read_gb_per_s", rate(reads)}};
}

} // namespace

int measure(const MeasureCommand &command) {
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  PlanRuntime &runtime = (*open)->runtime();
  if (runtime.serviceCount() != 1 || runtime.service(0).endpoint)
    return fail(Status(Code::InvalidArgument,
                       "measure needs a plan of one model, as "
                       "'hetagon-compile model' makes it"),
                exitBadInput);
  LoadedService &service = runtime.service(0);
  std::vector<Sample> grid = service.decoder ? decoderGrid() : encoderGrid();
  uint32_t most = service.plan->context_tokens;
  std::erase_if(grid, [&](const Sample &sample) {
    return sample.tokens + (service.decoder ? 32 : 0) > most;
  });
  if (Status status = sampleAll(service, grid, command.rounds, command.seconds);
      !status.isOk())
    return fail(status, exitRunFailed);
  Json samples = Json::array();
  for (const Sample &sample : grid) {
    Json entry = {{"sequences", sample.sequences},
                  {"tokens", sample.tokens},
                  {"rounds", sample.first.size()},
                  {"first_ms", median(sample.first)}};
    if (service.decoder)
      entry["each_ms"] = median(sample.each);
    samples.push_back(std::move(entry));
  }
  const Device &device = *runtime.devices()[service.plan->device];
  Json result = {{"backend", std::string(device.backend())},
                 {"architecture", device.info().architecture},
                 {"weights_sha256", weightsDigest(runtime.plan())},
                 {"kind", service.decoder ? "decoder" : "encoder"},
                 {"samples", std::move(samples)}};
  std::cout << printJson(result) << "\n";
  return exitOk;
}

int measureDevices() {
  HostExecutor executor;
  Json devices = Json::array();
  for (const DeviceLibrary::Available &found : DeviceLibrary::available()) {
    auto one = [&]() -> StatusOr<Json> {
      HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const DeviceLibrary> library,
                               DeviceLibrary::find(found.backend));
      HETAGON_ASSIGN_OR_RETURN(
          std::shared_ptr<Device> device,
          Device::open(library, executor.host(), found.backend));
      if (device->info().preference == HETAGON_PREFERENCE_NEVER)
        return Json();
      return measureDevice(*device);
    }();
    if (one.isOk() && !one->is_null())
      devices.push_back(std::move(*one));
    else if (!one.isOk())
      std::cerr << "warning: " << one.status().str() << "\n";
  }
  std::cout << printJson({{"workers", executor.workers()},
                          {"memory_gb_per_s", memoryBandwidth(executor)},
                          {"devices", std::move(devices)}})
            << "\n";
  return exitOk;
}

} // namespace hetagon::worker
