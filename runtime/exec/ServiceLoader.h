// Checks a service of a plan against its device and fills a ServiceInstance;
// internal to runtime/exec.
#ifndef HETAGON_RUNTIME_EXEC_SERVICELOADER_H
#define HETAGON_RUNTIME_EXEC_SERVICELOADER_H

#include "runtime/exec/ServiceInstance.h"

namespace hetagon {

/// One use: run() goes through the steps in the order below and stops at the
/// first failure. Nothing is submitted before all checks have passed.
class ServiceLoader {
public:
  explicit ServiceLoader(ServiceInstance &instance)
      : instance(instance), service(*instance.service), device(*instance.dev) {}
  Status run();

private:
  Status chooseLimits();
  Status checkBuffers();
  Status checkProtocol(const plan::fb::BufferT &buffer) const;
  Status loadExecutables();
  Status checkProgram(const plan::fb::ProgramT &program, bool isLoad,
                      std::vector<ServiceInstance::BoundCommand> &bound);
  Status allocate();
  Status runLoadProgram();
  /// Frees memory that only the load program read.
  void releaseLoadOnly();

  StatusOr<std::span<const uint8_t>> bytesOfBuffer(size_t index) const;
  Status fail(Code code, size_t buffer, const std::string &what) const;

  ServiceInstance &instance;
  const plan::fb::ServiceT &service;
  Device &device;
  std::vector<uint64_t> capacity; ///< bytes of each buffer at the limits
  std::vector<ServiceInstance::BoundCommand> loadCommands;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_SERVICELOADER_H
