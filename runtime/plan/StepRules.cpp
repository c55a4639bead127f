// The table of docs/plan.md, and the language of port types.
#include "runtime/plan/StepRules.h"
#include <algorithm>
#include <array>

namespace hetagon::plan {

namespace {

using enum AttributeType;

constexpr PortRule textOut[] = {{"text", "text|stream<text>"}};
constexpr PortRule renderOut[] = {{"text", "text|message"}};
constexpr AttributeRule renderAttributes[] = {
    {"template", Text, true}, {"system"}, {"role"}};
constexpr PortRule tokenizeIn[] = {{"text", "readable"}};
constexpr PortRule tokens[] = {{"tokens", "tokens"}};
constexpr AttributeRule tokenizeAttributes[] = {{"special", Boolean}};
constexpr PortRule generateIn[] = {{"prompt", "text|message|tokens"}};
constexpr PortRule generateOut[] = {{"text", "text|stream<text>"}};
constexpr AttributeRule generateAttributes[] = {
    {"max_tokens", Count}, {"temperature", Number},
    {"top_p", Number},     {"top_k", Count},
    {"seed_key"},          {"stream", Boolean},
    {"chat", Boolean},     {"stop", TextList}};
constexpr PortRule embedIn[] = {{"text", "readable|tokens|list<text>"}};
constexpr PortRule embedOut[] = {{"embedding", "embedding|list<embedding>"}};
constexpr PortRule searchOut[] = {{"passages", "json"}};
constexpr AttributeRule searchAttributes[] = {{"top_k", Count, true},
                                              {"threshold", Number}};
constexpr PortRule attributeIn[] = {{"text", "readable"}, {"passages", "json"}};
constexpr PortRule attributeOut[] = {{"citations", "json"}};
constexpr AttributeRule attributeAttributes[] = {{"threshold", Number, true}};
constexpr PortRule toolOut[] = {{"result", "text|json"}};
constexpr AttributeRule toolAttributes[] = {{"name"}};
constexpr PortRule branchIn[] = {{"selector", "text|json"}};
constexpr AttributeRule branchAttributes[] = {{"cases", TextList, true},
                                              {"default"}};
constexpr AttributeRule mapAttributes[] = {{"over", TextList, true},
                                           {"parallel", Count}};
constexpr PortRule askIn[] = {{"question", "readable"}};
constexpr PortRule askOut[] = {{"answer", "text"}};
constexpr PortRule valueOut[] = {{"value", "any"}};
constexpr AttributeRule constantAttributes[] = {{"value", Text, true}};
constexpr PortRule valueIn[] = {{"value", "any"}};
constexpr AttributeRule outputAttributes[] = {{"name", Text, true},
                                              {"stream", Boolean}};

/// In the order of the enumerators.
constexpr StepRule rules[] = {
    {.kind = fb::StepKind::render,
     .inputs = {},
     .otherInputs = "any",
     .outputs = renderOut,
     .attributes = renderAttributes},
    {.kind = fb::StepKind::tokenize,
     .inputs = tokenizeIn,
     .otherInputs = "",
     .outputs = tokens,
     .attributes = tokenizeAttributes,
     .service = ServiceNeed::Tokenizer},
    {.kind = fb::StepKind::generate,
     .inputs = generateIn,
     .otherInputs = "",
     .outputs = generateOut,
     .attributes = generateAttributes,
     .service = ServiceNeed::Generator},
    {.kind = fb::StepKind::detokenize,
     .inputs = tokens,
     .otherInputs = "",
     .outputs = textOut,
     .attributes = {},
     .service = ServiceNeed::Tokenizer},
    {.kind = fb::StepKind::embed,
     .inputs = embedIn,
     .otherInputs = "",
     .outputs = embedOut,
     .attributes = {},
     .service = ServiceNeed::Encoder},
    {.kind = fb::StepKind::search,
     .inputs = {},
     .otherInputs = "embedding|list<embedding>",
     .outputs = searchOut,
     .attributes = searchAttributes,
     .index = true},
    {.kind = fb::StepKind::tool,
     .inputs = {},
     .otherInputs = "any",
     .outputs = toolOut,
     .attributes = toolAttributes,
     .tool = true},
    {.kind = fb::StepKind::attribute,
     .inputs = attributeIn,
     .otherInputs = "",
     .outputs = attributeOut,
     .attributes = attributeAttributes,
     .service = ServiceNeed::Encoder},
    {.kind = fb::StepKind::branch,
     .inputs = branchIn,
     .otherInputs = "any",
     .outputs = {},
     .attributes = branchAttributes,
     .graphs = GraphNeed::Cases},
    {.kind = fb::StepKind::map,
     .inputs = {},
     .otherInputs = "any",
     .outputs = {},
     .attributes = mapAttributes,
     .graphs = GraphNeed::Body},
    {.kind = fb::StepKind::call,
     .inputs = {},
     .otherInputs = "any",
     .outputs = {},
     .attributes = {},
     .graphs = GraphNeed::Body},
    {.kind = fb::StepKind::ask,
     .inputs = askIn,
     .otherInputs = "",
     .outputs = askOut,
     .attributes = {}},
    {.kind = fb::StepKind::constant,
     .inputs = {},
     .otherInputs = "",
     .outputs = valueOut,
     .attributes = constantAttributes},
    {.kind = fb::StepKind::output,
     .inputs = valueIn,
     .otherInputs = "",
     .outputs = {},
     .attributes = outputAttributes},
};

constexpr bool inOrder() {
  for (size_t i = 0; i < std::size(rules); ++i)
    if (size_t(rules[i].kind) != i)
      return false;
  return std::size(rules) == size_t(fb::StepKind::MAX) + 1;
}
static_assert(inOrder(), "one rule for each step kind, in its order");

constexpr std::string_view baseTypes[] = {"text",   "message",   "json",
                                          "tokens", "embedding", "tensor",
                                          "audio",  "image"};

/// T of `constructor`<T>.
std::optional<std::string_view> argument(std::string_view type,
                                         std::string_view constructor) {
  if (type.size() < constructor.size() + 3 ||
      type.substr(0, constructor.size()) != constructor ||
      type[constructor.size()] != '<' || type.back() != '>')
    return std::nullopt;
  return type.substr(constructor.size() + 1,
                     type.size() - constructor.size() - 2);
}

bool isPortType(std::string_view type, unsigned depth) {
  if (std::find(std::begin(baseTypes), std::end(baseTypes), type) !=
      std::end(baseTypes))
    return true;
  auto inner = argument(type, "list");
  if (!inner)
    inner = argument(type, "stream");
  return inner && depth < 8 && isPortType(*inner, depth + 1);
}

template <typename Test> bool anyOf(std::string_view types, Test test) {
  while (!types.empty()) {
    size_t end = std::min(types.find('|'), types.size());
    if (test(types.substr(0, end)))
      return true;
    types.remove_prefix(std::min(end + 1, types.size()));
  }
  return false;
}

} // namespace

const StepRule &ruleOf(fb::StepKind kind) { return rules[size_t(kind)]; }

bool isPortType(std::string_view type) { return isPortType(type, 0); }

bool fits(std::string_view from, std::string_view to) {
  if (from == to || to == "any" || to == "json")
    return true;
  if (to == "readable" &&
      (from == "text" || from == "message" || from == "json"))
    return true;
  if (auto inner = argument(from, "stream"))
    return fits(*inner, to);
  return to == "message" && from == "text";
}

bool fitsOneOf(std::string_view from, std::string_view types) {
  return anyOf(types, [&](std::string_view to) { return fits(from, to); });
}

bool isOneOf(std::string_view type, std::string_view types) {
  return anyOf(types, [&](std::string_view one) {
    return one == type || (one == "any" && isPortType(type));
  });
}

std::optional<std::string_view> elementOfList(std::string_view type) {
  return argument(type, "list");
}

} // namespace hetagon::plan
