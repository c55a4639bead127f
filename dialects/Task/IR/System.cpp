// Devices, services, artefacts, tools and scenarios: rules.
#include "dialects/Agent/IR/Verify.h"
#include "dialects/Task/IR/Task.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::task;

LogicalResult SystemOp::verifyRegions() {
  llvm::StringSet<> devices;
  for (Operation &op : getBody().front()) {
    if (auto device = dyn_cast<DeviceOp>(op)) {
      if (!devices.insert(device.getId()).second)
        return device.emitOpError()
               << "has the id '" << device.getId() << "' of another device";
    } else if (!isa<LinkOp, ProfileOp>(op)) {
      return op.emitOpError("is neither a device, a link nor a profile");
    }
  }
  for (auto link : getBody().getOps<LinkOp>())
    for (StringRef end : {link.getFrom(), link.getTo()})
      if (!devices.contains(end))
        return link.emitOpError()
               << "ends at '" << end << "', which is not a device here";
  for (auto profile : getBody().getOps<ProfileOp>())
    if (!devices.contains(profile.getDevice()))
      return profile.emitOpError() << "is of '" << profile.getDevice()
                                   << "', which is not a device here";
  return success();
}

LogicalResult DeviceOp::verify() {
  if (getId().empty() || getBackend().empty())
    return emitOpError("needs an id and a backend");
  for (std::optional<llvm::APFloat> speed :
       {getOperationsPerSecond(), getBytesPerSecond()})
    if (speed && !(speed->convertToDouble() > 0))
      return emitOpError("has a speed that is not above 0");
  bool hasSpeed = getOperationsPerSecond() || getBytesPerSecond();
  if (hasSpeed && (!getRung() || *getRung() == Rung::Unknown))
    return emitOpError("has figures of speed without the rung that says how "
                       "they are known");
  return success();
}

LogicalResult LinkOp::verify() {
  if (!(getBytesPerSecond().convertToDouble() > 0))
    return emitOpError("needs bytes_per_second above 0");
  if (getLatencyNs() < 0)
    return emitOpError("has a negative latency");
  return success();
}

LogicalResult ArtefactOp::verify() {
  if (std::optional<StringRef> digest = getSha256())
    if (digest->size() != 64 ||
        !llvm::all_of(*digest, [](char c) { return llvm::isHexDigit(c); }))
      return emitOpError("has a sha256 that is not 64 hexadecimal digits");
  if (getSize() && *getSize() < 0)
    return emitOpError("has a negative size");
  if (getKind() != ArtefactKind::Index && (getDocuments() || getEmbedder()))
    return emitOpError(
        "says what it is built from, but only an index is built");
  return success();
}

LogicalResult ServiceOp::verify() {
  if (getModel().empty())
    return emitOpError("names no model");
  if (getKind() == ServiceKind::Endpoint && (getProgram() || getKv()))
    return emitOpError("is an endpoint, which has neither program nor cache "
                       "here");
  if (getKind() == ServiceKind::Encoder && getKv())
    return emitOpError("is an encoder, which has no cache");
  for (auto [value, name] : {std::pair(getContextTokens(), "context_tokens"),
                             std::pair(getMaxRows(), "max_rows"),
                             std::pair(getVocabulary(), "vocabulary"),
                             std::pair(getEmbeddingSize(), "embedding_size")})
    if (value && *value < 1)
      return emitOpError() << "needs " << name << " of at least 1";
  return success();
}

LogicalResult ServiceOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(agent::verifySymbol<ArtefactOp>(*this, symbols, getArtefactAttr(),
                                             "an artefact")))
    return failure();
  if (std::optional<TokenizerAttr> tokenizer = getTokenizer())
    if (failed(agent::verifySymbol<ArtefactOp>(
            *this, symbols, tokenizer->getArtefact(), "an artefact")))
      return failure();
  return agent::verifySymbol<SymbolOpInterface>(*this, symbols,
                                                getProgramAttr(), "a program");
}

LogicalResult ToolOp::verify() {
  if (bool(getServer()) != bool(getCommand()))
    return emitOpError("needs both a server and its command, or neither");
  if (getCommand() && getCommand()->empty())
    return emitOpError("has an empty command");
  return success();
}

LogicalResult RequireOp::verify() {
  if (getId().empty() || getMetric().empty())
    return emitOpError("needs an id and a metric");
  if (getEvents().size() != getValues().size())
    return emitOpError() << "has " << getValues().size() << " values but "
                         << getEvents().size() << " events";
  if (std::optional<PredictionAttr> predicted = getPredicted())
    if (predicted->getUnit().getValue() != getUnit())
      return emitOpError() << "is in '" << getUnit() << "' but predicted in '"
                           << predicted->getUnit().getValue() << "'";
  return success();
}

LogicalResult ScenarioOp::verifyRegions() {
  llvm::StringSet<> placed;
  for (Operation &op : getBody().front()) {
    auto place = dyn_cast<PlaceOp>(op);
    if (!place)
      return op.emitOpError("is not a placement");
    if (!placed.insert(place.getStep()).second)
      return place.emitOpError()
             << "places '" << place.getStep() << "' a second time";
  }
  return success();
}
