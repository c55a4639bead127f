// The few fusions that this backend makes, by use counts.
#include "backends/cpu/lowering/Fusion.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace hetagon::cpu {

WeightFormat weightFormat(Type type) {
  if (auto quant = dyn_cast<nn::QuantType>(type))
    switch (quant.getFormat()) {
    case nn::QuantFormat::Q4_0:
      return WeightFormat::Q4_0;
    case nn::QuantFormat::Q4_1:
      return WeightFormat::Q4_1;
    case nn::QuantFormat::Q8_0:
      return WeightFormat::Q8_0;
    case nn::QuantFormat::Q4_K:
      return WeightFormat::Q4_K;
    case nn::QuantFormat::Q6_K:
      return WeightFormat::Q6_K;
    }
  if (type.isF16())
    return WeightFormat::F16;
  if (type.isBF16())
    return WeightFormat::BF16;
  return WeightFormat::F32;
}

PanelLayout panelLayout(nn::LinearOp op) {
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  return PanelLayout::of(weightFormat(type.getElementType()),
                         type.getDimSize(0), type.getDimSize(1));
}

RowForm inputForm(nn::LinearOp op) {
  if (panelLayout(op).isFloat())
    return RowForm::F32;
  bool onlyGated =
      !op->use_empty() && llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<nn::GluOp>(user);
      });
  return onlyGated ? RowForm::Q8 : RowForm::Q16;
}

static nn::LinearOp singleUseLinear(Value value) {
  auto linear = value.getDefiningOp<nn::LinearOp>();
  return linear && value.hasOneUse() ? linear : nn::LinearOp();
}

static bool canGate(nn::LinearOp gate, nn::LinearOp up) {
  if (!gate || !up || gate == up || gate.getInput() != up.getInput() ||
      gate.getBias() || up.getBias())
    return false;
  PanelLayout a = panelLayout(gate), b = panelLayout(up);
  return a.kind == b.kind && a.n == b.n && a.k == b.k &&
         inputForm(gate) == inputForm(up);
}

FusionPlan::FusionPlan(nn::FuncOp step) {
  step.walk([&](Operation *op) {
    if (auto add = dyn_cast<nn::AddOp>(op)) {
      if (!nn::isRows(add.getRhs().getType()))
        return;
      for (Value operand : {add.getRhs(), add.getLhs()})
        if (nn::LinearOp linear = singleUseLinear(operand)) {
          folded.insert(linear);
          return;
        }
    } else if (auto activation = dyn_cast<nn::ActivationOp>(op)) {
      if (nn::LinearOp linear = singleUseLinear(activation.getInput()))
        folded.insert(linear);
    } else if (auto glu = dyn_cast<nn::GluOp>(op)) {
      nn::LinearOp gate = singleUseLinear(glu.getGate());
      nn::LinearOp up = singleUseLinear(glu.getUp());
      if (canGate(gate, up)) {
        folded.insert(gate);
        folded.insert(up);
      }
    }
  });
}

nn::LinearOp FusionPlan::foldedLinear(Value operand) const {
  auto linear = operand.getDefiningOp<nn::LinearOp>();
  return linear && isFolded(linear) ? linear : nn::LinearOp();
}

RowForm FusionPlan::wantedForm(Value value) {
  std::optional<RowForm> common;
  for (OpOperand &use : value.getUses()) {
    auto linear = dyn_cast<nn::LinearOp>(use.getOwner());
    if (!linear || use.getOperandNumber() != 0)
      return RowForm::F32;
    RowForm form = inputForm(linear);
    if (common.value_or(form) != form)
      return RowForm::F32;
    common = form;
  }
  return common.value_or(RowForm::F32);
}

} // namespace hetagon::cpu
