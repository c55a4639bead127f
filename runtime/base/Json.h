// JSON for the whole project: nlohmann's value type, parsed without exceptions
// and with a bound on nesting.
#ifndef HETAGON_RUNTIME_BASE_JSON_H
#define HETAGON_RUNTIME_BASE_JSON_H

#include "runtime/base/Status.h"
#include <nlohmann/json.hpp>

namespace hetagon {

using Json = nlohmann::ordered_json;

/// Parses one JSON text; `file` names it in errors, which carry line and
/// column. Nesting beyond `maxDepth` and repeated keys are errors.
StatusOr<Json> parseJson(std::string_view text, const std::string &file,
                         size_t maxDepth = 100);

/// Prints on one line; bytes that are not UTF-8 become U+FFFD instead of an
/// exception.
std::string printJson(const Json &value);

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_JSON_H
