// Fills the services of a task module with what their model files say: program,
// tokenizer, sizes, artefacts.
#ifndef HETAGON_FRONTEND_MODELS_IMPORT_RESOLVESERVICES_H
#define HETAGON_FRONTEND_MODELS_IMPORT_RESOLVESERVICES_H

#include "dialects/Task/IR/Task.h"
#include "frontend/Models/Import/ImportModel.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <map>

namespace hetagon {

/// What identifies a file to the plan.
struct FileFacts {
  std::string sha256; ///< 64 hexadecimal digits
  uint64_t sizeBytes = 0;
  std::string source; ///< hint for people; never an absolute path
};

struct ResolveOptions {
  /// The file or folder of a model id.
  std::function<StatusOr<std::string>(const std::string &model)> locate;
  std::function<StatusOr<FileFacts>(const std::string &path)> identify;
  std::string kvFormat = "f32";
  int64_t pageTokens = 32;
  /// Rows of one submission at most.
  int64_t maxRows = 512;
};

/// Resolves every decoder and encoder of `module` that has no program yet:
/// appends its nn.func and artefacts and sets the service's attributes, or only
/// `missing` where the model cannot be located. Two services of one model share
/// artefacts. `files` receives the path of each
/// artefact added, by id. Diagnostics stand at the service.
mlir::LogicalResult resolveServices(mlir::ModuleOp module,
                                    const ResolveOptions &options,
                                    std::map<std::string, std::string> &files);

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_IMPORT_RESOLVESERVICES_H
