// The story of a compilation, stage by stage; a check closes each.
#include "compiler/Pipeline/Pipelines.h"
#include "compiler/Analysis/Passes.h"
#include "compiler/Conversion/AgentToTask/Passes.h"
#include "compiler/Planner/Passes.h"
#include "dialects/Task/Transforms/Passes.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace hetagon;

void pipeline::buildDecomposingPipeline(OpPassManager &passes) {
  // Before anything may rewrite: what must still be there at the end.
  passes.addPass(createRecordRequirements());

  passes.addPass(createReportUnreadNodes());

  // What is known goes into the templates, what nobody reads goes away, and
  // sub-graphs that nobody calls with it. Effects keep the rest.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createSymbolDCEPass());
  passes.addPass(createVerifyRequirements());

  // Nodes become steps; models become services; order is what effects need.
  passes.addPass(createAgentToTask());
  passes.addPass(createVerifyRequirements());
}

void pipeline::buildPlacingPipeline(OpPassManager &passes,
                                    const PlacementOptions &options) {
  // What each step takes, where its model's program is known.
  passes.addPass(createEstimateCosts());

  // Where each request goes, and why. Steps are still apart here, so that a
  // planner can tell prefill from decode.
  PlaceTasksOptions placing;
  placing.pins = options.pins;
  placing.forbidden = options.forbidden;
  passes.addPass(createPlaceTasks(placing));
  passes.addPass(createVerifyPlacement());

  // Each request becomes the one step that the runtime batches, and each
  // service gets the device of its requests.
  passes.addPass(task::createFuseRequests());
  passes.addPass(task::createApplyScenario());
  passes.addPass(createVerifyPlacement());
  passes.addPass(createVerifyRequirements());
}

void pipeline::buildClosingPipeline(OpPassManager &passes) {
  // What whole requests take now, and what that means for the requirements.
  passes.addPass(createEstimateCosts());
  passes.addPass(createPredictRequirements());

  passes.addPass(createVerifyPlacement());
  passes.addPass(createVerifyRequirements());
}

namespace {
struct PlacingCommandLine : PassPipelineOptions<PlacingCommandLine> {
  ListOption<std::string> pins{
      *this, "pin",
      llvm::cl::desc("NODE=DEVICE: run the node there and nowhere else")};
  ListOption<std::string> forbidden{
      *this, "forbid", llvm::cl::desc("a device that nothing may run on")};
};
} // namespace

void pipeline::registerPipelines() {
  PassPipelineRegistration<>(
      "hetagon-decompose", "From a workflow to steps and services",
      [](OpPassManager &passes) { buildDecomposingPipeline(passes); });
  PassPipelineRegistration<PlacingCommandLine>(
      "hetagon-place", "From steps and devices to services that are placed",
      [](OpPassManager &passes, const PlacingCommandLine &options) {
        PlacementOptions placing;
        placing.pins.assign(options.pins.begin(), options.pins.end());
        placing.forbidden.assign(options.forbidden.begin(),
                                 options.forbidden.end());
        buildPlacingPipeline(passes, placing);
      });
  PassPipelineRegistration<>(
      "hetagon-close", "From placed services to what can be emitted",
      [](OpPassManager &passes) { buildClosingPipeline(passes); });
}
