// The compiler's pipeline in its parts; model files are read after the first.
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

/// From a workflow in the agent dialect to steps, and services that are models
/// by name. Needs neither devices nor model files.
void buildDecomposingPipeline(mlir::OpPassManager &passes);

/// From steps and resolved services (see frontend/Models/Import), with the
/// devices of `task.system` beside them, to services that have a device each.
void buildPlacingPipeline(mlir::OpPassManager &passes,
                          const PlacementOptions &options);

/// From placed services to a module that can be emitted.
void buildClosingPipeline(mlir::OpPassManager &passes);

/// Makes them known to command lines, as --hetagon-decompose, --hetagon-place
/// and --hetagon-close.
void registerPipelines();

} // namespace hetagon::pipeline

#endif // HETAGON_COMPILER_PIPELINE_PIPELINES_H
