// The order of emission, and the tables that need no lowering.
#include "compiler/Emit/EmitPlan.h"
#include "compiler/Emit/Emitter.h"
#include "llvm/Support/Path.h"
#include <charconv>

using namespace mlir;

namespace hetagon::emit {

namespace fb = plan::fb;

std::unique_ptr<fb::LocationT> locationOf(Location location) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return nullptr;
  auto made = std::make_unique<fb::LocationT>();
  StringRef file = place.getFilename();
  if (llvm::sys::path::is_absolute(file))
    file = llvm::sys::path::filename(file);
  made->file = file.str();
  made->line = place.getLine();
  made->column = place.getColumn();
  return made;
}

std::string portType(Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << type;
  constexpr StringRef prefix = "!agent.";
  for (size_t at; (at = text.find(prefix)) != std::string::npos;)
    text.erase(at, prefix.size());
  return text;
}

std::unique_ptr<fb::KeyValueT> keyValue(StringRef key, StringRef value) {
  auto made = std::make_unique<fb::KeyValueT>();
  made->key = key.str();
  made->value = value.str();
  return made;
}

std::string numberText(double number) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  return std::string(text, end);
}

std::vector<std::string> strings(ArrayAttr list) {
  std::vector<std::string> made;
  if (list)
    for (auto text : list.getAsRange<StringAttr>())
      made.push_back(text.str());
  return made;
}

std::vector<std::unique_ptr<fb::KeyValueT>>
keyValues(DictionaryAttr dictionary) {
  std::vector<std::unique_ptr<fb::KeyValueT>> made;
  if (dictionary)
    for (NamedAttribute pair : dictionary)
      made.push_back(keyValue(pair.getName(),
                              cast<StringAttr>(pair.getValue()).getValue()));
  return made;
}

std::unique_ptr<fb::PredictionT> predictionOf(StringRef metric,
                                              task::PredictionAttr prediction) {
  auto made = std::make_unique<fb::PredictionT>();
  made->metric = metric.str();
  made->unit = prediction.getUnit().str();
  made->rung = fb::Rung(uint8_t(prediction.getRung()));
  made->basis = prediction.getBasis().str();
  if (prediction.getValue())
    made->value = prediction.getValue().getValueAsDouble();
  return made;
}

FailureOr<uint32_t> Emitter::indexOf(Operation *op, FlatSymbolRefAttr symbol,
                                     const llvm::StringMap<uint32_t> &table,
                                     StringRef what) {
  if (symbol)
    if (auto found = table.find(symbol.getValue()); found != table.end())
      return found->second;
  return op->emitError() << "the " << what << " "
                         << (symbol ? symbol.getValue() : StringRef("(none)"))
                         << " is not in the module";
}

task::DeviceOp Emitter::findDevice(StringRef id) {
  for (auto system : module.getOps<task::SystemOp>())
    for (auto device : system.getOps<task::DeviceOp>())
      if (device.getId() == id)
        return device;
  return {};
}

FailureOr<uint32_t> Emitter::useDevice(Operation *op, StringRef id) {
  auto [found, added] = devices.try_emplace(id, uint32_t(plan.devices.size()));
  if (!added)
    return found->second;
  task::DeviceOp device = findDevice(id);
  if (!device) {
    InFlightDiagnostic diagnostic = op->emitError()
                                    << "there is no device '" << id << "'";
    diagnostic.attachNote() << "task.system lists the devices; `hetagon "
                               "devices` shows those of this machine";
    return diagnostic;
  }
  auto &made = *plan.devices.emplace_back(std::make_unique<fb::DeviceT>());
  made.id = id.str();
  made.backend = device.getBackend().str();
  made.zone = device.getZone().str();
  made.trust = device.getTrust().str();
  made.config = device.getConfig().value_or("").str();
  return found->second;
}

LogicalResult Emitter::emitTables() {
  for (auto artefact : module.getOps<task::ArtefactOp>()) {
    std::optional<Digest> digest =
        parseDigest(artefact.getSha256().value_or(""));
    if (!digest) {
      InFlightDiagnostic diagnostic =
          artefact.emitError()
          << "the digest of artefact '" << artefact.getSymName()
          << "' is not known, so a plan cannot name it";
      diagnostic.attachNote() << "give its file: models with --model-map "
                                 "ID=PATH, others with --artefact ID=PATH";
      return diagnostic;
    }
    artefacts[artefact.getSymName()] = uint32_t(plan.artefacts.size());
    auto &made =
        *plan.artefacts.emplace_back(std::make_unique<fb::ArtefactT>());
    made.id = artefact.getSymName().str();
    made.kind = fb::ArtefactKind(uint8_t(artefact.getKind()));
    made.sha256.assign(digest->begin(), digest->end());
    made.size = uint64_t(artefact.getSize().value_or(0));
    made.source = artefact.getSource().value_or("").str();
    made.confidentiality = artefact.getDataClass().value_or("").str();
  }
  for (auto dataClass : module.getOps<task::DataClassOp>()) {
    auto &made =
        *plan.data_classes.emplace_back(std::make_unique<fb::DataClassT>());
    made.name = dataClass.getSymName().str();
    made.zones = strings(dataClass.getZones());
  }
  for (auto resource : module.getOps<task::ResourceOp>())
    plan.resources.push_back(resource.getSymName().str());
  for (auto tool : module.getOps<task::ToolOp>()) {
    tools[tool.getSymName()] = uint32_t(plan.tools.size());
    auto &made = *plan.tools.emplace_back(std::make_unique<fb::ToolT>());
    made.name = tool.getSymName().str();
    made.command = strings(tool.getCommandAttr());
    made.transport = made.command.empty() ? fb::ToolTransport::builtin
                                          : fb::ToolTransport::mcp_stdio;
    made.server = tool.getServer().value_or("").str();
    made.environment = keyValues(tool.getEnvironmentAttr());
    made.pass_environment = strings(tool.getPassEnvironmentAttr());
    made.secrets = keyValues(tool.getSecretsAttr());
    made.input_schema = tool.getInputSchema().value_or("").str();
  }
  return success();
}

LogicalResult Emitter::emitScenarios() {
  for (auto scenario : module.getOps<task::ScenarioOp>()) {
    auto &made =
        *plan.scenarios.emplace_back(std::make_unique<fb::ScenarioT>());
    made.name = scenario.getSymName().str();
    made.trigger = scenario.getTrigger().value_or("").str();
    for (auto place : scenario.getOps<task::PlaceOp>()) {
      if (failed(useDevice(place, place.getDevice())))
        return failure();
      auto &placement =
          *made.placements.emplace_back(std::make_unique<fb::PlacementT>());
      placement.step = place.getStep().str();
      placement.device = place.getDevice().str();
      placement.why = place.getWhy().str();
      placement.rejected = strings(place.getRejected());
    }
  }
  return success();
}

FailureOr<plan::WrittenPlan>
emitPlan(ModuleOp module, const EmitOptions &options, LowerProgram lower) {
  Emitter emitter;
  emitter.module = module;
  emitter.plan.compiler = options.compiler;
  if (options.flowDigest)
    emitter.plan.flow_sha256.assign(options.flowDigest->begin(),
                                    options.flowDigest->end());
  if (failed(emitter.emitTables()) || failed(emitter.emitServices(lower)) ||
      failed(emitter.emitGraphs()) || failed(emitter.emitScenarios()))
    return failure();
  StatusOr<plan::WrittenPlan> written =
      plan::writePlan(emitter.plan, std::move(emitter.sections));
  if (!written.isOk())
    return module.emitError() << written.status().message();
  return std::move(*written);
}

} // namespace hetagon::emit
