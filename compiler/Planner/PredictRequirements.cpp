// Rooflines of requests on their devices, and what follows for requirements.
#include "compiler/Planner/Passes.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>

namespace hetagon {
#define GEN_PASS_DEF_PREDICTREQUIREMENTS
#include "compiler/Planner/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {

/// A time and how it is known, or why it is not.
struct Time {
  double nanoseconds = 0;
  std::string unknown;
  /// Of all that went into it, the least trustworthy.
  task::Rung rung = task::Rung::Measured;

  static Time unknownBecause(const Twine &why) {
    return {0, why.str(), task::Rung::Unknown};
  }
  bool isKnown() const { return unknown.empty(); }
};

Time operator+(const Time &a, const Time &b) {
  if (!a.isKnown() || !b.isKnown())
    return a.isKnown() ? b : a;
  return {a.nanoseconds + b.nanoseconds, {}, std::min(a.rung, b.rung)};
}

Time later(const Time &a, const Time &b) {
  if (!a.isKnown() || !b.isKnown())
    return a.isKnown() ? b : a;
  return {std::max(a.nanoseconds, b.nanoseconds), {}, std::min(a.rung, b.rung)};
}

struct PredictRequirementsPass
    : hetagon::impl::PredictRequirementsBase<PredictRequirementsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto system : module.getOps<task::SystemOp>())
      for (auto device : system.getBody().getOps<task::DeviceOp>())
        devices[device.getId()] = device;
    if (auto stated = module->getAttrOfType<DictionaryAttr>("task.sizes"))
      for (NamedAttribute entry : stated)
        if (auto size = dyn_cast<IntegerAttr>(entry.getValue()))
          sizes[entry.getName().str()] = size.getInt();
    module.walk([&](task::RequireOp require) {
      require.setPredictedAttr(predict(require));
    });
  }

private:
  task::PredictionAttr predict(task::RequireOp require) {
    Builder builder(require.getContext());
    Time time = timeOf(require);
    double scale = llvm::StringSwitch<double>(require.getUnit())
                       .Case("ns", 1)
                       .Case("us", 1e3)
                       .Case("ms", 1e6)
                       .Case("s", 1e9)
                       .Default(0);
    if (time.isKnown() && scale == 0)
      time = Time::unknownBecause("'" + require.getUnit() +
                                  "' is no unit of time");
    if (!time.isKnown())
      return task::PredictionAttr::get(
          require.getContext(), FloatAttr(), require.getUnitAttr(),
          task::Rung::Unknown, builder.getStringAttr(time.unknown));
    return task::PredictionAttr::get(
        require.getContext(), builder.getF64FloatAttr(time.nanoseconds / scale),
        require.getUnitAttr(), std::min(time.rung, task::Rung::Profiled),
        builder.getStringAttr(time.rung < task::Rung::Profiled
                                  ? "roofline of the requests on their devices"
                                  : "measured profiles, at expected sizes"));
  }

  Time timeOf(task::RequireOp require) {
    StringRef metric = require.getMetric();
    if (metric != "ttft" && metric != "tbt" && metric != "latency")
      return Time::unknownBecause("there is no model of " + metric + " yet");
    if (require.getValues().empty())
      return Time::unknownBecause("it measures no value");
    Time worst;
    for (Value value : require.getValues()) {
      Time time = timeOf(metric, value, bool(require.getNodeAttr()));
      if (!time.isKnown())
        return time;
      worst = later(worst, time);
    }
    return worst;
  }

  Time timeOf(StringRef metric, Value value, bool ofNode) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    auto generate = dyn_cast<task::GenerateOp>(op);
    if (metric == "latency")
      return ofNode ? own(op, maxTokens(generate))
                    : before(op) + own(op, maxTokens(generate));
    if (!generate)
      return Time::unknownBecause("step '" +
                                  cast<task::StepOpInterface>(op).getStep() +
                                  "' is no generation");
    Time first = own(op, 0);
    if (metric == "ttft")
      return ofNode ? first : before(op) + first;
    // The time between tokens, on average over the request.
    int64_t tokens = maxTokens(generate);
    Time whole = own(op, tokens);
    if (!first.isKnown() || !whole.isKnown())
      return whole;
    return {(whole.nanoseconds - first.nanoseconds) / double(tokens),
            {},
            std::min(first.rung, whole.rung)};
  }

  int64_t maxTokens(task::GenerateOp generate) {
    auto stated = sizes.find("output_tokens");
    if (stated != sizes.end())
      return std::get<int64_t>(stated->second);
    return generate ? generate.getMaxTokens() : 0;
  }

  /// Until everything that `op` waits for has finished.
  Time before(Operation *op) {
    SmallVector<Operation *> earlier;
    for (Value operand : op->getOperands())
      if (Operation *definer = operand.getDefiningOp())
        earlier.push_back(definer);
    for (StringRef name : cast<task::StepOpInterface>(op).getAfter())
      for (Operation &other : *op->getBlock())
        if (auto step = dyn_cast<task::StepOpInterface>(other))
          if (step.getStep() == name)
            earlier.push_back(step);
    Time latest;
    for (Operation *one : earlier) {
      auto known = finished.find(one);
      Time done =
          known != finished.end()
              ? known->second
              : before(one) +
                    own(one, maxTokens(dyn_cast<task::GenerateOp>(one)));
      finished[one] = done;
      if (!done.isKnown())
        return done;
      latest = later(latest, done);
    }
    return latest;
  }

  /// Of one step alone.
  Time own(Operation *op, int64_t outputTokens) {
    // Microseconds, a search among passages included.
    if (isa<task::ConstantOp, task::RenderOp, task::TokenizeOp, task::SearchOp>(
            op))
      return {};
    auto step = cast<task::StepOpInterface>(op);
    Sizes all = sizes;
    if (auto stated = op->getAttrOfType<DictionaryAttr>(task::sizesAttrName))
      for (NamedAttribute entry : stated)
        all[entry.getName().str()] =
            cast<IntegerAttr>(entry.getValue()).getInt();
    all["output_tokens"] = outputTokens;
    task::ServiceOp service;
    if (FlatSymbolRefAttr ref = step.getServiceRef())
      service = SymbolTable::lookupNearestSymbolFrom<task::ServiceOp>(op, ref);
    if (service && service.getProfileAttr())
      return profiled(op, service.getProfileAttr(), all);
    auto cost = dyn_cast_or_null<task::CostAttr>(step.getCostAttribute());
    if (!cost)
      return Time::unknownBecause("nobody knows what step '" + step.getStep() +
                                  "' takes");
    return roofline(step, service, cost, all);
  }

  static Time profiled(Operation *op, task::ProfileAttr profile,
                       const Sizes &all) {
    auto input = all.find("input_tokens");
    if (input == all.end())
      return Time::unknownBecause(cast<task::StepOpInterface>(op).getStep() +
                                  ": no value for the size 'input_tokens'");
    double read = toDouble(input->second);
    double written = toDouble(all.at("output_tokens"));
    // The first token comes with the prompt; the others after a cache that is
    // half filled with them on average.
    double later = std::max(written - 1, 0.0);
    return {profile.getFirstNs(read) +
                later * profile.getEachNs(read + later / 2),
            {},
            task::Rung::Profiled};
  }

  Time roofline(task::StepOpInterface step, task::ServiceOp service,
                task::CostAttr cost, const Sizes &all) {
    task::DeviceOp device =
        service ? devices.lookup(service.getDevice().value_or(StringRef()))
                : task::DeviceOp();
    bool works = cost.getOperations() || cost.getBytesRead();
    if (works && (!device || !device.getOperationsPerSecond() ||
                  !device.getBytesPerSecond()))
      return Time::unknownBecause(
          "nobody knows the speed of " +
          (service ? service.getDevice().value_or("the service's device")
                   : StringRef("the device")));
    Time fault;
    auto value = [&](task::ExprAttr expr) {
      if (!expr)
        return 0.0;
      StatusOr<ExprValue> quantity = expr.getExpr().evaluate(all);
      if (quantity.isOk())
        return toDouble(quantity->value);
      fault =
          Time::unknownBecause(step.getStep() + ": " + quantity.status().str());
      return 0.0;
    };
    double operations = 0;
    if (cost.getOperations())
      for (auto work : cost.getOperations().getAsRange<task::WorkAttr>())
        operations += value(work.getOperations());
    double bytes = value(cost.getBytesRead()) + value(cost.getBytesWritten());
    double seconds =
        works ? std::max(operations /
                             device.getOperationsPerSecond()->convertToDouble(),
                         bytes / device.getBytesPerSecond()->convertToDouble())
              : 0;
    if (!fault.isKnown())
      return fault;
    return {seconds * 1e9 + value(cost.getLatency()),
            {},
            works ? device.getRung().value_or(task::Rung::Analytic)
                  : task::Rung::Analytic};
  }

  llvm::StringMap<task::DeviceOp> devices;
  Sizes sizes;
  llvm::DenseMap<Operation *, Time> finished;
};
} // namespace
