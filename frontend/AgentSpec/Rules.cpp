// What must hold between a component's parts: the shape of flows, the types on
// data edges, and the few rules of single types. Errors are exactly those of
// pyagentspec; what it lets pass although it cannot work is a warning.
#include "frontend/AgentSpec/Loader.h"
#include "frontend/AgentSpec/Schema.h"
#include <algorithm>

namespace hetagon {

namespace {

std::vector<const Component *> nodesOf(const Component &flow,
                                       std::string_view type) {
  std::vector<const Component *> list;
  for (const Component *node : flow.all("nodes"))
    if (node->is(type))
      list.push_back(node);
  return list;
}

std::string nodeNames(const Component &flow) {
  std::vector<std::string_view> names;
  for (const Component *node : flow.all("nodes"))
    if (names.size() < 20)
      names.push_back(node->name);
  return names.empty() ? "none" : joined(names);
}

} // namespace

void AgentSpecLoader::checkRules(Component &component) {
  if (component.is("Flow"))
    checkFlow(component);
  else if (component.is("ControlFlowEdge"))
    checkControlEdge(component);
  else if (component.is("DataFlowEdge"))
    checkDataEdge(component);
  else if (component.is("CatchExceptionNode"))
    checkCatchException(component);
  else if (component.is("Swarm"))
    checkSwarm(component);
  else if (component.is("ManagerWorkers"))
    checkManagerWorkers(component);
  else if (component.is("DbmsVectorChainLlmConfig"))
    checkDatabaseModel(component);
  else if (component.is("MessageTransform"))
    checkSummarizer(component);
  else if ((component.is("StartNode") || component.is("EndNode")) &&
           !component.inputs.empty() && !component.outputs.empty()) {
    bool same = component.inputs.size() == component.outputs.size();
    for (size_t i = 0; same && i < component.inputs.size(); ++i)
      same =
          looselyEqual(component.inputs[i].schema, component.outputs[i].schema);
    if (!same)
      error(component.placeOf("outputs"),
            "the inputs and the outputs of " + component.label() +
                " must be equal where both are given",
            "leave one of the two out");
  } else if (component.is("InputMessageNode") &&
             !component.outputs[0].isOfType("string")) {
    error(component.outputs[0].place,
          "the output of " + component.label() + " is of type " +
              schemaName(component.outputs[0].schema) +
              ", but what a user writes is a string",
          "write 'type: string'");
  }
  if (component.type->find("sensitive_headers"))
    checkHeaders(component);
}

void AgentSpecLoader::checkHeaders(const Component &component) {
  const SourceValue *headers = component.value("headers");
  const SourceValue *sensitive = component.value("sensitive_headers");
  if (!headers || !sensitive)
    return;
  for (size_t i = 0; i < sensitive->pairs(); ++i)
    if (headers->find(sensitive->key(i).text))
      error(placeOf(sensitive->key(i)),
            "the header '" + sensitive->key(i).text +
                "' stands in both headers and sensitive_headers",
            "keep it in sensitive_headers only");
}

void AgentSpecLoader::checkFlow(const Component &flow) {
  checkFlowShape(flow);
  checkFlowOutputs(flow);
}

void AgentSpecLoader::checkFlowShape(const Component &flow) {
  for (const Component::Child &child : flow.children)
    if (!child.component)
      return;
  const Component *start = flow.child("start_node");
  std::vector<const Component *> starts = nodesOf(flow, "StartNode");
  std::vector<const Component *> edges = flow.all("control_flow_connections");
  if (starts.size() != 1)
    error(flow.placeOf("nodes"),
          flow.label() + " has " + std::to_string(starts.size()) +
              " StartNodes among its nodes; it needs exactly one",
          starts.empty() ? "add a StartNode to 'nodes'" : "keep one StartNode");
  else if (start && starts[0] != start)
    error(flow.placeOf("start_node"),
          "start_node is not the StartNode '" + starts[0]->name +
              "' among the nodes",
          "define the StartNode once under $referenced_components and refer "
          "to it from both places");
  std::vector<const Component *> ends = nodesOf(flow, "EndNode");
  if (ends.empty())
    error(flow.placeOf("nodes"), flow.label() + " has no EndNode",
          "add an EndNode to 'nodes'");

  size_t fromStart = 0;
  std::set<const Component *> entered;
  std::set<std::string> ids;
  for (const Component *node : flow.all("nodes"))
    ids.insert(node->id);
  for (const Component *edge : edges) {
    const Component *from = edge->child("from_node");
    const Component *to = edge->child("to_node");
    if (!from || !to)
      continue;
    fromStart += from == start;
    entered.insert(to);
    if (to->is("StartNode"))
      error(edge->placeOf("to_node"),
            edge->label() + " leads back to the StartNode",
            "lead it to the first node after the start");
    if (from->is("EndNode"))
      error(edge->placeOf("from_node"),
            edge->label() + " leaves the EndNode '" + from->name + "'",
            "an EndNode ends the flow; remove the edge");
    for (const char *field : {"from_node", "to_node"})
      if (!ids.count(edge->child(field)->id))
        error(edge->placeOf(field),
              edge->label() + " names the node '" + edge->child(field)->name +
                  "', which is not among the nodes of " + flow.label(),
              "add it to 'nodes' (there are: " + nodeNames(flow) + ")");
  }
  for (const Component *edge : flow.all("data_flow_connections"))
    for (const char *field : {"source_node", "destination_node"})
      if (const Component *node = edge->child(field);
          node && !ids.count(node->id))
        error(edge->placeOf(field),
              edge->label() + " names the node '" + node->name +
                  "', which is not among the nodes of " + flow.label(),
              "add it to 'nodes' (there are: " + nodeNames(flow) + ")");
  if (start && starts.size() == 1 && fromStart != 1)
    error(flow.placeOf("control_flow_connections"),
          "the StartNode '" + start->name + "' has " +
              std::to_string(fromStart) +
              " outgoing control edges; it needs exactly one",
          fromStart ? "branch in a BranchingNode"
                    : "add a ControlFlowEdge from it to the first node");
  for (const Component *end : ends)
    if (!entered.count(end))
      error(end->place,
            "no control edge leads to the EndNode '" + end->name + "'",
            "add a ControlFlowEdge to it, or remove it");
}

void AgentSpecLoader::checkFlowOutputs(const Component &flow) {
  std::vector<const Component *> ends = nodesOf(flow, "EndNode");
  std::map<std::string, const Port *> known;
  for (const Component *end : ends)
    for (const Port &output : end->outputs) {
      if (!output.hasTitle()) {
        error(output.place, "this output of an EndNode has no title",
              "add 'title: ...'");
        continue;
      }
      auto [first, isNew] = known.try_emplace(output.title, &output);
      if (!isNew &&
          sameType(output.schema, first->second->schema) != SchemaRelation::Yes)
        error(output.place,
              "the output '" + output.title + "' is " +
                  schemaName(output.schema) + " here and " +
                  schemaName(first->second->schema) +
                  " in another EndNode (line " +
                  std::to_string(first->second->place.line) + ")",
              "give both the same type");
    }
  for (const Port &output : flow.outputs) {
    if (!output.hasTitle()) {
      error(output.place, "this output of the flow has no title",
            "add 'title: ...'");
      continue;
    }
    if (output.hasDefault())
      continue;
    for (const Component *end : ends) {
      const Port *delivered = end->output(output.title);
      if (delivered &&
          sameType(delivered->schema, output.schema) == SchemaRelation::Yes)
        continue;
      error(output.place,
            "the flow's output '" + output.title +
                "' has no default, and the EndNode '" + end->name + "' (line " +
                std::to_string(end->place.line) +
                (delivered ? ") delivers it as " + schemaName(delivered->schema)
                           : ") does not deliver it"),
            "deliver it from every EndNode with type " +
                schemaName(output.schema) + ", or give it a default");
      break;
    }
  }

  // What pyagentspec lets pass.
  std::map<const Component *, std::set<std::string>> leaving;
  std::vector<const Component *> reached = {flow.child("start_node")};
  for (const Component *edge : flow.all("control_flow_connections"))
    leaving[edge->child("from_node")].insert(edge->text("from_branch", "next"));
  std::set<const Component *> seen(reached.begin(), reached.end());
  std::multimap<const Component *, const Component *> next;
  for (const Component *edge : flow.all("control_flow_connections"))
    next.emplace(edge->child("from_node"), edge->child("to_node"));
  while (!reached.empty()) {
    auto [begin, end] = next.equal_range(reached.back());
    reached.pop_back();
    for (auto it = begin; it != end; ++it)
      if (seen.insert(it->second).second)
        reached.push_back(it->second);
  }
  std::set<std::pair<const Component *, std::string>> fed;
  for (const Component *edge : flow.all("data_flow_connections"))
    fed.emplace(edge->child("destination_node"),
                edge->text("destination_input"));
  std::map<std::string, const Component *> names;
  for (const Component *node : flow.all("nodes")) {
    if (!seen.count(node))
      warning(node->place,
              "no control edge leads from the start to " + node->label() +
                  ", so it never runs",
              "connect it with a ControlFlowEdge, or remove it");
    auto [first, isNew] = names.try_emplace(node->name, node);
    if (!isNew)
      warning(node->place,
              "two nodes are named '" + node->name + "' (first at line " +
                  std::to_string(first->second->place.line) + ")",
              "rename one: names tell tasks apart in plans and reports");
    for (const std::string &branch : node->branches)
      if (seen.count(node) && !leaving[node].count(branch))
        warning(node->placeOf("branches"),
                "the branch '" + branch + "' of " + node->label() +
                    " leads nowhere",
                "add a ControlFlowEdge with from_branch: " + branch);
    for (const Port &input : node->inputs)
      if (!node->is("StartNode") && !input.hasDefault() &&
          !fed.count({node, input.title}))
        warning(input.place,
                "the input '" + input.title + "' of " + node->label() +
                    " receives nothing",
                "add a DataFlowEdge to it, or give it a default");
  }
}

void AgentSpecLoader::checkControlEdge(const Component &edge) {
  const Component &from = *edge.child("from_node");
  const SourceValue *branch = edge.value("from_branch");
  if (!branch || from.is("EndNode"))
    return;
  if (std::find(from.branches.begin(), from.branches.end(), branch->text) !=
      from.branches.end())
    return;
  std::vector<std::string_view> words(from.branches.begin(),
                                      from.branches.end());
  warning(placeOf(*branch),
          from.label() + " has no branch " + branch->describe() +
              didYouMean(branch->text, words),
          "its branches are: " + joined(words));
}

void AgentSpecLoader::checkDataEdge(const Component &edge) {
  const Component &source = *edge.child("source_node");
  const Component &destination = *edge.child("destination_node");
  std::string from = edge.text("source_output");
  std::string to = edge.text("destination_input");
  auto missing = [&](const Component &node, const char *field,
                     const std::string &title, const std::vector<Port> &ports,
                     const char *side) {
    std::vector<std::string_view> titles = titlesOf(ports);
    error(edge.placeOf(field),
          node.label() + " has no " + side + " '" + title + "'" +
              didYouMean(title, titles),
          titles.empty()
              ? std::string("it has no ") + side + "s"
              : std::string("its ") + side + "s are: " + joined(titles));
  };
  const Port *output = source.output(from);
  const Port *input = destination.input(to);
  if (!output)
    missing(source, "source_output", from, source.outputs, "output");
  if (!input)
    missing(destination, "destination_input", to, destination.inputs, "input");
  if (!output || !input)
    return;
  SchemaRelation related = castable(output->schema, input->schema);
  if (related == SchemaRelation::Unsupported)
    error(edge.place,
          edge.label() + " connects ports whose schemas cannot be compared "
                         "(allOf, oneOf, or too many alternatives)",
          "describe them with type, anyOf, items and properties");
  else if (related == SchemaRelation::No)
    error(edge.place,
          edge.label() + " connects '" + from + "' of " + source.label() +
              " (" + schemaName(output->schema) + ") with '" + to + "' of " +
              destination.label() + " (" + schemaName(input->schema) +
              "), which cannot take it",
          "make the types agree, or convert in a node between them");
}

void AgentSpecLoader::checkCatchException(const Component &node) {
  constexpr std::string_view info = "caught_exception_info";
  const Component &subflow = *node.child("subflow");
  std::set<std::string_view> wanted = {info}, have;
  for (const Port &port : subflow.outputs) {
    wanted.insert(port.title);
    if (port.title == info)
      error(port.place,
            "a flow run by a CatchExceptionNode may not have an "
            "output named 'caught_exception_info'",
            "rename it");
  }
  for (const Port &port : node.outputs)
    have.insert(port.title);
  if (have != wanted) {
    std::vector<std::string_view> words(wanted.begin(), wanted.end());
    error(node.placeOf("outputs"),
          "the outputs of " + node.label() +
              " are not those of its subflow and caught_exception_info",
          "they must be: " + joined(words));
  }
  for (const Port &port : node.outputs)
    if (!port.hasDefault())
      error(port.place,
            "the output '" + port.title + "' of " + node.label() +
                " has no default, which it needs when an exception is caught",
            "add 'default: ...'");
  for (const Component *end : nodesOf(subflow, "EndNode"))
    if (end->text("branch_name") == "caught_exception_branch")
      error(end->placeOf("branch_name"),
            "a flow run by a CatchExceptionNode may not have a branch named "
            "'caught_exception_branch'",
            "rename it");
}

void AgentSpecLoader::checkSwarm(const Component &swarm) {
  if (swarm.value("relationships")->items.empty())
    error(swarm.placeOf("relationships"),
          swarm.label() + " has no relationships between agents",
          "list pairs [caller, recipient], or use an Agent");
}

void AgentSpecLoader::checkManagerWorkers(const Component &group) {
  std::vector<const Component *> workers = group.all("workers");
  if (workers.empty())
    error(group.placeOf("workers"), group.label() + " has no worker",
          "add one, or use an Agent");
  const Component *manager = group.child("group_manager");
  if (std::find(workers.begin(), workers.end(), manager) != workers.end())
    error(group.placeOf("group_manager"),
          "the manager of " + group.label() + " is also one of its workers",
          "take it out of 'workers'");
}

void AgentSpecLoader::checkDatabaseModel(const Component &model) {
  bool host = model.value("host"), credential = model.value("credential_name");
  std::string provider = model.text("provider");
  if (host && credential)
    error(model.placeOf("host"),
          "'host' and 'credential_name' exclude each other",
          "remove one of them");
  if (!host && !credential)
    error(model.place, model.label() + " has no 'credential_name'",
          "add it, or write 'host: local'");
  if (host && provider != "openai" && provider != "ollama")
    error(model.placeOf("host"), "'host' works with the providers openai and "
                                 "ollama only");
  for (const char *field : {"api_provider", "api_type", "api_key"})
    if (model.value(field))
      error(model.placeOf(field),
            model.label() + " does not take '" + std::string(field) + "'",
            "remove it");
}

void AgentSpecLoader::checkSummarizer(const Component &transform) {
  auto count = [&](const char *field,
                   std::optional<int64_t> otherwise) -> std::optional<int64_t> {
    const SourceValue *found = transform.source->find(field);
    return found ? found->asInt() : otherwise;
  };
  bool conversation = transform.is("ConversationSummarizationTransform");
  if (conversation) {
    std::optional<int64_t> messages = count("max_num_messages", 50);
    std::optional<int64_t> characters = count("max_num_characters", {});
    if (bool(messages) == bool(characters))
      error(transform.place,
            "exactly one of max_num_messages (by default 50) and "
            "max_num_characters must be set",
            messages ? "write 'max_num_messages: null' to count characters"
                     : "set one of them");
    if (messages && *messages <= count("min_num_messages", 10).value_or(0))
      error(transform.placeOf("max_num_messages"),
            "max_num_messages must be greater than min_num_messages (by "
            "default 10)");
  }
  const Component *store = transform.child("datastore");
  if (!store)
    return;
  std::string collection = transform.text(
      "cache_collection_name", conversation ? "summarized_conversations_cache"
                                            : "summarized_messages_cache");
  const SourceValue *entity =
      store->value("datastore_schema")->find(collection);
  if (!entity) {
    error(transform.placeOf("datastore"),
          "the datastore has no collection '" + collection + "'",
          "add it to datastore_schema");
    return;
  }
  std::vector<std::pair<const char *, const char *>> columns = {
      {"cache_key", "string"},
      {"cache_content", "string"},
      {"created_at", "number"},
      {"last_used_at", "number"}};
  if (conversation)
    columns.emplace_back("prefix_size", "integer");
  for (auto [name, type] : columns) {
    const SourceValue *column = entity->find("properties")->find(name);
    if (!column ||
        castable(Json{{"type", type}}, column->json()) != SchemaRelation::Yes)
      error(placeOf(*entity), "the collection '" + collection +
                                  "' needs a column '" + name + "' of type " +
                                  type);
  }
}

} // namespace hetagon
