// JSON schemas of ports: which are well formed, and which values of one may
// flow into another.
#ifndef HETAGON_FRONTEND_AGENTSPEC_SCHEMA_H
#define HETAGON_FRONTEND_AGENTSPEC_SCHEMA_H

#include "frontend/Text/SourceValue.h"
#include "runtime/base/Diagnostic.h"

namespace hetagon {

/// Checks `schema` against the meta-schema of JSON Schema 2020-12 as far as a
/// port can use it, and the titles' spelling. False after an error.
bool checkSchema(const SourceValue &schema, const std::string &file,
                 Diagnostics &diagnostics);

/// How two schemas relate. Unsupported: one of them uses allOf or oneOf.
enum class SchemaRelation : uint8_t { No, Yes, Unsupported };

/// Whether every value of `from` can be handed to a port of schema `to`:
/// anything goes into a string or an untyped port, numbers into each other,
/// lists and maps where their elements do.
SchemaRelation castable(const Json &from, const Json &to);
/// Whether both describe the same type; titles and texts do not matter.
SchemaRelation sameType(const Json &a, const Json &b);
/// Whether a default may stand in a schema.
bool valueFits(const Json &value, const Json &schema);

/// "string", "array of string", "any": for messages.
std::string schemaName(const Json &schema);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_SCHEMA_H
