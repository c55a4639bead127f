// JSON schemas: the checks of the meta-schema, and the two relations of
// pyagentspec's property.py, kept equal to it case by case.
#include "frontend/AgentSpec/Schema.h"
#include <map>
#include <set>

namespace hetagon {

namespace {

const std::vector<std::string_view> typeNames = {
    "array", "boolean", "integer", "null", "number", "object", "string"};

/// What the meta-schema asks of the value of a keyword.
enum class Wants : uint8_t {
  Type,
  Text,
  Boolean,
  Number,
  PositiveNumber,
  Count,
  List,
  TextSet,
  Schema,
  SchemaList,
  SchemaMap,
};

const std::map<std::string_view, Wants> &keywords() {
  static const std::map<std::string_view, Wants> table = {
      {"type", Wants::Type},
      {"title", Wants::Text},
      {"description", Wants::Text},
      {"format", Wants::Text},
      {"pattern", Wants::Text},
      {"$id", Wants::Text},
      {"$schema", Wants::Text},
      {"$ref", Wants::Text},
      {"$anchor", Wants::Text},
      {"$comment", Wants::Text},
      {"contentEncoding", Wants::Text},
      {"contentMediaType", Wants::Text},
      {"deprecated", Wants::Boolean},
      {"readOnly", Wants::Boolean},
      {"writeOnly", Wants::Boolean},
      {"uniqueItems", Wants::Boolean},
      {"maximum", Wants::Number},
      {"minimum", Wants::Number},
      {"exclusiveMaximum", Wants::Number},
      {"exclusiveMinimum", Wants::Number},
      {"multipleOf", Wants::PositiveNumber},
      {"maxLength", Wants::Count},
      {"minLength", Wants::Count},
      {"maxItems", Wants::Count},
      {"minItems", Wants::Count},
      {"maxContains", Wants::Count},
      {"minContains", Wants::Count},
      {"maxProperties", Wants::Count},
      {"minProperties", Wants::Count},
      {"enum", Wants::List},
      {"examples", Wants::List},
      {"required", Wants::TextSet},
      {"items", Wants::Schema},
      {"additionalProperties", Wants::Schema},
      {"contains", Wants::Schema},
      {"propertyNames", Wants::Schema},
      {"not", Wants::Schema},
      {"if", Wants::Schema},
      {"then", Wants::Schema},
      {"else", Wants::Schema},
      {"unevaluatedItems", Wants::Schema},
      {"unevaluatedProperties", Wants::Schema},
      {"contentSchema", Wants::Schema},
      {"anyOf", Wants::SchemaList},
      {"allOf", Wants::SchemaList},
      {"oneOf", Wants::SchemaList},
      {"prefixItems", Wants::SchemaList},
      {"properties", Wants::SchemaMap},
      {"patternProperties", Wants::SchemaMap},
      {"dependentSchemas", Wants::SchemaMap},
      {"$defs", Wants::SchemaMap},
      {"definitions", Wants::SchemaMap},
  };
  return table;
}

class SchemaChecker {
public:
  SchemaChecker(const std::string &file, Diagnostics &diagnostics)
      : file(file), diagnostics(diagnostics) {}

  /// `typed`: the schema stands where Agent Spec itself looks (not under a
  /// keyword that only a validator would read), so it must be a map and its
  /// title is checked.
  bool check(const SourceValue &schema, bool typed) {
    if (schema.is(SourceValue::Kind::Bool) && !typed)
      return true;
    if (!schema.isMap())
      return fail(schema, "expected a JSON schema (a map), but found " +
                              schema.describe());
    bool good = true;
    for (size_t i = 0; i < schema.pairs(); ++i) {
      auto keyword = keywords().find(schema.key(i).text);
      if (keyword != keywords().end())
        good &= checkKeyword(schema.key(i).text, keyword->second,
                             schema.value(i), typed);
    }
    return good;
  }

private:
  const std::string &file;
  Diagnostics &diagnostics;

  bool fail(const SourceValue &at, std::string message, std::string mend = {}) {
    diagnostics.error(at.place(file), std::move(message), std::move(mend));
    return false;
  }

  bool wants(const SourceValue &value, const std::string &key,
             std::string_view wanted) {
    return fail(value, "'" + key + "' of a JSON schema must be " +
                           std::string(wanted) + ", but is " +
                           value.describe());
  }

  bool checkType(const SourceValue &value) {
    if (value.isString()) {
      for (std::string_view name : typeNames)
        if (value.text == name)
          return true;
      return fail(value, value.describe() + " is no type of JSON Schema",
                  "use one of " + joined(typeNames, "or") +
                      didYouMean(value.text, typeNames));
    }
    if (!value.isList() || value.items.empty())
      return wants(value, "type", "a type's name or a list of those");
    bool good = true;
    std::set<std::string_view> seen;
    for (const SourceValue &item : value.items) {
      if (!item.isString())
        return wants(item, "type", "a type's name");
      good &= checkType(item);
      if (!seen.insert(item.text).second)
        good = fail(item, "the type " + item.describe() + " is listed twice",
                    "list each type once");
    }
    return good;
  }

  bool checkTitle(const SourceValue &title) {
    size_t bad = title.text.find_first_of(".,{} \n'\"");
    if (bad == std::string::npos)
      return true;
    std::string proposal = title.text;
    for (char &c : proposal)
      if (std::string_view(".,{} \n'\"").find(c) != std::string_view::npos)
        c = '_';
    return fail(title,
                "the title " + title.describe() +
                    " holds a blank or one of . , { } ' \"",
                "titles are names; for example '" + proposal + "'");
  }

  bool checkKeyword(const std::string &key, Wants want,
                    const SourceValue &value, bool typed) {
    using Kind = SourceValue::Kind;
    switch (want) {
    case Wants::Type:
      return checkType(value);
    case Wants::Text:
      if (!value.isString())
        return wants(value, key, "a string");
      return key != "title" || !typed || checkTitle(value);
    case Wants::Boolean:
      return value.is(Kind::Bool) || wants(value, key, "true or false");
    case Wants::Number:
      return value.isNumber() || wants(value, key, "a number");
    case Wants::PositiveNumber:
      return (value.isNumber() && value.asDouble().value_or(0) > 0) ||
             wants(value, key, "a number above 0");
    case Wants::Count:
      return (value.isNumber() && value.asDouble().value_or(-1) >= 0) ||
             wants(value, key, "a count");
    case Wants::List:
      return value.isList() || wants(value, key, "a list");
    case Wants::TextSet:
      return checkTextSet(key, value);
    case Wants::Schema:
      return check(value,
                   typed && (key == "items" || (key == "additionalProperties" &&
                                                !value.is(Kind::Bool))));
    case Wants::SchemaList: {
      if (!value.isList() || value.items.empty())
        return wants(value, key, "a list of at least one schema");
      bool good = true;
      for (const SourceValue &item : value.items)
        good &= check(item, typed && key == "anyOf");
      return good;
    }
    case Wants::SchemaMap: {
      if (!value.isMap())
        return wants(value, key, "a map of schemas");
      bool good = true;
      for (size_t i = 0; i < value.pairs(); ++i)
        good &= check(value.value(i), typed && key == "properties");
      return good;
    }
    }
    return true;
  }

  bool checkTextSet(const std::string &key, const SourceValue &value) {
    if (!value.isList())
      return wants(value, key, "a list of strings");
    std::set<std::string_view> seen;
    for (const SourceValue &item : value.items)
      if (!item.isString() || !seen.insert(item.text).second)
        return wants(item, key, "a list of different strings");
    return true;
  }
};

/// The value of a keyword, or a stand-in that outlives every caller.
const Json &member(const Json &schema, const char *key, const Json &otherwise) {
  auto found = schema.find(key);
  return found == schema.end() ? otherwise : *found;
}

const Json noType;
const Json anything = Json::object();
const Json noAlternatives = Json::array();
const Json nothingElse = false;

bool has(const Json &schema, const char *key) { return schema.contains(key); }

bool isUnion(const Json &schema) {
  return has(schema, "anyOf") || member(schema, "type", noType).is_array();
}

/// The alternatives of a union, or the schema's own type as the only one.
std::vector<Json> alternatives(const Json &schema) {
  std::vector<Json> list;
  for (const Json &one : member(schema, "anyOf", noAlternatives))
    list.push_back(one);
  Json types = member(schema, "type", noAlternatives);
  if (!types.is_array())
    types = Json::array({types});
  for (const Json &type : types) {
    Json one = {{"type", type}};
    if (type == "array")
      one["items"] = member(schema, "items", anything);
    if (type == "object") {
      one["properties"] = member(schema, "properties", anything);
      one["additionalProperties"] =
          member(schema, "additionalProperties", nothingElse);
    }
    list.push_back(std::move(one));
  }
  return list;
}

constexpr size_t mostAlternatives = 100;

bool unsupported(const Json &schema) {
  return has(schema, "allOf") || has(schema, "oneOf");
}

bool isNumeric(const Json &schema) {
  const Json &type = member(schema, "type", noType);
  return type == "number" || type == "integer" || type == "boolean";
}

/// Compares schemas within a budget: unions nested in unions would otherwise
/// take time exponential in their depth.
class Relator {
public:
  SchemaRelation castable(const Json &from, const Json &to);
  SchemaRelation sameType(const Json &a, const Json &b);
  bool fits(const Json &value, const Json &schema);

private:
  using Relation = SchemaRelation (Relator::*)(const Json &, const Json &);
  size_t budget = 20'000;

  bool spend() { return budget && --budget; }

  /// Yes when `relation` finds a partner in `others` for each of `ones`.
  SchemaRelation eachHasPartner(const std::vector<Json> &ones,
                                const std::vector<Json> &others,
                                Relation relation) {
    for (const Json &one : ones) {
      bool found = false;
      for (const Json &other : others) {
        SchemaRelation related = (this->*relation)(one, other);
        if (related == SchemaRelation::Unsupported)
          return related;
        if (related == SchemaRelation::Yes) {
          found = true;
          break;
        }
      }
      if (!found)
        return SchemaRelation::No;
    }
    return SchemaRelation::Yes;
  }
};

SchemaRelation asRelation(bool yes) {
  return yes ? SchemaRelation::Yes : SchemaRelation::No;
}

SchemaRelation Relator::castable(const Json &from, const Json &to) {
  if (!spend())
    return SchemaRelation::Unsupported;
  if (!from.is_object() || !to.is_object())
    return asRelation(looselyEqual(from, to));
  if (unsupported(from) || unsupported(to))
    return SchemaRelation::Unsupported;
  if (looselyEqual(from, to) || (!has(to, "type") && !has(to, "anyOf")) ||
      member(to, "type", noType) == "string")
    return SchemaRelation::Yes;
  if (isUnion(from) || isUnion(to)) {
    std::vector<Json> ones = alternatives(from), others = alternatives(to);
    if (ones.size() > mostAlternatives || others.size() > mostAlternatives)
      return SchemaRelation::Unsupported;
    return eachHasPartner(ones, others, &Relator::castable);
  }
  if (isNumeric(from) && isNumeric(to))
    return SchemaRelation::Yes;
  const Json &a = member(from, "type", noType);
  const Json &b = member(to, "type", noType);
  if (a == "array" && b == "array")
    return castable(member(from, "items", anything),
                    member(to, "items", anything));
  if (a != "object" || b != "object")
    return SchemaRelation::No;
  const Json &given = member(from, "properties", anything);
  for (const auto &[name, wanted] :
       member(to, "properties", anything).items()) {
    auto found = given.find(name);
    if (found == given.end())
      return SchemaRelation::No;
    if (SchemaRelation related = castable(*found, wanted);
        related != SchemaRelation::Yes)
      return related;
  }
  const Json &restA = member(from, "additionalProperties", anything);
  const Json &restB = member(to, "additionalProperties", anything);
  if (restA.is_boolean() || restB.is_boolean())
    return asRelation(restA == restB);
  return castable(restA, restB);
}

SchemaRelation Relator::sameType(const Json &a, const Json &b) {
  if (!spend())
    return SchemaRelation::Unsupported;
  if (!a.is_object() || !b.is_object())
    return asRelation(looselyEqual(a, b));
  if (unsupported(a) || unsupported(b))
    return SchemaRelation::Unsupported;
  if (isUnion(a) || isUnion(b)) {
    std::vector<Json> ones = alternatives(a), others = alternatives(b);
    if (ones.size() > mostAlternatives || others.size() > mostAlternatives)
      return SchemaRelation::Unsupported;
    SchemaRelation there = eachHasPartner(ones, others, &Relator::sameType);
    return there == SchemaRelation::Yes
               ? eachHasPartner(others, ones, &Relator::sameType)
               : there;
  }
  if (member(a, "type", noType) != member(b, "type", noType))
    return SchemaRelation::No;
  if (has(a, "items") || has(b, "items"))
    if (SchemaRelation related = sameType(member(a, "items", anything),
                                          member(b, "items", anything));
        related != SchemaRelation::Yes)
      return related;
  const Json &left = member(a, "properties", anything);
  const Json &right = member(b, "properties", anything);
  if (left.size() != right.size())
    return SchemaRelation::No;
  for (const auto &[name, schema] : left.items()) {
    auto other = right.find(name);
    if (other == right.end())
      return SchemaRelation::No;
    if (SchemaRelation related = sameType(schema, *other);
        related != SchemaRelation::Yes)
      return related;
  }
  if (!has(a, "additionalProperties") && !has(b, "additionalProperties"))
    return SchemaRelation::Yes;
  const Json &restA = member(a, "additionalProperties", anything);
  const Json &restB = member(b, "additionalProperties", anything);
  if (restA.is_boolean() || restB.is_boolean())
    return asRelation(restA == restB);
  return sameType(restA, restB);
}

bool Relator::fits(const Json &value, const Json &schema) {
  if (!spend())
    return false;
  if (!schema.is_object())
    return true;
  if (isUnion(schema)) {
    for (const Json &one : alternatives(schema))
      if (fits(value, one))
        return true;
    return false;
  }
  const Json &type = member(schema, "type", noType);
  if (type == "null")
    return value.is_null();
  if (isNumeric(schema))
    return value.is_number() || value.is_boolean();
  if (type == "array") {
    if (!value.is_array())
      return false;
    for (const Json &item : value)
      if (!fits(item, member(schema, "items", anything)))
        return false;
    return true;
  }
  if (type != "object")
    return true;
  if (!value.is_object())
    return false;
  const Json &properties = member(schema, "properties", anything);
  for (const auto &[name, wanted] : properties.items()) {
    auto found = value.find(name);
    bool good =
        found == value.end() ? has(wanted, "default") : fits(*found, wanted);
    if (!good)
      return false;
  }
  const Json &rest = member(schema, "additionalProperties", anything);
  for (const auto &[name, item] : value.items())
    if (!properties.contains(name) && (rest == false || !fits(item, rest)))
      return false;
  return true;
}

} // namespace

bool checkSchema(const SourceValue &schema, const std::string &file,
                 Diagnostics &diagnostics) {
  return SchemaChecker(file, diagnostics).check(schema, /*typed=*/true);
}

SchemaRelation castable(const Json &from, const Json &to) {
  return Relator().castable(from, to);
}

SchemaRelation sameType(const Json &a, const Json &b) {
  return Relator().sameType(a, b);
}

bool valueFits(const Json &value, const Json &schema) {
  return Relator().fits(value, schema);
}

std::string schemaName(const Json &schema) {
  if (!schema.is_object())
    return "any";
  std::vector<std::string> names;
  if (auto types = schema.find("type"); types != schema.end()) {
    for (const Json &type : types->is_array() ? *types : Json::array({*types}))
      if (type == "array" && schema.contains("items"))
        names.push_back("array of " + schemaName(schema["items"]));
      else
        names.push_back(type.is_string() ? type.get<std::string>() : "any");
  }
  if (auto any = schema.find("anyOf"); any != schema.end() && any->is_array())
    for (const Json &one : *any)
      names.push_back(schemaName(one));
  if (names.empty())
    return "any";
  std::vector<std::string_view> views(names.begin(), names.end());
  return joined(views, "or");
}

} // namespace hetagon
