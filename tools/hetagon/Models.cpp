// What the front does by itself: explain, models, tokenize.
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/Folders.h"
#include "runtime/plan/Explain.h"
#include "runtime/plan/Trust.h"
#include "tools/hetagon/Front.h"
#include <filesystem>
#include <iostream>

namespace hetagon::front {

Status fillRegistry(const ModelOptions &options, ModelRegistry &registry) {
  for (const std::string &path : options.registries)
    HETAGON_RETURN_IF_ERROR(registry.addFile(path));
  for (const std::string &mapping : options.mappings)
    HETAGON_RETURN_IF_ERROR(registry.addMapping(mapping));
  return Status::ok();
}

namespace {

StatusOr<std::string> locate(const ModelOptions &options,
                             const std::string &model) {
  ModelRegistry registry;
  HETAGON_RETURN_IF_ERROR(fillRegistry(options, registry));
  StatusOr<RegisteredModel> found = registry.resolve(model);
  if (found.isOk())
    return found->path;
  std::error_code error;
  if (std::filesystem::exists(model, error))
    return model;
  return found.status();
}

} // namespace

int fail(const Status &status, int exitStatus) {
  std::cerr << "error: " << status.str() << "\n";
  return exitStatus;
}

Json describeEntry(const RegisteredModel &model) {
  Json entry = {
      {"id", model.id}, {"path", model.path}, {"licence", model.licence}};
  StatusOr<ModelDescription> description = describeModel(model.path);
  if (description.isOk()) {
    entry["kind"] = description->decoder() ? "decoder" : "encoder";
    entry["parameters"] = description->parameters;
    entry["weight_bytes"] = description->weightBytes;
  } else {
    entry["error"] = description.status().str();
  }
  return entry;
}

void printEntries(const Json &list, bool json) {
  if (json) {
    std::cout << printJson({{"models", list}}) << "\n";
    return;
  }
  for (const Json &entry : list) {
    std::cout << entry["id"].get<std::string>() << ": ";
    if (entry.contains("error"))
      std::cout << entry["error"].get<std::string>() << "\n";
    else
      std::cout << entry["kind"].get<std::string>() << ", "
                << entry["parameters"].get<uint64_t>() / 1000000
                << " M parameters, "
                << entry["weight_bytes"].get<uint64_t>() / 1000000 << " MB, "
                << entry["path"].get<std::string>() << "\n";
  }
}

int listModels(const ModelOptions &options, bool json) {
  ModelRegistry registry;
  if (Status status = fillRegistry(options, registry); !status.isOk())
    return fail(status);
  Json list = Json::array();
  for (const auto &[id, model] : registry.all()) {
    Json entry = {{"id", id}, {"path", ""}, {"licence", model.licence}};
    if (StatusOr<RegisteredModel> here = registry.resolve(id); here.isOk())
      entry = describeEntry(*here);
    else
      entry["error"] = here.status().str();
    if (!model.source.empty())
      entry["source"] = model.source;
    list.push_back(std::move(entry));
  }
  printEntries(list, json);
  if (list.empty() && !json)
    std::cout << "no models are known; add a models.yaml to "
              << (configFolder().empty() ? "$HETAGON_CONFIG_HOME"
                                         : configFolder())
              << " or give --model-map ID=PATH\n";
  return exitOk;
}

Status checkKind(const ModelOptions &options, const std::string &model,
                 bool wantsDecoder) {
  HETAGON_ASSIGN_OR_RETURN(std::string path, locate(options, model));
  HETAGON_ASSIGN_OR_RETURN(ModelDescription description, describeModel(path));
  bool isDecoder = description.decoder() != nullptr;
  if (isDecoder == wantsDecoder)
    return Status::ok();
  return Status(Code::InvalidArgument,
                isDecoder ? "the model is a decoder, which writes text; to "
                            "embed takes an encoder"
                          : "the model is an encoder, which embeds; to write "
                            "text takes a decoder",
                Place{path, 0, 0, {}});
}

int tokenize(const ModelOptions &options, const std::string &model,
             const std::string &text, bool json) {
  StatusOr<std::string> path = locate(options, model);
  if (!path.isOk())
    return fail(path.status());
  StatusOr<std::unique_ptr<Tokenizer>> tokenizer = openTokenizer(*path);
  if (!tokenizer.isOk())
    return fail(tokenizer.status());
  EncodeOptions encode;
  encode.parseSpecial = true;
  encode.addSpecial = true;
  StatusOr<std::vector<int32_t>> ids = (*tokenizer)->encode(text, encode);
  if (!ids.isOk())
    return fail(ids.status());
  if (json) {
    std::cout << printJson({{"ids", *ids}}) << "\n";
  } else {
    for (int32_t id : *ids)
      std::cout << id << "\t"
                << printJson(std::string((*tokenizer)->tokenText(id))) << "\n";
  }
  return exitOk;
}

int explainPlan(const std::string &path, bool json) {
  StatusOr<std::shared_ptr<const plan::PlanFile>> file =
      plan::PlanFile::open(path);
  if (!file.isOk())
    return fail(file.status());
  std::string trust = "not trusted by this user";
  if (auto store = plan::TrustStore::load(configFolder()); store.isOk())
    if (auto why = plan::checkTrust(**file, *store, {}, path + ".sig");
        why.isOk())
      trust = *why;
  if (json)
    std::cout << printJson(plan::explainJson(**file, trust)) << "\n";
  else
    std::cout << plan::explainText(**file, trust);
  return exitOk;
}

} // namespace hetagon::front
