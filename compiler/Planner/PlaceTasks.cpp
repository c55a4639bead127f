// The planner's problem from the module, and its answer into it.
#include "compiler/Analysis/DebugLog.h"
#include "compiler/Planner/Passes.h"
#include "compiler/Planner/Planner.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

namespace hetagon {
#define GEN_PASS_DEF_PLACETASKS
#include "compiler/Planner/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct PlaceTasksPass : hetagon::impl::PlaceTasksBase<PlaceTasksPass> {
  using PlaceTasksBase::PlaceTasksBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(run(module)))
      signalPassFailure();
  }

private:
  LogicalResult run(ModuleOp module) {
    planner::Problem problem;
    SmallVector<Operation *> firstSteps;
    if (failed(gatherDevices(module, problem)) ||
        failed(gatherWishes(module, problem)))
      return failure();
    gatherRequests(module, problem, firstSteps);

    StatusOr<planner::Scenario> scenario =
        planner::createTrivialPlanner()->plan(problem);
    if (!scenario.isOk()) {
      const Status &status = scenario.status();
      Location loc = module.getLoc();
      if (const Place *place = status.place())
        loc = FileLineColLoc::get(module.getContext(), place->file, place->line,
                                  place->column);
      if (status.code() == Code::NotFound)
        module->setAttr(unsatisfiableAttrName,
                        UnitAttr::get(module.getContext()));
      return emitError(loc) << status.message();
    }

    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto primary = builder.create<task::ScenarioOp>(
        module.getLoc(), builder.getStringAttr("primary"), StringAttr(),
        StringAttr());
    builder.createBlock(&primary.getBody());
    for (auto [request, choice, op] :
         llvm::zip(problem.requests, scenario->choices, firstSteps)) {
      SmallVector<StringRef> rejected(choice.rejected.begin(),
                                      choice.rejected.end());
      if (llvm::raw_ostream *log = debugLog("place-tasks"))
        *log << "place-tasks: " << request.steps.size() << " steps of '"
             << request.node << "' on '" << choice.device << "': " << choice.why
             << "\n";
      for (const std::string &step : request.steps)
        builder.create<task::PlaceOp>(op->getLoc(), step, choice.device,
                                      choice.why,
                                      builder.getStrArrayAttr(rejected));
    }
    return success();
  }

  static LogicalResult gatherDevices(ModuleOp module,
                                     planner::Problem &problem) {
    auto systems = module.getOps<task::SystemOp>();
    if (systems.empty())
      return module.emitError("has no devices to place anything on");
    for (auto device : (*systems.begin()).getBody().getOps<task::DeviceOp>())
      problem.devices.push_back(
          {device.getId().str(), device.getBackend().str(),
           device.getZone().str(), bool(device.getEndpointAttr())});
    return success();
  }

  LogicalResult gatherWishes(ModuleOp module, planner::Problem &problem) {
    for (const std::string &pin : pins) {
      auto [node, device] = StringRef(pin).rsplit('=');
      if (node.empty() || device.empty())
        return module.emitError()
               << "cannot read the pin '" << pin << "'; it is NODE=DEVICE";
      auto [entry, fresh] = problem.pins.try_emplace(node.str(), device.str());
      if (!fresh && entry->second != device)
        return module.emitError()
               << "'" << node << "' is pinned to both '" << entry->second
               << "' and '" << device << "'";
    }
    problem.forbidden.insert(forbidden.begin(), forbidden.end());
    return success();
  }

  static void gatherRequests(ModuleOp module, planner::Problem &problem,
                             SmallVectorImpl<Operation *> &firstSteps) {
    // Graph, node and service make a request.
    llvm::MapVector<std::tuple<Operation *, StringRef, Attribute>, size_t>
        indices;
    module.walk([&](task::StepOpInterface step) {
      FlatSymbolRefAttr ref = step.getServiceRef();
      if (!ref)
        return;
      auto [entry, fresh] =
          indices.insert({{step->getParentOp(), step.getNode(), ref},
                          problem.requests.size()});
      if (fresh) {
        auto service = module.lookupSymbol<task::ServiceOp>(ref);
        problem.requests.push_back({step.getNode().str(),
                                    {},
                                    service.getModel().str(),
                                    workOf(service.getKind()),
                                    service.getMissing().value_or("").str(),
                                    placeOf(step),
                                    {}});
        firstSteps.push_back(step);
      }
      planner::Request &request = problem.requests[entry->second];
      request.steps.push_back(step.getStep().str());
      for (StringRef name : step.getDataClasses()) {
        auto dataClass = module.lookupSymbol<task::DataClassOp>(name);
        if (dataClass.getZones().empty())
          continue;
        std::set<std::string> &zones = request.zonesByClass[name.str()];
        for (StringRef zone :
             dataClass.getZones().getAsValueRange<StringAttr>())
          zones.insert(zone.str());
      }
    });
  }

  static std::optional<Place> placeOf(Operation *op) {
    auto loc = op->getLoc()->findInstanceOf<FileLineColLoc>();
    if (!loc)
      return std::nullopt;
    return Place{loc.getFilename().str(), loc.getLine(), loc.getColumn(), {}};
  }

  static planner::Work workOf(task::ServiceKind kind) {
    switch (kind) {
    case task::ServiceKind::Decoder:
      return planner::Work::Decoder;
    case task::ServiceKind::Encoder:
      return planner::Work::Encoder;
    case task::ServiceKind::Endpoint:
      return planner::Work::Endpoint;
    }
    llvm_unreachable("all kinds are listed");
  }
};
} // namespace
