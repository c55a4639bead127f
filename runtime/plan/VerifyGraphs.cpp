// Step graphs: order, ports, attributes, and graphs that call graphs.
#include "runtime/base/Json.h"
#include "runtime/plan/StepRules.h"
#include "runtime/plan/VerifyContext.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

namespace hetagon::plan {

namespace {

constexpr unsigned maxCallDepth = 32;
constexpr uint32_t maxRetries = 100;

bool isWellTyped(std::string_view text, AttributeType type) {
  const char *end = text.data() + text.size();
  switch (type) {
  case AttributeType::Text:
    return true;
  case AttributeType::Boolean:
    return text == "true" || text == "false";
  case AttributeType::Count: {
    uint32_t value = 0;
    auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end;
  }
  case AttributeType::Number: {
    double value = 0;
    auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end && std::isfinite(value);
  }
  case AttributeType::TextList: {
    auto list = parseJson(text, "attribute", 4);
    return list.isOk() && list->is_array() &&
           std::all_of(list->begin(), list->end(),
                       [](const Json &item) { return item.is_string(); });
  }
  }
  return false;
}

const char *describe(AttributeType type) {
  switch (type) {
  case AttributeType::Text:
    return "a text";
  case AttributeType::Boolean:
    return "true or false";
  case AttributeType::Count:
    return "a count";
  case AttributeType::Number:
    return "a number";
  case AttributeType::TextList:
    return "a JSON list of texts";
  }
  return "a text";
}

class GraphCheck {
public:
  explicit GraphCheck(const VerifyContext &context)
      : context(context), plan(context.plan), graphs(*plan.graphs()) {
    for (size_t i = 0; i < sizeOf(plan.resources()); ++i)
      resources.insert(view(plan.resources()->Get(uint32_t(i))));
  }

  Status run() {
    if (plan.entry() >= graphs.size())
      return context.fail(&plan, "entry",
                          "graph " + std::to_string(plan.entry()) +
                              " does not exist: the plan has " +
                              std::to_string(graphs.size()),
                          Code::OutOfRange);
    std::set<std::string_view> names;
    for (uint32_t i = 0; i < graphs.size(); ++i) {
      const fb::StepGraph &graph = *graphs.Get(i);
      std::string path = "graphs[" + std::to_string(i) + "]";
      if (view(graph.name()).empty() ||
          !names.insert(view(graph.name())).second)
        return context.fail(&graph, path,
                            "the name " + inQuotes(view(graph.name())) +
                                " is empty or stands twice");
      HETAGON_RETURN_IF_ERROR(
          checkGraph(graph, "graph " + inQuotes(view(graph.name()))));
    }
    return nesting();
  }

private:
  using Graph = fb::StepGraph;
  using Ports = flatbuffers::Vector<flatbuffers::Offset<fb::Port>>;

  Status ports(const Ports *list, const std::string &path) {
    std::set<std::string_view> names;
    for (size_t i = 0; i < sizeOf(list); ++i) {
      const fb::Port &port = *list->Get(uint32_t(i));
      if (view(port.name()).empty() || !names.insert(view(port.name())).second)
        return context.fail(&port, path,
                            "the port name " + inQuotes(view(port.name())) +
                                " is empty or stands twice");
      if (!isPortType(view(port.type())))
        return context.fail(&port, path,
                            "the type " + inQuotes(view(port.type())) +
                                " of port " + inQuotes(view(port.name())) +
                                " is unknown");
    }
    return Status::ok();
  }

  /// The type at the end of an edge into step `before` (or the results, where
  /// `before` is the number of steps).
  Status typeOf(const Graph &graph, const fb::Source &source, size_t before,
                const std::string &path, std::string_view &type) {
    if (source.step() < -1 || source.step() >= int64_t(before))
      return context.fail(
          &source, path,
          "an input from step " + std::to_string(source.step()) +
              ", which does not come before it: steps must stand in an order "
              "without cycles");
    const Ports *ports =
        source.step() < 0
            ? graph.inputs()
            : graph.steps()->Get(uint32_t(source.step()))->outputs();
    if (source.port() >= sizeOf(ports))
      return context.fail(&source, path,
                          "port " + std::to_string(source.port()) +
                              " does not exist where the input comes from",
                          Code::OutOfRange);
    type = view(ports->Get(source.port())->type());
    return Status::ok();
  }

  Status checkGraph(const Graph &graph, const std::string &path) {
    HETAGON_RETURN_IF_ERROR(ports(graph.inputs(), path + ".inputs"));
    HETAGON_RETURN_IF_ERROR(ports(graph.outputs(), path + ".outputs"));
    std::set<std::string_view> names;
    for (uint32_t i = 0; i < graph.steps()->size(); ++i) {
      const fb::Step &step = *graph.steps()->Get(i);
      std::string at = path + ", step " + inQuotes(view(step.name()));
      if (view(step.name()).empty() || !names.insert(view(step.name())).second)
        return context.fail(&step, at, "the name is empty or stands twice");
      HETAGON_RETURN_IF_ERROR(checkStep(graph, step, i, at));
    }
    if (sizeOf(graph.results()) != sizeOf(graph.outputs()))
      return context.fail(&graph, path,
                          "as many results as outputs are needed");
    for (uint32_t i = 0; i < sizeOf(graph.results()); ++i) {
      std::string_view type, to = view(graph.outputs()->Get(i)->type());
      HETAGON_RETURN_IF_ERROR(typeOf(graph, *graph.results()->Get(i),
                                     graph.steps()->size(), path + ".results",
                                     type));
      if (!fits(type, to))
        return context.fail(
            graph.results()->Get(i), path + ".results",
            mismatch(view(graph.outputs()->Get(i)->name()), type, to));
    }
    return Status::ok();
  }

  static std::string mismatch(std::string_view name, std::string_view from,
                              std::string_view to) {
    return inQuotes(name) + " is of type " + inQuotes(from) + ", but " +
           inQuotes(to) + " is needed";
  }

  Status checkStep(const Graph &graph, const fb::Step &step, uint32_t index,
                   const std::string &path) {
    const StepRule &rule = ruleOf(step.kind());
    if (sizeOf(step.inputs()) != sizeOf(step.input_names()))
      return context.fail(&step, path, "as many inputs as names are needed");
    std::map<std::string_view, std::string_view> inputs;
    for (uint32_t i = 0; i < sizeOf(step.inputs()); ++i) {
      std::string_view type, name = view(step.input_names()->Get(i));
      HETAGON_RETURN_IF_ERROR(
          typeOf(graph, *step.inputs()->Get(i), index, path, type));
      if (name.empty() || !inputs.emplace(name, type).second)
        return context.fail(&step, path,
                            "the input name " + inQuotes(name) +
                                " is empty or stands twice");
    }
    for (size_t i = 0; i < sizeOf(step.after()); ++i)
      if (step.after()->Get(uint32_t(i)) >= index)
        return context.fail(&step, path,
                            "it waits for a step that does not come before it");
    HETAGON_RETURN_IF_ERROR(ports(step.outputs(), path));
    HETAGON_RETURN_IF_ERROR(inputsByRule(step, rule, inputs, path));
    HETAGON_RETURN_IF_ERROR(references(step, rule, path));
    HETAGON_RETURN_IF_ERROR(attributes(step, rule, path));
    HETAGON_RETURN_IF_ERROR(rule.graphs == GraphNeed::None
                                ? outputsByRule(step, rule, path)
                                : bodies(step, rule, inputs, path));
    for (size_t i = 0; i < sizeOf(step.effects()); ++i) {
      std::string_view name =
          view(step.effects()->Get(uint32_t(i))->resource());
      if (name != "world" && !resources.count(name))
        return context.fail(&step, path,
                            "the resource " + inQuotes(name) +
                                " of an effect is not declared");
    }
    if (step.retries() > maxRetries)
      return context.fail(&step, path, "more than 100 retries",
                          Code::OutOfRange);
    return Status::ok();
  }

  using Inputs = std::map<std::string_view, std::string_view>;

  Status inputsByRule(const fb::Step &step, const StepRule &rule,
                      const Inputs &inputs, const std::string &path) {
    for (const PortRule &port : rule.inputs)
      if (port.required && !inputs.count(port.name))
        return context.fail(&step, path,
                            "the input " + inQuotes(port.name) + " is missing");
    for (auto [name, type] : inputs) {
      std::string_view types = rule.otherInputs;
      for (const PortRule &port : rule.inputs)
        if (port.name == name)
          types = port.types;
      if (types.empty())
        return context.fail(&step, path,
                            "a " +
                                std::string(fb::EnumNameStepKind(step.kind())) +
                                " step has no input " + inQuotes(name));
      if (!fitsOneOf(type, types))
        return context.fail(&step, path, mismatch(name, type, types));
    }
    return Status::ok();
  }

  Status outputsByRule(const fb::Step &step, const StepRule &rule,
                       const std::string &path) {
    if (sizeOf(step.outputs()) != rule.outputs.size())
      return context.fail(&step, path,
                          std::to_string(rule.outputs.size()) +
                              " outputs are needed, there are " +
                              std::to_string(sizeOf(step.outputs())));
    for (size_t i = 0; i < rule.outputs.size(); ++i) {
      std::string_view type = view(step.outputs()->Get(uint32_t(i))->type());
      if (!isOneOf(type, rule.outputs[i].types))
        return context.fail(
            &step, path,
            mismatch(rule.outputs[i].name, type, rule.outputs[i].types));
    }
    return Status::ok();
  }

  Status references(const fb::Step &step, const StepRule &rule,
                    const std::string &path) {
    auto unwanted = [&](const char *what) {
      return context.fail(&step, path,
                          std::string("a ") +
                              fb::EnumNameStepKind(step.kind()) +
                              " step refers to no " + what);
    };
    if (rule.service == ServiceNeed::None && step.service() != -1)
      return unwanted("service");
    if (!rule.tool && step.tool() != -1)
      return unwanted("tool");
    if (!rule.index && step.artefact() != -1)
      return unwanted("artefact");
    if (rule.graphs == GraphNeed::None && sizeOf(step.graphs()))
      return unwanted("graph");
    if (rule.tool)
      HETAGON_RETURN_IF_ERROR(context.within(&step, path, step.tool(),
                                             sizeOf(plan.tools()), "tool"));
    if (rule.index) {
      HETAGON_RETURN_IF_ERROR(context.within(
          &step, path, step.artefact(), sizeOf(plan.artefacts()), "artefact"));
      if (plan.artefacts()->Get(uint32_t(step.artefact()))->kind() !=
          fb::ArtefactKind::index)
        return context.fail(&step, path, "its artefact is no index");
    }
    if (rule.service == ServiceNeed::None)
      return Status::ok();
    HETAGON_RETURN_IF_ERROR(context.within(&step, path, step.service(),
                                           sizeOf(plan.services()), "service"));
    const fb::Service &service =
        *plan.services()->Get(uint32_t(step.service()));
    bool encoder = service.kind() == fb::ServiceKind::encoder;
    if (rule.service == ServiceNeed::Tokenizer
            ? !service.tokenizer()
            : encoder != (rule.service == ServiceNeed::Encoder))
      return context.fail(&step, path,
                          "the service " + inQuotes(view(service.name())) +
                              " is of the wrong kind for a " +
                              fb::EnumNameStepKind(step.kind()) + " step");
    return Status::ok();
  }

  Status attributes(const fb::Step &step, const StepRule &rule,
                    const std::string &path) {
    std::set<std::string_view> given;
    for (size_t i = 0; i < sizeOf(step.attributes()); ++i) {
      const fb::KeyValue &pair = *step.attributes()->Get(uint32_t(i));
      std::string_view key = view(pair.key());
      auto found = std::find_if(
          rule.attributes.begin(), rule.attributes.end(),
          [&](const AttributeRule &rule) { return rule.name == key; });
      if (found == rule.attributes.end())
        return context.fail(&pair, path,
                            "the attribute " + inQuotes(key) +
                                " is unknown for a " +
                                fb::EnumNameStepKind(step.kind()) + " step");
      if (!given.insert(key).second)
        return context.fail(&pair, path,
                            "the attribute " + inQuotes(key) + " stands twice");
      if (!isWellTyped(view(pair.value()), found->type))
        return context.fail(&pair, path,
                            "the attribute " + inQuotes(key) + " is " +
                                inQuotes(view(pair.value())) + " instead of " +
                                describe(found->type));
    }
    for (const AttributeRule &attribute : rule.attributes)
      if (attribute.required && !given.count(attribute.name))
        return context.fail(&step, path,
                            "the attribute " + inQuotes(attribute.name) +
                                " is missing");
    return Status::ok();
  }

  static std::vector<std::string> textList(const fb::Step &step,
                                           std::string_view key) {
    std::vector<std::string> list;
    for (const fb::KeyValue *pair : *step.attributes())
      if (view(pair->key()) == key)
        if (auto parsed = parseJson(view(pair->value()), "attribute");
            parsed.isOk())
          list = parsed->get<std::vector<std::string>>();
    return list;
  }

  /// The graphs of a branch, map or call: their inputs are the step's by name,
  /// their outputs are the step's in order.
  Status bodies(const fb::Step &step, const StepRule &rule,
                const Inputs &inputs, const std::string &path) {
    size_t count = sizeOf(step.graphs());
    bool isMap = step.kind() == fb::StepKind::map;
    std::set<std::string> over;
    if (rule.graphs == GraphNeed::Cases) {
      if (count == 0 || textList(step, "cases").size() != count)
        return context.fail(&step, path, "as many cases as graphs are needed");
    } else if (count != 1) {
      return context.fail(&step, path, "one graph is needed");
    }
    if (isMap) {
      for (const std::string &name : textList(step, "over"))
        over.insert(name);
      for (const std::string &name : over)
        if (!inputs.count(name))
          return context.fail(&step, path,
                              "'over' names the input " + inQuotes(name) +
                                  ", which is missing");
      if (over.empty())
        return context.fail(&step, path, "'over' names no input");
    }
    for (uint32_t index : *step.graphs()) {
      HETAGON_RETURN_IF_ERROR(
          context.within(&step, path, index, graphs.size(), "graph"));
      HETAGON_RETURN_IF_ERROR(
          body(step, *graphs.Get(index), inputs, over, isMap, path));
    }
    return Status::ok();
  }

  Status body(const fb::Step &step, const Graph &graph, const Inputs &inputs,
              const std::set<std::string> &over, bool isMap,
              const std::string &path) {
    for (size_t i = 0; i < sizeOf(graph.inputs()); ++i) {
      const fb::Port &port = *graph.inputs()->Get(uint32_t(i));
      auto given = inputs.find(view(port.name()));
      if (given == inputs.end())
        return context.fail(&step, path,
                            "the graph " + inQuotes(view(graph.name())) +
                                " needs the input " +
                                inQuotes(view(port.name())));
      std::string_view type = given->second;
      if (over.count(std::string(given->first))) {
        auto element = type == "json" ? type : elementOfList(type);
        if (!element)
          return context.fail(&step, path,
                              mismatch(given->first, type, "list"));
        type = *element;
      }
      if (!fits(type, view(port.type())))
        return context.fail(&step, path,
                            mismatch(given->first, type, view(port.type())));
    }
    if (sizeOf(graph.outputs()) != sizeOf(step.outputs()))
      return context.fail(&step, path,
                          "the graph " + inQuotes(view(graph.name())) +
                              " has another number of outputs");
    for (size_t i = 0; i < sizeOf(graph.outputs()); ++i) {
      std::string type(view(graph.outputs()->Get(uint32_t(i))->type()));
      if (isMap)
        type = "list<" + type + ">";
      const fb::Port &port = *step.outputs()->Get(uint32_t(i));
      if (!fits(type, view(port.type())))
        return context.fail(
            &step, path, mismatch(view(port.name()), type, view(port.type())));
    }
    return Status::ok();
  }

  /// Graphs refer to graphs without a cycle, and to a bounded depth. Follows
  /// the references from each graph once, on a stack of its own.
  Status nesting() {
    enum State : uint8_t { Unseen, Open, Done };
    std::vector<State> state(graphs.size(), Unseen);
    std::vector<unsigned> height(graphs.size(), 0);
    std::vector<std::vector<uint32_t>> callees(graphs.size());
    for (uint32_t i = 0; i < graphs.size(); ++i)
      for (const fb::Step *step : *graphs.Get(i)->steps())
        for (size_t g = 0; g < sizeOf(step->graphs()); ++g)
          callees[i].push_back(step->graphs()->Get(uint32_t(g)));
    struct Frame {
      uint32_t graph;
      size_t next = 0;
    };
    for (uint32_t root = 0; root < graphs.size(); ++root) {
      if (state[root] != Unseen)
        continue;
      std::vector<Frame> stack{{root}};
      state[root] = Open;
      while (!stack.empty()) {
        Frame &frame = stack.back();
        if (frame.next == callees[frame.graph].size()) {
          uint32_t done = frame.graph;
          state[done] = Done;
          stack.pop_back();
          if (!stack.empty()) {
            unsigned &above = height[stack.back().graph];
            above = std::max(above, height[done] + 1);
          }
          if (height[done] > maxCallDepth)
            return context.fail(
                graphs.Get(done),
                "graph " + inQuotes(view(graphs.Get(done)->name())),
                "graphs call each other more than 32 deep", Code::OutOfRange);
          continue;
        }
        uint32_t callee = callees[frame.graph][frame.next++];
        if (state[callee] == Open)
          return context.fail(graphs.Get(callee),
                              "graph " +
                                  inQuotes(view(graphs.Get(callee)->name())),
                              "it calls itself, directly or through others");
        if (state[callee] == Done) {
          height[frame.graph] =
              std::max(height[frame.graph], height[callee] + 1);
          continue;
        }
        state[callee] = Open;
        stack.push_back({callee});
      }
    }
    return Status::ok();
  }

  const VerifyContext &context;
  const fb::Plan &plan;
  const flatbuffers::Vector<flatbuffers::Offset<fb::StepGraph>> &graphs;
  std::set<std::string_view> resources;
};

} // namespace

Status verifyGraphs(const VerifyContext &context) {
  return GraphCheck(context).run();
}

} // namespace hetagon::plan
