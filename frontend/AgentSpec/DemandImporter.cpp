// Demands on a flow and on its nodes: agent.require and agent.objective.
#include "frontend/AgentSpec/FlowImporter.h"
#include <cmath>

using namespace mlir;

namespace hetagon {

namespace {

agent::Event eventOf(const Metric &metric) {
  if (metric.event == "first")
    return agent::Event::First;
  return metric.event == "gap" ? agent::Event::Gap : agent::Event::Last;
}

} // namespace

void FlowImporter::emitDemand(const Requirement &demand, llvm::StringRef id,
                              const Component *node, ArrayRef<Value> values) {
  const Metric &metric = *demand.metric;
  std::string unit = demand.unit;
  if (demand.basis != metric.basis)
    unit += "/" + demand.basis;
  SmallVector<Attribute> events(
      values.size(), agent::EventAttr::get(context, eventOf(metric)));
  Named attributes = {
      named("id", builder.getStringAttr(id)),
      named("metric", module.text(std::string(metric.name))),
      named("bound",
            agent::BoundAttr::get(context, demand.isMax ? agent::Bound::Max
                                                        : agent::Bound::Min)),
      named("limit", builder.getF64FloatAttr(demand.limit)),
      named("unit", builder.getStringAttr(unit)),
      named("events", builder.getArrayAttr(events))};
  if (!demand.at.empty())
    attributes.push_back(named("at", builder.getStringAttr(demand.at)));
  if (demand.soft) {
    attributes.push_back(named("soft", builder.getUnitAttr()));
    attributes.push_back(
        named("weight", builder.getF64FloatAttr(demand.weight)));
  }
  if (node)
    attributes.push_back(named("node", builder.getStringAttr(node->name)));
  if (!demand.words.empty()) {
    SmallVector<llvm::StringRef> words(demand.words.begin(),
                                       demand.words.end());
    attributes.push_back(named("allow", builder.getStrArrayAttr(words)));
  }
  builder.create<agent::RequireOp>(module.locOf(demand.place), TypeRange(),
                                   values, attributes);
}

LogicalResult FlowImporter::demandFlow(ArrayRef<Value> values) {
  const Requirements *demands =
      isPrivate ? module.workflow.demandsOf(flow) : &module.workflow.demands;
  if (!demands)
    return success();
  auto isStream = [](Value value) {
    return isa<agent::StreamType>(value.getType());
  };
  for (auto [i, demand] : llvm::enumerate(demands->requirements)) {
    SmallVector<Value> measured;
    llvm::StringRef event = demand.metric->event;
    for (auto [port, value] : llvm::zip(flow.outputs, values)) {
      bool meant = demand.on.empty() ? event != "gap" || isStream(value)
                                     : demand.on == port.title;
      if (!event.empty() && meant)
        measured.push_back(value);
    }
    if (event == "first" && demand.on.empty() &&
        llvm::any_of(measured, isStream))
      llvm::erase_if(measured, [&](Value value) { return !isStream(value); });
    if (event == "gap" && (measured.empty() || !isStream(measured[0])))
      return module.refuse(demand.place,
                           "nothing is streamed, so there is no time between "
                           "pieces to measure",
                           "let an LlmNode's output be an output of the flow");
    emitDemand(demand, (isPrivate ? flow.name + ".r" : "r") + std::to_string(i),
               nullptr, measured);
  }
  if (demands->objective)
    emitObjective(*demands->objective);
  return success();
}

void FlowImporter::demandNode(const Component &node, Operation *op) {
  const Requirements *demands = module.workflow.demandsOf(node);
  if (!demands)
    return;
  if (demands->expect) {
    const Expectation &expect = *demands->expect;
    Named sizes;
    auto add = [&](llvm::StringRef key, std::optional<double> value) {
      if (value)
        sizes.push_back(named(
            key, builder.getI64IntegerAttr(int64_t(std::llround(*value)))));
    };
    if (expect.latencyMs)
      add("latency_ns", *expect.latencyMs * 1e6);
    add("input_tokens", expect.inputTokens);
    add("output_tokens", expect.outputTokens);
    op->setAttr(agent::expectAttrName, builder.getDictionaryAttr(sizes));
  }
  for (auto [i, demand] : llvm::enumerate(demands->requirements)) {
    SmallVector<Value> measured;
    for (auto [port, value] : llvm::zip(node.outputs, op->getResults()))
      if (demand.on.empty() || demand.on == port.title)
        measured.push_back(value);
    if (measured.empty())
      llvm::append_range(measured, op->getResults());
    emitDemand(demand, node.name + ".r" + std::to_string(i), &node, measured);
  }
}

void FlowImporter::emitObjective(const Objective &objective) {
  std::string metric;
  for (const Objective::Term &term : objective.terms) {
    if (!metric.empty())
      metric += " + ";
    if (objective.terms.size() > 1)
      metric += Json(term.weight).dump() + " ";
    metric += term.metric->name;
  }
  builder.create<agent::ObjectiveOp>(
      module.locOf(objective.place), TypeRange(), ValueRange(),
      Named{named("goal",
                  agent::GoalAttr::get(context, objective.minimize
                                                    ? agent::Goal::Minimize
                                                    : agent::Goal::Maximize)),
            named("metric", builder.getStringAttr(metric))});
}

} // namespace hetagon
