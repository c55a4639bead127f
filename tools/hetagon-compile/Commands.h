// The commands of hetagon-compile, free of MLIR's headers so that the command
// line compiles without them.
#ifndef HETAGON_TOOLS_HETAGON_COMPILE_COMMANDS_H
#define HETAGON_TOOLS_HETAGON_COMPILE_COMMANDS_H

#include "runtime/base/Status.h"
#include <string>
#include <vector>

namespace hetagon::compile {

enum ExitStatus {
  exitOk = 0,
  exitUsage = 2,
  exitBadInput = 3,
  exitUnsatisfiable = 4,
  exitInternal = 5
};

struct ModelOptions {
  std::vector<std::string> registries; ///< models.yaml files
  std::vector<std::string> mappings;   ///< ID=PATH
};

/// Prints "error: ..." on standard error.
int fail(const Status &status, int exitStatus = exitBadInput);

struct ModelCommand {
  ModelOptions models;
  std::string model, output;
  std::string backend; ///< empty: the one to prefer here
  bool json = false;
};
int compileModel(const ModelCommand &command);

struct FlowCommand {
  ModelOptions models;
  std::string flow, requirements, output;
  std::string devices;                ///< devices.yaml; empty: none
  std::vector<std::string> pins;      ///< NODE=DEVICE
  std::vector<std::string> forbidden; ///< device ids
  std::vector<std::string> artefacts; ///< ID=PATH: built indexes
  std::string emit;                   ///< "agent", "task" or "nn": print, stop
  bool needs = false; ///< print what has to be built first, as JSON, and stop
  bool json = false;
};
int compileFlow(const FlowCommand &command);

struct CheckCommand {
  std::string flow, requirements;
  bool json = false;
};
int checkFlow(const CheckCommand &command);

} // namespace hetagon::compile

#endif // HETAGON_TOOLS_HETAGON_COMPILE_COMMANDS_H
