// Templates: text in which {{name}} stands for the input of that name.
#ifndef HETAGON_DIALECTS_AGENT_IR_TEMPLATE_H
#define HETAGON_DIALECTS_AGENT_IR_TEMPLATE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace hetagon::agent {

/// The names that `text` mentions, each once, in order of first mention.
/// Blanks inside the braces are ignored; braces that hold anything but a name
/// (letters, digits, '_', '-', '.') are plain text.
std::vector<std::string> templateNames(llvm::StringRef text);

/// `text` with every mention of `name` replaced.
std::string fillTemplate(llvm::StringRef text, llvm::StringRef name,
                         llvm::StringRef value);

} // namespace hetagon::agent

#endif // HETAGON_DIALECTS_AGENT_IR_TEMPLATE_H
