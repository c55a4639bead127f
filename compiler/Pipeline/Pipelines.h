// The compiler's pipeline, in the two parts between which model files are read.
#ifndef HETAGON_COMPILER_PIPELINE_PIPELINES_H
#define HETAGON_COMPILER_PIPELINE_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace hetagon::pipeline {

struct PlacementOptions {
  std::vector<std::string> pins;      ///< NODE=DEVICE
  std::vector<std::string> forbidden; ///< devices
};

/// From a workflow in the agent dialect, with the devices of `task.system`
/// beside it, to services that have a device each. Needs no model files.
void buildPlacingPipeline(mlir::OpPassManager &passes,
                          const PlacementOptions &options);

/// From resolved services (see frontend/Models/Import) to a module that can be
/// emitted.
void buildClosingPipeline(mlir::OpPassManager &passes);

/// Makes both known to command lines, as --hetagon-place and --hetagon-close.
void registerPipelines();

} // namespace hetagon::pipeline

#endif // HETAGON_COMPILER_PIPELINE_PIPELINES_H
