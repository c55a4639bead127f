// The steps: rules, and the dialect's operation definitions.
#include "dialects/Agent/IR/Syntax.h"
#include "dialects/Agent/IR/Template.h"
#include "dialects/Agent/IR/Verify.h"
#include "dialects/Task/IR/Task.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::task;

LogicalResult hetagon::task::verifyStep(Operation *step) {
  auto isWrong = [&](StringRef name, auto isRight) {
    Attribute attribute = step->getAttr(name);
    return attribute && !isRight(attribute);
  };
  auto isListOf = [](Attribute attribute, auto isElement) {
    auto list = dyn_cast<ArrayAttr>(attribute);
    return list && llvm::all_of(list, isElement);
  };
  if (isWrong(nodeAttrName, [](Attribute a) { return isa<StringAttr>(a); }))
    return step->emitOpError("has a node that is not text");
  if (isWrong(afterAttrName, [&](Attribute a) {
        return isListOf(a, [](Attribute e) { return isa<StringAttr>(e); });
      }))
    return step->emitOpError("has an `after` that is not a list of names");
  if (isWrong(dataClassesAttrName, [&](Attribute a) {
        return isListOf(a,
                        [](Attribute e) { return isa<FlatSymbolRefAttr>(e); });
      }))
    return step->emitOpError("has data_classes that are not symbols");
  if (isWrong(costAttrName, [](Attribute a) { return isa<CostAttr>(a); }))
    return step->emitOpError("has a cost that is not a #task.cost");
  for (StringRef name : {timeoutAttrName, retriesAttrName})
    if (isWrong(name, [](Attribute a) {
          auto number = dyn_cast<IntegerAttr>(a);
          return number && number.getInt() >= 0;
        }))
      return step->emitOpError() << "has a " << name << " below 0";
  return success();
}

/// Every data class that a step mentions is declared.
static LogicalResult verifyClasses(Operation *op,
                                   SymbolTableCollection &symbols) {
  for (StringRef name : cast<StepOpInterface>(op).getDataClasses())
    if (failed(agent::verifySymbol<DataClassOp>(
            op, symbols, FlatSymbolRefAttr::get(op->getContext(), name),
            "a data class")))
      return failure();
  return success();
}

/// The service is declared and of one of the kinds that offer the step.
static LogicalResult verifyService(Operation *op,
                                   SymbolTableCollection &symbols,
                                   FlatSymbolRefAttr ref,
                                   ArrayRef<ServiceKind> kinds) {
  if (failed(verifyClasses(op, symbols)) ||
      failed(agent::verifySymbol<ServiceOp>(op, symbols, ref, "a service")))
    return failure();
  auto service = symbols.lookupNearestSymbolFrom<ServiceOp>(op, ref);
  if (llvm::is_contained(kinds, service.getKind()))
    return success();
  InFlightDiagnostic diag =
      op->emitOpError() << "cannot be asked of " << ref << ", which is "
                        << (service.getKind() == ServiceKind::Decoder ? "a "
                                                                      : "an ")
                        << stringifyServiceKind(service.getKind());
  diag.attachNote(service.getLoc()) << "declared here";
  return diag;
}

LogicalResult TokenizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Decoder, ServiceKind::Encoder});
}

LogicalResult DetokenizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Decoder});
}

LogicalResult PrefillOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Decoder});
}

LogicalResult DecodeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getMaxTokens() < 1)
    return emitOpError("needs max_tokens of at least 1");
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Decoder});
}

LogicalResult GenerateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getMaxTokens() < 1)
    return emitOpError("needs max_tokens of at least 1");
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Decoder, ServiceKind::Endpoint});
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Encoder, ServiceKind::Endpoint});
}

LogicalResult AttributeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyService(*this, symbols, getServiceAttr(),
                       {ServiceKind::Encoder, ServiceKind::Endpoint});
}

LogicalResult ConstantOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyClasses(*this, symbols);
}

LogicalResult RenderOp::verify() {
  if (getSystem() && !isa<agent::MessageType>(getResult().getType()))
    return emitOpError("has a system text, which only messages can carry");
  if (failed(agent::verifyNames(*this, getInputNames(), getInputs().size(),
                                "input")) ||
      (getSystem() &&
       failed(agent::verifyTemplate(*this, *getSystem(), getInputNames()))))
    return failure();
  return agent::verifyTemplate(*this, getTextTemplate(), getInputNames());
}

LogicalResult RenderOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyClasses(*this, symbols);
}

LogicalResult SearchOp::verify() {
  if (getTopK() < 1)
    return emitOpError("needs top_k of at least 1");
  if (getInputs().empty())
    return emitOpError("has no vector to search for");
  return agent::verifyNames(*this, getInputNames(), getInputs().size(),
                            "input");
}

LogicalResult SearchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyClasses(*this, symbols)) ||
      failed(agent::verifySymbol<ArtefactOp>(*this, symbols, getIndexAttr(),
                                             "an index")))
    return failure();
  auto artefact =
      symbols.lookupNearestSymbolFrom<ArtefactOp>(*this, getIndexAttr());
  if (artefact.getKind() != ArtefactKind::Index)
    return emitOpError() << "searches " << getIndexAttr()
                         << ", which is not an index";
  return success();
}

LogicalResult ToolCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyClasses(*this, symbols)) ||
      failed(agent::verifyNames(*this, getInputNames(), getInputs().size(),
                                "input")))
    return failure();
  if (agent::EffectsAttr effects = getEffectsAttr())
    for (ArrayRef<FlatSymbolRefAttr> list :
         {effects.getReads(), effects.getWrites()})
      for (FlatSymbolRefAttr resource : list)
        if (resource.getValue() != agent::worldResource &&
            failed(agent::verifySymbol<ResourceOp>(*this, symbols, resource,
                                                   "a resource")))
          return failure();
  return agent::verifySymbol<ToolOp>(*this, symbols, getToolAttr(), "a tool");
}

LogicalResult AskOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyClasses(*this, symbols);
}

namespace hetagon::task {
using agent::parseEvents;
using agent::parseNamedOperands;
using agent::parseNamedResults;
using agent::printEvents;
using agent::printNamedOperands;
using agent::printNamedResults;
} // namespace hetagon::task

#define GET_OP_CLASSES
#include "dialects/Task/IR/TaskOps.cpp.inc"
