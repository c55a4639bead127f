// From a described model to the nn dialect: the program of a service, and the
// skeleton that planning works on.
#ifndef HETAGON_FRONTEND_MODELS_IMPORT_IMPORTMODEL_H
#define HETAGON_FRONTEND_MODELS_IMPORT_IMPORTMODEL_H

#include "dialects/Nn/IR/Nn.h"
#include "frontend/Models/ModelDescription.h"
#include "mlir/IR/Builders.h"

namespace hetagon {

struct ImportOptions {
  /// Id of the weights file in the plan's artefact table.
  std::string artefact;
  /// Element format of the KV cache: "f32", "f16" or "bf16". Decoders only.
  std::string kvFormat = "f32";
  /// Positions in one KV page. Decoders only.
  int64_t pageTokens = 32;
};

/// Appends the program `symbol` of the model at the builder's insertion point,
/// complete in itself: nothing of what it computes is kept elsewhere. On
/// failure a diagnostic has been emitted and nothing is inserted.
mlir::FailureOr<nn::FuncOp> importModel(mlir::OpBuilder &builder,
                                        const ModelDescription &model,
                                        llvm::StringRef symbol,
                                        const ImportOptions &options);

/// Appends the skeleton `symbol` of the model at the builder's insertion point.
nn::ModelOp importSkeleton(mlir::OpBuilder &builder,
                           const ModelDescription &model,
                           llvm::StringRef symbol,
                           const ImportOptions &options);

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_IMPORT_IMPORTMODEL_H
