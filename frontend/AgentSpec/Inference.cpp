// What follows from a component's fields: its ports, its branches, and the
// release of the specification it needs.
#include "frontend/AgentSpec/Loader.h"
#include "frontend/AgentSpec/Schema.h"
#include <algorithm>

namespace hetagon {

namespace {

std::vector<Port> placeholderPorts(const Component &component,
                                   std::initializer_list<const char *> fields) {
  std::vector<std::string> names;
  for (const char *field : fields)
    if (const SourceValue *value = component.value(field))
      for (std::string &name : placeholders(*value))
        if (std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(std::move(name));
  std::vector<Port> ports;
  for (const std::string &name : names)
    ports.push_back(madePort(component, {{"title", name}, {"type", "string"}}));
  return ports;
}

/// The ports of several components together, each title with each type once.
std::vector<Port> merged(const std::vector<const std::vector<Port> *> lists) {
  std::vector<Port> ports;
  for (const std::vector<Port> *list : lists)
    for (const Port &port : *list) {
      bool known =
          std::any_of(ports.begin(), ports.end(), [&](const Port &other) {
            return other.title == port.title &&
                   sameType(other.schema, port.schema) == SchemaRelation::Yes;
          });
      if (!known)
        ports.push_back(port);
    }
  return ports;
}

std::vector<Port> iteratedInputs(const Component &node,
                                 const Component &subflow) {
  std::vector<Port> ports;
  for (const Port &input : subflow.inputs) {
    Json list = {{"type", "array"}, {"items", input.schema}};
    ports.push_back(
        madePort(node, {{"title", "iterated_" + input.title},
                        {"anyOf", Json::array({input.schema, list})}}));
  }
  return ports;
}

std::vector<Port> collectedOutputs(const Component &node,
                                   const Component &subflow) {
  const SourceValue *reducers = node.value("reducers");
  std::vector<Port> ports;
  for (const Port &output : subflow.outputs) {
    const SourceValue *reducer =
        reducers ? reducers->find(output.title) : nullptr;
    if (reducers && !reducer)
      continue;
    std::string title = "collected_" + output.title;
    Json schema;
    if (!reducer || reducer->text == "append") {
      schema = {{"title", title}, {"type", "array"}, {"items", output.schema}};
    } else {
      schema = output.schema;
      schema["title"] = title;
    }
    ports.push_back(madePort(node, std::move(schema)));
  }
  return ports;
}

/// What every EndNode of a flow delivers.
std::vector<Port> commonEndOutputs(const Component &flow) {
  std::vector<const Component *> ends;
  for (const Component *node : flow.all("nodes"))
    if (node->is("EndNode"))
      ends.push_back(node);
  std::vector<Port> ports;
  if (ends.empty())
    return ports;
  for (const Port &output : ends[0]->outputs)
    if (std::all_of(ends.begin(), ends.end(), [&](const Component *end) {
          return end->output(output.title) != nullptr;
        }))
      ports.push_back(output);
  return ports;
}

std::vector<Port> catchOutputs(const Component &node,
                               const Component &subflow) {
  constexpr std::string_view info = "caught_exception_info";
  std::vector<Port> ports =
      node.outputs.empty() ? subflow.outputs : node.outputs;
  if (std::none_of(ports.begin(), ports.end(),
                   [&](const Port &port) { return port.title == info; }))
    ports.push_back(madePort(
        node,
        {{"title", info},
         {"default", nullptr},
         {"anyOf", Json::array({{{"type", "string"}}, {{"type", "null"}}})}}));
  return ports;
}

bool given(const Component &component, std::string_view field) {
  return component.value(field) != nullptr;
}

} // namespace

Port madePort(const Component &component, Json schema) {
  Port port;
  port.title = schema.value("title", "property");
  port.schema = std::move(schema);
  port.place = component.place;
  port.inferred = true;
  return port;
}

std::vector<std::string_view> titlesOf(const std::vector<Port> &ports) {
  std::vector<std::string_view> titles;
  for (const Port &port : ports)
    titles.push_back(port.title);
  return titles;
}

std::vector<Port> expectedInputs(const Component &component) {
  const Component *subflow = component.child("subflow");
  if (component.is("StartNode") || component.is("EndNode"))
    return component.inputs.empty() ? component.outputs : component.inputs;
  if (component.is("LlmNode"))
    return placeholderPorts(component, {"prompt_template"});
  if (component.is("Agent"))
    return placeholderPorts(component, {"system_prompt"});
  if (component.is("InputMessageNode") || component.is("OutputMessageNode"))
    return placeholderPorts(component, {"message"});
  if (component.is("AgentSpecializationParameters"))
    return placeholderPorts(component, {"additional_instructions"});
  if (component.is("ApiNode") || component.is("RemoteTool"))
    return placeholderPorts(component, {"url", "http_method", "api_spec_uri",
                                        "data", "query_params", "headers"});
  if (component.is("ToolNode"))
    return component.child("tool")->inputs;
  if (component.is("AgentNode"))
    return component.child("agent")->inputs;
  if (component.is("FlowNode") || component.is("CatchExceptionNode"))
    return subflow->inputs;
  if (component.is("MapNode") || component.is("ParallelMapNode"))
    return iteratedInputs(component, *subflow);
  if (component.is("BranchingNode")) {
    std::string title = component.inputs.empty() ? "branching_mapping_key"
                                                 : component.inputs[0].title;
    return {madePort(component, {{"title", title}, {"type", "string"}})};
  }
  if (component.is("ParallelFlowNode") && !given(component, "inputs")) {
    std::vector<const std::vector<Port> *> lists;
    for (const Component *flow : component.all("subflows"))
      lists.push_back(&flow->inputs);
    return merged(lists);
  }
  if (component.is("SpecializedAgent"))
    return merged(
        {&component.child("agent")->inputs,
         &component.child("agent_specialization_parameters")->inputs});
  if (component.is("Flow"))
    return component.child("start_node")->inputs;
  return component.inputs;
}

std::vector<Port> expectedOutputs(const Component &component) {
  const Component *subflow = component.child("subflow");
  if (component.is("StartNode") || component.is("EndNode"))
    return component.outputs.empty() ? component.inputs : component.outputs;
  if (component.is("LlmNode"))
    return component.outputs.empty()
               ? std::vector{madePort(component, {{"title", "generated_text"},
                                                  {"type", "string"}})}
               : component.outputs;
  if (component.is("InputMessageNode")) {
    std::string title =
        component.outputs.empty() ? "user_input" : component.outputs[0].title;
    return {madePort(component, {{"title", title}, {"type", "string"}})};
  }
  if (component.is("OutputMessageNode") || component.is("BranchingNode") ||
      component.is("AgentSpecializationParameters"))
    return {};
  if (component.is("ApiNode"))
    return given(component, "outputs")
               ? component.outputs
               : std::vector{madePort(component, {{"title", "response"}})};
  if (component.is("ToolNode"))
    return component.child("tool")->outputs;
  if (component.is("AgentNode"))
    return component.child("agent")->outputs;
  if (component.is("FlowNode"))
    return subflow->outputs;
  if (component.is("CatchExceptionNode"))
    return catchOutputs(component, *subflow);
  if (component.is("MapNode") || component.is("ParallelMapNode"))
    return collectedOutputs(component, *subflow);
  if (component.is("ParallelFlowNode") && !given(component, "outputs")) {
    std::vector<Port> ports;
    for (const Component *flow : component.all("subflows"))
      ports.insert(ports.end(), flow->outputs.begin(), flow->outputs.end());
    return ports;
  }
  if (component.is("SpecializedAgent"))
    return merged(
        {&component.child("agent")->outputs,
         &component.child("agent_specialization_parameters")->outputs});
  if (component.is("Flow") && !given(component, "outputs"))
    return commonEndOutputs(component);
  return component.outputs;
}

void AgentSpecLoader::infer(Component &component) {
  if (component.is("ComponentWithIO")) {
    if (!given(component, "inputs"))
      component.inputs = expectedInputs(component);
    if (!given(component, "outputs"))
      component.outputs = expectedOutputs(component);
    checkPorts(component, component.inputs, expectedInputs(component), "input");
    checkPorts(component, component.outputs, expectedOutputs(component),
               "output");
  }
  if (component.is("Node"))
    inferBranches(component);
}

void AgentSpecLoader::checkPorts(const Component &component,
                                 const std::vector<Port> &have,
                                 const std::vector<Port> &expected,
                                 std::string_view side) {
  std::string what = " " + std::string(side) + " ";
  std::set<std::string_view> titles, wanted;
  for (const Port &port : expected)
    wanted.insert(port.title);
  for (const Port &port : have)
    if (!titles.insert(port.title).second)
      error(port.place,
            component.label() + " has the" + what + "'" + port.title +
                "' twice",
            "rename one of the two");
  std::vector<std::string_view> list(titles.begin(), titles.end());
  for (const Port &port : expected)
    if (!titles.count(port.title))
      error(component.placeOf(std::string(side) + "s"),
            component.label() + " needs the" + what + "'" + port.title +
                "', which its " + std::string(side) + "s (" +
                (list.empty() ? "none" : joined(list)) + ") do not list",
            "add {title: " + port.title + ", ...}, or leave '" +
                std::string(side) + "s' out to have it filled in");
  std::vector<std::string_view> allowed(wanted.begin(), wanted.end());
  for (const Port &port : have)
    if (!wanted.count(port.title))
      error(port.place,
            component.label() + " has no use for the" + what + "'" +
                port.title + "'" + didYouMean(port.title, allowed),
            "its " + std::string(side) +
                "s are: " + (allowed.empty() ? "none" : joined(allowed)));
}

void AgentSpecLoader::inferBranches(Component &node) {
  std::set<std::string> expected = {"next"};
  if (node.is("EndNode")) {
    expected.clear();
  } else if (node.is("BranchingNode")) {
    expected = {"default"};
    if (const SourceValue *mapping = node.value("mapping"))
      for (size_t i = 0; i < mapping->pairs(); ++i)
        expected.insert(mapping->value(i).text);
  } else if (node.is("FlowNode") || node.is("CatchExceptionNode")) {
    std::set<std::string> ends;
    for (const Component *end : node.child("subflow")->all("nodes"))
      if (end->is("EndNode"))
        ends.insert(end->text("branch_name", "next"));
    if (node.is("CatchExceptionNode"))
      ends.insert("caught_exception_branch");
    if (!ends.empty())
      expected = std::move(ends);
  }
  const SourceValue *given = node.value("branches");
  std::set<std::string> listed;
  if (given)
    for (const SourceValue &item : given->items)
      if (!listed.insert(item.text).second)
        error(placeOf(item),
              "the branch " + item.describe() + " is listed twice",
              "list each branch once");
  if (node.is("AgentNode") && !listed.empty())
    expected = listed;
  if (!listed.empty() && listed != expected) {
    std::vector<std::string_view> words(expected.begin(), expected.end());
    error(placeOf(*given),
          node.label() + " lists branches that it does not have, or not all "
                         "of them",
          words.empty() ? "an EndNode has no branches; remove 'branches'"
                        : "its branches are: " + joined(words));
  }
  node.branches.assign(expected.begin(), expected.end());
}

void AgentSpecLoader::needVersion(const Component &component, SpecVersion since,
                                  const Place &place, const std::string &what) {
  if (spec->version >= since)
    return;
  error(place,
        what + " needs agentspec_version " +
            std::string(specVersionName(since)) + " or newer, but the " +
            "document says " + std::string(specVersionName(spec->version)),
        "write 'agentspec_version: 26.3.1' at the top level");
}

void AgentSpecLoader::checkVersion(const Component &component) {
  const ComponentType &type = *component.type;
  needVersion(component,
              type.name == "LlmConfig" ? SpecVersion::v26_1_2 : type.since,
              component.place, "a " + std::string(type.name));
  for (const Field &field : type.fields) {
    const SourceValue *value = component.value(field.name);
    if (!value)
      continue;
    bool isDefault =
        field.sinceWhenSet &&
        ((value->is(SourceValue::Kind::Bool) && !value->boolean) ||
         ((value->isMap() || value->isList()) && value->items.empty()) ||
         (!field.words.empty() && value->text == field.words[0]));
    if (!isDefault)
      needVersion(component, field.since, placeOf(*value),
                  "'" + std::string(field.name) + "'");
  }
  auto need = [&](const char *field, SpecVersion since, const char *what) {
    needVersion(component, since, component.placeOf(field), what);
  };
  if (const SourceValue *data = component.value("data");
      data && !data->isMap() && type.find("http_method"))
    need("data", SpecVersion::v25_4_2, "'data' other than a map");
  if (const SourceValue *human = component.value("human_in_the_loop");
      human && type.name == "Agent" && !human->boolean)
    need("human_in_the_loop", SpecVersion::v25_4_2, "human_in_the_loop: false");
  if (component.text("provider") == "XAI" && type.name == "OciGenAiConfig")
    need("provider", SpecVersion::v26_1_2, "the provider XAI");
  if (type.name == "LlmNode" && !component.outputs.empty() &&
      (component.outputs.size() > 1 ||
       !component.outputs[0].isOfType("string")))
    need("outputs", SpecVersion::v25_4_2,
         "structured generation (outputs other than one string)");
}

} // namespace hetagon
