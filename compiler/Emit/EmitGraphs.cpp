// Step graphs: each step operation becomes the plan's step of the same kind,
// after the table of docs/plan.md.
#include "compiler/Emit/Emitter.h"
#include "runtime/base/Json.h"
#include "runtime/plan/StepRules.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace hetagon::emit {

namespace fb = plan::fb;

namespace {

std::string listText(ArrayAttr list) {
  Json json = Json::array();
  for (const std::string &text : strings(list))
    json.push_back(text);
  return printJson(json);
}

class GraphEmitter {
public:
  GraphEmitter(Emitter &emitter, task::GraphOp graph, fb::StepGraphT &made)
      : emitter(emitter), graph(graph), made(made) {}

  LogicalResult run(bool isFlow) {
    made.name = graph.getSymName().str();
    for (auto [name, input] :
         llvm::zip_equal(strings(graph.getInputNames()), graph.getInputs())) {
      sources[input] = {-1, uint32_t(made.inputs.size())};
      addPort(made.inputs, name, input.getType());
    }
    for (Operation &op : graph.getEntry()) {
      if (auto require = dyn_cast<task::RequireOp>(op))
        emitRequirement(require);
      else if (auto objective = dyn_cast<task::ObjectiveOp>(op))
        emitter.plan.objective = (agent::stringifyGoal(objective.getGoal()) +
                                  " " + objective.getMetric())
                                     .str();
      else if (auto output = dyn_cast<task::OutputOp>(op))
        emitResults(output, isFlow);
      else if (auto step = dyn_cast<task::StepOpInterface>(op)) {
        if (failed(emitStep(step)))
          return failure();
      } else {
        return op.emitError("this cannot stand in a plan");
      }
    }
    return success();
  }

private:
  struct Port {
    int32_t step;
    uint32_t port;
  };

  static void addPort(std::vector<std::unique_ptr<fb::PortT>> &ports,
                      StringRef name, Type type) {
    auto &port = *ports.emplace_back(std::make_unique<fb::PortT>());
    port.name = name.str();
    port.type = portType(type);
  }

  std::unique_ptr<fb::SourceT> sourceOf(Value value) const {
    auto made = std::make_unique<fb::SourceT>();
    Port port = sources.lookup(value);
    made->step = port.step;
    made->port = port.port;
    return made;
  }

  void addInput(fb::StepT &step, StringRef name, Value value) {
    step.input_names.push_back(name.str());
    step.inputs.push_back(sourceOf(value));
  }
  void addInputs(fb::StepT &step, ArrayAttr names, OperandRange values) {
    for (auto [name, value] : llvm::zip_equal(strings(names), values))
      addInput(step, name, value);
  }
  static void set(fb::StepT &step, StringRef key, StringRef value) {
    step.attributes.push_back(keyValue(key, value));
  }

  /// Fills kind, inputs, references and attributes; outputs have the names of
  /// `outputNames`, or those of the kind's rule.
  LogicalResult emitStep(task::StepOpInterface op) {
    auto step = std::make_unique<fb::StepT>();
    step->name = op.getStep().str();
    step->location = locationOf(op.getLoc());
    std::vector<std::string> outputNames;
    if (failed(fill(op, *step, outputNames)) || failed(common(op, *step)))
      return failure();
    if (outputNames.empty())
      for (const plan::PortRule &rule : plan::ruleOf(step->kind).outputs)
        outputNames.emplace_back(rule.name);
    int32_t index = int32_t(made.steps.size());
    for (auto [name, result] : llvm::zip_equal(outputNames, op->getResults())) {
      sources[result] = {index, uint32_t(step->outputs.size())};
      addPort(step->outputs, name, result.getType());
    }
    indices[step->name] = uint32_t(index);
    made.steps.push_back(std::move(step));
    return success();
  }

  /// What all steps have.
  LogicalResult common(task::StepOpInterface op, fb::StepT &step) {
    for (StringRef name : op.getAfter()) {
      auto found = indices.find(name);
      if (found == indices.end())
        return op.emitError() << "it has to wait for '" << name
                              << "', which is no earlier step of its graph";
      step.after.push_back(found->second);
    }
    if (FlatSymbolRefAttr symbol = op.getServiceRef()) {
      auto service = emitter.indexOf(op, symbol, emitter.services, "service");
      if (failed(service))
        return failure();
      step.service = int32_t(*service);
    }
    if (auto timeout = op->getAttrOfType<IntegerAttr>(task::timeoutAttrName))
      step.timeout_ms = uint32_t(timeout.getInt());
    if (auto retries = op->getAttrOfType<IntegerAttr>(task::retriesAttrName))
      step.retries = uint32_t(retries.getInt());
    return success();
  }

  LogicalResult graphsOf(Operation *op, ArrayRef<FlatSymbolRefAttr> symbols,
                         fb::StepT &step) {
    for (FlatSymbolRefAttr symbol : symbols) {
      auto callee = emitter.indexOf(op, symbol, emitter.graphs, "graph");
      if (failed(callee))
        return failure();
      step.graphs.push_back(*callee);
    }
    return success();
  }

  LogicalResult fill(task::StepOpInterface op, fb::StepT &step,
                     std::vector<std::string> &outputs) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](task::ConstantOp op) {
          step.kind = fb::StepKind::constant;
          set(step, "value", op.getValue());
          return success();
        })
        .Case([&](task::RenderOp op) {
          step.kind = fb::StepKind::render;
          addInputs(step, op.getInputNames(), op.getInputs());
          set(step, "template", op.getTextTemplate());
          if (op.getSystem())
            set(step, "system", *op.getSystem());
          return success();
        })
        .Case([&](task::TokenizeOp op) {
          step.kind = fb::StepKind::tokenize;
          addInput(step, "text", op.getText());
          return success();
        })
        .Case([&](task::DetokenizeOp op) {
          step.kind = fb::StepKind::detokenize;
          addInput(step, "tokens", op.getTokens());
          return success();
        })
        .Case([&](task::GenerateOp op) { return generate(op, step); })
        .Case([&](task::EmbedOp op) {
          step.kind = fb::StepKind::embed;
          addInput(step, "text", op.getText());
          return success();
        })
        .Case([&](task::SearchOp op) { return search(op, step); })
        .Case([&](task::AttributeOp op) {
          step.kind = fb::StepKind::attribute;
          addInput(step, "text", op.getText());
          addInput(step, "passages", op.getPassages());
          set(step, "threshold",
              numberText(op.getThreshold().convertToDouble()));
          return success();
        })
        .Case([&](task::ToolCallOp op) { return toolCall(op, step); })
        .Case([&](task::AskOp op) {
          step.kind = fb::StepKind::ask;
          addInput(step, "question", op.getQuestion());
          return success();
        })
        .Case([&](task::CallOp op) {
          step.kind = fb::StepKind::call;
          addInputs(step, op.getInputNames(), op.getInputs());
          outputs = strings(op.getOutputNames());
          return graphsOf(op, op.getCalleeAttr(), step);
        })
        .Case([&](task::MapOp op) {
          step.kind = fb::StepKind::map;
          addInputs(step, op.getInputNames(), op.getInputs());
          outputs = strings(op.getOutputNames());
          set(step, "over", listText(op.getOver()));
          set(step, "parallel", std::to_string(op.getParallel()));
          return graphsOf(op, op.getBodyAttr(), step);
        })
        .Case([&](task::BranchOp op) {
          step.kind = fb::StepKind::branch;
          addInput(step, "selector", op.getSelector());
          addInputs(step, op.getInputNames(), op.getInputs());
          outputs = strings(op.getOutputNames());
          set(step, "cases", listText(op.getCases()));
          if (op.getDefaultCase())
            set(step, "default", *op.getDefaultCase());
          SmallVector<FlatSymbolRefAttr> graphs(
              op.getGraphs().getAsRange<FlatSymbolRefAttr>());
          return graphsOf(op, graphs, step);
        })
        .Default([](Operation *op) -> LogicalResult {
          InFlightDiagnostic diagnostic = op->emitError()
                                          << "'" << op->getName()
                                          << "' cannot stand in a plan";
          diagnostic.attachNote()
              << "run task-fuse-requests before a plan is emitted";
          return diagnostic;
        });
  }

  LogicalResult generate(task::GenerateOp op, fb::StepT &step) {
    step.kind = fb::StepKind::generate;
    addInput(step, "prompt", op.getPrompt());
    set(step, "max_tokens", std::to_string(op.getMaxTokens()));
    set(step, "temperature", numberText(op.getTemperature().convertToDouble()));
    set(step, "top_k", std::to_string(op.getTopK()));
    set(step, "top_p", numberText(op.getTopP().convertToDouble()));
    if (!op.getSeedKey().empty())
      set(step, "seed_key", op.getSeedKey());
    if (isa<agent::StreamType>(op.getText().getType()))
      set(step, "stream", "true");
    return success();
  }

  LogicalResult search(task::SearchOp op, fb::StepT &step) {
    step.kind = fb::StepKind::search;
    addInputs(step, op.getInputNames(), op.getInputs());
    auto index =
        emitter.indexOf(op, op.getIndexAttr(), emitter.artefacts, "artefact");
    if (failed(index))
      return failure();
    step.artefact = int32_t(*index);
    set(step, "top_k", std::to_string(op.getTopK()));
    if (op.getThreshold())
      set(step, "threshold", numberText(op.getThreshold()->convertToDouble()));
    return success();
  }

  LogicalResult toolCall(task::ToolCallOp op, fb::StepT &step) {
    step.kind = fb::StepKind::tool;
    addInputs(step, op.getInputNames(), op.getInputs());
    auto tool = emitter.indexOf(op, op.getToolAttr(), emitter.tools, "tool");
    if (failed(tool))
      return failure();
    step.tool = int32_t(*tool);
    auto declared = emitter.module.lookupSymbol<task::ToolOp>(op.getToolAttr());
    set(step, "name", declared.getToolName());
    auto effect = [&](StringRef resource, bool write) {
      auto &made = *step.effects.emplace_back(std::make_unique<fb::EffectT>());
      made.resource = resource.str();
      made.write = write;
    };
    if (!op.getEffectsAttr()) { // an undeclared tool may do anything
      effect("world", true);
      return success();
    }
    for (FlatSymbolRefAttr resource : op.getEffectsAttr().getReads())
      effect(resource.getValue(), false);
    for (FlatSymbolRefAttr resource : op.getEffectsAttr().getWrites())
      effect(resource.getValue(), true);
    return success();
  }

  void emitRequirement(task::RequireOp op) {
    auto &need = *emitter.plan.requirements.emplace_back(
        std::make_unique<fb::RequirementT>());
    need.metric = op.getMetric().str();
    need.limit = op.getLimit().convertToDouble();
    need.unit = op.getUnit().str();
    need.at = op.getAt().value_or("").str();
    need.floor = op.getBound() == agent::Bound::Min;
    need.soft = op.getSoft();
    need.weight = op.getWeight().convertToDouble();
    need.node = op.getNode().value_or("").str();
    need.location = locationOf(op.getLoc());
    if (op.getPredictedAttr())
      need.predicted = predictionOf(op.getMetric(), op.getPredictedAttr());
  }

  /// The graph's results; those of the flow are printed, too.
  void emitResults(task::OutputOp op, bool isFlow) {
    for (auto [name, type, value] :
         llvm::zip_equal(strings(graph.getOutputNames()),
                         graph.getOutputTypes().getAsValueRange<TypeAttr>(),
                         op.getValues())) {
      made.results.push_back(sourceOf(value));
      addPort(made.outputs, name, type);
      if (!isFlow)
        continue;
      auto step = std::make_unique<fb::StepT>();
      step->name = "output." + name;
      step->kind = fb::StepKind::output;
      step->location = locationOf(op.getLoc());
      addInput(*step, "value", value);
      set(*step, "name", name);
      if (comesInPieces(value))
        set(*step, "stream", "true");
      made.steps.push_back(std::move(step));
    }
  }

  /// Whether a value is written token by token: by a generation, perhaps one at
  /// the end of a graph that is called, or of one case of a branch.
  bool comesInPieces(Value value) {
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return false;
    if (isa<agent::StreamType>(value.getType()) ||
        isa<task::GenerateOp>(result.getOwner()))
      return true;
    SmallVector<FlatSymbolRefAttr> inner;
    if (auto call = dyn_cast<task::CallOp>(result.getOwner()))
      inner.push_back(call.getCalleeAttr());
    else if (auto branch = dyn_cast<task::BranchOp>(result.getOwner()))
      llvm::append_range(inner,
                         branch.getGraphs().getAsRange<FlatSymbolRefAttr>());
    return llvm::any_of(inner, [&](FlatSymbolRefAttr ref) {
      auto callee = emitter.module.lookupSymbol<task::GraphOp>(ref);
      return callee &&
             comesInPieces(callee.getEntry().getTerminator()->getOperand(
                 result.getResultNumber()));
    });
  }

  Emitter &emitter;
  task::GraphOp graph;
  fb::StepGraphT &made;
  llvm::DenseMap<Value, Port> sources;
  llvm::StringMap<uint32_t> indices;
};

} // namespace

LogicalResult Emitter::emitGraphs() {
  task::GraphOp flow;
  uint32_t count = 0;
  for (auto graph : module.getOps<task::GraphOp>()) {
    graphs[graph.getSymName()] = count++;
    if (graph.isPrivate())
      continue;
    if (flow) {
      InFlightDiagnostic diagnostic =
          graph.emitError("a second public graph; a plan has one flow");
      diagnostic.attachNote(flow.getLoc()) << "the first is here";
      return diagnostic;
    }
    flow = graph;
    plan.entry = count - 1;
  }
  if (!flow)
    return module.emitError("no public task.graph, so there is no flow to "
                            "emit");
  plan.flow = flow.getSymName().str();
  for (auto graph : module.getOps<task::GraphOp>()) {
    auto &made = *plan.graphs.emplace_back(std::make_unique<fb::StepGraphT>());
    if (failed(GraphEmitter(*this, graph, made).run(graph == flow)))
      return failure();
  }
  return success();
}

} // namespace hetagon::emit
