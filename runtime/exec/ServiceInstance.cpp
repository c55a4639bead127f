// A loaded service: entry to loading, which is ServiceLoader's work, and
// recording of its programs.
#include "runtime/exec/ServiceInstance.h"
#include "runtime/exec/ServiceLoader.h"

namespace hetagon {

StatusOr<std::shared_ptr<ServiceInstance>>
ServiceInstance::load(std::shared_ptr<const plan::fb::ServiceT> service,
                      std::shared_ptr<Device> device, ServiceSources sources,
                      ServiceOptions options) {
  auto instance = std::make_shared<ServiceInstance>(Private());
  instance->service = std::move(service);
  instance->dev = std::move(device);
  instance->sources = std::move(sources);
  instance->opts = options;
  if (Status status = ServiceLoader(*instance).run(); !status.isOk())
    return status.withContext("service '" + instance->service->name + "'");
  return instance;
}

Status ServiceInstance::record(const Commands &commands,
                               const plan::fb::ProgramT &program,
                               std::span<const BoundCommand> bound,
                               const SymbolValues &values) const {
  std::vector<hetagon_binding> bindings;
  std::vector<int64_t> constants;
  for (size_t i = 0; i < bound.size(); ++i) {
    const plan::fb::CommandT &command = *program.commands[i];
    bindings.clear();
    for (uint32_t index : command.bindings) {
      HETAGON_ASSIGN_OR_RETURN(uint64_t bytes,
                               bufferBytes(*service->buffers[index], values));
      if (bytes > memory[index].capacity)
        return Status(Code::Internal,
                      "buffer " + std::to_string(index) + " needs " +
                          std::to_string(bytes) + " bytes; it has " +
                          std::to_string(memory[index].capacity));
      bindings.push_back(
          {allocations[memory[index].allocation].get(), 0, bytes});
    }
    constants.clear();
    for (const auto &constant : command.constants)
      constants.push_back(constant->symbol.empty()
                              ? constant->value
                              : *findSymbol(values, constant->symbol));
    Status status =
        dev->recordDispatch(commands, executables[bound[i].executable],
                            bound[i].entry, bindings, constants);
    if (!status.isOk())
      return status.withContext(
          "'" + command.entry + "'" +
          (command.note.empty() ? "" : " (" + command.note + ")"));
  }
  return Status::ok();
}

void ServiceInstance::traceSubmission(const char *name,
                                      Trace::Clock::time_point begin,
                                      Json details) const {
  if (opts.trace)
    opts.trace->span("queue of " + this->name() + " on " + dev->id(), name,
                     begin, Trace::Clock::now(), std::move(details));
}

} // namespace hetagon
