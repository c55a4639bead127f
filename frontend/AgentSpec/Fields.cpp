// Fields of components: each value against what the table says may stand
// there. Scalars convert as pyagentspec's (pydantic's lax mode) do.
#include "frontend/AgentSpec/Loader.h"
#include "frontend/AgentSpec/Schema.h"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace hetagon {

namespace {

using Kind = SourceValue::Kind;

bool isIntegral(const SourceValue &value) {
  if (value.is(Kind::Int) || value.is(Kind::Bool))
    return true;
  if (value.is(Kind::Float)) {
    std::optional<double> number = value.asDouble();
    return number && std::isfinite(*number) && std::trunc(*number) == *number;
  }
  if (!value.isString())
    return false;
  int64_t number = 0;
  const std::string &text = value.text;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

std::optional<double> numberOf(const SourceValue &value) {
  if (value.is(Kind::Bool))
    return value.boolean ? 1 : 0;
  if (value.isNumber())
    return value.asDouble();
  double number = 0;
  const std::string &text = value.text;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = parsed.ec == std::errc() &&
               parsed.ptr == text.data() + text.size() && !text.empty();
  return value.isString() && whole ? std::optional(number) : std::nullopt;
}

bool isBoolean(const SourceValue &value) {
  if (value.is(Kind::Bool))
    return true;
  if (value.isNumber()) {
    std::optional<double> number = value.asDouble();
    return number && (*number == 0 || *number == 1);
  }
  if (!value.isString())
    return false;
  std::string lower;
  for (char c : value.text)
    lower += char(std::tolower(uint8_t(c)));
  static const std::set<std::string_view> words = {
      "0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"};
  return words.count(lower) != 0;
}

bool isWordOf(const Field &field, const SourceValue &value) {
  return value.isString() && std::find(field.words.begin(), field.words.end(),
                                       value.text) != field.words.end();
}

std::string quotedField(const Field &field) {
  return "'" + std::string(field.name) + "'";
}

} // namespace

void AgentSpecLoader::loadFields(Component &component) {
  for (const Field &field : component.type->fields) {
    const SourceValue *value = component.source->find(field.name);
    if (!value) {
      if (field.required) {
        component.sound = false;
        error(component.place,
              component.label() + " has no " + quotedField(field),
              "add '" + std::string(field.name) + ": ...'");
      }
      continue;
    }
    component.sound &= loadField(component, field, *value);
  }
  for (const Component::Child &child : component.children)
    component.sound &= child.component && child.component->sound;
  warnOfUnknownFields(component);
}

void AgentSpecLoader::warnOfUnknownFields(const Component &component) {
  std::vector<std::string_view> known;
  for (const Field &field : component.type->fields)
    known.push_back(field.name);
  bool isRoot = component.source == spec->tree.get();
  for (size_t i = 0; i < component.source->pairs(); ++i) {
    const SourceValue &key = component.source->key(i);
    std::string_view name = key.text;
    if (component.type->find(name) || name == "component_type" ||
        name.starts_with("$") || name.starts_with("component_plugin_") ||
        (isRoot && (name == "agentspec_version" || name == "air_version")))
      continue;
    if (warningsFull())
      return;
    if (name == "agentspec_version" || name == "air_version")
      warning(placeOf(key),
              "agentspec_version is read at the top level of the document "
              "only; it is ignored here",
              "move it to the top level");
    else
      warning(placeOf(key),
              component.label() + " has no field " + key.describe() +
                  "; it is ignored" + didYouMean(name, known),
              "remove it, or keep what is yours under 'metadata'");
  }
}

bool AgentSpecLoader::wrongKind(const Field &field, const SourceValue &value,
                                std::string_view wanted) {
  error(placeOf(value), quotedField(field) + " must be " + std::string(wanted) +
                            (field.nullable ? " (or null)" : "") + ", but is " +
                            value.describe());
  return false;
}

bool AgentSpecLoader::loadField(Component &component, const Field &field,
                                const SourceValue &value) {
  if (value.isNull() && field.nullable)
    return true;
  if (const SourceValue *ref = value.findKey("$component_ref");
      ref && field.kind != FieldKind::Component &&
      field.kind != FieldKind::Any) {
    error(placeOf(*ref),
          quotedField(field) + " is no component, so a $component_ref cannot "
                               "stand for it",
          "write the value out");
    return false;
  }
  switch (field.kind) {
  case FieldKind::Any:
    return value.find("$component_ref") ? loadChild(component, field, value)
                                        : true;
  case FieldKind::AnyMap:
    return checkMap(field, value) && loadReferencesIn(component, field, value);
  case FieldKind::Properties: {
    if (!value.isList())
      return wrongKind(field, value, "a list of JSON schemas");
    return loadPorts(
        field.name == "inputs" ? component.inputs : component.outputs, value);
  }
  case FieldKind::Component:
    return loadChild(component, field, value);
  case FieldKind::ComponentList:
  case FieldKind::ComponentsOrNames:
    return loadChildren(component, field, value);
  case FieldKind::ComponentPairs:
    return loadPairs(component, field, value);
  case FieldKind::Record:
    return checkRecord(field, value);
  case FieldKind::Entities:
    return checkEntities(field, value);
  default:
    return checkScalar(field, value);
  }
}

bool AgentSpecLoader::loadChild(Component &component, const Field &field,
                                const SourceValue &value) {
  // What stands beside a $component_ref is not read, as in pyagentspec.
  const SourceValue *ref = value.find("$component_ref");
  const Component *child =
      ref ? loadReference(*ref, field.of) : loadComponent(value, field.of);
  component.children.push_back({field.name, child, placeOf(value)});
  return child != nullptr;
}

bool AgentSpecLoader::loadChildren(Component &component, const Field &field,
                                   const SourceValue &value) {
  if (!value.isList())
    return wrongKind(field, value, "a list");
  bool good = true;
  for (const SourceValue &item : value.items)
    if (field.kind != FieldKind::ComponentsOrNames || !item.isString())
      good &= loadChild(component, field, item);
  return good;
}

bool AgentSpecLoader::loadPairs(Component &component, const Field &field,
                                const SourceValue &value) {
  if (!value.isList())
    return wrongKind(field, value, "a list of pairs");
  bool good = true;
  for (const SourceValue &pair : value.items) {
    if (!pair.isList() || pair.items.size() != 2) {
      error(placeOf(pair), quotedField(field) +
                               " holds pairs [caller, recipient], but " +
                               pair.describe() + " stands here");
      good = false;
      continue;
    }
    good &= loadChild(component, field, pair.items[0]);
    good &= loadChild(component, field, pair.items[1]);
  }
  return good;
}

bool AgentSpecLoader::loadReferencesIn(Component &component, const Field &field,
                                       const SourceValue &map) {
  bool good = true;
  for (size_t i = 0; i < map.pairs(); ++i)
    if (map.value(i).find("$component_ref"))
      good &= loadChild(component, field, map.value(i));
  return good;
}

bool AgentSpecLoader::loadPorts(std::vector<Port> &ports,
                                const SourceValue &list) {
  bool good = true;
  for (const SourceValue &schema : list.items)
    good &= loadPort(ports, schema);
  return good;
}

bool AgentSpecLoader::loadPort(std::vector<Port> &ports,
                               const SourceValue &schema) {
  if (schema.find("$component_ref")) {
    error(placeOf(schema),
          "a $component_ref stands where a port's JSON schema belongs",
          "write the schema out: {title: ..., type: ...}");
    return false;
  }
  size_t before = diagnostics.all().size();
  if (errorCount >= 100 || !checkSchema(schema, file, diagnostics)) {
    errorCount += diagnostics.all().size() - before;
    failed = true;
    return false;
  }
  Port port;
  port.schema = schema.json();
  port.place = placeOf(schema);
  const SourceValue *title = schema.find("title");
  port.title = title ? title->text : "property";
  if (port.title.empty()) {
    error(placeOf(*title), "a port's title is empty", "name the port");
    return false;
  }
  if (const SourceValue *given = schema.find("default");
      given && !valueFits(given->json(), port.schema)) {
    error(placeOf(*given),
          "the default of '" + port.title + "' is " + given->describe() +
              ", which does not fit its type " + schemaName(port.schema),
          "change the default or the type");
    return false;
  }
  ports.push_back(std::move(port));
  return true;
}

bool AgentSpecLoader::checkScalar(const Field &field,
                                  const SourceValue &value) {
  switch (field.kind) {
  case FieldKind::Text:
    if (!value.isString())
      return wrongKind(field, value, "a string");
    if (value.text.size() < field.minLength)
      return wrongKind(field, value, "a string that is not empty");
    return true;
  case FieldKind::Boolean:
    return isBoolean(value) || wrongKind(field, value, "true or false");
  case FieldKind::Integer:
  case FieldKind::Number:
    return checkNumber(field, value);
  case FieldKind::Word:
    return checkWord(field, value);
  case FieldKind::Handoff:
    return isBoolean(value) || checkWord(field, value);
  case FieldKind::TextOrList:
    return value.isString() || checkTextList(field, value);
  case FieldKind::TextList:
    return checkTextList(field, value);
  case FieldKind::TextOrMap:
    return value.isString() || value.isMap() ||
           wrongKind(field, value, "a string or a map");
  default:
    return checkMap(field, value);
  }
}

bool AgentSpecLoader::checkWord(const Field &field, const SourceValue &value) {
  if (isWordOf(field, value))
    return true;
  error(placeOf(value),
        quotedField(field) + " is " + value.describe() +
            didYouMean(value.text, field.words),
        "allowed: " + joined(field.words, "or"));
  return false;
}

bool AgentSpecLoader::checkNumber(const Field &field,
                                  const SourceValue &value) {
  bool integer = field.kind == FieldKind::Integer;
  std::optional<double> number = numberOf(value);
  if (integer ? !isIntegral(value) : !number)
    return wrongKind(field, value, integer ? "an integer" : "a number");
  if (!number || (field.above ? *number > field.least : *number >= field.least))
    return true;
  std::string bound = std::to_string(int64_t(field.least));
  return wrongKind(field, value,
                   (field.above ? "above " : "at least ") + bound);
}

bool AgentSpecLoader::checkTextList(const Field &field,
                                    const SourceValue &value) {
  if (!value.isList())
    return wrongKind(field, value,
                     field.kind == FieldKind::TextOrList
                         ? "a string or a list of strings"
                         : "a list of strings");
  bool good = true;
  for (const SourceValue &item : value.items)
    if (!item.isString())
      good = wrongKind(field, item, "a list of strings");
  return good;
}

bool AgentSpecLoader::checkMap(const Field &field, const SourceValue &value) {
  if (!value.isMap())
    return wrongKind(field, value, "a map");
  bool good = true;
  for (size_t i = 0; i < value.pairs(); ++i) {
    const SourceValue &key = value.key(i);
    const SourceValue &item = value.value(i);
    if (!key.isString()) {
      error(placeOf(key),
            "the keys of " + quotedField(field) + " are strings, but " +
                key.describe() + " stands here",
            "put it in quotes");
      good = false;
    }
    if (field.kind == FieldKind::TextMap && !item.isString())
      good = wrongKind(field, item, "a map of strings");
    if (field.kind == FieldKind::WordMap)
      good &= checkWord(field, item);
  }
  return good;
}

bool AgentSpecLoader::checkRecord(const Field &field,
                                  const SourceValue &value) {
  const ComponentType &record = *findRecord(field.of);
  bool needy = std::any_of(record.fields.begin(), record.fields.end(),
                           [](const Field &inner) { return inner.required; });
  bool open = record.name == "GenerationParameters";
  if ((value.isList() || value.isString()) && !needy && !open) {
    warning(placeOf(value), quotedField(field) + " should be a map, but is " +
                                value.describe() + "; it is taken as empty");
    return true;
  }
  if (!value.isMap())
    return wrongKind(field, value, "a map");
  bool good = true;
  for (const Field &inner : record.fields) {
    const SourceValue *given = value.find(inner.name);
    if (!given && inner.required) {
      error(placeOf(value),
            quotedField(field) + " has no " + quotedField(inner),
            "add '" + std::string(inner.name) + ": ...'");
      good = false;
    }
    if (given && !(given->isNull() && inner.nullable) &&
        inner.kind != FieldKind::Any)
      good &= checkScalar(inner, *given);
  }
  std::vector<std::string_view> known;
  for (const Field &inner : record.fields)
    known.push_back(inner.name);
  for (size_t i = 0; !open && i < value.pairs(); ++i)
    if (!record.find(value.key(i).text))
      warning(placeOf(value.key(i)),
              quotedField(field) + " has no field " + value.key(i).describe() +
                  "; it is ignored" + didYouMean(value.key(i).text, known),
              "known: " + joined(known));
  if (record.name != "RetryPolicy")
    return good;
  if (const SourceValue *statuses = value.find("recoverable_statuses")) {
    Field maps{.name = "recoverable_statuses", .kind = FieldKind::AnyMap};
    if (!checkMap(maps, *statuses))
      return false;
    for (size_t i = 0; i < statuses->pairs(); ++i)
      good &= checkTextList(maps, statuses->value(i));
  }
  auto delay = [&](const char *name, double otherwise) {
    const SourceValue *given = value.find(name);
    return given ? numberOf(*given).value_or(otherwise) : otherwise;
  };
  if (good && delay("max_retry_delay", 8) < delay("initial_retry_delay", 1)) {
    error(placeOf(value),
          "max_retry_delay is smaller than initial_retry_delay (by default "
          "8 and 1 seconds)",
          "raise max_retry_delay");
    good = false;
  }
  return good;
}

bool AgentSpecLoader::checkEntities(const Field &field,
                                    const SourceValue &value) {
  if (!checkMap(field, value))
    return false;
  bool good = true;
  for (size_t i = 0; i < value.pairs(); ++i) {
    std::vector<Port> entity;
    if (!loadPort(entity, value.value(i))) {
      good = false;
    } else if (!entity[0].isOfType("object") ||
               !entity[0].schema.contains("properties")) {
      error(placeOf(value.value(i)),
            "an entity of " + quotedField(field) +
                " must be a schema of type object with properties");
      good = false;
    }
  }
  return good;
}

} // namespace hetagon
