// The closed table of step kinds: what each reads, yields, refers to and takes
// as attributes; docs/plan.md shows it to people. Verifier, emitter and
// executor read the same table.
#ifndef HETAGON_RUNTIME_PLAN_STEPRULES_H
#define HETAGON_RUNTIME_PLAN_STEPRULES_H

#include "runtime/plan/plan_generated.h"
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hetagon::plan {

/// How an attribute's text reads.
enum class AttributeType { Text, Count, Number, Boolean, TextList };

struct AttributeRule {
  std::string_view name;
  AttributeType type = AttributeType::Text;
  bool required = false;
};

/// A named input or output; `types` separates alternatives by '|', "any" admits
/// all, and "readable" text, message and json.
struct PortRule {
  std::string_view name, types;
  bool required = true;
};

/// The services a step may refer to.
enum class ServiceNeed { None, Tokenizer, Generator, Encoder };
/// The graphs a step refers to: none, one body, or one for each case.
enum class GraphNeed { None, Body, Cases };

struct StepRule {
  fb::StepKind kind;
  std::span<const PortRule> inputs;
  /// Types of inputs beyond those in `inputs`; empty: there are none.
  std::string_view otherInputs;
  /// The outputs; with graphs they are those of the graphs instead.
  std::span<const PortRule> outputs;
  std::span<const AttributeRule> attributes;
  ServiceNeed service = ServiceNeed::None;
  GraphNeed graphs = GraphNeed::None;
  bool tool = false, index = false;
};

/// The rule of a kind that the schema knows.
const StepRule &ruleOf(fb::StepKind kind);

/// Whether `type` is a word of the type language: a base type, list<T> or
/// stream<T>, nested at most 8 deep.
bool isPortType(std::string_view type);
/// Whether a value of type `from` may enter a port of type `to`.
bool fits(std::string_view from, std::string_view to);
/// Whether `from` fits one of the alternatives in `types`.
bool fitsOneOf(std::string_view from, std::string_view types);
/// Whether `type` is one of the alternatives in `types`.
bool isOneOf(std::string_view type, std::string_view types);
/// T of list<T>, or nothing.
std::optional<std::string_view> elementOfList(std::string_view type);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_STEPRULES_H
