// The session: diagnostics, models, devices, and writing plans.
#include "tools/hetagon-compile/Session.h"
#include "compiler/Pipeline/Register.h"
#include "frontend/Devices/Devices.h"
#include "frontend/Models/Import/ResolveServices.h"
#include "frontend/Models/ModelDescription.h"
#include "mlir/IR/Diagnostics.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include "runtime/plan/Artefacts.h"
#include "runtime/plan/Trust.h"
#include "runtime/tools/Process.h"
#include "tools/hetagon-compile/Sizes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>
#include <iostream>

using namespace mlir;

namespace hetagon::compile {

namespace fs = std::filesystem;

namespace {

/// "flow.yaml:3:7: error: message", the form of every Hetagon diagnostic.
void print(mlir::Diagnostic &diagnostic) {
  auto line = [](Location location, StringRef kind, const std::string &text) {
    if (auto place = location->findInstanceOf<FileLineColLoc>())
      llvm::errs() << place.getFilename().strref() << ":" << place.getLine()
                   << ":" << place.getColumn() << ": ";
    else if (auto name = dyn_cast<NameLoc>(location))
      llvm::errs() << name.getName().strref() << ": ";
    llvm::errs() << kind << ": " << text << "\n";
  };
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    line(diagnostic.getLocation(), "error", diagnostic.str());
    break;
  case DiagnosticSeverity::Warning:
    line(diagnostic.getLocation(), "warning", diagnostic.str());
    break;
  default:
    line(diagnostic.getLocation(), "note", diagnostic.str());
    break;
  }
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    llvm::errs() << "  mend: " << note.str() << "\n";
}

std::string ownPath() {
  static int anchor;
  return llvm::sys::fs::getMainExecutable(nullptr, &anchor);
}

/// A program of the same installation.
std::string programBeside(const char *name) {
  return (fs::path(ownPath()).parent_path() / name).string();
}

} // namespace

int fail(const Status &status, int exitStatus) {
  std::cerr << "error: " << status.str() << "\n";
  return exitStatus;
}

std::string compilerIdentity() {
  std::string build = "unknown";
  if (auto mapped = MappedFile::open(ownPath()); mapped.isOk())
    if (auto digest = plan::FileDigests(cacheFolder()).digestOf(**mapped);
        digest.isOk())
      build = hex(*digest).substr(0, 16);
  return "hetagon 0.1.0 (build " + build + ")";
}

Session::Session() {
  DialectRegistry dialects;
  pipeline::registerAllDialects(dialects);
  mlirContext.appendDialectRegistry(dialects);
  mlirContext.loadAllAvailableDialects();
  // Users see their own file, not the compiler's operations.
  mlirContext.printOpOnDiagnostic(false);
  mlirContext.getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
    print(diagnostic);
    return success();
  });
}

Status Session::addModels(const ModelOptions &options) {
  for (const std::string &path : options.registries)
    HETAGON_RETURN_IF_ERROR(registry.addFile(path));
  for (const std::string &mapping : options.mappings)
    HETAGON_RETURN_IF_ERROR(registry.addMapping(mapping));
  return Status::ok();
}

StatusOr<std::string> Session::locateModel(const std::string &model) const {
  StatusOr<RegisteredModel> entry = registry.resolve(model);
  if (entry.isOk())
    return entry->path;
  std::error_code error;
  if (fs::exists(model, error))
    return model;
  return entry.status();
}

StatusOr<Digest> Session::digestOf(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                           MappedFile::open(path));
  return plan::FileDigests(cacheFolder()).digestOf(*mapped);
}

StatusOr<std::vector<FoundDevice>> Session::devices() {
  if (found)
    return *found;
  tools::ProcessOptions options;
  options.command = {programBeside("hetagon-worker"), "devices", "--json"};
  for (char **entry = environ; *entry; ++entry) {
    std::string setting = *entry;
    size_t equals = setting.find('=');
    options.environment[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  HETAGON_ASSIGN_OR_RETURN(std::unique_ptr<tools::Process> worker,
                           tools::Process::start(std::move(options)));
  HETAGON_ASSIGN_OR_RETURN(std::string line,
                           worker->readLine(std::chrono::steady_clock::now() +
                                                std::chrono::seconds(60),
                                            {}));
  HETAGON_ASSIGN_OR_RETURN(Json json,
                           parseJson(line, "hetagon-worker devices"));
  std::vector<FoundDevice> list;
  for (const Json &entry : json["devices"])
    if (!entry.contains("error"))
      list.push_back({entry.value("backend", ""),
                      entry.value("architecture", ""),
                      entry.value("memory_bytes", uint64_t(0)),
                      entry.value("only_when_asked", false)});
  found = list;
  return list;
}

LogicalResult Session::addSystem(ModuleOp module, const std::string &path,
                                 const std::vector<std::string> &pins) {
  auto existing = module.getOps<task::SystemOp>();
  if (!existing.empty())
    return success();
  std::vector<DeviceEntry> entries;
  if (!path.empty()) {
    Diagnostics found;
    entries = readDevices(path, found);
    std::cerr << found.str();
    if (found.hasErrors())
      return failure();
  }
  StatusOr<std::vector<FoundDevice>> local = devices();
  if (!local.isOk())
    return module.emitError(local.status().str());

  OpBuilder builder(module.getContext());
  builder.setInsertionPointToStart(module.getBody());
  Location loc = module.getLoc();
  auto system = builder.create<task::SystemOp>(loc);
  builder.setInsertionPointToStart(&system.getBody().emplaceBlock());
  auto add = [&](Location where, const DeviceEntry &entry,
                 const FoundDevice *device) {
    auto text = [&](const std::string &value) {
      return value.empty() ? StringAttr() : builder.getStringAttr(value);
    };
    auto number = [&](double value) { return builder.getF64FloatAttr(value); };
    task::EndpointAttr endpoint;
    if (entry.endpoint)
      endpoint = task::EndpointAttr::get(
          builder.getContext(), text(entry.endpoint->url),
          text(entry.endpoint->model), text(entry.endpoint->secret),
          number(entry.endpoint->pricePerMillionInput),
          number(entry.endpoint->pricePerMillionOutput));
    std::optional<ReachedSpeed> speed;
    if (device)
      speed =
          reachedSpeed(calibration(), device->backend, device->architecture);
    builder.create<task::DeviceOp>(
        where, text(entry.id), text(entry.backend), text(entry.zone),
        text(entry.trust), device ? text(device->architecture) : StringAttr(),
        device && device->memoryBytes
            ? builder.getI64IntegerAttr(int64_t(device->memoryBytes))
            : IntegerAttr(),
        speed ? number(speed->operationsPerSecond) : FloatAttr(),
        speed ? number(speed->bytesPerSecond) : FloatAttr(),
        speed
            ? task::RungAttr::get(builder.getContext(), task::Rung::Calibrated)
            : task::RungAttr(),
        endpoint, text(entry.config));
  };
  auto isPinned = [&](const std::string &id) {
    return llvm::any_of(
        pins, [&](const std::string &pin) { return pin.ends_with("=" + id); });
  };
  // In the order of the file, then of preference; what computes nothing comes
  // last. A device of the file takes the place of the one found under its id.
  std::vector<std::tuple<Location, DeviceEntry, const FoundDevice *>> asked;
  for (const DeviceEntry &entry : entries) {
    const FoundDevice *device = nullptr;
    for (const FoundDevice &candidate : *local)
      if (candidate.backend == entry.backend)
        device = &candidate;
    auto where = FileLineColLoc::get(builder.getContext(), entry.place.file,
                                     entry.place.line, entry.place.column);
    if (!device && !entry.endpoint)
      return emitError(where)
             << "no usable device of backend '" << entry.backend << "' here";
    if (!device || !device->onlyWhenAsked)
      add(where, entry, device);
    else
      asked.emplace_back(where, entry, device);
  }
  for (const FoundDevice &device : *local) {
    if (llvm::any_of(entries, [&](const DeviceEntry &entry) {
          return entry.id == device.backend;
        }))
      continue;
    DeviceEntry plain;
    plain.id = plain.backend = device.backend;
    if (!device.onlyWhenAsked)
      add(loc, plain, &device);
    else
      asked.emplace_back(loc, plain, &device);
  }
  for (const auto &[where, entry, device] : asked)
    if (isPinned(entry.id))
      add(where, entry, device);
  return success();
}

LogicalResult Session::resolve(ModuleOp module) {
  ResolveOptions options;
  options.locate = [this](const std::string &model) {
    return locateModel(model);
  };
  options.identify = [this](const std::string &path) -> StatusOr<FileFacts> {
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                             MappedFile::open(path));
    HETAGON_ASSIGN_OR_RETURN(Digest digest, digestOf(path));
    FileFacts facts;
    facts.sha256 = hex(digest);
    facts.sizeBytes = mapped->bytes().size();
    facts.source = fs::path(path).filename().string();
    return facts;
  };
  return resolveServices(module, options, artefactFiles);
}

const Calibration &Session::calibration() {
  if (measured)
    return *measured;
  StatusOr<std::optional<Calibration>> read =
      readCalibration(calibrationPath());
  measured.emplace();
  if (!read.isOk())
    std::cerr << "warning: " << read.status().str() << "\n";
  else if (*read && (*read)->processor == processorName())
    *measured = std::move(**read);
  else if (*read)
    std::cerr << "warning: " << calibrationPath() << " was measured on '"
              << (*read)->processor
              << "'; run 'hetagon devices --calibrate' on this machine\n";
  return *measured;
}

LogicalResult Session::expectTimes(ModuleOp module) {
  auto systems = module.getOps<task::SystemOp>();
  if (!systems.empty()) {
    auto system = *systems.begin();
    OpBuilder builder = OpBuilder::atBlockEnd(&system.getBody().front());
    if (system.getBody().getOps<task::ProfileOp>().empty())
      for (auto device :
           llvm::to_vector(system.getBody().getOps<task::DeviceOp>()))
        for (auto weights : module.getOps<task::ArtefactOp>())
          addProfile(builder, device, weights);
  }
  if (Status status = estimateSizes(module, artefactFiles); !status.isOk())
    return module.emitError(status.str());
  return success();
}

/// What was measured of the model with these weights on this device.
void Session::addProfile(OpBuilder &builder, task::DeviceOp device,
                         task::ArtefactOp weights) {
  const ModelProfile *profile = calibration().find(
      device.getBackend().str(), device.getArchitecture().value_or("").str(),
      weights.getSha256().value_or("").str());
  if (!profile)
    return;
  SmallVector<int64_t> tokens;
  SmallVector<double> first, each;
  for (const ProfileSample &sample : profile->samples)
    if (sample.sequences == 1) {
      tokens.push_back(sample.tokens);
      first.push_back(sample.firstMs * 1e6);
      each.push_back(sample.eachMs * 1e6);
    }
  if (tokens.empty())
    return;
  builder.create<task::ProfileOp>(
      device.getLoc(), device.getIdAttr(), weights.getSymNameAttr(),
      task::ProfileAttr::get(
          builder.getContext(), builder.getDenseI64ArrayAttr(tokens),
          builder.getDenseF64ArrayAttr(first),
          profile->kind == "decoder" ? builder.getDenseF64ArrayAttr(each)
                                     : DenseF64ArrayAttr()));
}

LogicalResult Session::finish(ModuleOp module, const std::string &output,
                              std::optional<Digest> flowDigest, bool json) {
  emit::PluginLowering lowering;
  emit::EmitOptions options;
  options.compiler = compilerIdentity();
  options.flowDigest = flowDigest;
  FailureOr<plan::WrittenPlan> written =
      emit::emitPlan(module, options, lowering);
  if (failed(written))
    return failure();
  auto report = [](const Status &status) {
    std::cerr << "error: " << status.str() << "\n";
    return failure();
  };
  if (Status status = writeFileAtomically(output, written->bytes);
      !status.isOk())
    return report(status);
  StatusOr<plan::TrustStore> store = plan::TrustStore::load(configFolder());
  if (!store.isOk())
    return report(store.status());
  if (Status status = store->record(plan::TrustKind::Plan, written->digest,
                                    fs::path(output).filename().string());
      !status.isOk())
    return report(status);

  // The cache names files by digest; a link costs nothing, and what it leads to
  // is checked against the digest before every use.
  std::error_code error;
  fs::path cache = fs::path(cacheFolder()) / "artefacts";
  fs::create_directories(cache, error);
  for (auto artefact : module.getOps<task::ArtefactOp>()) {
    auto file = artefactFiles.find(artefact.getSymName().str());
    if (file == artefactFiles.end() || !artefact.getSha256())
      continue;
    fs::path link = cache / artefact.getSha256()->str();
    if (!fs::exists(link, error)) {
      fs::remove(link, error); // a link whose target is gone
      fs::create_symlink(fs::absolute(file->second), link, error);
    }
  }
  if (json)
    std::cout << printJson({{"plan", output},
                            {"digest", hex(written->digest)},
                            {"bytes", written->bytes.size()}})
              << "\n";
  else
    std::cout << "wrote " << output << " (" << written->bytes.size()
              << " bytes, digest " << hex(written->digest) << ")\n";
  return success();
}

} // namespace hetagon::compile
