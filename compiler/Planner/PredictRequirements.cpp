// What the times and prices of steps mean for the requirements.
#include "compiler/Planner/Passes.h"
#include "compiler/Planner/StepCosts.h"
#include "mlir/IR/Builders.h"

namespace hetagon {
#define GEN_PASS_DEF_PREDICTREQUIREMENTS
#include "compiler/Planner/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {

struct PredictRequirementsPass
    : hetagon::impl::PredictRequirementsBase<PredictRequirementsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    StepCosts stepCosts(module);
    costs = &stepCosts;
    finished.clear();
    module.walk([&](task::RequireOp require) {
      require.setPredictedAttr(predict(require));
    });
  }

private:
  /// Nanoseconds or dollars in one of the unit; 0 for units of other
  /// dimensions.
  static double unitFactor(StringRef metric, StringRef unit) {
    if (metric == "cost")
      return llvm::StringSwitch<double>(unit)
          .Case("usd", 1)
          .Case("cent", 0.01)
          .Default(0);
    return llvm::StringSwitch<double>(unit)
        .Case("ns", 1)
        .Case("us", 1e3)
        .Case("ms", 1e6)
        .Case("s", 1e9)
        .Case("min", 6e10)
        .Case("h", 3.6e12)
        .Default(0);
  }

  task::PredictionAttr predict(task::RequireOp require) {
    Builder builder(require.getContext());
    StringRef metric = require.getMetric();
    Estimate estimate = metric == "cost" ? dollars(require) : time(require);
    double factor = unitFactor(metric, require.getUnit());
    if (estimate.isKnown() && factor == 0)
      estimate = Estimate::unknownBecause("'" + require.getUnit() +
                                          "' is no unit of " + metric);
    if (!estimate.isKnown())
      return task::PredictionAttr::get(
          require.getContext(), FloatAttr(), require.getUnitAttr(),
          task::Rung::Unknown, builder.getStringAttr(estimate.unknown));
    StringRef basis =
        metric == "cost" ? "prices of endpoints, at expected sizes"
        : estimate.rung < task::Rung::Profiled
            ? "rooflines, profiles and stated times, at expected sizes"
            : "measured profiles, at expected sizes";
    return task::PredictionAttr::get(
        require.getContext(), builder.getF64FloatAttr(estimate.value / factor),
        require.getUnitAttr(), std::min(estimate.rung, task::Rung::Profiled),
        builder.getStringAttr(basis));
  }

  /// Of all requests of the node, or of the flow; those that a branch may leave
  /// out included.
  Estimate dollars(task::RequireOp require) {
    Estimate total{0, {}, task::Rung::Analytic};
    StringAttr node = require.getNodeAttr();
    getOperation().walk([&](task::StepOpInterface step) {
      if (!node || step.getNode() == node.getValue())
        total = total + costs->dollars(step, costs->deviceOf(step));
    });
    return total;
  }

  Estimate time(task::RequireOp require) {
    StringRef metric = require.getMetric();
    if (metric != "ttft" && metric != "tbt" && metric != "latency")
      return Estimate::unknownBecause("there is no model of " + metric +
                                      " yet");
    if (require.getValues().empty())
      return Estimate::unknownBecause("it measures no value");
    Estimate worst;
    for (Value value : require.getValues()) {
      Estimate one = time(metric, value, bool(require.getNodeAttr()));
      if (!one.isKnown())
        return one;
      worst = larger(worst, one);
    }
    return worst;
  }

  Estimate time(StringRef metric, Value value, bool ofNode) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    if (metric == "latency")
      return ofNode ? own(op) : before(op) + own(op);
    if (!isa<task::GenerateOp>(op))
      return Estimate::unknownBecause(
          "step '" + cast<task::StepOpInterface>(op).getStep() +
          "' is no generation");
    Estimate first = own(op, 0);
    if (metric == "ttft")
      return ofNode ? first : before(op) + first;
    // The time between tokens, on average over the request.
    Estimate whole = own(op);
    if (!first.isKnown() || !whole.isKnown())
      return whole;
    double gaps = double(std::max<int64_t>(costs->outputTokens(op), 1));
    return {(whole.value - first.value) / gaps,
            {},
            std::min(first.rung, whole.rung)};
  }

  /// Until everything that `op` waits for has finished.
  Estimate before(Operation *op) {
    SmallVector<Operation *> earlier;
    for (Value operand : op->getOperands())
      if (Operation *definer = operand.getDefiningOp())
        earlier.push_back(definer);
    for (StringRef name : cast<task::StepOpInterface>(op).getAfter())
      for (Operation &other : *op->getBlock())
        if (auto step = dyn_cast<task::StepOpInterface>(other))
          if (step.getStep() == name)
            earlier.push_back(step);
    Estimate latest;
    for (Operation *one : earlier) {
      auto known = finished.find(one);
      Estimate done =
          known != finished.end() ? known->second : before(one) + own(one);
      finished[one] = done;
      if (!done.isKnown())
        return done;
      latest = larger(latest, done);
    }
    return latest;
  }

  Estimate own(Operation *op, int64_t outputTokens) {
    auto step = cast<task::StepOpInterface>(op);
    return costs->time(step, costs->deviceOf(step), outputTokens);
  }
  Estimate own(Operation *op) { return own(op, costs->outputTokens(op)); }

  const StepCosts *costs = nullptr;
  llvm::DenseMap<Operation *, Estimate> finished;
};
} // namespace
