// What Emit and the worker do by way of a plan, in one process.
#include "ImportedService.h"
#include "compiler/Target/Backend.h"
#include "frontend/Models/Import/ImportModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "runtime/device/DeviceLibrary.h"
#include "runtime/models/TensorFile.h"
#include <cstdlib>
#include <filesystem>
#include <iostream>

using namespace hetagon;
using namespace hetagon::test;

std::string hetagon::test::installedModel(const std::string &package) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  if (!venv || !*venv)
    return "";
  std::error_code error;
  for (const auto &python :
       std::filesystem::directory_iterator(std::string(venv) + "/lib", error)) {
    auto path = python.path() / "site-packages" / package;
    if (std::filesystem::exists(path))
      return path;
  }
  return "";
}

ImportedService::ImportedService(const std::string &path,
                                 const std::string &backend)
    : executor(std::make_unique<HostExecutor>()) {
  if (Status status = load(path, backend); !status.isOk())
    std::cerr << status.str() << "\n";
}

ImportedService::~ImportedService() = default;

Status ImportedService::load(const std::string &path,
                             const std::string &backendName) {
  HETAGON_ASSIGN_OR_RETURN(std::string located, locateModel(path));
  HETAGON_ASSIGN_OR_RETURN(ModelDescription model, describeModel(located));
  mlir::MLIRContext context;
  context.loadDialect<nn::NnDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  mlir::OpBuilder builder(module->getBodyRegion());
  auto func = importModel(builder, model, "model", {.artefact = "weights"});
  if (mlir::failed(func) || mlir::failed(mlir::verify(*module)))
    return {Code::Internal, "the model is not imported"};

  auto backend = target::loadBackend(backendName);
  if (!backend)
    return {Code::NotFound, llvm::toString(backend.takeError())};
  HETAGON_ASSIGN_OR_RETURN(auto library, DeviceLibrary::find(backendName));
  HETAGON_ASSIGN_OR_RETURN(
      auto device, Device::open(library, executor->host(), backendName));
  mlir::DialectRegistry registry;
  (*backend)->registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  target::ProgramBuilder program(0);
  if (mlir::failed((*backend)->lower(
          *func, {backendName, device->info().architecture}, program)))
    return {Code::Internal, "the program is not lowered"};

  auto service = std::make_shared<plan::fb::ServiceT>();
  target::describeService(*func, *service);
  auto sections = std::make_shared<std::vector<std::vector<uint8_t>>>();
  program.finish(*service, *sections);
  service->name = "model";
  service->context_tokens = model.decoder() ? model.decoder()->contextTokens
                                            : model.encoder()->maxTokens;
  service->max_rows = 512;
  for (uint32_t token : model.tokenizer.stopTokens)
    stopTokens.push_back(int32_t(token));

  HETAGON_ASSIGN_OR_RETURN(auto weights, TensorFile::open(model.weightsFile));
  ServiceSources sources;
  sources.tensor =
      [weights](uint32_t,
                const std::string &name) -> StatusOr<std::span<const uint8_t>> {
    HETAGON_ASSIGN_OR_RETURN(TensorView tensor, weights->find(name));
    return tensor.bytes;
  };
  sources.section =
      [sections](uint32_t index) -> StatusOr<std::span<const uint8_t>> {
    return std::span<const uint8_t>((*sections)[index]);
  };
  sources.keepAlive = {weights, sections};
  HETAGON_ASSIGN_OR_RETURN(instance,
                           ServiceInstance::load(service, device, sources));
  return Status::ok();
}
