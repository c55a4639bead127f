// Rules of the nodes and symbols, and the dialect's operation definitions.
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Agent/IR/Syntax.h"
#include "dialects/Agent/IR/Template.h"
#include "dialects/Agent/IR/Verify.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace hetagon::agent;

LogicalResult hetagon::agent::verifyTemplate(Operation *op, StringRef text,
                                             ArrayAttr inputNames) {
  for (const std::string &name : templateNames(text))
    if (!llvm::is_contained(inputNames.getAsValueRange<StringAttr>(), name))
      return op->emitOpError()
             << "mentions {{" << name << "}} but has no input of that name";
  return success();
}

static LogicalResult verifyPositive(Operation *op, int64_t value,
                                    StringRef name) {
  if (value > 0)
    return success();
  return op->emitOpError() << "needs " << name << " of at least 1";
}

LogicalResult ModelOp::verify() {
  if (getId().empty())
    return emitOpError("has an empty id");
  if (getSecret() && !getUrl())
    return emitOpError("names a secret but no url to use it for");
  return success();
}

LogicalResult ToolServerOp::verify() {
  if (getCommand().empty())
    return emitOpError("has no command to start it with");
  for (std::optional<DictionaryAttr> dictionary :
       {getEnvironment(), getSecrets()})
    if (dictionary)
      for (NamedAttribute entry : *dictionary)
        if (!isa<StringAttr>(entry.getValue()))
          return emitOpError() << "has a value for " << entry.getName()
                               << " that is not text";
  return success();
}

LogicalResult ToolOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifySymbol<ToolServerOp>(*this, symbols, getServerAttr(),
                                        "a tool server")))
    return failure();
  return verifyEffects(*this, symbols, getEffectsAttr());
}

LogicalResult DocumentsOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<DataClassOp>(*this, symbols, getDataClassAttr(),
                                   "a data class");
}

LogicalResult GenerateOp::verify() {
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(verifyPositive(*this, getMaxTokens(), "max_tokens")) ||
      failed(verifyTemplate(*this, getPrompt(), getInputNames())))
    return failure();
  std::vector<std::string> mentioned = templateNames(getPrompt());
  if (std::optional<StringRef> system = getSystem()) {
    if (failed(verifyTemplate(*this, *system, getInputNames())))
      return failure();
    llvm::append_range(mentioned, templateNames(*system));
  }
  for (auto [input, name] :
       llvm::zip(getInputs(), getInputNames().getAsValueRange<StringAttr>())) {
    bool isConversation = isa<MessageType>(input.getType());
    if (!llvm::is_contained(mentioned, name) && !isConversation)
      return emitOpError() << "has an input '" << name
                           << "' that no template mentions";
    if (!isReadable(input.getType()))
      return emitOpError() << "cannot read input '" << name << "' of type "
                           << input.getType();
  }
  if (getTemperature().isNegative() || getTemperature().isNaN())
    return emitOpError("needs a temperature of at least 0");
  if (getTopK() < 0)
    return emitOpError("needs a top_k of at least 0");
  double topP = getTopP().convertToDouble();
  if (!(topP > 0.0 && topP <= 1.0))
    return emitOpError("needs a top_p above 0 and at most 1");
  if (auto stream = dyn_cast<StreamType>(getResult().getType()))
    if (!isa<TextType>(stream.getElementType()))
      return emitOpError("streams text, nothing else");
  return success();
}

LogicalResult GenerateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ModelOp>(*this, symbols, getModelAttr(), "a model");
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ModelOp>(*this, symbols, getModelAttr(), "a model");
}

LogicalResult TranscribeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ModelOp>(*this, symbols, getModelAttr(), "a model");
}

LogicalResult SpeakOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ModelOp>(*this, symbols, getModelAttr(), "a model");
}

LogicalResult AgentOp::verify() {
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(verifyNames(*this, getOutputNames(), getOutputs().size(),
                         "output")) ||
      failed(verifyTemplate(*this, getInstructions(), getInputNames())))
    return failure();
  return verifyPositive(*this, getMaxSteps(), "max_steps");
}

LogicalResult AgentOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifySymbol<ModelOp>(*this, symbols, getModelAttr(), "a model")))
    return failure();
  for (auto tool : getTools().getAsRange<FlatSymbolRefAttr>())
    if (failed(verifySymbol<ToolOp>(*this, symbols, tool, "a tool")))
      return failure();
  return success();
}

LogicalResult RetrieveOp::verify() {
  return verifyPositive(*this, getTopK(), "top_k");
}

LogicalResult RetrieveOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifySymbol<DocumentsOp>(*this, symbols, getDocumentsAttr(),
                                       "documents")))
    return failure();
  return verifySymbol<ModelOp>(*this, symbols, getEmbeddingModelAttr(),
                               "a model");
}

LogicalResult ToolCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(verifyNames(*this, getOutputNames(), getOutputs().size(),
                         "output")) ||
      failed(verifySymbol<ToolOp>(*this, symbols, getToolAttr(), "a tool")))
    return failure();
  return verifyEffects(*this, symbols, getEffectsAttr());
}

LogicalResult RemoteAgentOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(
          verifyNames(*this, getOutputNames(), getOutputs().size(), "output")))
    return failure();
  return verifyEffects(*this, symbols, getEffectsAttr());
}

LogicalResult AskOp::verify() {
  if (failed(verifyNames(*this, getInputNames(), getInputs().size(), "input")))
    return failure();
  return verifyTemplate(*this, getPrompt(), getInputNames());
}

LogicalResult ObserveOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ResourceOp>(*this, symbols, getStoreAttr(), "a resource");
}

LogicalResult AttributeOp::verify() {
  double threshold = getThreshold().convertToDouble();
  if (!(threshold >= -1.0 && threshold <= 1.0))
    return emitOpError("needs a threshold between -1 and 1, as cosines are");
  return success();
}

LogicalResult AttributeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<ModelOp>(*this, symbols, getEmbeddingModelAttr(),
                               "a model");
}

LogicalResult RequireOp::verify() {
  if (getId().empty() || getMetric().empty())
    return emitOpError("needs an id and a metric");
  if (getLimit().isNaN())
    return emitOpError("has a limit that is not a number");
  if (!(getWeight().convertToDouble() > 0.0))
    return emitOpError("needs a weight above 0");
  if (getEvents().size() != getValues().size())
    return emitOpError() << "has " << getValues().size() << " values but "
                         << getEvents().size() << " events";
  std::optional<StringRef> name = getNode();
  if (!name)
    return success();

  // A value of the node's own keeps the node alive under every rewrite.
  Operation *graph = getOperation()->getParentOfType<GraphOp>();
  Operation *node = nullptr;
  if (graph)
    graph->walk([&](NodeOpInterface candidate) {
      if (candidate.getNode() == *name)
        node = candidate;
    });
  if (!node)
    return emitOpError() << "speaks of a node '" << *name
                         << "' that this graph does not have";
  bool measured = llvm::any_of(
      getValues(), [&](Value value) { return value.getDefiningOp() == node; });
  if (node->getNumResults() != 0 && !measured)
    return emitOpError() << "speaks of node '" << *name
                         << "' without measuring a value of it; add "
                            "`on (last %value)`";
  return success();
}

LogicalResult DeclassifyOp::verify() {
  if (getReason().empty())
    return emitOpError("gives no reason; releasing data needs one");
  return success();
}

LogicalResult DeclassifyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<DataClassOp>(*this, symbols, getToAttr(), "a data class");
}

LogicalResult RenderOp::verify() {
  if (failed(
          verifyNames(*this, getInputNames(), getInputs().size(), "input")) ||
      failed(verifyTemplate(*this, getTextTemplate(), getInputNames())))
    return failure();
  std::vector<std::string> mentioned = templateNames(getTextTemplate());
  for (StringRef name : getInputNames().getAsValueRange<StringAttr>())
    if (!llvm::is_contained(mentioned, name))
      return emitOpError() << "has an input '" << name
                           << "' that the template does not mention";
  return success();
}

#define GET_OP_CLASSES
#include "dialects/Agent/IR/AgentOps.cpp.inc"
