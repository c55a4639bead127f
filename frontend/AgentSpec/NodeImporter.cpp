// One operation (or a few) for each kind of node.
#include "frontend/AgentSpec/FlowImporter.h"

using namespace mlir;

namespace hetagon {

namespace {

/// Bounds where the specification asks for none: what has no bound has no cost.
constexpr int64_t defaultMaxTokens = 512;
constexpr int64_t defaultMaxSteps = 8;

} // namespace

LogicalResult FlowImporter::emitNode(const Component &node) {
  if (node.is("LlmNode"))
    return emitLlm(node);
  if (node.is("ToolNode"))
    return emitTool(node);
  if (node.is("AgentNode"))
    return emitAgent(node);
  if (node.is("FlowNode"))
    return emitCall(node, *node.child("subflow"));
  if (node.is("ParallelFlowNode"))
    return emitParallelFlows(node);
  if (node.is("MapNode") || node.is("ParallelMapNode"))
    return emitMap(node);
  if (node.is("InputMessageNode"))
    return emitAsk(node);
  if (node.is("OutputMessageNode"))
    return emitMessage(node);
  return module.refuse(
      node.place,
      "a node of type " + std::string(node.type->name) + " is not imported yet",
      node.is("ApiNode") ? "offer the call as a tool of an MCP server"
                         : "leave it out");
}

LogicalResult FlowImporter::gather(const Component &node,
                                   SmallVectorImpl<Value> &values,
                                   SmallVectorImpl<Attribute> &names) {
  for (const Port &input : node.inputs) {
    Value value = valueOf(node, input);
    if (!value)
      return failure();
    values.push_back(value);
    names.push_back(module.text(input.title));
  }
  return success();
}

/// True when what the node writes is an output of the whole flow, so that
/// whoever waits for it wants to read it as it comes.
bool FlowImporter::isShown(const Component &node) const {
  if (isPrivate || insideRoutes)
    return false;
  return llvm::any_of(flow.all("data_flow_connections"),
                      [&](const Component *edge) {
                        return edge->child("source_node") == &node &&
                               edge->child("destination_node")->is("EndNode");
                      });
}

void FlowImporter::addGeneration(const Component &config, Named &attributes) {
  const SourceValue *given = config.value("default_generation_parameters");
  auto number = [&](const char *key) -> std::optional<double> {
    const SourceValue *value = given ? given->find(key) : nullptr;
    return value ? value->asDouble() : std::nullopt;
  };
  attributes.push_back(
      named("max_tokens",
            builder.getI64IntegerAttr(int64_t(
                number("max_tokens").value_or(double(defaultMaxTokens))))));
  for (const char *key : {"temperature", "top_p"})
    if (std::optional<double> value = number(key))
      attributes.push_back(named(key, builder.getF64FloatAttr(*value)));
  if (std::optional<double> value = number("top_k"))
    attributes.push_back(
        named("top_k", builder.getI64IntegerAttr(int64_t(*value))));
  if (!given)
    return;
  const std::vector<std::string_view> known = {"max_tokens", "temperature",
                                               "top_p", "top_k"};
  for (size_t i = 0; i < given->pairs(); ++i)
    if (std::find(known.begin(), known.end(), given->key(i).text) ==
        known.end())
      emitWarning(module.locOf(given->key(i).place(config.place.file)))
          << "the generation parameter '" << given->key(i).text
          << "' has no effect; known are " << joined(known);
}

/// Time-outs and retries from retry_policy and session_parameters.
void FlowImporter::addLimits(const Component &owner, Named &attributes) {
  const SourceValue *policy = owner.value("retry_policy");
  const SourceValue *session = owner.value("session_parameters");
  const SourceValue *seconds =
      policy ? policy->find("request_timeout") : nullptr;
  if (!seconds && session)
    seconds = session->find("read_timeout_seconds");
  std::optional<double> timeout = seconds ? seconds->asDouble() : std::nullopt;
  if (timeout && *timeout > 0 && *timeout < 1e9)
    attributes.push_back(named(
        "timeout_ms", builder.getI64IntegerAttr(int64_t(*timeout * 1000))));
  const SourceValue *attempts = policy ? policy->find("max_attempts") : nullptr;
  if (std::optional<int64_t> count =
          attempts ? attempts->asInt() : std::nullopt)
    attributes.push_back(named("retries", builder.getI64IntegerAttr(*count)));
}

LogicalResult FlowImporter::emitLlm(const Component &node) {
  const Component &config = *node.child("llm_config");
  FlatSymbolRefAttr model = module.model(config);
  if (!model)
    return failure();
  if (node.outputs.size() != 1)
    return module.refuse(node.placeOf("outputs"),
                         node.label() + " has " +
                             std::to_string(node.outputs.size()) +
                             " outputs; generation of several is not imported "
                             "yet",
                         "ask for one output of type object");
  SmallVector<Value> inputs;
  SmallVector<Attribute> names;
  if (failed(gather(node, inputs, names)))
    return failure();
  const Port &output = node.outputs[0];
  Type type = typeOfPort(output, context);
  Named attributes = {
      named("node", nameOf(node)), named("model", model),
      named("input_names", builder.getArrayAttr(names)),
      named("prompt", module.text(node.text("prompt_template")))};
  if (isa<agent::JsonType>(type))
    attributes.push_back(
        named("output_schema", module.text(printJson(output.schema))));
  else if (isShown(node))
    type = agent::StreamType::get(type);
  // The key that makes equal prompts different samples is the node's own id.
  addGeneration(config, attributes);
  addLimits(config, attributes);
  auto op = builder.create<agent::GenerateOp>(
      module.locOf(node), TypeRange(type), inputs, attributes);
  if (op.isSampled())
    op.setSampleKey(node.name);
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitTool(const Component &node) {
  const Component &tool = *node.child("tool");
  std::string kind = tool.text("tool_type");
  if (kind == "hetagon.retrieve")
    return emitRetrieve(node, tool);
  if (kind == "hetagon.attribute")
    return emitAttribute(node, tool);
  FlatSymbolRefAttr symbol = module.tool(tool);
  if (!symbol)
    return failure();
  SmallVector<Value> inputs;
  SmallVector<Attribute> names;
  if (failed(gather(node, inputs, names)))
    return failure();
  SmallVector<Type> types;
  for (const Port &output : node.outputs)
    types.push_back(typeOfPort(output, context));
  Named attributes = {named("node", nameOf(node)), named("tool", symbol),
                      named("input_names", builder.getArrayAttr(names)),
                      named("output_names", titles(node.outputs))};
  if (agent::EffectsAttr effects =
          module.effects(module.workflow.demandsOf(node)))
    attributes.push_back(named("effects", effects));
  addLimits(tool.value("retry_policy") ? tool : *tool.child("client_transport"),
            attributes);
  auto op = builder.create<agent::ToolCallOp>(module.locOf(node), types, inputs,
                                              attributes);
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitRetrieve(const Component &node,
                                         const Component &tool) {
  Diagnostics ignored;
  std::optional<RetrieveConfig> config = readRetrieve(tool, ignored);
  if (!config)
    return module.refuse(tool.place, "this tool's configuration is wrong",
                         "run 'hetagon check'");
  const Place place = tool.placeOf("configuration");
  SmallVector<Value> values;
  for (const char *title : {"question", "rewritten"})
    if (const Port *input = node.input(title)) {
      values.push_back(valueOf(node, *input));
      if (!values.back())
        return failure();
    }
  auto op = builder.create<agent::RetrieveOp>(
      module.locOf(node), TypeRange(agent::JsonType::get(context)), values,
      Named{named("node", nameOf(node)),
            named("documents", module.documents(config->documents, place)),
            named("embedding_model",
                  module.modelById(config->embeddingModel, place)),
            named("top_k", builder.getI64IntegerAttr(config->topK))});
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitAttribute(const Component &node,
                                          const Component &tool) {
  Diagnostics ignored;
  std::optional<AttributeConfig> config = readAttribute(tool, ignored);
  if (!config)
    return module.refuse(tool.place, "this tool's configuration is wrong",
                         "run 'hetagon check'");
  Value answer = valueOf(node, *node.input("answer"));
  Value passages = answer ? valueOf(node, *node.input("passages")) : Value();
  if (!passages)
    return failure();
  if (!isa<agent::JsonType>(passages.getType()))
    return module.refuse(node.place,
                         "the passages of " + node.label() +
                             " do not come from a retrieval",
                         "feed them from the output 'passages' of a "
                         "hetagon.retrieve");
  auto op = builder.create<agent::AttributeOp>(
      module.locOf(node), TypeRange(agent::JsonType::get(context)),
      ValueRange{answer, passages},
      Named{named("node", nameOf(node)),
            named("embedding_model",
                  module.modelById(config->embeddingModel,
                                   tool.placeOf("configuration"))),
            named("threshold", builder.getF64FloatAttr(config->threshold))});
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitAgent(const Component &node) {
  const Component &agent = *node.child("agent");
  if (agent.is("Flow"))
    return emitCall(node, agent);
  SmallVector<Value> inputs;
  SmallVector<Attribute> names;
  if (failed(gather(node, inputs, names)))
    return failure();
  SmallVector<Type> types;
  for (const Port &output : node.outputs)
    types.push_back(typeOfPort(output, context));
  Named attributes = {named("node", nameOf(node)),
                      named("input_names", builder.getArrayAttr(names)),
                      named("output_names", titles(node.outputs))};
  Operation *op = nullptr;
  if (agent.is("A2AAgent")) {
    attributes.push_back(named("protocol", module.text("a2a")));
    attributes.push_back(named("url", module.text(agent.text("agent_url"))));
    if (agent::EffectsAttr effects =
            module.effects(module.workflow.demandsOf(node)))
      attributes.push_back(named("effects", effects));
    op = builder.create<agent::RemoteAgentOp>(module.locOf(node), types, inputs,
                                              attributes);
  } else if (agent.type->name == "Agent") {
    if (!agent.all("toolboxes").empty() || !agent.all("transforms").empty())
      return module.refuse(agent.place,
                           "toolboxes and transforms are not imported yet: the "
                           "tools of an agent are a closed set",
                           "list the tools under 'tools'");
    FlatSymbolRefAttr model = module.model(*agent.child("llm_config"));
    if (!model)
      return failure();
    SmallVector<Attribute> tools;
    for (const Component *tool : agent.all("tools")) {
      FlatSymbolRefAttr symbol = module.tool(*tool);
      if (!symbol)
        return failure();
      tools.push_back(symbol);
    }
    attributes.push_back(named("model", model));
    attributes.push_back(
        named("instructions", module.text(agent.text("system_prompt"))));
    attributes.push_back(named("tools", builder.getArrayAttr(tools)));
    attributes.push_back(
        named("max_steps", builder.getI64IntegerAttr(defaultMaxSteps)));
    op = builder.create<agent::AgentOp>(module.locOf(node), types, inputs,
                                        attributes);
  } else {
    return module.refuse(agent.place,
                         "a " + std::string(agent.type->name) +
                             " is not imported yet",
                         "use an Agent, an A2AAgent or a Flow");
  }
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

agent::CallOp FlowImporter::makeCall(const Component &node,
                                     llvm::StringRef suffix,
                                     const Component &callee,
                                     ArrayRef<Value> inputs) {
  agent::GraphOp graph = module.subgraph(callee, TypeRange(ValueRange(inputs)));
  if (!graph)
    return nullptr;
  SmallVector<Type> types(graph.getOutputTypes().getAsValueRange<TypeAttr>());
  return builder.create<agent::CallOp>(
      module.locOf(node), types, inputs,
      Named{named("node", nameOf(node, suffix)),
            named("callee", FlatSymbolRefAttr::get(graph.getSymNameAttr())),
            named("input_names", graph.getInputNamesAttr()),
            named("output_names", graph.getOutputNamesAttr())});
}

LogicalResult FlowImporter::emitCall(const Component &node,
                                     const Component &callee) {
  SmallVector<Value> inputs;
  for (const Port &port : callee.inputs) {
    const Port *input = node.input(port.title);
    inputs.push_back(valueOf(node, *input));
    if (!inputs.back())
      return failure();
  }
  agent::CallOp op = makeCall(node, {}, callee, inputs);
  if (!op)
    return failure();
  for (auto [port, result] : llvm::zip(callee.outputs, op.getResults()))
    define(node, port, result);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitParallelFlows(const Component &node) {
  for (const Component *callee : node.all("subflows")) {
    SmallVector<Value> inputs;
    for (const Port &port : callee->inputs) {
      inputs.push_back(valueOf(node, *node.input(port.title)));
      if (!inputs.back())
        return failure();
    }
    agent::CallOp op = makeCall(node, "." + callee->name, *callee, inputs);
    if (!op)
      return failure();
    for (auto [port, result] : llvm::zip(callee->outputs, op.getResults()))
      define(node, port, result);
  }
  return success();
}

LogicalResult FlowImporter::emitMap(const Component &node) {
  const Component &callee = *node.child("subflow");
  if (const SourceValue *reducers = node.value("reducers"))
    for (size_t i = 0; i < reducers->pairs(); ++i)
      if (reducers->value(i).text != "append")
        return module.refuse(reducers->value(i).place(node.place.file),
                             "the reduction '" + reducers->value(i).text +
                                 "' is not imported yet",
                             "collect with 'append', and reduce in a tool");
  // An input is walked over when a list comes in, else every trip sees it
  // whole.
  SmallVector<Value> lists, captured;
  SmallVector<bool> walked;
  for (const Port &port : callee.inputs) {
    const Port &input = *node.input("iterated_" + port.title);
    Value value = valueOf(node, input);
    if (!value)
      return failure();
    const Port *source = nullptr;
    for (const Component *edge : edges[{&node, input.title}])
      source = edge->child("source_node")->output(edge->text("source_output"));
    bool isList = source ? source->isOfType("array") && !port.isOfType("array")
                         : isa<agent::ListType>(value.getType());
    walked.push_back(isList);
    (isList ? lists : captured).push_back(value);
  }
  if (lists.empty())
    return module.refuse(node.place,
                         "no list comes into " + node.label() +
                             ", so there is nothing to map over",
                         "feed one of its inputs from an output of type array");

  OperationState state(module.locOf(node), agent::MapOp::getOperationName());
  StringAttr name = nameOf(node);
  auto region = std::make_unique<Region>();
  Block &body = region->emplaceBlock();
  SmallVector<Value> inputs;
  size_t nextCaptured = 0;
  for (bool isList : walked)
    inputs.push_back(isList ? body.addArgument(agent::JsonType::get(context),
                                               module.locOf(node))
                            : captured[nextCaptured++]);
  SmallVector<Value> results;
  SmallVector<const Port *> ports;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&body);
    agent::CallOp call = makeCall(node, ".each", callee, inputs);
    if (!call)
      return failure();
    for (auto [port, result] : llvm::zip(callee.outputs, call.getResults()))
      if (const Port *output = node.output("collected_" + port.title)) {
        ports.push_back(output);
        results.push_back(isa<agent::StreamType>(result.getType())
                              ? asText(result, node, port.title)
                              : result);
      }
    builder.create<agent::YieldOp>(module.locOf(node), TypeRange(), results,
                                   Named());
  }
  state.addOperands(lists);
  state.addAttribute("node", name);
  state.addTypes(
      SmallVector<Type>(results.size(), agent::JsonType::get(context)));
  state.addRegion(std::move(region));
  Operation *op = builder.create(state);
  for (auto [port, result] : llvm::zip(ports, op->getResults()))
    define(node, *port, result);
  demandNode(node, op);
  return success();
}

LogicalResult FlowImporter::emitAsk(const Component &node) {
  SmallVector<Value> inputs;
  SmallVector<Attribute> names;
  if (failed(gather(node, inputs, names)))
    return failure();
  auto op = builder.create<agent::AskOp>(
      module.locOf(node), TypeRange(agent::TextType::get(context)), inputs,
      Named{named("node", nameOf(node)),
            named("prompt", module.text(node.text("message"))),
            named("input_names", builder.getArrayAttr(names))});
  defineAll(node, op);
  demandNode(node, op);
  return success();
}

/// A message to the user: rendered, and kept in the resource that stands for
/// the conversation, so that messages stay in order.
LogicalResult FlowImporter::emitMessage(const Component &node) {
  SmallVector<Value> inputs;
  SmallVector<Attribute> names;
  if (failed(gather(node, inputs, names)))
    return failure();
  Value text = builder.create<agent::RenderOp>(
      module.locOf(node), agent::TextType::get(context), inputs,
      Named{named("node", nameOf(node)),
            named("text_template", module.text(node.text("message"))),
            named("input_names", builder.getArrayAttr(names))});
  builder.create<agent::ObserveOp>(
      module.locOf(node), TypeRange(), text,
      Named{named("node", nameOf(node, ".show")),
            named("store", module.resource({"conversation", node.place}))});
  return success();
}

} // namespace hetagon
