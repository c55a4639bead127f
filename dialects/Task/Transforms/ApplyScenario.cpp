// Sets devices on services and splits services that are wanted on several.
#include "dialects/Task/Transforms/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace hetagon::task {
#define GEN_PASS_DEF_APPLYSCENARIO
#include "dialects/Task/Transforms/Passes.h.inc"
} // namespace hetagon::task

using namespace mlir;
using namespace hetagon::task;

namespace {
struct ApplyScenarioPass
    : hetagon::task::impl::ApplyScenarioBase<ApplyScenarioPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    auto scenarios = module.getOps<ScenarioOp>();
    auto systems = module.getOps<SystemOp>();
    if (scenarios.empty() || systems.empty()) {
      module.emitError(scenarios.empty() ? "there is no scenario to apply"
                                         : "there are no devices");
      return signalPassFailure();
    }
    llvm::StringMap<StringRef> placements;
    for (auto place : (*scenarios.begin()).getBody().getOps<PlaceOp>())
      placements[place.getStep()] = place.getDevice();
    llvm::StringMap<DeviceOp> devices;
    for (auto device : (*systems.begin()).getBody().getOps<DeviceOp>())
      devices[device.getId()] = device;

    // The first device keeps the service's name; each further one gets a copy.
    llvm::MapVector<std::pair<Operation *, StringRef>, ServiceOp> instances;
    WalkResult result = module.walk([&](StepOpInterface step) {
      FlatSymbolRefAttr ref = step.getServiceRef();
      if (!ref)
        return WalkResult::advance();
      auto place = placements.find(step.getStep());
      if (place == placements.end()) {
        step.emitError() << "the scenario does not place step '"
                         << step.getStep() << "'";
        return WalkResult::interrupt();
      }
      DeviceOp device = devices.lookup(place->second);
      if (!device) {
        step.emitError() << "is placed on '" << place->second
                         << "', which is not a device";
        return WalkResult::interrupt();
      }
      auto service = symbols.lookup<ServiceOp>(ref.getAttr());
      ServiceOp &instance = instances[{service, device.getId()}];
      if (!instance)
        instance = instantiate(service, device, symbols);
      step->setAttr("service",
                    FlatSymbolRefAttr::get(instance.getSymNameAttr()));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    // Files that only services needed which are asked elsewhere now.
    for (StringAttr name : released)
      if (Operation *op = symbols.lookup(name);
          op && SymbolTable::symbolKnownUseEmpty(op, module))
        symbols.erase(op);
  }

private:
  ServiceOp instantiate(ServiceOp service, DeviceOp device,
                        SymbolTable &symbols) {
    ServiceOp instance = service;
    if (service.getDeviceAttr()) {
      OpBuilder builder(service);
      builder.setInsertionPointAfter(service);
      instance = cast<ServiceOp>(builder.clone(*service));
      instance.setSymName((service.getSymName() + "." + device.getId()).str());
      symbols.insert(instance);
    }
    instance.setDeviceAttr(device.getIdAttr());
    if (EndpointAttr endpoint = device.getEndpointAttr()) {
      instance.setKind(ServiceKind::Endpoint);
      instance.setEndpointAttr(endpoint);
      releaseModel(instance);
    }
    return instance;
  }

  /// What an endpoint has no use for: all that is known of the model's files.
  void releaseModel(ServiceOp service) {
    for (FlatSymbolRefAttr ref :
         {service.getProgramAttr(), service.getArtefactAttr()})
      if (ref)
        released.push_back(ref.getAttr());
    if (TokenizerAttr tokenizer = service.getTokenizerAttr())
      released.push_back(tokenizer.getArtefact().getAttr());
    service.removeProgramAttr();
    service.removeArtefactAttr();
    service.removeTokenizerAttr();
    service.removeKvAttr();
    service.removeMissingAttr();
    service.removeContextTokensAttr();
    service.removeMaxRowsAttr();
    service.removeVocabularyAttr();
    service.removeEmbeddingSizeAttr();
    service.removeParametersAttr();
    service.removeWeightBytesAttr();
  }

  SmallVector<StringAttr> released;
};
} // namespace
