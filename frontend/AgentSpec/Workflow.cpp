// Reading a document together with the demands on it, and the checks across
// both: labels, outputs and nodes that demands name must exist.
#include "frontend/AgentSpec/Workflow.h"
#include <algorithm>
#include <filesystem>

namespace hetagon {

namespace {

bool callsTools(const Component &node) {
  return node.is("ToolNode") || node.is("ApiNode") || node.is("AgentNode");
}

class DemandReader {
public:
  DemandReader(Workflow &workflow, Diagnostics &diagnostics)
      : workflow(workflow), spec(*workflow.spec), diagnostics(diagnostics) {}

  void readMetadata() {
    for (const auto &component : spec.components()) {
      const SourceValue *metadata = component->value("metadata");
      const SourceValue *form = metadata ? metadata->find("hetagon") : nullptr;
      if (!form)
        continue;
      bool isRoot = component.get() == &spec.root();
      if (!component->is("Flow") && !component->is("Node")) {
        diagnostics.error(metadata->findKey("hetagon")->place(spec.file),
                          "'hetagon' stands in the metadata of " +
                              component->label() +
                              "; it belongs to a flow or a node",
                          "move it to the node that uses this component");
        continue;
      }
      RequirementScope scope =
          isRoot && component->is("Flow") ? RequirementScope::Flow
          : callsTools(*component)        ? RequirementScope::ToolNode
                                          : RequirementScope::Node;
      Requirements demands =
          readRequirements(*form, spec.file, scope, diagnostics);
      checkOutputs(demands, *component);
      if (isRoot)
        workflow.demands = std::move(demands);
      else
        workflow.nodeDemands[component.get()] = std::move(demands);
    }
  }

  void addFile(const std::string &path) {
    std::optional<Requirements> file = readRequirementsFile(path, diagnostics);
    if (!file)
      return;
    checkOutputs(*file, spec.root());
    for (Requirements::OfNode &entry : file->nodes)
      addToNode(entry);
    merge(workflow.demands, std::move(*file));
  }

  void checkData() {
    std::vector<std::string_view> known = {"documents"};
    for (const Port &input : spec.root().inputs)
      known.push_back(input.title);
    for (const DataLabel &label : workflow.demands.data)
      if (std::find(known.begin(), known.end(), label.data.name) == known.end())
        diagnostics.error(label.data.place,
                          "the flow has no data named '" + label.data.name +
                              "'" + didYouMean(label.data.name, known),
                          "it has: " + joined(known));
  }

  void checkBuiltins() {
    const std::vector<std::string_view> types = {"hetagon.retrieve",
                                                 "hetagon.attribute"};
    for (const auto &component : spec.components()) {
      if (!component->is("BuiltinTool"))
        continue;
      std::string type = component->text("tool_type");
      if (type == "hetagon.retrieve")
        readRetrieve(*component, diagnostics);
      else if (type == "hetagon.attribute")
        readAttribute(*component, diagnostics);
      else if (type.starts_with("hetagon"))
        diagnostics.error(component->placeOf("tool_type"),
                          "Hetagon has no tool '" + type + "'" +
                              didYouMean(type, types),
                          "it has: " + joined(types));
    }
  }

private:
  Workflow &workflow;
  const AgentSpec &spec;
  Diagnostics &diagnostics;

  void checkOutputs(const Requirements &demands, const Component &owner) {
    std::vector<std::string_view> known;
    for (const Port &output : owner.outputs)
      known.push_back(output.title);
    for (const Requirement &demand : demands.requirements)
      if (!demand.on.empty() && !owner.output(demand.on))
        diagnostics.error(demand.onPlace,
                          owner.label() + " has no output '" + demand.on + "'" +
                              didYouMean(demand.on, known),
                          known.empty() ? "it has no outputs"
                                        : "its outputs are: " + joined(known));
  }

  void addToNode(Requirements::OfNode &entry) {
    std::vector<std::string_view> names;
    const Component *found = nullptr;
    for (const auto &component : spec.components())
      if (component->is("Node")) {
        names.push_back(component->name);
        if (component->name == entry.node.name)
          found = component.get();
      }
    if (!found) {
      diagnostics.error(entry.node.place,
                        "the flow has no node '" + entry.node.name + "'" +
                            didYouMean(entry.node.name, names),
                        "its nodes are: " + joined(names));
      return;
    }
    if (entry.requirements->effects && !callsTools(*found))
      diagnostics.error(entry.requirements->effects->place,
                        found->label() + " calls no tool, so it has no effects",
                        "remove 'effects'");
    if (entry.requirements->expect && entry.requirements->expect->latencyMs &&
        !callsTools(*found))
      diagnostics.error(entry.requirements->expect->place,
                        "the latency of " + found->label() +
                            " is predicted, from its tokens",
                        "state input_tokens and output_tokens");
    checkOutputs(*entry.requirements, *found);
    merge(workflow.nodeDemands[found], std::move(*entry.requirements));
  }

  /// The file's words win where only one can hold.
  static void merge(Requirements &into, Requirements &&from) {
    for (Requirement &demand : from.requirements)
      into.requirements.push_back(std::move(demand));
    if (from.objective)
      into.objective = std::move(from.objective);
    if (from.effects)
      into.effects = std::move(from.effects);
    if (from.expect)
      into.expect = std::move(from.expect);
    for (DataClass &added : from.classes) {
      std::erase_if(into.classes, [&](const DataClass &old) {
        return old.name.name == added.name.name;
      });
      into.classes.push_back(std::move(added));
    }
    for (DataLabel &added : from.data) {
      std::erase_if(into.data, [&](const DataLabel &old) {
        return old.data.name == added.data.name;
      });
      into.data.push_back(std::move(added));
    }
  }
};

} // namespace

const Requirements *Workflow::demandsOf(const Component &node) const {
  auto found = nodeDemands.find(&node);
  return found == nodeDemands.end() ? nullptr : &found->second;
}

StatusOr<std::string> findFlowFile(const std::string &path) {
  std::error_code code;
  if (!std::filesystem::is_directory(path, code))
    return path;
  for (const char *name : {"flow.yaml", "flow.yml", "flow.json"}) {
    std::string candidate = (std::filesystem::path(path) / name).string();
    if (std::filesystem::is_regular_file(candidate, code))
      return candidate;
  }
  return Status(Code::NotFound,
                "the folder holds no flow.yaml, flow.yml or flow.json",
                Place{path, 0, 0, {}});
}

std::unique_ptr<Workflow> readWorkflow(const std::string &path,
                                       const std::string &requirementsPath,
                                       Diagnostics &diagnostics) {
  StatusOr<std::string> file = findFlowFile(path);
  if (!file.isOk()) {
    diagnostics.error(*file.status().place(), file.status().message());
    return nullptr;
  }
  auto workflow = std::make_unique<Workflow>();
  workflow->spec = readAgentSpec(*file, diagnostics);
  if (!workflow->spec)
    return nullptr;
  DemandReader reader(*workflow, diagnostics);
  reader.readMetadata();
  if (!requirementsPath.empty())
    reader.addFile(requirementsPath);
  reader.checkData();
  reader.checkBuiltins();
  return diagnostics.hasErrors() ? nullptr : std::move(workflow);
}

Diagnostics checkFlow(const std::string &path,
                      const std::string &requirementsPath) {
  Diagnostics diagnostics;
  readWorkflow(path, requirementsPath, diagnostics);
  return diagnostics;
}

} // namespace hetagon
