// A model imported, lowered and loaded without a plan in between: for tests of
// what imported programs compute.
#ifndef HETAGON_TEST_FRONTEND_MODELS_IMPORT_IMPORTEDSERVICE_H
#define HETAGON_TEST_FRONTEND_MODELS_IMPORT_IMPORTEDSERVICE_H

#include "runtime/exec/ServiceInstance.h"
#include "runtime/sched/HostExecutor.h"
#include <memory>
#include <string>

namespace hetagon::test {

/// Path of an installed Python package of weights; empty when there is none.
std::string installedModel(const std::string &package);

class ImportedService {
public:
  /// Imports the model at `path` for `backend` and loads it. `instance` is null
  /// after a failure, which has been printed.
  ImportedService(const std::string &path, const std::string &backend);
  ~ImportedService();

  std::unique_ptr<HostExecutor> executor;
  std::shared_ptr<ServiceInstance> instance;
  std::vector<int32_t> stopTokens;

private:
  Status load(const std::string &path, const std::string &backend);
};

} // namespace hetagon::test

#endif // HETAGON_TEST_FRONTEND_MODELS_IMPORT_IMPORTEDSERVICE_H
