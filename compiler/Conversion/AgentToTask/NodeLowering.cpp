// Nodes to steps.
#include "compiler/Conversion/AgentToTask/Lowering.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::agenttotask;

LogicalResult GraphLowering::notYet(Operation *op, StringRef what,
                                    StringRef instead) {
  InFlightDiagnostic diag = op->emitError()
                            << what
                            << " cannot be compiled yet; the lowering "
                               "comes in a later version";
  if (!instead.empty())
    diag.attachNote() << instead;
  return diag;
}

StringAttr GraphLowering::stepName(agent::NodeOpInterface node,
                                   StringRef part) {
  std::string name;
  if (source.isPrivate())
    name = (source.getSymName() + "/").str();
  name += node.getNode();
  if (!part.empty())
    name += ("." + part).str();
  return StringAttr::get(node.getContext(), name);
}

StringAttr GraphLowering::constantName() {
  std::string name =
      source.isPrivate() ? (source.getSymName() + "/").str() : "";
  name += "constant." + std::to_string(constants++);
  return StringAttr::get(source.getContext(), name);
}

void GraphLowering::annotate(agent::NodeOpInterface node, Operation *step,
                             Scope &scope) {
  Builder builder(node.getContext());
  auto interface = cast<task::StepOpInterface>(step);
  if (interface.getStep() != node.getNode())
    step->setAttr(task::nodeAttrName, builder.getStringAttr(node.getNode()));
  for (StringRef name : {task::timeoutAttrName, task::retriesAttrName})
    if (Attribute value = node->getAttr(name))
      step->setAttr(name, value);

  if (auto expect = node->getAttrOfType<DictionaryAttr>(agent::expectAttrName))
    annotateExpected(expect, step);

  SmallVector<Attribute> seen;
  for (StringAttr name : classes.seenBy(node))
    seen.push_back(FlatSymbolRefAttr::get(name));
  if (!seen.empty())
    step->setAttr(task::dataClassesAttrName, builder.getArrayAttr(seen));

  // Every step of the node waits, since any of them may be where it begins.
  SmallVector<Attribute> after;
  for (Operation *earlier : scope.ordering.before(node))
    after.push_back(scope.lastStep.lookup(earlier));
  if (!after.empty())
    step->setAttr(task::afterAttrName, builder.getArrayAttr(after));
  scope.lastStep[node] = builder.getStringAttr(interface.getStep());
}

void GraphLowering::annotateExpected(DictionaryAttr expect, Operation *step) {
  MLIRContext *context = step->getContext();
  if (auto latency = expect.getAs<IntegerAttr>("latency_ns");
      latency && isa<task::ToolCallOp>(step))
    step->setAttr(task::costAttrName,
                  task::CostAttr::get(
                      context, ArrayAttr(), {}, {}, {}, {},
                      task::ExprAttr::get(
                          context, std::to_string(latency.getInt()) + " ns")));
  NamedAttrList sizes;
  for (StringRef name : {"input_tokens", "output_tokens"})
    if (Attribute count = expect.get(name))
      sizes.set(name, count);
  if (!sizes.empty() && cast<task::StepOpInterface>(step).getServiceRef())
    step->setAttr(task::sizesAttrName, sizes.getDictionary(context));
}

SmallVector<Value> GraphLowering::mapped(ValueRange values, Scope &scope) {
  return llvm::map_to_vector(
      values, [&](Value value) { return scope.values.lookup(value); });
}

LogicalResult GraphLowering::lower(Operation *op, Scope &scope) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<agent::GenerateOp, agent::RetrieveOp, agent::EmbedOp,
            agent::AttributeOp, agent::ToolCallOp, agent::AskOp, agent::RouteOp,
            agent::MapOp, agent::CallOp, agent::RenderOp, agent::ConstantOp,
            agent::RequireOp>([&](auto node) { return lower(node, scope); })
      .Case([&](agent::DeclassifyOp release) -> LogicalResult {
        // Classes have been computed; nothing is left to be done at run time.
        Value value = scope.values.lookup(release.getValue());
        scope.values.map(release.getResult(), value);
        if (Operation *definer = release.getValue().getDefiningOp())
          scope.lastStep[release] = scope.lastStep.lookup(definer);
        return success();
      })
      .Case([&](agent::ObjectiveOp objective) -> LogicalResult {
        scope.builder.create<task::ObjectiveOp>(
            op->getLoc(), objective.getGoalAttr(), objective.getMetricAttr());
        return success();
      })
      .Case([&](agent::LoopOp) {
        return notYet(op, "a loop",
                      "unroll it, or use a map where the trips "
                      "do not depend on each other");
      })
      .Case([&](agent::AgentOp) {
        return notYet(op, "an agent that chooses its tools",
                      "call the tools in a flow of your own");
      })
      .Case([&](agent::RemoteAgentOp) {
        return notYet(op, "a remote agent", "");
      })
      .Case([&](agent::TranscribeOp) {
        return notYet(op, "speech recognition", "");
      })
      .Case([&](agent::SpeakOp) { return notYet(op, "speech output", ""); })
      .Case([&](agent::ObserveOp) {
        return notYet(op, "an observation store", "");
      })
      .Case([&](agent::VerifyOp) {
        return notYet(op, "checking against a schema", "");
      })
      .Default([](Operation *other) -> LogicalResult {
        return other->emitError("has no place in a workflow");
      });
}

LogicalResult GraphLowering::lower(agent::ConstantOp op, Scope &scope) {
  auto constant = scope.builder.create<task::ConstantOp>(
      op.getLoc(), op.getType(), constantName(), op.getValueAttr());
  scope.values.map(op.getResult(), constant.getResult());
  scope.lastStep[op] = constant.getStepAttr();
  return success();
}

LogicalResult GraphLowering::lower(agent::RenderOp op, Scope &scope) {
  auto render = create<task::RenderOp>(op, scope, op.getType(), stepName(op),
                                       StringAttr(), op.getTextTemplateAttr(),
                                       mapped(op.getInputs(), scope),
                                       op.getInputNamesAttr());
  scope.values.map(op.getResult(), render.getResult());
  return success();
}

LogicalResult GraphLowering::lower(agent::GenerateOp op, Scope &scope) {
  MLIRContext *context = op.getContext();
  if (isa<agent::JsonType>(op.getResult().getType()) || op.getOutputSchema())
    return notYet(op, "structured output",
                  "ask for text and say in the "
                  "prompt what form it shall have");
  for (Value input : op.getInputs())
    if (isa<agent::MessageType>(input.getType()))
      return notYet(op, "a conversation as input",
                    "put what matters of it into the prompt");
  FailureOr<task::ServiceOp> service =
      symbols.service(op, op.getModelAttr(), task::ServiceKind::Decoder);
  if (failed(service))
    return failure();
  auto ref = FlatSymbolRefAttr::get(service->getSymNameAttr());
  StringAttr seedKey =
      op.getSampleKey().empty() ? stepName(op) : op.getSampleKeyAttr();

  auto prompt = create<task::RenderOp>(
      op, scope, agent::MessageType::get(context), stepName(op, "prompt"),
      op.getSystemAttr(), op.getPromptAttr(), mapped(op.getInputs(), scope),
      op.getInputNamesAttr());
  if (service->getKind() == task::ServiceKind::Endpoint) {
    auto generate = create<task::GenerateOp>(
        op, scope, op.getType(), stepName(op), ref, prompt.getResult(),
        op.getMaxTokensAttr(), op.getTemperatureAttr(), op.getTopKAttr(),
        op.getTopPAttr(), seedKey);
    scope.values.map(op.getResult(), generate.getText());
    return success();
  }
  auto tokens = create<task::TokenizeOp>(op, scope, stepName(op, "tokenize"),
                                         ref, prompt.getResult());
  auto prefill = create<task::PrefillOp>(op, scope, stepName(op, "prefill"),
                                         ref, tokens.getTokens());
  auto decode = create<task::DecodeOp>(
      op, scope, stepName(op, "decode"), ref, prefill.getKv(),
      op.getMaxTokensAttr(), op.getTemperatureAttr(), op.getTopKAttr(),
      op.getTopPAttr(), seedKey);
  auto text = create<task::DetokenizeOp>(
      op, scope, op.getType(), stepName(op, "text"), ref, decode.getTokens());
  scope.values.map(op.getResult(), text.getText());
  return success();
}

LogicalResult GraphLowering::lower(agent::EmbedOp op, Scope &scope) {
  FailureOr<task::ServiceOp> service =
      symbols.service(op, op.getModelAttr(), task::ServiceKind::Encoder);
  if (failed(service))
    return failure();
  auto ref = FlatSymbolRefAttr::get(service->getSymNameAttr());
  Value text = scope.values.lookup(op.getText());
  if (service->getKind() == task::ServiceKind::Encoder)
    text =
        create<task::TokenizeOp>(op, scope, stepName(op, "tokenize"), ref, text)
            .getTokens();
  auto embed = create<task::EmbedOp>(op, scope, stepName(op), ref, text);
  scope.values.map(op.getResult(), embed.getEmbedding());
  return success();
}

LogicalResult GraphLowering::lower(agent::RetrieveOp op, Scope &scope) {
  FailureOr<task::ServiceOp> service = symbols.service(
      op, op.getEmbeddingModelAttr(), task::ServiceKind::Encoder);
  if (failed(service))
    return failure();
  auto ref = FlatSymbolRefAttr::get(service->getSymNameAttr());
  task::ArtefactOp index = symbols.index(op.getDocumentsAttr(), *service);

  SmallVector<Value> texts = {op.getQuestion()};
  llvm::append_range(texts, op.getRewrites());
  SmallVector<Value> vectors;
  SmallVector<Attribute> names;
  for (auto [i, text] : llvm::enumerate(texts)) {
    std::string suffix = i == 0 ? "" : "." + std::to_string(i);
    Value readable = scope.values.lookup(text);
    if (service->getKind() == task::ServiceKind::Encoder)
      readable =
          create<task::TokenizeOp>(op, scope, stepName(op, "tokenize" + suffix),
                                   ref, readable)
              .getTokens();
    vectors.push_back(create<task::EmbedOp>(op, scope,
                                            stepName(op, "embed" + suffix), ref,
                                            readable)
                          .getEmbedding());
    names.push_back(
        scope.builder.getStringAttr(i == 0 ? "question" : "rewrite" + suffix));
  }
  auto search = create<task::SearchOp>(
      op, scope, stepName(op), FlatSymbolRefAttr::get(index.getSymNameAttr()),
      op.getTopKAttr(), FloatAttr(), vectors,
      scope.builder.getArrayAttr(names));
  scope.values.map(op.getPassages(), search.getPassages());
  return success();
}

LogicalResult GraphLowering::lower(agent::AttributeOp op, Scope &scope) {
  FailureOr<task::ServiceOp> service = symbols.service(
      op, op.getEmbeddingModelAttr(), task::ServiceKind::Encoder);
  if (failed(service))
    return failure();
  auto attribute = create<task::AttributeOp>(
      op, scope, stepName(op),
      FlatSymbolRefAttr::get(service->getSymNameAttr()),
      scope.values.lookup(op.getAnswer()),
      scope.values.lookup(op.getPassages()), op.getThresholdAttr());
  scope.values.map(op.getCitations(), attribute.getCitations());
  return success();
}

LogicalResult GraphLowering::lower(agent::ToolCallOp op, Scope &scope) {
  if (op.getNumResults() > 1)
    return notYet(op, "a tool with several outputs",
                  "give the tool one output; a JSON object can hold many");
  Type type = op.getNumResults() == 1
                  ? op.getOutputs().front().getType()
                  : Type(agent::JsonType::get(op.getContext()));
  if (!isa<agent::TextType, agent::JsonType>(type))
    return notYet(op, "a tool whose output is neither text nor JSON", "");
  auto call =
      create<task::ToolCallOp>(op, scope, type, stepName(op), op.getToolAttr(),
                               mapped(op.getInputs(), scope),
                               op.getInputNamesAttr(), agent::effectsOf(op));
  if (op.getNumResults() == 1)
    scope.values.map(op.getOutputs().front(), call.getResult());
  return success();
}

LogicalResult GraphLowering::lower(agent::AskOp op, Scope &scope) {
  if (!isa<agent::TextType>(op.getType()))
    return notYet(op, "an answer other than text", "");
  auto question = create<task::RenderOp>(
      op, scope, agent::TextType::get(op.getContext()),
      stepName(op, "question"), StringAttr(), op.getPromptAttr(),
      mapped(op.getInputs(), scope), op.getInputNamesAttr());
  auto ask = create<task::AskOp>(op, scope, op.getType(), stepName(op),
                                 question.getResult());
  scope.values.map(op.getReply(), ask.getAnswer());
  return success();
}

LogicalResult GraphLowering::lower(agent::RequireOp op, Scope &scope) {
  scope.builder.create<task::RequireOp>(
      op.getLoc(), op.getIdAttr(), op.getMetricAttr(), op.getBoundAttr(),
      op.getLimitAttr(), op.getUnitAttr(), op.getAtAttr(), op.getSoftAttr(),
      op.getWeightAttr(), op.getNodeAttr(), op.getAllowAttr(),
      op.getEventsAttr(), mapped(op.getValues(), scope),
      task::PredictionAttr());
  return success();
}
