// Checks scenarios against steps, devices and data classes.
#include "compiler/Analysis/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace hetagon {
#define GEN_PASS_DEF_VERIFYPLACEMENT
#include "compiler/Analysis/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct VerifyPlacementPass
    : hetagon::impl::VerifyPlacementBase<VerifyPlacementPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    auto systems = module.getOps<task::SystemOp>();
    auto scenarios = module.getOps<task::ScenarioOp>();
    if (systems.empty() || scenarios.empty()) {
      module.emitError("has no devices or no scenario; nothing is placed");
      return signalPassFailure();
    }
    llvm::StringMap<task::DeviceOp> devices;
    for (auto device : (*systems.begin()).getBody().getOps<task::DeviceOp>())
      devices[device.getId()] = device;
    bool isFirst = true;
    for (task::ScenarioOp scenario : scenarios) {
      if (failed(verify(scenario, module, symbols, devices, isFirst)))
        signalPassFailure();
      isFirst = false;
    }
    markAllAnalysesPreserved();
  }

private:
  LogicalResult verify(task::ScenarioOp scenario, ModuleOp module,
                       SymbolTable &symbols,
                       const llvm::StringMap<task::DeviceOp> &devices,
                       bool isFirst) {
    llvm::StringMap<task::PlaceOp> places;
    for (auto place : scenario.getBody().getOps<task::PlaceOp>())
      places[place.getStep()] = place;
    bool isWrong = false;
    llvm::StringSet<> asked;
    module.walk([&](task::StepOpInterface step) {
      if (!step.getServiceRef())
        return;
      asked.insert(step.getStep());
      task::PlaceOp place = places.lookup(step.getStep());
      if (!place) {
        InFlightDiagnostic diag = step.emitError()
                                  << "step '" << step.getStep()
                                  << "' is not placed by scenario "
                                  << scenario.getSymNameAttr();
        diag.attachNote(scenario.getLoc()) << "the scenario is here";
        isWrong = true;
        return;
      }
      isWrong |= failed(verify(step, place, symbols, devices, isFirst));
    });
    for (auto &[name, place] : places)
      if (!asked.contains(name)) {
        place.emitError() << "places '" << name
                          << "', which is no step that asks a service";
        isWrong = true;
      }
    return failure(isWrong);
  }

  LogicalResult verify(task::StepOpInterface step, task::PlaceOp place,
                       SymbolTable &symbols,
                       const llvm::StringMap<task::DeviceOp> &devices,
                       bool isFirst) {
    task::DeviceOp device = devices.lookup(place.getDevice());
    if (!device)
      return place.emitError()
             << "puts '" << step.getStep() << "' on '" << place.getDevice()
             << "', which is not a device";
    auto service =
        symbols.lookup<task::ServiceOp>(step.getServiceRef().getAttr());
    std::optional<StringRef> settled = service.getDevice();
    if (isFirst && settled && *settled != place.getDevice())
      return place.emitError()
             << "puts '" << step.getStep() << "' on '" << place.getDevice()
             << "', but its service is on '" << *settled << "'";
    for (StringRef name : step.getDataClasses()) {
      auto dataClass = symbols.lookup<task::DataClassOp>(name);
      ArrayAttr zones = dataClass.getZones();
      if (!zones.empty() && !llvm::is_contained(zones, device.getZoneAttr()))
        return place.emitError()
               << "puts '" << step.getStep() << "', which sees data of class '"
               << name << "', in zone '" << device.getZone() << "'";
    }
    return success();
  }
};
} // namespace
