// The structure of a flow: from control edges to straight code and routes, and
// from data edges to values.
#include "frontend/AgentSpec/FlowImporter.h"
#include <algorithm>

using namespace mlir;

namespace hetagon {

FlowImporter::FlowImporter(ModuleImporter &module, const Component &flow)
    : module(module), flow(flow), builder(module.builder),
      context(module.builder.getContext()) {}

agent::GraphOp FlowImporter::run(llvm::StringRef symbol, TypeRange inputTypes,
                                 bool privateGraph) {
  isPrivate = privateGraph;
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<llvm::StringRef> inputNames, outputNames;
  for (const Port &input : flow.inputs)
    inputNames.push_back(input.title);
  for (const Port &output : flow.outputs)
    outputNames.push_back(output.title);
  SmallVector<Type> outputTypes(outputNames.size(),
                                agent::TextType::get(context));
  auto graph = builder.create<agent::GraphOp>(
      module.locOf(flow), symbol, inputNames, inputTypes, outputNames,
      outputTypes, privateGraph);
  labelInputs(graph);
  builder.setInsertionPointToEnd(&graph.getEntry());
  const Component *start = flow.child("start_node");
  for (auto [port, argument] : llvm::zip(flow.inputs, graph.getInputs()))
    define(*start, port, argument);
  if (failed(collectEdges()) || failed(findJoins()))
    return nullptr;
  if (failed(emitFrom(start, nullptr)) || failed(emitOutputs(graph)))
    return nullptr;
  return graph;
}

LogicalResult FlowImporter::collectEdges() {
  for (const Component *edge : flow.all("control_flow_connections")) {
    const Component *from = edge->child("from_node");
    std::string branch = edge->text("from_branch", "next");
    Place place = edge->placeOf("from_branch");
    if (!llvm::is_contained(from->branches, branch))
      return module.refuse(
          place, from->label() + " has no branch '" + branch + "'",
          "its branches are: " + llvm::join(from->branches, ", "));
    auto [known, isNew] =
        ways[from].try_emplace(branch, edge->child("to_node"), edge->place);
    if (!isNew)
      return module.refuse(
          edge->place,
          "a second control edge leaves " + from->label() + " by the branch '" +
              branch + "' (the first is at line " +
              std::to_string(known->second.second.line) + ")",
          "nodes without dependence run in parallel by themselves; keep one "
          "edge");
  }
  for (const Component *edge : flow.all("data_flow_connections"))
    edges[{edge->child("destination_node"), edge->text("destination_input")}]
        .push_back(edge);
  return success();
}

/// Walks the control edges once, in post-order, so that every node comes after
/// those it leads to; refuses cycles.
LogicalResult FlowImporter::findJoins() {
  enum State { Unseen, Open, Done };
  std::map<const Component *, State> states;
  struct Visit {
    const Component *node;
    std::map<std::string, std::pair<const Component *, Place>>::const_iterator
        next;
  };
  std::vector<Visit> stack;
  auto enter = [&](const Component *node) {
    states[node] = Open;
    stack.push_back({node, ways[node].begin()});
  };
  enter(flow.child("start_node"));
  while (!stack.empty()) {
    Visit &visit = stack.back();
    const auto &out = ways[visit.node];
    if (visit.next != out.end()) {
      auto [target, place] = visit.next->second;
      ++visit.next;
      if (states[target] == Open)
        return module.refuse(place,
                             "this control edge leads back to " +
                                 target->label() +
                                 ", and loops are not imported yet",
                             "repeat inside one node (an agent, or a tool), or "
                             "unroll the loop");
      if (states[target] == Unseen)
        enter(target);
      continue;
    }
    Join join;
    bool first = true;
    for (const auto &[branch, way] : out) {
      join.node = first ? way.first : meet(join.node, way.first);
      first = false;
    }
    join.depth = join.node ? joins[join.node].depth + 1 : 0;
    joins[visit.node] = join;
    states[visit.node] = Done;
    stack.pop_back();
  }
  return success();
}

/// The nearest node that lies on every path from `a` and on every path from
/// `b`; null when only the end does.
const Component *FlowImporter::meet(const Component *a,
                                    const Component *b) const {
  while (a && b && a != b) {
    const Join &fromA = joins.at(a), &fromB = joins.at(b);
    if (fromA.depth >= fromB.depth)
      a = fromA.node;
    if (fromB.depth >= fromA.depth)
      b = fromB.node;
  }
  return a == b ? a : nullptr;
}

const Component *FlowImporter::wayOut(const Component &node) {
  if (node.branches.size() > 1) {
    (void)module.refuse(node.place,
                        node.label() + " ends in one of several branches (" +
                            llvm::join(node.branches, ", ") +
                            "), which is not imported yet",
                        "give its outcome as an output, and branch on that in "
                        "a BranchingNode");
    return nullptr;
  }
  const auto &out = ways[&node];
  if (out.empty()) {
    (void)module.refuse(node.place, "no control edge leaves " + node.label(),
                        "lead it on, or to an EndNode");
    return nullptr;
  }
  return out.begin()->second.first;
}

LogicalResult FlowImporter::emitFrom(const Component *node,
                                     const Component *stop) {
  while (node != stop) {
    if (!emitted.insert(node).second)
      return module.refuse(node->place,
                           "some but not all branches meet in " +
                               node->label() + ", which is not imported yet",
                           "let all branches meet in one node, or repeat this "
                           "node on each of them");
    if (node->is("EndNode"))
      return endFlow(*node);
    if (node->is("BranchingNode")) {
      const Component *join = joins[node].node;
      if (failed(emitRoute(*node, join)))
        return failure();
      node = join;
      continue;
    }
    if (!node->is("StartNode") && failed(emitNode(*node)))
      return failure();
    node = wayOut(*node);
    if (!node)
      return failure();
  }
  return success();
}

FlowImporter::NodeSet FlowImporter::reachable(const Component *from,
                                              const Component *stop) const {
  NodeSet seen;
  std::vector<const Component *> open = {from};
  while (!open.empty()) {
    const Component *node = open.back();
    open.pop_back();
    if (!node || node == stop || !seen.insert(node).second)
      continue;
    auto out = ways.find(node);
    if (out != ways.end())
      for (const auto &[branch, way] : out->second)
        open.push_back(way.first);
  }
  return seen;
}

/// The inputs after a route that nodes inside it decide.
std::vector<FlowImporter::Slot>
FlowImporter::slotsAfter(const NodeSet &inside, const Component *join) const {
  std::vector<Slot> slots;
  if (!join) {
    for (const Port &output : flow.outputs)
      slots.emplace_back(nullptr, output.title);
    return slots;
  }
  for (const Component *node : reachable(join, nullptr))
    for (const Port &input : node->inputs) {
      auto found = edges.find({node, input.title});
      if (found != edges.end() &&
          llvm::any_of(found->second, [&](const Component *edge) {
            return inside.count(edge->child("source_node"));
          }))
        slots.emplace_back(node, input.title);
    }
  // A set of nodes is in the order of their addresses; the result of the
  // import must not be.
  std::sort(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
    return std::tie(a.first->place.line, a.first->place.column, a.second) <
           std::tie(b.first->place.line, b.first->place.column, b.second);
  });
  return slots;
}

LogicalResult FlowImporter::emitRoute(const Component &node,
                                      const Component *join) {
  Value selector = valueOf(node, node.inputs[0]);
  if (!selector)
    return failure();
  if (!isa<agent::TextType, agent::JsonType>(selector.getType()))
    selector = asText(selector, node, node.inputs[0].title);
  const auto &out = ways[&node];
  for (const std::string &branch : node.branches)
    if (!out.count(branch))
      return module.refuse(node.place,
                           "no control edge leaves the branch '" + branch +
                               "' of " + node.label(),
                           "add a ControlFlowEdge with from_branch: " + branch);
  const Component *otherwise = out.at("default").first;

  NodeSet inside;
  for (const auto &[branch, way] : out)
    inside.merge(reachable(way.first, join));
  std::vector<Slot> slots = slotsAfter(inside, join);

  std::vector<Case> cases(1);
  SmallVector<llvm::StringRef> keys;
  if (failed(emitCase(node, otherwise, join, slots, cases[0])))
    return failure();
  NodeSet taken;
  const SourceValue &mapping = *node.value("mapping");
  for (size_t i = 0; i < mapping.pairs(); ++i) {
    const Component *target = out.at(mapping.value(i).text).first;
    if (target == otherwise)
      continue;
    if (target != join && !taken.insert(target).second)
      return module.refuse(mapping.key(i).place(node.place.file),
                           "a second key leads to " + target->label() +
                               ", which is not imported yet",
                           "map one key to each node");
    keys.push_back(mapping.key(i).text);
    cases.emplace_back();
    if (failed(emitCase(node, target, join, slots, cases.back())))
      return failure();
  }
  unify(node, slots, cases);

  OperationState state(module.locOf(node), agent::RouteOp::getOperationName());
  state.addOperands(selector);
  state.addAttribute("node", nameOf(node));
  state.addAttribute(
      "kind", agent::RouteKindAttr::get(context, agent::RouteKind::Branch));
  state.addAttribute("cases", builder.getStrArrayAttr(keys));
  for (Value value : cases[0].values)
    state.addTypes(value.getType());
  for (Case &one : cases)
    state.addRegion(std::move(one.region));
  Operation *route = builder.create(state);
  for (auto [slot, result] : llvm::zip(slots, route->getResults()))
    decided[slot] = result;
  demandNode(node, route);
  return success();
}

LogicalResult FlowImporter::emitCase(const Component &node,
                                     const Component *target,
                                     const Component *join,
                                     ArrayRef<Slot> slots, Case &into) {
  OpBuilder::InsertionGuard guard(builder);
  into.region = std::make_unique<Region>();
  builder.setInsertionPointToEnd(&into.region->emplaceBlock());
  auto outputsBefore = outputs;
  auto decidedBefore = decided;
  ++insideRoutes;
  LogicalResult done = emitFrom(target, join);
  --insideRoutes;
  for (const Slot &slot : slots) {
    if (failed(done))
      break;
    Value value = lookUp(slot);
    const Port *port = portOf(slot);
    if (!value && port->hasDefault())
      value = defaultOf(*port, node);
    if (!value)
      done = module.refuse(
          port->place,
          "'" + slot.second + "' gets no value when " + node.label() +
              " goes to " + (target ? target->label() : std::string("the end")),
          "feed it on every branch, or give it a default");
    into.values.push_back(value);
  }
  outputs = std::move(outputsBefore);
  decided = std::move(decidedBefore);
  return done;
}

/// Cases that end with different types for one slot end with text instead.
void FlowImporter::unify(const Component &node, ArrayRef<Slot> slots,
                         MutableArrayRef<Case> cases) {
  OpBuilder::InsertionGuard guard(builder);
  for (size_t i = 0; i < slots.size(); ++i) {
    bool equal = llvm::all_of(cases, [&](const Case &one) {
      return one.values[i].getType() == cases[0].values[i].getType();
    });
    for (Case &one : cases) {
      builder.setInsertionPointToEnd(&one.region->front());
      if (!equal)
        one.values[i] = asText(one.values[i], node, slots[i].second);
    }
  }
  for (Case &one : cases) {
    builder.setInsertionPointToEnd(&one.region->front());
    builder.create<agent::YieldOp>(module.locOf(node), TypeRange(), one.values,
                                   Named());
  }
}

const Port *FlowImporter::portOf(const Slot &slot) const {
  return slot.first ? slot.first->input(slot.second) : flow.output(slot.second);
}

LogicalResult FlowImporter::endFlow(const Component &end) {
  for (const Port &output : flow.outputs) {
    const Port *input = end.input(output.title);
    Value value = input && !edges[{&end, input->title}].empty()
                      ? valueOf(end, *input)
                      : Value();
    if (!value && input && !edges[{&end, input->title}].empty())
      return failure();
    const Port *fallback = output.hasDefault() ? &output : input;
    if (!value && fallback && fallback->hasDefault())
      value = defaultOf(*fallback, end);
    if (!value)
      return module.refuse(input ? input->place : end.place,
                           "the output '" + output.title +
                               "' of the flow gets no value at " + end.label(),
                           "add a DataFlowEdge to it, or give it a default");
    decided[{nullptr, output.title}] = value;
  }
  return success();
}

LogicalResult FlowImporter::emitOutputs(agent::GraphOp graph) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (const Port &output : flow.outputs) {
    values.push_back(decided.at({nullptr, output.title}));
    types.push_back(values.back().getType());
  }
  if (failed(demandFlow(values)))
    return failure();
  graph.setOutputTypesAttr(builder.getTypeArrayAttr(types));
  builder.create<agent::OutputOp>(module.locOf(flow), TypeRange(), values,
                                  Named());
  return success();
}

void FlowImporter::labelInputs(agent::GraphOp graph) {
  if (isPrivate)
    return;
  NamedAttrList classes;
  for (const DataLabel &label : module.workflow.demands.data)
    if (flow.input(label.data.name))
      classes.set(label.data.name,
                  FlatSymbolRefAttr::get(context, label.dataClass.name));
  if (!classes.empty())
    graph.setInputClassesAttr(classes.getDictionary(context));
}

Value FlowImporter::lookUp(const Slot &slot) {
  if (auto known = decided.find(slot); known != decided.end())
    return known->second;
  auto into = edges.find(slot);
  if (into == edges.end())
    return {};
  std::pair<Value, size_t> latest;
  for (const Component *edge : into->second) {
    auto known =
        outputs.find({edge->child("source_node"), edge->text("source_output")});
    if (known != outputs.end() &&
        (!latest.first || known->second.second > latest.second))
      latest = known->second;
  }
  return latest.first;
}

Value FlowImporter::valueOf(const Component &node, const Port &input) {
  if (Value value = lookUp({&node, input.title}))
    return value;
  if (input.hasDefault())
    return defaultOf(input, node);
  auto into = edges.find({&node, input.title});
  if (into == edges.end())
    (void)module.refuse(input.place,
                        "the input '" + input.title + "' of " + node.label() +
                            " receives nothing",
                        "add a DataFlowEdge to it, or give it a default");
  else
    (void)module.refuse(into->second[0]->place,
                        into->second[0]->label() + " brings a value from " +
                            into->second[0]->child("source_node")->label() +
                            ", which does not always run before " +
                            node.label(),
                        "give the input a default, or reorder the control "
                        "edges");
  return {};
}

Value FlowImporter::defaultOf(const Port &port, const Component &node) {
  const Json &value = port.schema["default"];
  bool plain = value.is_string() && port.isOfType("string");
  Type type = plain ? Type(agent::TextType::get(context))
                    : Type(agent::JsonType::get(context));
  std::string text = plain ? value.get<std::string>() : printJson(value);
  Location loc = module.locOf(port.inferred ? node.place : port.place);
  return builder.create<agent::ConstantOp>(loc, type,
                                           builder.getStringAttr(text));
}

Value FlowImporter::asText(Value value, const Component &node,
                           llvm::StringRef title) {
  if (isa<agent::TextType>(value.getType()))
    return value;
  return builder.create<agent::RenderOp>(
      module.locOf(node), agent::TextType::get(context), value,
      Named{named("node", nameOf(node, "." + title.str())),
            named("text_template", builder.getStringAttr("{{value}}")),
            named("input_names", builder.getStrArrayAttr({"value"}))});
}

void FlowImporter::define(const Component &node, const Port &output,
                          Value value) {
  outputs[{&node, output.title}] = {value, ++defined};
}

void FlowImporter::defineAll(const Component &node, Operation *op) {
  for (auto [port, result] : llvm::zip(node.outputs, op->getResults()))
    define(node, port, result);
}

StringAttr FlowImporter::nameOf(const Component &node, llvm::StringRef suffix) {
  std::string base = (node.name.empty() ? node.id : node.name) + suffix.str();
  std::string name = base;
  for (unsigned i = 2; !nodeNames.insert(name).second; ++i)
    name = base + "-" + std::to_string(i);
  return builder.getStringAttr(name);
}

ArrayAttr FlowImporter::titles(const std::vector<Port> &ports) {
  SmallVector<llvm::StringRef> list;
  for (const Port &port : ports)
    list.push_back(port.title);
  return builder.getStrArrayAttr(list);
}

} // namespace hetagon
