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
  std::string model, backend = "cpu", output;
  bool json = false;
};
int compileModel(const ModelCommand &command);

} // namespace hetagon::compile

#endif // HETAGON_TOOLS_HETAGON_COMPILE_COMMANDS_H
