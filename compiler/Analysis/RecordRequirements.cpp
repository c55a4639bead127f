// Writes the ids of all requirements on the module.
#include "compiler/Analysis/Passes.h"
#include "compiler/Analysis/RequirementList.h"

namespace hetagon {
#define GEN_PASS_DEF_RECORDREQUIREMENTS
#include "compiler/Analysis/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct RecordRequirementsPass
    : hetagon::impl::RecordRequirementsBase<RecordRequirementsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<RequirementList> list = collectRequirements(module);
    if (failed(list))
      return signalPassFailure();
    SmallVector<Attribute> ids;
    for (auto &[id, op] : *list)
      ids.push_back(id);
    module->setAttr(requirementsAttrName,
                    ArrayAttr::get(module.getContext(), ids));
  }
};
} // namespace
