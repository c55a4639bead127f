// Accessors of components, placeholders, and the readers' entry points.
#include "frontend/AgentSpec/AgentSpec.h"
#include "frontend/AgentSpec/Loader.h"
#include <algorithm>

namespace hetagon {

bool Port::isOfType(std::string_view type) const {
  auto found = schema.find("type");
  return found != schema.end() && *found == type;
}

const Component *Component::child(std::string_view field) const {
  for (const Child &candidate : children)
    if (candidate.field == field)
      return candidate.component;
  return nullptr;
}

std::vector<const Component *> Component::all(std::string_view field) const {
  std::vector<const Component *> list;
  for (const Child &candidate : children)
    if (candidate.field == field && candidate.component)
      list.push_back(candidate.component);
  return list;
}

const SourceValue *Component::value(std::string_view field) const {
  const SourceValue *found = source ? source->find(field) : nullptr;
  return found && !found->isNull() ? found : nullptr;
}

std::string Component::text(std::string_view field,
                            std::string_view otherwise) const {
  const SourceValue *found = value(field);
  return found && found->isString() ? found->text : std::string(otherwise);
}

Place Component::placeOf(std::string_view field) const {
  const SourceValue *found = source ? source->find(field) : nullptr;
  return found ? found->place(place.file) : place;
}

static const Port *findPort(const std::vector<Port> &ports,
                            std::string_view title) {
  for (const Port &port : ports)
    if (port.title == title)
      return &port;
  return nullptr;
}

const Port *Component::input(std::string_view title) const {
  return findPort(inputs, title);
}

const Port *Component::output(std::string_view title) const {
  return findPort(outputs, title);
}

std::string Component::label() const {
  std::string text(type->name);
  return name.empty() ? text : text + " '" + name.substr(0, 80) + "'";
}

namespace {

bool isWordCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') || c == '_' || uint8_t(c) >= 0x80;
}

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void collect(std::string_view text, std::vector<std::string> &names) {
  for (size_t at = text.find("{{"); at != std::string_view::npos;
       at = text.find("{{", at + 1)) {
    size_t i = at + 2;
    while (i < text.size() && isSpace(text[i]))
      ++i;
    size_t start = i;
    while (i < text.size() && isWordCharacter(text[i]))
      ++i;
    std::string name(text.substr(start, i - start));
    while (i < text.size() && isSpace(text[i]))
      ++i;
    if (name.empty() || !text.substr(i).starts_with("}}"))
      continue;
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
}

void collect(const SourceValue &value, std::vector<std::string> &names) {
  if (value.isString())
    collect(std::string_view(value.text), names);
  for (const SourceValue &item : value.items)
    collect(item, names);
}

std::unique_ptr<AgentSpec> loadTree(std::optional<SourceValue> tree,
                                    const std::string &file,
                                    Diagnostics &diagnostics) {
  if (!tree)
    return nullptr;
  return AgentSpecLoader(std::make_unique<SourceValue>(std::move(*tree)), file,
                         diagnostics)
      .load();
}

} // namespace

std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  collect(text, names);
  return names;
}

std::vector<std::string> placeholders(const SourceValue &value) {
  std::vector<std::string> names;
  collect(value, names);
  return names;
}

std::unique_ptr<AgentSpec> readAgentSpec(const std::string &path,
                                         Diagnostics &diagnostics,
                                         const TextLimits &limits) {
  return loadTree(readTextFile(path, diagnostics, limits), path, diagnostics);
}

std::unique_ptr<AgentSpec> readAgentSpecText(std::string_view text,
                                             const std::string &file,
                                             Diagnostics &diagnostics,
                                             const TextLimits &limits) {
  return loadTree(file.ends_with(".json")
                      ? readJson(text, file, diagnostics, limits)
                      : readYaml(text, file, diagnostics, limits),
                  file, diagnostics);
}

} // namespace hetagon
