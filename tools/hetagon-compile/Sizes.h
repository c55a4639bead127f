// How long the texts of a workflow are expected to be, so that times can be
// predicted before anything has run.
#ifndef HETAGON_TOOLS_HETAGON_COMPILE_SIZES_H
#define HETAGON_TOOLS_HETAGON_COMPILE_SIZES_H

#include "dialects/Task/IR/Task.h"
#include "runtime/base/Status.h"
#include <map>
#include <string>

namespace hetagon::compile {

/// Sets `task.sizes` ({input_tokens, output_tokens}) on every step that asks a
/// service with a tokenizer and has none: templates and known texts count
/// as they are, passages as those of their index do on average, generated texts
/// as what is allowed at most, and an input of the flow as a short question.
/// How many characters a token has is measured with the service's own tokenizer
/// on the templates and passages. `files` has the artefacts' paths.
Status estimateSizes(mlir::ModuleOp module,
                     const std::map<std::string, std::string> &files);

} // namespace hetagon::compile

#endif // HETAGON_TOOLS_HETAGON_COMPILE_SIZES_H
