// Profiles first, rooflines otherwise.
#include "compiler/Planner/StepCosts.h"

using namespace mlir;
using namespace hetagon;

Estimate hetagon::operator+(const Estimate &a, const Estimate &b) {
  if (!a.isKnown() || !b.isKnown())
    return a.isKnown() ? b : a;
  return {a.value + b.value, {}, std::min(a.rung, b.rung)};
}

Estimate hetagon::larger(const Estimate &a, const Estimate &b) {
  if (!a.isKnown() || !b.isKnown())
    return a.isKnown() ? b : a;
  return {std::max(a.value, b.value), {}, std::min(a.rung, b.rung)};
}

static void addSizes(Operation *op, Sizes &sizes) {
  if (auto stated = op->getAttrOfType<DictionaryAttr>(task::sizesAttrName))
    for (NamedAttribute entry : stated)
      if (auto size = dyn_cast<IntegerAttr>(entry.getValue()))
        sizes[entry.getName().str()] = size.getInt();
}

StepCosts::StepCosts(ModuleOp module) : module(module) {
  addSizes(module, sizes);
  for (auto system : module.getOps<task::SystemOp>()) {
    for (auto device : system.getBody().getOps<task::DeviceOp>())
      devices[device.getId()] = device;
    for (auto profile : system.getBody().getOps<task::ProfileOp>())
      profiles[{profile.getDevice().str(), profile.getWeights().str()}] =
          profile.getTimes();
  }
}

task::ServiceOp StepCosts::serviceOf(task::StepOpInterface step) const {
  FlatSymbolRefAttr ref = step.getServiceRef();
  return ref ? SymbolTable::lookupNearestSymbolFrom<task::ServiceOp>(step, ref)
             : task::ServiceOp();
}

StringRef StepCosts::deviceOf(task::StepOpInterface step) const {
  task::ServiceOp service = serviceOf(step);
  return service ? service.getDevice().value_or(StringRef()) : StringRef();
}

Sizes StepCosts::sizesOf(Operation *step) const {
  Sizes all = sizes;
  addSizes(step, all);
  return all;
}

int64_t StepCosts::outputTokens(Operation *step) const {
  Sizes all = sizesOf(step);
  if (auto stated = all.find("output_tokens"); stated != all.end())
    return std::get<int64_t>(stated->second);
  if (auto generate = dyn_cast<task::GenerateOp>(step))
    return generate.getMaxTokens();
  if (auto decode = dyn_cast<task::DecodeOp>(step))
    return decode.getMaxTokens();
  return 0;
}

Estimate StepCosts::time(task::StepOpInterface step, StringRef device,
                         int64_t outputTokens) const {
  // Microseconds, a search among passages included.
  if (isa<task::ConstantOp, task::RenderOp, task::TokenizeOp,
          task::DetokenizeOp, task::SearchOp>(*step))
    return {};
  Sizes all = sizesOf(step);
  all["output_tokens"] = outputTokens;
  if (task::ServiceOp service = serviceOf(step);
      service && service.getArtefactAttr()) {
    auto times = profiles.find(
        {device.str(), service.getArtefactAttr().getValue().str()});
    if (times != profiles.end())
      return profiled(step, times->second, all);
  }
  auto cost = dyn_cast_or_null<task::CostAttr>(step.getCostAttribute());
  if (!cost)
    return Estimate::unknownBecause("nobody knows what step '" +
                                    step.getStep() + "' takes");
  return roofline(step, device, cost, all);
}

Estimate StepCosts::profiled(task::StepOpInterface step,
                             task::ProfileAttr times, const Sizes &all) const {
  auto input = all.find("input_tokens");
  if (input == all.end())
    return Estimate::unknownBecause(step.getStep() +
                                    ": no value for the size 'input_tokens'");
  double read = toDouble(input->second);
  double written = toDouble(all.at("output_tokens"));
  // The first token comes with the prompt; the others after a cache that is
  // half filled with them on average.
  double further = std::max(written - 1, 0.0);
  double first = isa<task::DecodeOp>(*step) ? 0 : times.getFirstNs(read);
  return {first + further * times.getEachNs(read + further / 2),
          {},
          task::Rung::Profiled};
}

Estimate StepCosts::roofline(task::StepOpInterface step, StringRef id,
                             task::CostAttr cost, const Sizes &all) const {
  task::DeviceOp device = devices.lookup(id);
  bool works = cost.getOperations() || cost.getBytesRead();
  if (works && (!device || !device.getOperationsPerSecond() ||
                !device.getBytesPerSecond()))
    return Estimate::unknownBecause(
        "nobody knows the speed of " +
        (id.empty() ? StringRef("the service's device") : id));
  Estimate fault;
  auto value = [&](task::ExprAttr expr) {
    if (!expr)
      return 0.0;
    StatusOr<ExprValue> quantity = expr.getExpr().evaluate(all);
    if (quantity.isOk())
      return toDouble(quantity->value);
    fault = Estimate::unknownBecause(step.getStep() + ": " +
                                     quantity.status().str());
    return 0.0;
  };
  double operations = 0;
  if (cost.getOperations())
    for (auto work : cost.getOperations().getAsRange<task::WorkAttr>())
      operations += value(work.getOperations());
  double bytes = value(cost.getBytesRead()) + value(cost.getBytesWritten());
  double latency = value(cost.getLatency());
  if (!fault.isKnown())
    return fault;
  if (!works)
    return {latency, {}, task::Rung::Analytic};
  double seconds =
      std::max(operations / device.getOperationsPerSecond()->convertToDouble(),
               bytes / device.getBytesPerSecond()->convertToDouble());
  return {seconds * 1e9 + latency,
          {},
          device.getRung().value_or(task::Rung::Analytic)};
}

Estimate StepCosts::dollars(task::StepOpInterface step,
                            StringRef device) const {
  task::ServiceOp service = serviceOf(step);
  if (!service)
    return {}; // a tool's own price is between the user and its server
  task::EndpointAttr endpoint = service.getEndpointAttr();
  if (task::DeviceOp found = devices.lookup(device))
    if (task::EndpointAttr own = found.getEndpointAttr())
      endpoint = own;
  if (!endpoint)
    return {};
  if (!endpoint.getPricePerMillionInput() ||
      !endpoint.getPricePerMillionOutput())
    return Estimate::unknownBecause("nobody knows the prices of " + device);
  Sizes all = sizesOf(step);
  auto input = all.find("input_tokens");
  if (input == all.end())
    return Estimate::unknownBecause(step.getStep() +
                                    ": no value for the size 'input_tokens'");
  return {(toDouble(input->second) *
               endpoint.getPricePerMillionInput().getValueAsDouble() +
           double(outputTokens(step)) *
               endpoint.getPricePerMillionOutput().getValueAsDouble()) *
              1e-6,
          {},
          task::Rung::Analytic};
}
