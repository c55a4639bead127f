// Loading a document: what it is, its version, its references, its components.
#include "frontend/AgentSpec/Loader.h"
#include <algorithm>

namespace hetagon {

namespace {

constexpr size_t mostErrors = 100;
constexpr size_t mostNestedComponents = 200;

/// What a document that is no Agent Spec looks like, or empty.
std::string lookalike(const SourceValue &root) {
  auto has = [&](const char *key) { return root.find(key) != nullptr; };
  auto inside = [&](const char *list,
                    std::initializer_list<const char *> keys) {
    const SourceValue *items = root.find(list);
    if (!items || !items->isList() || items->items.empty())
      return false;
    for (const char *key : keys)
      if (!items->items[0].find(key))
        return false;
    return true;
  };
  const SourceValue *kind = root.find("kind");
  if (kind && kind->text == "app" && (has("app") || has("workflow")))
    return "a Dify export (it has 'kind: app')";
  if (has("app") && (has("workflow") || has("model_config")))
    return "a Dify export (it has 'app' with 'workflow' or 'model_config')";
  if (has("nodes") && has("connections"))
    return "an n8n workflow (it has 'nodes' and 'connections')";
  if (inside("nodes", {"data", "position"}) ||
      (has("nodes") && has("edges") && (has("usecases") || has("viewport"))))
    return "a Flowise (or other React Flow) export (its 'nodes' have 'data' "
           "and 'position')";
  if (has("nodes") && has("edges"))
    return "a graph of another tool (it has 'nodes' and 'edges')";
  if (has("metric") || has("requirements"))
    return "a file of requirements (pass it with --requirements)";
  if (has("devices"))
    return "a description of devices (pass it with --devices)";
  if (has("openapi") || has("swagger"))
    return "an OpenAPI description";
  if (has("agents") && has("tasks"))
    return "a CrewAI project (it has 'agents' and 'tasks')";
  return {};
}

} // namespace

AgentSpecLoader::AgentSpecLoader(std::unique_ptr<SourceValue> tree,
                                 const std::string &file,
                                 Diagnostics &diagnostics)
    : spec(std::make_unique<AgentSpec>()), file(file),
      diagnostics(diagnostics) {
  spec->tree = std::move(tree);
  spec->file = file;
}

void AgentSpecLoader::error(Place place, std::string message,
                            std::string mend) {
  failed = true;
  if (errorCount++ < mostErrors)
    diagnostics.error(std::move(place), std::move(message), std::move(mend));
  else if (errorCount == mostErrors + 1)
    diagnostics.error(std::move(place), "more errors follow",
                      "mend those above first");
}

bool AgentSpecLoader::warningsFull() const {
  return diagnostics.all().size() >= 2 * mostErrors;
}

void AgentSpecLoader::warning(Place place, std::string message,
                              std::string mend) {
  if (!warningsFull())
    diagnostics.warning(std::move(place), std::move(message), std::move(mend));
}

std::unique_ptr<AgentSpec> AgentSpecLoader::load() {
  const SourceValue &root = *spec->tree;
  if (!root.isMap()) {
    error(placeOf(root),
          "expected an Agent Spec component (a map with component_type), but "
          "found " +
              root.describe());
    return nullptr;
  }
  if (refuseOtherFormats(root))
    return nullptr;
  if (!readVersion(root))
    return nullptr;
  bool referencesGood = checkReferences(root);
  spec->top = loadComponent(root, {});
  if (!spec->top || failed || !referencesGood)
    return nullptr;
  for (const auto &[name, referenced] : references)
    if (referenced.state == Referenced::Untouched)
      warning(placeOf(*referenced.key),
              "'" + name +
                  "' in $referenced_components is never used, and is "
                  "not checked",
              "remove it, or refer to it with $component_ref: " + name);
  return std::move(spec);
}

bool AgentSpecLoader::refuseOtherFormats(const SourceValue &root) {
  if (root.find("component_type") || root.find("$component_ref"))
    return false;
  std::string found = lookalike(root);
  if (!found.empty()) {
    error(placeOf(root),
          "this is not an Agent Spec document; it looks like " + found,
          "convert it to an Agent Spec flow (component_type: Flow)");
    return true;
  }
  bool onlyReferences =
      root.pairs() == 1 && root.find("$referenced_components");
  error(placeOf(root),
        onlyReferences
            ? "the document holds only $referenced_components, so there is no "
              "component to run"
            : "this is not an Agent Spec document: 'component_type' is missing",
        "give the top level a component_type, for example 'component_type: "
        "Flow'");
  return true;
}

bool AgentSpecLoader::readVersion(const SourceValue &root) {
  const SourceValue *given = root.find("agentspec_version");
  if (!given)
    given = root.find("air_version");
  if (!given) {
    warning(placeOf(root), "no agentspec_version is given; 26.3.1 is assumed",
            "add 'agentspec_version: 26.3.1'");
    return true;
  }
  const std::vector<std::string_view> &names = specVersionNames();
  auto found = std::find(names.begin(), names.end(), given->text);
  std::vector<std::string_view> usable(names.begin() + 2, names.end());
  if (!given->isString() || found == names.end()) {
    bool newer =
        given->isString() && given->text > "26.3.1" && given->text.size() == 6;
    error(placeOf(*given),
          newer ? "agentspec_version " + given->text +
                      " is newer than 26.3.1, the newest that is read"
                : "agentspec_version is " + given->describe() +
                      ", which is no release of Agent Spec",
          "use one of " + joined(usable, "or"));
    return false;
  }
  spec->version = SpecVersion(found - names.begin());
  if (spec->version < SpecVersion::v25_4_0) {
    error(placeOf(*given),
          "agentspec_version " + given->text +
              " predates 25.4.1, the first release that is read",
          "export the document again with agentspec_version 26.3.1");
    return false;
  }
  if (spec->version == SpecVersion::v25_4_0) {
    warning(placeOf(*given),
            "agentspec_version 25.4.0 is a pre-release; the document is read "
            "as 25.4.1",
            "write 'agentspec_version: 26.3.1'");
    spec->version = SpecVersion::v25_4_1;
  } else if (spec->version != currentSpecVersion) {
    warning(placeOf(*given),
            "agentspec_version " + given->text +
                " is older than 26.3.1; the document is read by the rules of " +
                given->text,
            "write 'agentspec_version: 26.3.1' to use what is new");
  }
  return true;
}

bool AgentSpecLoader::checkReferences(const SourceValue &root) {
  std::vector<const SourceValue *> used;
  std::set<std::string_view> defined;
  bool good = true;
  std::vector<const SourceValue *> open = {&root};
  while (!open.empty()) {
    const SourceValue &value = *open.back();
    open.pop_back();
    for (size_t i = 0; i < value.pairs(); ++i) {
      const std::string &key = value.key(i).text;
      const SourceValue &item = value.value(i);
      if (key == "$component_ref") {
        used.push_back(&item);
      } else if (key == "$referenced_components") {
        if (!item.isMap()) {
          error(placeOf(item),
                "$referenced_components must be a map from ids to components, "
                "but is " +
                    item.describe());
          good = false;
        }
        for (size_t k = 0; k < item.pairs(); ++k)
          defined.insert(item.key(k).text);
      }
    }
    for (size_t i = value.items.size(); i-- > 0;)
      if (value.items[i].isMap() || value.items[i].isList())
        open.push_back(&value.items[i]);
  }
  std::vector<std::string_view> known(
      defined.begin(),
      std::next(defined.begin(),
                ptrdiff_t(std::min<size_t>(defined.size(), 200))));
  for (const SourceValue *use : used) {
    if (!use->isString()) {
      error(placeOf(*use), "$component_ref must be the id of a component, but "
                           "is " +
                               use->describe());
      good = false;
    } else if (!defined.count(use->text)) {
      error(placeOf(*use),
            "$component_ref names '" + use->text.substr(0, 80) +
                "', which no $referenced_components defines" +
                didYouMean(use->text, known),
            "define it under $referenced_components, or write the component "
            "out in this place");
      good = false;
    }
  }
  return good;
}

void AgentSpecLoader::addReferenced(const SourceValue &table) {
  for (size_t i = 0; i < table.pairs(); ++i) {
    const SourceValue &key = table.key(i);
    auto [entry, isNew] = references.try_emplace(key.text);
    if (!isNew) {
      error(placeOf(key),
            "'" + key.text +
                "' stands in $referenced_components at several levels (first "
                "at line " +
                std::to_string(entry->second.key->line) + ")",
            "keep one of them, or rename one");
      continue;
    }
    entry->second.key = &key;
    entry->second.value = &table.value(i);
  }
}

const Component *AgentSpecLoader::loadReference(const SourceValue &ref,
                                                std::string_view bases) {
  auto found = ref.isString() ? references.find(ref.text) : references.end();
  if (found == references.end()) {
    // A reference that nothing defines was reported by checkReferences; one
    // that is defined, but further on or inside a component not yet read, is
    // not visible from here.
    if (ref.isString() && !failed)
      error(placeOf(ref),
            "'" + ref.text +
                "' is defined in $referenced_components of a component that "
                "is read later than this reference",
            "move the definition to the top level");
    failed = true;
    return nullptr;
  }
  Referenced &referenced = found->second;
  if (referenced.state == Referenced::Loading) {
    error(placeOf(ref),
          "'" + ref.text + "' refers to itself through this $component_ref",
          "components form a tree with shared parts; break the cycle");
    return nullptr;
  }
  if (referenced.state == Referenced::Untouched) {
    referenced.state = Referenced::Loading;
    const Component *component = loadComponent(*referenced.value, {});
    referenced.component = component;
    referenced.state = Referenced::Done;
  }
  if (!referenced.component)
    return nullptr;
  return checkBase(*referenced.component, bases, ref) ? referenced.component
                                                      : nullptr;
}

bool AgentSpecLoader::checkBase(const Component &component,
                                std::string_view bases, const SourceValue &at) {
  if (bases.empty() || isAnyOf(*component.type, bases))
    return true;
  error(placeOf(at),
        "a " + std::string(component.type->name) + " stands here where only " +
            joined(componentTypesUnder(bases), "or") + " may",
        {});
  return false;
}

const Component *AgentSpecLoader::loadComponent(const SourceValue &value,
                                                std::string_view bases) {
  if (!value.isMap()) {
    error(placeOf(value),
          "expected a component (a map with component_type), but found " +
              value.describe(),
          bases.empty()
              ? ""
              : "allowed here: " + joined(componentTypesUnder(bases), "or"));
    return nullptr;
  }
  if (depth >= mostNestedComponents) {
    error(placeOf(value), "components are nested more than " +
                              std::to_string(mostNestedComponents) +
                              " levels deep");
    return nullptr;
  }
  ++depth;
  const Component *component = nullptr;
  if (const SourceValue *table = value.find("$referenced_components"))
    addReferenced(*table);
  if (const SourceValue *ref = value.find("$component_ref")) {
    component = loadReference(*ref, bases);
  } else {
    component = loadHere(value);
    if (component && !checkBase(*component, bases, value))
      component = nullptr;
  }
  --depth;
  return component;
}

const Component *AgentSpecLoader::loadHere(const SourceValue &value) {
  const SourceValue *typeName = value.find("component_type");
  if (!typeName || typeName->isNull()) {
    error(placeOf(value), "this component has no component_type",
          "say what it is, for example 'component_type: LlmNode'");
    return nullptr;
  }
  if (!typeName->isString()) {
    error(placeOf(*typeName),
          "component_type must be a string, but is " + typeName->describe());
    return nullptr;
  }
  const ComponentType *type = findComponentType(typeName->text);
  if (!type || type->abstract) {
    bool plugin = typeName->text.starts_with("Plugin") ||
                  typeName->text.starts_with("Extended");
    error(
        placeOf(*typeName),
        type ? "component_type " + typeName->describe() +
                   " is abstract: only what derives from it may be written"
             : "component_type " + typeName->describe() +
                   " is not part of Agent Spec 26.3.1" +
                   (plugin ? " (it belongs to another runtime's plugin)" : "") +
                   didYouMean(typeName->text, componentTypeNames()),
        type ? "use one of " + joined(componentTypesUnder(typeName->text), "or")
             : "use a component of the specification; plugins are not "
               "supported");
    return nullptr;
  }
  spec->owned.push_back(std::make_unique<Component>());
  Component &component = *spec->owned.back();
  component.type = type;
  component.source = &value;
  component.place = placeOf(value);
  const SourceValue *id = value.find("id");
  component.id = id && id->isString()
                     ? id->text
                     : "unnamed-" + std::to_string(spec->owned.size());
  component.name = component.text("name");
  loadFields(component);
  checkVersion(component);
  size_t before = errorCount;
  if (component.sound) {
    infer(component);
    checkRules(component);
  } else if (component.is("Flow")) {
    checkFlowShape(component);
  }
  component.sound &= errorCount == before;
  return &component;
}

} // namespace hetagon
