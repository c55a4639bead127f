// Services: what is known of the model, and what a backend made of its program.
#include "compiler/Emit/Emitter.h"

using namespace mlir;

namespace hetagon::emit {

namespace fb = plan::fb;

namespace {

std::unique_ptr<fb::KvCacheT> kvCacheOf(task::KvCacheAttr kv) {
  auto made = std::make_unique<fb::KvCacheT>();
  made->layers = uint32_t(kv.getLayers());
  made->kv_heads = uint32_t(kv.getKvHeads());
  made->head_dim = uint32_t(kv.getHeadDim());
  made->page_tokens = uint32_t(kv.getPageTokens());
  made->format = kv.getFormat().str();
  made->page_bytes = uint64_t(kv.getPageBytes());
  return made;
}

std::unique_ptr<fb::EndpointT> endpointOf(task::EndpointAttr endpoint,
                                          task::DeviceOp device) {
  auto made = std::make_unique<fb::EndpointT>();
  made->url = endpoint.getUrl().str();
  made->model = endpoint.getModel().str();
  if (endpoint.getSecret())
    made->secret = endpoint.getSecret().str();
  if (FloatAttr price = endpoint.getPricePerMillionInput())
    made->price_per_million_input = price.getValueAsDouble();
  if (FloatAttr price = endpoint.getPricePerMillionOutput())
    made->price_per_million_output = price.getValueAsDouble();
  made->zone = device.getZone().str();
  made->trust = device.getTrust().str();
  return made;
}

FailureOr<std::unique_ptr<fb::TokenizerT>>
tokenizerOf(Emitter &emitter, task::ServiceOp service,
            task::TokenizerAttr tokenizer) {
  FailureOr<uint32_t> artefact = emitter.indexOf(
      service, tokenizer.getArtefact(), emitter.artefacts, "artefact");
  if (failed(artefact))
    return failure();
  auto made = std::make_unique<fb::TokenizerT>();
  made->artefact = *artefact;
  made->algorithm = tokenizer.getAlgorithm().str();
  made->split_patterns = strings(tokenizer.getSplitPatterns());
  made->options = keyValues(tokenizer.getOptions());
  if (tokenizer.getChatTemplate())
    made->chat_template = tokenizer.getChatTemplate().str();
  made->add_bos = tokenizer.getAddBos();
  if (tokenizer.getStopTokens())
    for (int64_t token : tokenizer.getStopTokens().asArrayRef())
      made->stop_tokens.push_back(uint32_t(token));
  return made;
}

/// Appends code and buffers to `made`.
LogicalResult lowerProgram(Emitter &emitter, task::ServiceOp service,
                           task::DeviceOp device, LowerProgram lower,
                           fb::ServiceT &made) {
  auto program =
      service.getProgramAttr()
          ? emitter.module.lookupSymbol<nn::FuncOp>(service.getProgramAttr())
          : nn::FuncOp();
  if (!program) {
    InFlightDiagnostic diagnostic = service.emitError()
                                    << "the service '" << service.getSymName()
                                    << "' has no program for its model '"
                                    << service.getModel() << "'";
    diagnostic.attachNote() << "the model's file is needed: give it with "
                               "--model-map "
                            << service.getModel() << "=PATH";
    return diagnostic;
  }
  FailureOr<uint32_t> weights = emitter.indexOf(
      service, service.getArtefactAttr(), emitter.artefacts, "artefact");
  if (failed(weights))
    return failure();
  target::ProgramBuilder builder(*weights);
  target::DeviceTarget target{device.getId().str(),
                              device.getArchitecture().value_or("").str()};
  if (failed(lower(program, device.getBackend(), target, builder)))
    return failure();
  builder.finish(made, emitter.sections);
  return success();
}

} // namespace

LogicalResult Emitter::emitServices(LowerProgram lower) {
  for (auto service : module.getOps<task::ServiceOp>()) {
    if (!service.getDevice()) {
      InFlightDiagnostic diagnostic = service.emitError()
                                      << "the service '" << service.getSymName()
                                      << "' has no device";
      diagnostic.attachNote() << "a scenario must be applied before a plan is "
                                 "emitted";
      return diagnostic;
    }
    FailureOr<uint32_t> device = useDevice(service, *service.getDevice());
    if (failed(device))
      return failure();
    task::DeviceOp deviceOp = findDevice(*service.getDevice());
    services[service.getSymName()] = uint32_t(plan.services.size());
    auto &made = *plan.services.emplace_back(std::make_unique<fb::ServiceT>());
    made.name = service.getSymName().str();
    made.kind = fb::ServiceKind(uint8_t(service.getKind()));
    made.device = *device;
    made.model_id = service.getModel().str();
    made.context_tokens = uint32_t(service.getContextTokens().value_or(0));
    made.max_rows = uint32_t(service.getMaxRows().value_or(0));
    made.vocabulary = uint32_t(service.getVocabulary().value_or(0));
    made.embedding_size = uint32_t(service.getEmbeddingSize().value_or(0));
    made.parameters = uint64_t(service.getParameters().value_or(0));
    made.weight_bytes = uint64_t(service.getWeightBytes().value_or(0));
    if (service.getKvAttr())
      made.kv = kvCacheOf(service.getKvAttr());
    if (service.getTokenizerAttr()) {
      auto tokenizer = tokenizerOf(*this, service, service.getTokenizerAttr());
      if (failed(tokenizer))
        return failure();
      made.tokenizer = std::move(*tokenizer);
    }
    if (service.getKind() != task::ServiceKind::Endpoint) {
      if (failed(lowerProgram(*this, service, deviceOp, lower, made)))
        return failure();
      continue;
    }
    task::EndpointAttr endpoint = service.getEndpointAttr()
                                      ? service.getEndpointAttr()
                                      : deviceOp.getEndpointAttr();
    if (!endpoint)
      return service.emitError()
             << "neither the service '" << service.getSymName()
             << "' nor its device '" << deviceOp.getId() << "' has an endpoint";
    made.endpoint = endpointOf(endpoint, deviceOp);
  }
  return success();
}

LogicalResult PluginLowering::operator()(nn::FuncOp program,
                                         llvm::StringRef backend,
                                         const target::DeviceTarget &target,
                                         target::ProgramBuilder &builder) {
  std::unique_ptr<target::Backend> &loaded = backends[backend];
  if (!loaded) {
    auto result = target::loadBackend(backend);
    if (!result)
      return program.emitError() << llvm::toString(result.takeError());
    loaded = std::move(*result);
  }
  return loaded->lower(program, target, builder);
}

} // namespace hetagon::emit
