// Imports a workflow that was read and checked into the agent dialect. What
// cannot be expressed or executed yet is refused at its own place in the
// user's file, and never dropped.
#ifndef HETAGON_FRONTEND_AGENTSPEC_IMPORT_H
#define HETAGON_FRONTEND_AGENTSPEC_IMPORT_H

#include "frontend/AgentSpec/Workflow.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace hetagon {

/// The module that stands for `workflow`: symbols for models, documents, tools
/// and data classes; one public graph, named after the root flow; a private
/// graph for every sub-flow (one per combination of input types). Every
/// operation has the line and column of the component it comes from. Null after
/// an error, which was emitted as a diagnostic of `context`. Loads the agent
/// dialect.
mlir::OwningOpRef<mlir::ModuleOp> importWorkflow(const Workflow &workflow,
                                                 mlir::MLIRContext &context);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_IMPORT_H
