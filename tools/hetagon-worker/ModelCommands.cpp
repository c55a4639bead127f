// Commands that speak to one model of a plan without a flow: generate, embed,
// bench, index; and the list of devices.
#include "runtime/base/File.h"
#include "tools/hetagon-worker/Worker.h"
#include <algorithm>
#include <iostream>

namespace hetagon::worker {

namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

StatusOr<std::vector<int32_t>> promptTokens(const LoadedService &service,
                                            const GenerateCommand &command) {
  EncodeOptions encode;
  encode.parseSpecial = true;
  if (!command.chat) {
    encode.addSpecial = true;
    return service.tokenizer->encode(command.prompt, encode);
  }
  if (!service.chat)
    return Status(Code::InvalidArgument,
                  "the model has no chat template; leave out --chat");
  HETAGON_ASSIGN_OR_RETURN(
      std::string text,
      renderChat(*service.chat, *service.tokenizer,
                 Json::array({{{"role", "user"}, {"content", command.prompt}}}),
                 /*addGenerationPrompt=*/true));
  return service.tokenizer->encode(text, encode);
}

/// Sequences of the encoder for texts, all of them embedded in order.
StatusOr<std::vector<Embedding>>
embedTexts(LoadedService &service, const std::vector<std::string> &texts) {
  std::vector<std::vector<int32_t>> sequences;
  EncodeOptions encode;
  encode.addSpecial = true;
  for (const std::string &text : texts) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                             service.tokenizer->encode(text, encode));
    sequences.push_back(std::move(ids));
  }
  EmbeddingOptions options;
  options.cancel = interrupted();
  return service.encoder->embed(sequences, options);
}

StatusOr<Json> benchDecoder(LoadedService &service,
                            const BenchCommand &command) {
  uint32_t vocabulary = service.plan->vocabulary;
  std::vector<double> prefill, decode;
  for (uint32_t round = 0; round <= command.rounds; ++round) {
    std::vector<std::shared_ptr<Generation>> running;
    auto begin = Clock::now();
    for (uint32_t sequence = 0; sequence < command.batch; ++sequence) {
      GenerationRequest request;
      // Any tokens do; different ones in each sequence, so none can be shared.
      for (uint32_t i = 0; i < command.promptTokens; ++i)
        request.prompt.push_back(
            int32_t((i * 7919 + sequence * 104729 + 13) % vocabulary));
      request.maxTokens = command.generatedTokens + 1;
      request.ignoreStopTokens = true;
      request.cancel = interrupted();
      HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<Generation> generation,
                               service.decoder->submit(std::move(request)));
      running.push_back(std::move(generation));
    }
    double firstMs = 0;
    for (auto &generation : running) {
      HETAGON_ASSIGN_OR_RETURN(GenerationResult result, generation->wait());
      firstMs = std::max(firstMs, result.times.ttftMs);
    }
    double total = secondsSince(begin);
    if (round == 0)
      continue; // warm-up
    double decodeSeconds = total - firstMs / 1e3;
    prefill.push_back(double(command.promptTokens) * command.batch /
                      (firstMs / 1e3));
    decode.push_back(double(command.generatedTokens) * command.batch /
                     decodeSeconds);
  }
  return Json{{"prefill_tok_per_s", median(prefill)},
              {"decode_tok_per_s", median(decode)},
              {"prompt_tokens", command.promptTokens},
              {"generated_tokens", command.generatedTokens},
              {"batch", command.batch},
              {"rounds", command.rounds}};
}

StatusOr<Json> benchEncoder(LoadedService &service,
                            const BenchCommand &command) {
  uint32_t length =
      std::min(command.promptTokens, service.encoder->maxTokens());
  std::vector<std::vector<int32_t>> sequences(command.batch);
  for (uint32_t s = 0; s < command.batch; ++s)
    for (uint32_t i = 0; i < length; ++i)
      sequences[s].push_back(
          int32_t((i * 7919 + s * 104729 + 1000) % service.plan->vocabulary));
  std::vector<double> rates;
  for (uint32_t round = 0; round <= command.rounds; ++round) {
    auto begin = Clock::now();
    EmbeddingOptions options;
    options.cancel = interrupted();
    HETAGON_ASSIGN_OR_RETURN(std::vector<Embedding> embeddings,
                             service.encoder->embed(sequences, options));
    if (round > 0)
      rates.push_back(double(embeddings.size()) / secondsSince(begin));
  }
  double rate = median(rates);
  return Json{{"sequences_per_s", rate},
              {"prefill_tok_per_s", rate * length},
              {"tokens", length},
              {"batch", command.batch},
              {"rounds", command.rounds}};
}

} // namespace

int generate(const GenerateCommand &command) {
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  StatusOr<LoadedService *> found =
      (*open)->serviceOf(plan::fb::ServiceKind::decoder);
  if (!found.isOk())
    return fail(found.status(), exitBadInput);
  LoadedService &service = **found;
  GenerationRequest request;
  StatusOr<std::vector<int32_t>> prompt = promptTokens(service, command);
  if (!prompt.isOk())
    return fail(prompt.status(), exitBadInput);
  request.prompt = *prompt;
  request.sampling = {command.temperature, command.topK, command.topP,
                      command.seed};
  request.maxTokens = command.maxTokens;
  for (uint32_t id : service.tokenizer->config().stopTokens)
    request.stopTokens.push_back(int32_t(id));
  request.ignoreStopTokens = command.ignoreEos;
  request.topLogProbabilities =
      command.plan.json ? command.topLogProbabilities : 0;
  request.cancel = interrupted();
  StreamDecoder decoder(*service.tokenizer);
  if (!command.plan.json)
    request.onToken = [&](const GeneratedToken &token) {
      if (!service.tokenizer->isStop(token.id))
        std::cout << decoder.push(token.id) << std::flush;
    };
  StatusOr<GenerationResult> result =
      service.decoder->generate(std::move(request));
  if (!command.plan.json)
    std::cout << decoder.finish() << std::endl;
  if (!result.isOk())
    return fail(result.status(), result.status().code() == Code::InvalidArgument
                                     ? exitBadInput
                                     : exitRunFailed);
  if (command.plan.json) {
    StreamDecoder whole(*service.tokenizer);
    std::string text;
    for (int32_t id : result->tokens)
      if (!service.tokenizer->isStop(id))
        text += whole.push(id);
    text += whole.finish();
    Json top = Json::array();
    for (const TokenLogProbability &one : result->firstTop)
      top.push_back({{"id", one.id}, {"logprob", one.logProbability}});
    std::cout << printJson({{"prompt_tokens", *prompt},
                            {"tokens", result->tokens},
                            {"text", text},
                            {"top_logprobs", top},
                            {"prefill_ms", result->times.prefillMs},
                            {"decode_ms", result->times.decodeMs},
                            {"token_ms", result->times.tokenMs}})
              << "\n";
  }
  Status traced = (*open)->close();
  return traced.isOk() ? exitOk : fail(traced, exitRunFailed);
}

int embed(const EmbedCommand &command) {
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  StatusOr<LoadedService *> service =
      (*open)->serviceOf(plan::fb::ServiceKind::encoder);
  if (!service.isOk())
    return fail(service.status(), exitBadInput);
  StatusOr<std::vector<Embedding>> result =
      embedTexts(**service, {command.text});
  if (!result.isOk())
    return fail(result.status(), exitRunFailed);
  const Embedding &embedding = result->front();
  if (embedding.truncated)
    std::cerr << "warning: the text was cut to " << embedding.usedTokens
              << " tokens\n";
  if (command.plan.json) {
    std::cout << printJson({{"embedding", embedding.values},
                            {"tokens", embedding.usedTokens},
                            {"truncated", embedding.truncated}})
              << "\n";
  } else {
    for (float value : embedding.values)
      std::cout << value << "\n";
  }
  Status traced = (*open)->close();
  return traced.isOk() ? exitOk : fail(traced, exitRunFailed);
}

int bench(const BenchCommand &command) {
  if (!command.batch || !command.rounds || !command.promptTokens ||
      !command.generatedTokens) {
    std::cerr << "error: -p, -n, -b and -r must be at least 1\n";
    return exitUsage;
  }
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  StatusOr<Json> result = Status(Code::NotFound, "the plan has no model");
  if (auto decoder = (*open)->serviceOf(plan::fb::ServiceKind::decoder);
      decoder.isOk())
    result = benchDecoder(**decoder, command);
  else if (auto encoder = (*open)->serviceOf(plan::fb::ServiceKind::encoder);
           encoder.isOk())
    result = benchEncoder(**encoder, command);
  if (!result.isOk())
    return fail(result.status(), exitRunFailed);
  if (command.plan.json) {
    std::cout << printJson(*result) << "\n";
  } else {
    for (const auto &[key, value] : result->items())
      std::cout << key << " " << value << "\n";
  }
  Status traced = (*open)->close();
  return traced.isOk() ? exitOk : fail(traced, exitRunFailed);
}

int buildIndex(const IndexCommand &command) {
  StatusOr<std::vector<index::Passage>> passages =
      index::readDocuments(command.documents);
  if (!passages.isOk())
    return fail(passages.status(), exitBadInput);
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  StatusOr<LoadedService *> service =
      (*open)->serviceOf(plan::fb::ServiceKind::encoder);
  if (!service.isOk())
    return fail(service.status(), exitBadInput);
  std::vector<std::string> texts;
  for (const index::Passage &passage : *passages)
    texts.push_back(passage.embeddedText());
  StatusOr<std::vector<Embedding>> embeddings = embedTexts(**service, texts);
  if (!embeddings.isOk())
    return fail(embeddings.status(), exitRunFailed);
  std::vector<float> vectors;
  for (const Embedding &embedding : *embeddings)
    vectors.insert(vectors.end(), embedding.values.begin(),
                   embedding.values.end());
  StatusOr<std::string> bytes = index::DocumentIndex::write(
      *passages, vectors, (*service)->plan->embedding_size);
  if (!bytes.isOk())
    return fail(bytes.status(), exitRunFailed);
  Status written = writeFileAtomically(command.output, *bytes);
  if (!written.isOk())
    return fail(written, exitBadInput);
  Json summary = {{"passages", passages->size()}, {"bytes", bytes->size()}};
  std::cout << printJson(summary) << "\n";
  return exitOk;
}

int devices(bool json) {
  HostExecutor executor;
  std::map<std::string, uint32_t> preferences;
  Json list = Json::array();
  for (const DeviceLibrary::Available &found : DeviceLibrary::available()) {
    Json entry = {{"backend", found.backend}};
    StatusOr<std::shared_ptr<Device>> device =
        Status(Code::NotFound, "not opened");
    if (auto library = DeviceLibrary::find(found.backend); library.isOk())
      device = Device::open(*library, executor.host(), found.backend);
    else
      device = library.status();
    if (device.isOk()) {
      const hetagon_device_info &info = (*device)->info();
      entry["name"] = info.name;
      entry["architecture"] = info.architecture;
      entry["memory_bytes"] = info.memory_bytes;
      entry["own_address_space"] = info.own_address_space != 0;
      if (info.preference == HETAGON_PREFERENCE_NEVER)
        entry["only_when_asked"] = true;
      else
        preferences[found.backend] = info.preference;
    } else {
      entry["error"] = device.status().str();
    }
    list.push_back(std::move(entry));
  }
  // The one to take first comes first.
  auto rank = [&](const Json &entry) {
    std::string backend = entry["backend"];
    return std::pair(-int64_t(preferences[backend]), backend);
  };
  std::sort(list.begin(), list.end(),
            [&](const Json &a, const Json &b) { return rank(a) < rank(b); });
  if (json) {
    std::cout << printJson({{"devices", list}}) << "\n";
    return exitOk;
  }
  for (const Json &entry : list) {
    std::cout << entry["backend"].get<std::string>() << ": ";
    if (entry.contains("error"))
      std::cout << "cannot be used: " << entry["error"].get<std::string>();
    else
      std::cout << entry["name"].get<std::string>() << " ("
                << entry["architecture"].get<std::string>() << ")";
    std::cout << "\n";
  }
  if (list.empty())
    std::cout << "no device halves found\n";
  return exitOk;
}

} // namespace hetagon::worker
