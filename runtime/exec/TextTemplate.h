// Texts with {{name}} placeholders, as Agent Spec writes prompts.
#ifndef HETAGON_RUNTIME_EXEC_TEXTTEMPLATE_H
#define HETAGON_RUNTIME_EXEC_TEXTTEMPLATE_H

#include "runtime/exec/Value.h"
#include <map>

namespace hetagon {

/// Replaces each {{name}} (blanks inside the braces are ignored) by the value's
/// text, once: what a value contains is never expanded. A placeholder without a
/// value is InvalidArgument.
StatusOr<std::string> fillTemplate(const std::string &text,
                                   const std::map<std::string, Value> &values);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_TEXTTEMPLATE_H
