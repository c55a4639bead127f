// An Agent Spec document (YAML or JSON) as located structures: every component
// with its type, its fields, its ports and branches (inferred where the file
// leaves them out), references resolved. Free of LLVM.
#ifndef HETAGON_FRONTEND_AGENTSPEC_AGENTSPEC_H
#define HETAGON_FRONTEND_AGENTSPEC_AGENTSPEC_H

#include "frontend/AgentSpec/ComponentTypes.h"
#include "frontend/Text/TextReader.h"
#include "runtime/base/Diagnostic.h"
#include <memory>

namespace hetagon {

/// An input or output of a component: a JSON schema with a title.
struct Port {
  std::string title;
  Json schema;
  /// Where it is declared; for an inferred port, the component's place.
  Place place;
  bool inferred = false;

  bool hasTitle() const { return schema.contains("title"); }
  bool hasDefault() const { return schema.contains("default"); }
  /// True when the schema says exactly this type, as "string".
  bool isOfType(std::string_view type) const;
};

/// One component. The file's values are those of `source`; the accessors below
/// look there and never fail: what is absent reads as empty.
struct Component {
  const ComponentType *type = nullptr;
  const SourceValue *source = nullptr;
  Place place;
  /// As written, or made up ("unnamed-3") where the file gives none.
  std::string id;
  std::string name;
  std::vector<Port> inputs, outputs;
  /// The names of the ways out of a node, sorted.
  std::vector<std::string> branches;
  /// The components in its fields, in the order of the fields. A component
  /// referenced from several places is one object.
  struct Child {
    std::string_view field;
    /// Null where the component there could not be read.
    const Component *component;
    /// Where this field's value stands (the reference, not what it names).
    Place place;
  };
  std::vector<Child> children;
  /// False when an error was reported in it or in a component it holds; its
  /// ports may then be missing.
  bool sound = true;

  bool is(std::string_view typeName) const { return type->isA(typeName); }
  /// The first component of that field, or null.
  const Component *child(std::string_view field) const;
  std::vector<const Component *> all(std::string_view field) const;
  /// The value of a field, or null when absent or null.
  const SourceValue *value(std::string_view field) const;
  /// A string field's text, or `otherwise`.
  std::string text(std::string_view field,
                   std::string_view otherwise = {}) const;
  /// Where the field's value stands, or the component itself.
  Place placeOf(std::string_view field) const;
  const Port *input(std::string_view title) const;
  const Port *output(std::string_view title) const;
  /// "LlmNode 'answer'": for messages.
  std::string label() const;
};

/// A document that was read without an error. Owns its text's tree and all
/// components; both stay where they are for the object's life.
class AgentSpec {
public:
  SpecVersion version = currentSpecVersion;
  std::string file;

  const Component &root() const { return *top; }
  /// Every component that was read, in the order of reading.
  const std::vector<std::unique_ptr<Component>> &components() const {
    return owned;
  }
  const SourceValue &source() const { return *tree; }

private:
  friend class AgentSpecLoader;
  std::unique_ptr<SourceValue> tree;
  std::vector<std::unique_ptr<Component>> owned;
  const Component *top = nullptr;
};

/// Reads and validates as pyagentspec 26.3.1 does: what that library refuses
/// is an error here, what it accepts is none. Things it accepts although they
/// cannot work (branches that lead nowhere, nodes that nothing reaches, unknown
/// fields) are warnings. Finds as many problems as it can in one run; null
/// when there was an error.
std::unique_ptr<AgentSpec> readAgentSpec(const std::string &path,
                                         Diagnostics &diagnostics,
                                         const TextLimits &limits = {});

/// The same for a text in memory; `file` names it, and ".json" at its end
/// makes it JSON.
std::unique_ptr<AgentSpec> readAgentSpecText(std::string_view text,
                                             const std::string &file,
                                             Diagnostics &diagnostics,
                                             const TextLimits &limits = {});

/// The names in "{{ name }}" within the strings of `value`, keys of maps
/// included, each once, in the order of their first use.
std::vector<std::string> placeholders(const SourceValue &value);
std::vector<std::string> placeholders(std::string_view text);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_AGENTSPEC_H
