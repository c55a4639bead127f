// The commands of hetagon-worker, which runs plans where there is no compiler.
#ifndef HETAGON_TOOLS_HETAGON_WORKER_WORKER_H
#define HETAGON_TOOLS_HETAGON_WORKER_WORKER_H

#include "runtime/exec/GraphRunner.h"
#include <csignal>
#include <string>
#include <vector>

namespace hetagon::worker {

/// Exit statuses, as README lists them.
enum ExitStatus {
  exitOk = 0,
  exitUsage = 2,
  exitBadInput = 3,
  exitUnsatisfied = 4,
  exitRunFailed = 5,
  exitInterrupted = 130
};

/// What all commands that open a plan share.
struct PlanOptions {
  std::string plan;
  std::vector<std::string> artefacts; ///< ID=PATH
  std::vector<std::string> trust;     ///< digests
  std::vector<std::string> secrets;   ///< NAME=env:VARIABLE or NAME=file:PATH
  bool yes = false;                   ///< tool commands need no consent
  uint32_t threads = 0, chunk = 0;
  std::string trace; ///< file; empty: none
  bool json = false;
};

struct RunCommand {
  PlanOptions plan;
  std::vector<std::string> inputs; ///< NAME=VALUE
  uint64_t seed = 0;
  bool strict = false;
};

struct GenerateCommand {
  PlanOptions plan;
  std::string prompt;
  uint32_t maxTokens = 128;
  float temperature = 0, topP = 1;
  uint32_t topK = 0, topLogProbabilities = 5;
  uint64_t seed = 0;
  bool chat = false, ignoreEos = false;
};

struct EmbedCommand {
  PlanOptions plan;
  std::string text;
};

struct BenchCommand {
  PlanOptions plan;
  uint32_t promptTokens = 512, generatedTokens = 64, batch = 1, rounds = 3;
};

/// Of a plan that holds one model.
struct MeasureCommand {
  PlanOptions plan;
  uint32_t rounds = 5;
  double seconds = 60; ///< no new sample is begun later
};

struct IndexCommand {
  PlanOptions plan;
  std::string documents, output;
};

/// A plan that is open, trusted and loaded, with what must outlive its runtime.
class OpenPlan {
public:
  static StatusOr<std::unique_ptr<OpenPlan>> open(const PlanOptions &options);
  PlanRuntime &runtime() { return *opened; }
  /// The first service of this kind, or a failure that says what the plan has.
  StatusOr<LoadedService *> serviceOf(plan::fb::ServiceKind kind);
  /// Writes the trace file when one was asked for.
  Status close();

private:
  OpenPlan() = default;
  PlanOptions options;
  Trace trace;
  std::unique_ptr<PlanRuntime> opened;
};

/// Set by the first Ctrl-C; a second one ends the process at once.
std::stop_token interrupted();

/// One line without its newline, read byte by byte; Cancelled once `stop` is
/// requested, Unavailable at the end of the input.
StatusOr<std::string> readLine(int descriptor, std::stop_token stop);

int run(const RunCommand &command);
int generate(const GenerateCommand &command);
int embed(const EmbedCommand &command);
int bench(const BenchCommand &command);
int buildIndex(const IndexCommand &command);
int devices(bool json);
/// Prints JSON: samples of the model's times.
int measure(const MeasureCommand &command);
/// Prints JSON: what the devices and the host's memory do without a model.
int measureDevices();

/// Prints "error: ..." on standard error; `phase`, or 130 for an interruption.
int fail(const Status &status, ExitStatus phase);

} // namespace hetagon::worker

#endif // HETAGON_TOOLS_HETAGON_WORKER_WORKER_H
