// A workflow as `hetagon` takes it: the Agent Spec document, what is demanded
// of it (in its metadata and in a file beside it), and the checks that need
// both. Free of LLVM and of models.
#ifndef HETAGON_FRONTEND_AGENTSPEC_WORKFLOW_H
#define HETAGON_FRONTEND_AGENTSPEC_WORKFLOW_H

#include "frontend/AgentSpec/AgentSpec.h"
#include "frontend/Requirements/Requirements.h"
#include <map>

namespace hetagon {

struct Workflow {
  std::unique_ptr<AgentSpec> spec;
  /// Of the whole flow: the metadata of the root, then the file.
  Requirements demands;
  /// Of single nodes and sub-flows; those without any are absent.
  std::map<const Component *, Requirements> nodeDemands;

  const Requirements *demandsOf(const Component &node) const;
};

/// The file that `path` means: itself, or flow.yaml, flow.yml or flow.json in
/// the folder that it names.
StatusOr<std::string> findFlowFile(const std::string &path);

/// Reads and checks. `requirementsPath` may be empty. Null after an error.
std::unique_ptr<Workflow> readWorkflow(const std::string &path,
                                       const std::string &requirementsPath,
                                       Diagnostics &diagnostics);

/// What `hetagon check` reports: every finding of readWorkflow.
Diagnostics checkFlow(const std::string &path,
                      const std::string &requirementsPath = {});

/// The configuration of Hetagon's own tools, read from a BuiltinTool.
struct RetrieveConfig {
  std::string documents, embeddingModel;
  int64_t topK = 3;
};
struct AttributeConfig {
  std::string embeddingModel;
  double threshold = 0.5;
};
/// The tool's configuration; wrong keys, kinds and ports are reported. Empty
/// after an error.
std::optional<RetrieveConfig> readRetrieve(const Component &tool,
                                           Diagnostics &diagnostics);
std::optional<AttributeConfig> readAttribute(const Component &tool,
                                             Diagnostics &diagnostics);

} // namespace hetagon

#endif // HETAGON_FRONTEND_AGENTSPEC_WORKFLOW_H
