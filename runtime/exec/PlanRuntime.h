// A trusted plan brought to life: its devices open, its services loaded, its
// tokenizers, indexes, tools and endpoints at hand for the graphs that use
// them.
#ifndef HETAGON_RUNTIME_EXEC_PLANRUNTIME_H
#define HETAGON_RUNTIME_EXEC_PLANRUNTIME_H

#include "runtime/exec/BatchScheduler.h"
#include "runtime/exec/EmbeddingService.h"
#include "runtime/exec/Endpoint.h"
#include "runtime/exec/ToolHost.h"
#include "runtime/exec/Trace.h"
#include "runtime/index/DocumentIndex.h"
#include "runtime/models/ChatTemplate.h"
#include "runtime/models/Tokenizer.h"
#include "runtime/plan/PlanFile.h"
#include "runtime/sched/HostExecutor.h"

namespace hetagon {

struct RuntimeOptions {
  /// The verified file of an artefact; the digest has been checked.
  std::function<StatusOr<std::string>(const plan::fb::Artefact &)> artefactPath;
  ToolHostOptions tools;
  Endpoint::SecretSource secret;
  /// Compute threads; 0: all that this process may use.
  uint32_t workers = 0;
  uint32_t chunkTokens = 0; ///< see BatchOptions
  ServiceOptions service;
  Trace *trace = nullptr; ///< outlives the runtime; null: none
};

/// One service of the plan, of whichever kind it is.
struct LoadedService {
  const plan::fb::ServiceT *plan = nullptr;
  std::string device; ///< id of the device, as in the plan
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat;
  std::unique_ptr<BatchScheduler> decoder;
  std::unique_ptr<EmbeddingService> encoder;
  std::unique_ptr<Endpoint> endpoint;
};

/// Immutable once open, but for what its parts guard themselves; thread-safe.
class PlanRuntime {
public:
  /// Loads everything the plan names. The caller has established that the plan
  /// is trusted: native code of the plan is mapped here.
  static StatusOr<std::unique_ptr<PlanRuntime>>
  open(std::shared_ptr<const plan::PlanFile> file, RuntimeOptions options);
  ~PlanRuntime();

  const plan::fb::PlanT &plan() const { return *root; }
  LoadedService &service(size_t index) { return services[index]; }
  size_t serviceCount() const { return services.size(); }
  const index::DocumentIndex *documentIndex(int artefact) const;
  ToolHost &tools() { return *toolHost; }
  Trace *trace() const { return options.trace; }
  /// The devices that services run on, by the plan's index.
  const std::vector<std::shared_ptr<Device>> &devices() const { return opened; }

private:
  explicit PlanRuntime(RuntimeOptions options)
      : options(std::move(options)), executor({this->options.workers}) {}
  Status load();
  Status loadService(const plan::fb::ServiceT &service, LoadedService &loaded);
  Status loadTokenizer(const plan::fb::TokenizerT &tokenizer,
                       LoadedService &loaded);
  StatusOr<std::shared_ptr<Device>> device(uint32_t index);
  StatusOr<std::string> artefact(uint32_t index) const;
  Status openWeights(uint32_t artefact);

  RuntimeOptions options;
  std::shared_ptr<const plan::PlanFile> file;
  std::shared_ptr<const plan::fb::PlanT> root;
  HostExecutor executor;
  std::vector<std::shared_ptr<Device>> opened; ///< null: not used
  /// By artefact; null: no weights, or not needed.
  std::vector<std::shared_ptr<const TensorFile>> weights;
  std::map<int, std::unique_ptr<index::DocumentIndex>> indexes;
  std::vector<LoadedService> services;
  std::unique_ptr<ToolHost> toolHost;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_PLANRUNTIME_H
