// hetagon-compile model: a plan that holds one model and the smallest flow
// around it, for generate, embed and bench.
#include "frontend/Models/ModelDescription.h"
#include "mlir/Parser/Parser.h"
#include "tools/hetagon-compile/Session.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace hetagon::compile {

namespace {

/// The module before its service is resolved. Text from outside is put in as
/// attributes, never into the source.
OwningOpRef<ModuleOp> makeModule(MLIRContext &context, bool decoder) {
  constexpr const char *head = R"mlir(
    task.system {
      task.device "device" backend "backend" zone "this-machine" trust "own"
    }
  )mlir";
  constexpr const char *generating = R"mlir(
    task.service @model decoder model "?" {device = "device"}
    task.graph @generate("prompt" %prompt: !agent.text)
        -> ("text": !agent.stream<!agent.text>) {
      %text = task.generate "generate" @model %prompt : !agent.text
        max_tokens 256 -> !agent.stream<!agent.text>
      task.output %text : !agent.stream<!agent.text>
    }
    task.scenario @primary {
      task.place "generate" on "device" why "asked for" rejected []
    }
  )mlir";
  constexpr const char *embedding = R"mlir(
    task.service @model encoder model "?" {device = "device"}
    task.graph @embed("text" %text: !agent.text)
        -> ("embedding": !agent.embedding) {
      %e = task.embed "embed" @model %text : !agent.text
      task.output %e : !agent.embedding
    }
    task.scenario @primary {
      task.place "embed" on "device" why "asked for" rejected []
    }
  )mlir";
  std::string text = std::string(head) + (decoder ? generating : embedding);
  return parseSourceString<ModuleOp>(text, &context);
}

} // namespace

int compileModel(const ModelCommand &command) {
  Session session;
  if (Status status = session.addModels(command.models); !status.isOk())
    return fail(status);
  StatusOr<std::string> path = session.locateModel(command.model);
  if (!path.isOk())
    return fail(path.status());
  StatusOr<ModelDescription> description = describeModel(*path);
  if (!description.isOk())
    return fail(description.status());
  StatusOr<std::vector<FoundDevice>> devices = session.devices();
  if (!devices.isOk())
    return fail(devices.status());
  std::string names;
  const FoundDevice *device = nullptr;
  for (const FoundDevice &found : *devices) {
    names += (names.empty() ? "" : ", ") + found.backend;
    if (found.backend == command.backend ||
        (command.backend.empty() && !device && !found.onlyWhenAsked))
      device = &found;
  }
  if (!device)
    return fail(
        Status(Code::NotFound,
               (command.backend.empty()
                    ? "no usable device"
                    : "no usable device of backend '" + command.backend + "'") +
                   std::string(" here; there are: ") + names));

  OwningOpRef<ModuleOp> module =
      makeModule(session.context(), description->decoder() != nullptr);
  if (!module)
    return exitInternal;
  Builder builder(&session.context());
  StringAttr id = builder.getStringAttr(device->backend);
  module->walk([&](Operation *op) {
    if (auto found = dyn_cast<task::DeviceOp>(op)) {
      found.setIdAttr(id);
      found.setBackendAttr(id);
      found.setArchitectureAttr(builder.getStringAttr(device->architecture));
    } else if (auto service = dyn_cast<task::ServiceOp>(op)) {
      service.setModelAttr(builder.getStringAttr(command.model));
      service.setDeviceAttr(id);
    } else if (auto place = dyn_cast<task::PlaceOp>(op)) {
      place.setDeviceAttr(id);
    }
  });
  if (failed(session.resolve(*module)) ||
      failed(
          session.finish(*module, command.output, std::nullopt, command.json)))
    return exitBadInput;
  return exitOk;
}

} // namespace hetagon::compile
