// Compares the requirements with what was recorded.
#include "compiler/Analysis/Passes.h"
#include "compiler/Analysis/RequirementList.h"

namespace hetagon {
#define GEN_PASS_DEF_VERIFYREQUIREMENTS
#include "compiler/Analysis/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct VerifyRequirementsPass
    : hetagon::impl::VerifyRequirementsBase<VerifyRequirementsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto recorded = module->getAttrOfType<ArrayAttr>(requirementsAttrName);
    if (!recorded) {
      module.emitError("has no list of requirements; run record-requirements "
                       "before the first stage");
      return signalPassFailure();
    }
    FailureOr<RequirementList> list = collectRequirements(module);
    if (failed(list))
      return signalPassFailure();
    for (auto id : recorded.getAsRange<StringAttr>())
      if (!list->contains(id)) {
        module.emitError() << "the requirement " << id
                           << " vanished; a stage of the compiler dropped it";
        signalPassFailure();
      }
    for (auto &[id, op] : *list)
      if (!llvm::is_contained(recorded, id)) {
        op->emitError() << "the requirement " << id
                        << " is not one of the user's";
        signalPassFailure();
      }
    markAllAnalysesPreserved();
  }
};
} // namespace
