// Values: conversion to and from JSON and words.
#include "runtime/exec/Value.h"

namespace hetagon {

std::string elementType(const std::string &type, const std::string &container) {
  std::string prefix = container + "<";
  if (!type.starts_with(prefix) || !type.ends_with(">"))
    return {};
  return type.substr(prefix.size(), type.size() - prefix.size() - 1);
}

Json Value::toJson() const {
  if (const std::string *text = asText())
    return *text;
  if (const Json *json = asJson())
    return *json;
  if (const Tokens *tokens = asTokens())
    return *tokens;
  if (const Embedding *embedding = asEmbedding())
    return *embedding;
  Json array = Json::array();
  for (const Value &value : *asList())
    array.push_back(value.toJson());
  return array;
}

std::string Value::toText() const {
  if (const std::string *text = asText())
    return *text;
  Json json = toJson();
  return json.is_string() ? json.get<std::string>() : printJson(json);
}

StatusOr<Value::List> Value::elements() const {
  if (const List *list = asList())
    return *list;
  const Json *json = asJson();
  if (!json || !json->is_array())
    return Status(Code::InvalidArgument, "the value is no list");
  List list;
  for (const Json &element : *json)
    list.push_back(element.is_string() ? text(element.get<std::string>())
                                       : Value::json(element));
  return list;
}

Value Value::fromJson(Json json, const std::string &type) {
  std::string inner = elementType(type, "list");
  if (!inner.empty() && json.is_array()) {
    List list;
    for (Json &element : json)
      list.push_back(fromJson(std::move(element), inner));
    return Value::list(std::move(list));
  }
  if (type == "text")
    return text(json.is_string() ? json.get<std::string>() : printJson(json));
  return Value::json(std::move(json));
}

StatusOr<Value> Value::parse(const std::string &words, const std::string &type,
                             const std::string &name) {
  if (type == "text")
    return text(words);
  StatusOr<Json> json = parseJson(words, name);
  if (!json.isOk())
    return Status(Code::InvalidArgument,
                  "'" + name + "' has type " + type +
                      " and must be given as JSON: " + json.status().message());
  auto mismatch = [&](const char *wanted) {
    return Status(Code::InvalidArgument, "'" + name + "' must be " + wanted +
                                             " (its type is " + type +
                                             "), not " + printJson(*json));
  };
  if (type == "integer" && !json->is_number_integer())
    return mismatch("a whole number");
  if (type == "number" && !json->is_number())
    return mismatch("a number");
  if (type == "boolean" && !json->is_boolean())
    return mismatch("true or false");
  if (!elementType(type, "list").empty() && !json->is_array())
    return mismatch("a JSON array");
  return fromJson(std::move(*json), type);
}

} // namespace hetagon
