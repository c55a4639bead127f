// Values: conversion to and from JSON and words.
#include "runtime/exec/Value.h"
#include <algorithm>

namespace hetagon {

std::string elementType(const std::string &type, const std::string &container) {
  std::string prefix = container + "<";
  if (!type.starts_with(prefix) || !type.ends_with(">"))
    return {};
  return type.substr(prefix.size(), type.size() - prefix.size() - 1);
}

bool isPassage(const Json &value) {
  if (!value.is_object())
    return false;
  auto isText = [&](const char *key, bool optional) {
    auto found = value.find(key);
    return found == value.end() ? optional : found->is_string();
  };
  return isText("id", false) && isText("text", false) && isText("title", true);
}

namespace {

/// "1. Title [id]", then the text; a blank line between passages.
std::string numbered(const Json &passages) {
  std::string text;
  for (size_t i = 0; i < passages.size(); ++i) {
    const Json &passage = passages[i];
    text += (i ? "\n\n" : "") + std::to_string(i + 1) + ". ";
    if (auto title = passage.find("title");
        title != passage.end() && *title != Json(""))
      text += title->get_ref<const std::string &>() + " ";
    text += "[" + passage["id"].get_ref<const std::string &>() + "]\n" +
            passage["text"].get_ref<const std::string &>();
  }
  return text;
}

bool areNumbers(const Json &json, bool whole) {
  return json.is_array() &&
         std::all_of(json.begin(), json.end(), [whole](const Json &element) {
           return whole ? element.is_number_integer() && element >= 0 &&
                              element <= INT32_MAX
                        : element.is_number();
         });
}

} // namespace

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
  if (json.is_array() && !json.empty() &&
      std::all_of(json.begin(), json.end(), isPassage))
    return numbered(json);
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
  if (std::string inner = elementType(type, "stream"); !inner.empty())
    return fromJson(std::move(json), inner);
  std::string inner = elementType(type, "list");
  if (!inner.empty() && json.is_array()) {
    List list;
    for (Json &element : json)
      list.push_back(fromJson(std::move(element), inner));
    return Value::list(std::move(list));
  }
  if (type == "text")
    return text(json.is_string() ? json.get<std::string>() : printJson(json));
  if (type == "tokens" && areNumbers(json, /*whole=*/true))
    return tokens(json.get<Tokens>());
  if (type == "embedding" && areNumbers(json, /*whole=*/false))
    return embedding(json.get<Embedding>());
  return Value::json(std::move(json));
}

StatusOr<Value> Value::parse(const std::string &words, const std::string &type,
                             const std::string &name) {
  if (std::string inner = elementType(type, "stream"); !inner.empty())
    return parse(words, inner, name);
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
  if (type == "tokens" && !areNumbers(*json, /*whole=*/true))
    return mismatch("a JSON array of token ids");
  if (type == "embedding" && !areNumbers(*json, /*whole=*/false))
    return mismatch("a JSON array of numbers");
  if (type == "message" && !json->is_string() && !json->is_structured())
    return mismatch("a JSON text, message or array of messages");
  if (!elementType(type, "list").empty() && !json->is_array())
    return mismatch("a JSON array");
  return fromJson(std::move(*json), type);
}

} // namespace hetagon
