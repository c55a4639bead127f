// The closed table of Agent Spec's component types: their bases, fields, what
// each field may hold, and since which version of the specification. The
// reference is PyPI pyagentspec 26.3.1; where that library is more lenient than
// the specification's text, the library decides.
#ifndef HETAGON_FRONTEND_AGENTSPEC_COMPONENTTYPES_H
#define HETAGON_FRONTEND_AGENTSPEC_COMPONENTTYPES_H

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// A release of the specification, in the order of their appearance.
enum class SpecVersion : uint8_t {
  v25_3_0,
  v25_3_1,
  v25_4_0,
  v25_4_1,
  v25_4_2,
  v26_1_0,
  v26_1_2,
  v26_3_1,
};
constexpr SpecVersion currentSpecVersion = SpecVersion::v26_3_1;
std::string_view specVersionName(SpecVersion version);
const std::vector<std::string_view> &specVersionNames();

/// What a field may hold.
enum class FieldKind : uint8_t {
  Text,
  Boolean,
  Integer,
  Number,
  Any,
  Word,              ///< one of `words`
  TextList,          ///< a list of strings
  TextOrList,        ///< a string or a list of strings
  TextOrMap,         ///< a string or a map
  AnyMap,            ///< a map with string keys
  TextMap,           ///< a map of strings
  WordMap,           ///< a map whose values are among `words`
  Properties,        ///< a list of JSON schemas
  Entities,          ///< a map of JSON schemas of objects
  Record,            ///< a map with the fields of the record `of`; no component
  Component,         ///< a component of type `of` or derived from it
  ComponentList,     ///< a list of those
  ComponentPairs,    ///< a list of pairs of those
  ComponentsOrNames, ///< a list of those or of strings
  Handoff,           ///< a boolean or one of `words`
};

struct Field {
  std::string_view name;
  FieldKind kind = FieldKind::Text;
  bool required = false;
  /// Null is as good as absent.
  bool nullable = false;
  /// For Component kinds and Record: the type. Several are separated by '|'.
  std::string_view of = {};
  std::vector<std::string_view> words = {};
  /// Bounds of Integer and Number; exclusive at the lower end when `above`.
  double least = -1e308;
  bool above = false;
  /// For Text: how short it may be.
  size_t minLength = 0;
  /// Giving a value other than null needs this release.
  SpecVersion since = SpecVersion::v25_4_1;
  /// `since` counts only when the value is not empty (or not `words[0]`'s
  /// default).
  bool sinceWhenSet = false;
};

struct ComponentType {
  std::string_view name;
  /// Empty for the roots "Component" and for records.
  std::string_view base;
  bool abstract = false;
  SpecVersion since = SpecVersion::v25_4_1;
  /// Own fields and those of the bases, the bases' first, overridden ones in
  /// the base's place.
  std::vector<Field> fields;

  const Field *find(std::string_view field) const;
  /// True for `ancestor` itself and for what derives from it.
  bool isA(std::string_view ancestor) const;
};

/// The type of that name, abstract ones included, or null.
const ComponentType *findComponentType(std::string_view name);
/// The record (a structure that is no component: RetryPolicy, ...) or null.
const ComponentType *findRecord(std::string_view name);
/// The names of all types that may stand in a document, sorted.
const std::vector<std::string_view> &componentTypeNames();
/// Those among them that derive from one of `bases` (separated by '|').
std::vector<std::string_view> componentTypesUnder(std::string_view bases);
/// True when `type` is one of `bases` or derives from one.
bool isAnyOf(const ComponentType &type, std::string_view bases);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_COMPONENTTYPES_H
