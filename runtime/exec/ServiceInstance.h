// A service of a plan brought to life on a device: its code loaded, its weights
// mapped, its buffers allocated, every binding checked.
#ifndef HETAGON_RUNTIME_EXEC_SERVICEINSTANCE_H
#define HETAGON_RUNTIME_EXEC_SERVICEINSTANCE_H

#include "runtime/device/Device.h"
#include "runtime/exec/ServiceSources.h"
#include "runtime/exec/ServiceSymbols.h"
#include "runtime/exec/Trace.h"
#include "runtime/plan/plan_generated.h"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hetagon {

struct ServiceOptions {
  /// Pages of the KV pool. 0: as many as `kvBytes` hold.
  uint32_t kvPages = 0;
  /// Size of the KV pool when kvPages is 0: at least one page, at most
  /// maxSequences full contexts.
  uint64_t kvBytes = uint64_t(512) << 20;
  /// Sequences in one submission at most.
  uint32_t maxSequences = 64;
  /// Rows whose logits one submission returns at most. 0: maxSequences.
  uint32_t maxOutputs = 0;
  /// A submission that takes longer fails with DeadlineExceeded.
  std::chrono::milliseconds stepTimeout{std::chrono::minutes(10)};
  /// Gets a span for each submission, on the track of the service's queue; null
  /// for none. Outlives the instance.
  Trace *trace = nullptr;
};

/// Immutable after load(); the buffers' contents belong to the one
/// ProgramRunner that drives it. Several services of one artefact share its
/// pages through the mapping; several users of one model share the instance.
class ServiceInstance {
  struct Private {};

public:
  explicit ServiceInstance(Private) {}
  /// Checks the service against its device and loads it. Fails with
  /// InvalidArgument (a plan that makes no sense: the message names service,
  /// buffer or command), NotFound (tensor, entry), ResourceExhausted (memory)
  /// or the device's own error. Nothing is submitted before all is checked.
  static StatusOr<std::shared_ptr<ServiceInstance>>
  load(std::shared_ptr<const plan::fb::ServiceT> service,
       std::shared_ptr<Device> device, ServiceSources sources,
       ServiceOptions options = {});

  const plan::fb::ServiceT &plan() const { return *service; }
  const std::string &name() const { return service->name; }
  Device &device() const { return *dev; }
  const ServiceOptions &options() const { return opts; }
  /// Records a submission that began at `begin` and has just ended.
  void traceSubmission(const char *name, Trace::Clock::time_point begin,
                       Json details) const;
  /// The most that each symbol can be: what the buffers are sized for.
  const SymbolValues &limits() const { return limit; }
  uint32_t kvPages() const { return static_cast<uint32_t>(limit.pages); }
  /// Bytes of weights that the device sees in place, and that were copied.
  uint64_t importedBytes() const { return imported; }
  uint64_t copiedBytes() const { return copied; }

private:
  friend class ProgramRunner;
  friend class ServiceLoader;

  /// Memory of one plan buffer; transients of one slot share a device buffer.
  struct Memory {
    uint32_t allocation = UINT32_MAX; ///< index into allocations
    uint64_t capacity = 0;            ///< bytes
  };
  struct BoundCommand {
    uint32_t executable = 0, entry = 0;
  };

  /// Records all commands of a checked program, bound under `values`.
  Status record(const Commands &commands, const plan::fb::ProgramT &program,
                std::span<const BoundCommand> bound,
                const SymbolValues &values) const;

  std::shared_ptr<const plan::fb::ServiceT> service;
  std::shared_ptr<Device> dev;
  ServiceSources sources;
  ServiceOptions opts;
  SymbolValues limit;
  std::vector<Executable> executables;
  std::vector<Buffer> allocations;
  std::vector<Memory> memory;     ///< parallel to service->buffers
  std::vector<BoundCommand> step; ///< parallel to service->step->commands
  int32_t kvBuffer = -1;          ///< index into service->buffers
  uint64_t imported = 0, copied = 0;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_SERVICEINSTANCE_H
