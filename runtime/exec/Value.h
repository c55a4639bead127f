// Values that flow along the edges of step graphs.
#ifndef HETAGON_RUNTIME_EXEC_VALUE_H
#define HETAGON_RUNTIME_EXEC_VALUE_H

#include "runtime/base/Json.h"
#include <memory>
#include <variant>
#include <vector>

namespace hetagon {

/// One value; cheap to copy, since the content is shared and never changed.
/// The port types of docs/plan.md map so: text -> text; tokens -> tokens;
/// embedding -> embedding; list<T> of those three -> list; everything else,
/// messages among it -> JSON. stream<T> is held as T.
class Value {
public:
  using Tokens = std::vector<int32_t>;
  using Embedding = std::vector<float>;
  using List = std::vector<Value>;

  Value() : Value(Json()) {}
  static Value text(std::string text) { return Value(std::move(text)); }
  static Value json(Json json) { return Value(std::move(json)); }
  static Value tokens(Tokens tokens) { return Value(std::move(tokens)); }
  static Value embedding(Embedding values) { return Value(std::move(values)); }
  static Value list(List values) { return Value(std::move(values)); }

  const std::string *asText() const { return as<std::string>(); }
  const Json *asJson() const { return as<Json>(); }
  const Tokens *asTokens() const { return as<Tokens>(); }
  const Embedding *asEmbedding() const { return as<Embedding>(); }
  const List *asList() const { return as<List>(); }

  /// The value as JSON: text as a string, tokens and embeddings as numbers.
  Json toJson() const;
  /// What stands for the value inside a text: text itself, a JSON string's
  /// content, a list of passages numbered with title, id and text, any other
  /// JSON printed.
  std::string toText() const;
  /// Elements of a list, or of a JSON array; InvalidArgument for others.
  StatusOr<List> elements() const;

  /// The value that `words` (from a command line or a constant) spell for a
  /// port of type `type`: text as it is, everything else as JSON. `name` is
  /// used in errors.
  static StatusOr<Value> parse(const std::string &words,
                               const std::string &type,
                               const std::string &name);
  /// Brings a JSON value into the form of a port's type; what does not fit the
  /// type stays JSON.
  static Value fromJson(Json json, const std::string &type);

private:
  template <typename T> explicit Value(T content);
  template <typename T> const T *as() const {
    auto held = std::get_if<std::shared_ptr<const T>>(&content);
    return held ? held->get() : nullptr;
  }
  std::variant<std::shared_ptr<const std::string>, std::shared_ptr<const Json>,
               std::shared_ptr<const Tokens>, std::shared_ptr<const Embedding>,
               std::shared_ptr<const List>>
      content;
};

template <typename T>
Value::Value(T value) : content(std::make_shared<const T>(std::move(value))) {}

/// Whether a JSON value is a passage: an object with the texts "id" and "text"
/// (and "title", where it has one).
bool isPassage(const Json &value);

/// "T" of "list<T>" or "stream<T>"; empty when `type` is no such type.
std::string elementType(const std::string &type, const std::string &container);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_VALUE_H
