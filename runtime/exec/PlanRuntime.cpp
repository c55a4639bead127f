// Opening a plan: devices, weights, tokenizers, indexes, tools.
#include "runtime/exec/PlanRuntime.h"
#include "runtime/models/TokenizerFiles.h"

namespace hetagon {

StatusOr<std::unique_ptr<PlanRuntime>>
PlanRuntime::open(std::shared_ptr<const plan::PlanFile> file,
                  RuntimeOptions options) {
  std::unique_ptr<PlanRuntime> runtime(new PlanRuntime(std::move(options)));
  runtime->root = std::shared_ptr<const plan::fb::PlanT>(file->plan().UnPack());
  runtime->file = std::move(file);
  HETAGON_RETURN_IF_ERROR(runtime->load());
  return runtime;
}

PlanRuntime::~PlanRuntime() = default;

Status PlanRuntime::load() {
  opened.resize(root->devices.size());
  services.resize(root->services.size());
  weights.resize(root->artefacts.size());
  for (size_t i = 0; i < services.size(); ++i) {
    Status loaded = loadService(*root->services[i], services[i]);
    if (!loaded.isOk())
      return loaded.withContext("service '" + root->services[i]->name + "'");
  }
  for (const auto &graph : root->graphs)
    for (const auto &step : graph->steps) {
      if (step->kind != plan::fb::StepKind::search ||
          indexes.count(step->artefact))
        continue;
      HETAGON_ASSIGN_OR_RETURN(std::string path,
                               artefact(uint32_t(step->artefact)));
      HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                               MappedFile::open(path));
      HETAGON_ASSIGN_OR_RETURN(
          indexes[step->artefact],
          index::DocumentIndex::open(mapped->bytes(), path));
    }
  std::vector<const plan::fb::ToolT *> tools;
  for (const auto &tool : root->tools)
    tools.push_back(tool.get());
  toolHost = std::make_unique<ToolHost>(tools, options.tools);
  return Status::ok();
}

StatusOr<std::string> PlanRuntime::artefact(uint32_t index) const {
  if (!options.artefactPath)
    return Status(Code::NotFound, "no source for the plan's artefacts");
  return options.artefactPath(*file->plan().artefacts()->Get(index));
}

Status PlanRuntime::openWeights(uint32_t index) {
  if (weights[index])
    return Status::ok();
  HETAGON_ASSIGN_OR_RETURN(std::string path, artefact(index));
  HETAGON_ASSIGN_OR_RETURN(weights[index], TensorFile::open(path));
  return Status::ok();
}

StatusOr<std::shared_ptr<Device>> PlanRuntime::device(uint32_t index) {
  std::shared_ptr<Device> &found = opened[index];
  if (!found) {
    const plan::fb::DeviceT &wanted = *root->devices[index];
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const DeviceLibrary> library,
                             DeviceLibrary::find(wanted.backend));
    HETAGON_ASSIGN_OR_RETURN(
        found, Device::open(library, executor.host(), wanted.id,
                            wanted.config.empty() ? "{}" : wanted.config));
  }
  return found;
}

Status PlanRuntime::loadTokenizer(const plan::fb::TokenizerT &tokenizer,
                                  LoadedService &loaded) {
  TokenizerConfig config;
  config.algorithm = tokenizer.algorithm;
  config.splitPatterns = tokenizer.split_patterns;
  for (const auto &option : tokenizer.options)
    config.options[option->key] = option->value;
  config.addBos = tokenizer.add_bos;
  config.stopTokens = tokenizer.stop_tokens;
  config.chatTemplate = tokenizer.chat_template;
  HETAGON_ASSIGN_OR_RETURN(std::string path, artefact(tokenizer.artefact));
  HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary, readVocabulary(path));
  if (!config.chatTemplate.empty()) {
    HETAGON_ASSIGN_OR_RETURN(loaded.chat,
                             ChatTemplate::parse(config.chatTemplate));
  }
  HETAGON_ASSIGN_OR_RETURN(
      loaded.tokenizer,
      Tokenizer::create(std::move(config), std::move(vocabulary)));
  return Status::ok();
}

Status PlanRuntime::loadService(const plan::fb::ServiceT &service,
                                LoadedService &loaded) {
  loaded.plan = &service;
  loaded.device = root->devices[service.device]->id;
  if (service.tokenizer)
    HETAGON_RETURN_IF_ERROR(loadTokenizer(*service.tokenizer, loaded));
  if (service.kind == plan::fb::ServiceKind::endpoint) {
    loaded.endpoint =
        std::make_unique<Endpoint>(*service.endpoint, options.secret);
    return Status::ok();
  }

  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<Device> on, device(service.device));
  for (const auto &buffer : service.buffers)
    if (buffer->storage == plan::fb::Storage::weight)
      HETAGON_RETURN_IF_ERROR(openWeights(uint32_t(buffer->artefact)));
  // The service as part of the plan: the plan stays while it does.
  std::shared_ptr<const plan::fb::ServiceT> shared(root, &service);
  ServiceOptions serving = options.service;
  serving.trace = options.trace;
  HETAGON_ASSIGN_OR_RETURN(
      std::shared_ptr<ServiceInstance> instance,
      ServiceInstance::load(shared, on, makeSources(file, weights), serving));

  if (service.kind == plan::fb::ServiceKind::encoder) {
    HETAGON_ASSIGN_OR_RETURN(loaded.encoder,
                             EmbeddingService::create(instance));
    return Status::ok();
  }
  BatchOptions batch;
  batch.chunkTokens = options.chunkTokens;
  HETAGON_ASSIGN_OR_RETURN(loaded.decoder,
                           BatchScheduler::create(instance, std::move(batch)));
  return Status::ok();
}

const index::DocumentIndex *PlanRuntime::documentIndex(int index) const {
  auto found = indexes.find(index);
  return found == indexes.end() ? nullptr : found->second.get();
}

} // namespace hetagon
