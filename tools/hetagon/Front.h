// hetagon: the front. It links neither LLVM nor the runtime's heavy parts; it
// runs hetagon-compile and hetagon-worker, and keeps what they make in the
// user's cache.
#ifndef HETAGON_TOOLS_HETAGON_FRONT_H
#define HETAGON_TOOLS_HETAGON_FRONT_H

#include "frontend/Models/ModelRegistry.h"
#include "runtime/base/Json.h"
#include <string>
#include <vector>

namespace hetagon::front {

enum ExitStatus {
  exitOk = 0,
  exitUsage = 2,
  exitBadInput = 3,
  exitFailed = 5,
  exitInterrupted = 130
};

using Words = std::vector<std::string>;

/// Options that say where models are.
struct ModelOptions {
  Words registries, mappings;
  /// As words for hetagon-compile.
  Words words() const;
};

/// Options of a compilation.
struct CompileOptions {
  ModelOptions models;
  std::string flow, requirements, devices;
  Words pins, forbidden;
};

/// Runs a program of this installation with this process's streams; returns its
/// exit status (128 + signal when one ended it).
int runProgram(const std::string &name, const Words &words);
/// The same, catching what it prints on standard output.
int captureProgram(const std::string &name, const Words &words,
                   std::string &output);

/// Runs a program found on PATH, its standard output joined to standard error;
/// its exit status (128 + signal), or -1 when it cannot be started. Leaves
/// signals alone.
int runTool(const Words &words);

/// Adds models.yaml beside the flow and in the configuration folder.
void addDefaultRegistries(ModelOptions &options, const std::string &flow);

/// Compiles to `output`, building the document indexes that it needs first.
/// Returns an exit status; messages have been printed.
int compileFlow(const CompileOptions &options, const std::string &output,
                bool json);

/// The cached plan of a flow, compiled when it is not there. `plan` receives
/// its path.
int cachedFlowPlan(const CompileOptions &options, std::string &plan);
/// The cached plan that holds one model on one backend (empty: the one to
/// prefer here).
int cachedModelPlan(const ModelOptions &options, const std::string &model,
                    const std::string &backend, std::string &plan);

/// Whether the file begins as a plan does.
bool isPlan(const std::string &path);

/// Reads what the options name.
Status fillRegistry(const ModelOptions &options, ModelRegistry &registry);

/// Numbers in words, for hetagon-worker.
struct CalibrateOptions {
  std::string rounds = "5", seconds = "60"; ///< of one model on one device
  std::string backend;                      ///< empty: every one
};
/// Measures this machine and the models known, and keeps the result.
int calibrate(const ModelOptions &options, const CalibrateOptions &wanted,
              bool json);

int explainPlan(const std::string &path, bool json);
int listModels(const ModelOptions &options, bool json);
/// Fetches the models of these ids, or all that have a source, unless they are
/// there.
int pullModels(const ModelOptions &options, const Words &ids, bool json);
/// Whether the model is of the kind that a command needs, said before anything
/// is compiled.
Status checkKind(const ModelOptions &options, const std::string &model,
                 bool wantsDecoder);
int tokenize(const ModelOptions &options, const std::string &model,
             const std::string &text, bool json);
/// What the model's file says, or its "error"; with id and path.
Json describeEntry(const RegisteredModel &model);
void printEntries(const Json &list, bool json);

int fail(const Status &status, int exitStatus = exitBadInput);

} // namespace hetagon::front

#endif // HETAGON_TOOLS_HETAGON_FRONT_H
