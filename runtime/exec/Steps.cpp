// The leaf kinds of steps: what each does with its inputs. docs/plan.md has
// their table.
#include "runtime/base/Sha256.h"
#include "runtime/exec/StepContext.h"
#include "runtime/exec/TextTemplate.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace hetagon {

namespace {

using plan::fb::StepKind;
using Values = std::vector<Value>;

double millisecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

StatusOr<Value> input(const StepContext &context, const std::string &name) {
  auto found = context.inputs.find(name);
  if (found == context.inputs.end())
    return Status(Code::InvalidArgument,
                  "the step has no input '" + name + "'");
  return found->second;
}

/// A prompt as a list of messages: text becomes one message of the user's.
Json messagesOf(const Value &value) {
  if (const Json *json = value.asJson(); json && json->is_array())
    return *json;
  if (const Json *json = value.asJson(); json && json->is_object())
    return Json::array({*json});
  return Json::array({{{"role", "user"}, {"content", value.toText()}}});
}

StatusOr<std::vector<int32_t>> encodeText(const LoadedService &service,
                                          const std::string &text,
                                          bool special) {
  EncodeOptions options;
  options.parseSpecial = special;
  options.addSpecial = true;
  return service.tokenizer->encode(text, options);
}

/// Tokens of a prompt: messages, and text when `chat`, go through the model's
/// chat template, which writes its own begin token.
StatusOr<std::vector<int32_t>> encodePrompt(const LoadedService &service,
                                            const Value &prompt, bool chat) {
  if (const Value::Tokens *tokens = prompt.asTokens())
    return *tokens;
  if (prompt.asText() && !(chat && service.chat))
    return encodeText(service, *prompt.asText(), /*special=*/true);
  if (!service.chat)
    return Status(Code::Unsupported,
                  "the model of service '" + service.plan->name +
                      "' has no chat template; give it plain text");
  HETAGON_ASSIGN_OR_RETURN(std::string text,
                           renderChat(*service.chat, *service.tokenizer,
                                      messagesOf(prompt),
                                      /*addGenerationPrompt=*/true));
  EncodeOptions options;
  options.parseSpecial = true;
  return service.tokenizer->encode(text, options);
}

/// seed = hash(run seed, node path, iteration vector, key): the path holds the
/// iterations.
uint64_t seedFor(const StepContext &context) {
  std::string text = std::to_string(context.run.seed) + '\0' + context.path +
                     '\0' + context.attribute("seed_key", context.step.name);
  Digest digest = sha256(text);
  uint64_t seed;
  std::memcpy(&seed, digest.data(), sizeof seed);
  return seed;
}

StatusOr<SamplingParameters> samplingOf(const StepContext &context) {
  SamplingParameters sampling;
  HETAGON_ASSIGN_OR_RETURN(double temperature,
                           context.numberAttribute("temperature", 0));
  HETAGON_ASSIGN_OR_RETURN(double topP, context.numberAttribute("top_p", 1));
  HETAGON_ASSIGN_OR_RETURN(double topK, context.numberAttribute("top_k", 0));
  sampling.temperature = float(temperature);
  sampling.topP = float(topP);
  sampling.topK = uint32_t(topK);
  sampling.seed = seedFor(context);
  HETAGON_RETURN_IF_ERROR(sampling.check());
  return sampling;
}

StatusOr<std::vector<std::string>> stopTexts(const StepContext &context) {
  std::vector<std::string> stops;
  std::string list = context.attribute("stop");
  if (list.empty())
    return stops;
  HETAGON_ASSIGN_OR_RETURN(Json json, parseJson(list, "stop"));
  for (const Json &text : json)
    if (text.is_string() && !text.get<std::string>().empty())
      stops.push_back(text.get<std::string>());
  return stops;
}

StatusOr<Values> generateRemotely(StepContext &context, const Value &prompt,
                                  uint32_t maxTokens) {
  EndpointRequest request;
  for (const Json &message : messagesOf(prompt))
    if (message.is_object())
      request.messages.push_back(
          {message.value("role", "user"), message.value("content", "")});
  HETAGON_ASSIGN_OR_RETURN(request.sampling, samplingOf(context));
  HETAGON_ASSIGN_OR_RETURN(request.stop, stopTexts(context));
  request.maxTokens = maxTokens;
  request.deadline = context.deadline;
  request.cancel = context.stop;
  auto last = context.begin;
  request.onText = [&](std::string_view piece) {
    auto now = std::chrono::steady_clock::now();
    if (context.report.ttftMs == 0)
      context.report.ttftMs = millisecondsSince(context.begin);
    else
      context.report.gapsMs.push_back(
          std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
    if (context.onText)
      context.onText(piece);
  };
  HETAGON_ASSIGN_OR_RETURN(EndpointResult result,
                           context.service().endpoint->chat(request));
  context.report.promptTokens = result.promptTokens;
  context.report.generatedTokens = result.completionTokens;
  context.report.costUsd = result.costUsd;
  return Values{Value::text(std::move(result.text))};
}

/// Text as it may be shown while stop texts could still cut it.
class StopWatcher {
public:
  explicit StopWatcher(std::vector<std::string> stops)
      : stops(std::move(stops)) {}

  /// Adds text; true once a stop text has appeared.
  bool add(std::string_view piece) {
    if (stopped)
      return true;
    text += piece;
    for (const std::string &stop : stops) {
      size_t from = shown > stop.size() ? shown - stop.size() : 0;
      size_t at = text.find(stop, from);
      if (at != std::string::npos) {
        text.resize(at);
        stopped = true;
      }
    }
    return stopped;
  }

  /// The part not shown yet that no stop text can cut any more.
  std::string take(bool final) {
    size_t end = text.size();
    if (!final && !stopped)
      for (const std::string &stop : stops)
        for (size_t overlap = std::min(stop.size() - 1, text.size()); overlap;
             --overlap)
          if (text.ends_with(std::string_view(stop).substr(0, overlap))) {
            end = std::min(end, text.size() - overlap);
            break;
          }
    if (end <= shown)
      return {};
    std::string piece = text.substr(shown, end - shown);
    shown = end;
    return piece;
  }

  const std::string &whole() const { return text; }

private:
  std::vector<std::string> stops;
  std::string text;
  size_t shown = 0;
  bool stopped = false;
};

StatusOr<Values> generate(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value prompt, input(context, "prompt"));
  HETAGON_ASSIGN_OR_RETURN(double maxTokens,
                           context.numberAttribute("max_tokens", 256));
  LoadedService &service = context.service();
  if (service.endpoint)
    return generateRemotely(context, prompt, uint32_t(maxTokens));

  GenerationRequest request;
  HETAGON_ASSIGN_OR_RETURN(
      request.prompt,
      encodePrompt(service, prompt, context.flagAttribute("chat", true)));
  HETAGON_ASSIGN_OR_RETURN(request.sampling, samplingOf(context));
  HETAGON_ASSIGN_OR_RETURN(std::vector<std::string> stops, stopTexts(context));
  request.maxTokens = uint32_t(maxTokens);
  for (uint32_t id : service.tokenizer->config().stopTokens)
    request.stopTokens.push_back(int32_t(id));
  request.deadline = context.deadline;

  // A stop text ends the request from within its own callback.
  std::stop_source ended;
  std::stop_callback onCancel(context.stop, [&] { ended.request_stop(); });
  request.cancel = ended.get_token();
  StreamDecoder decoder(*service.tokenizer);
  StopWatcher watcher(stops);
  bool byText = false;
  request.onToken = [&](const GeneratedToken &token) {
    if (context.onToken)
      context.onToken(token.id);
    if (byText)
      return;
    if (!service.tokenizer->isStop(token.id))
      byText = watcher.add(decoder.push(token.id));
    if (context.onText)
      if (std::string piece = watcher.take(false); !piece.empty())
        context.onText(piece);
    if (byText)
      ended.request_stop();
  };
  context.report.promptTokens = request.prompt.size();
  StatusOr<GenerationResult> result =
      service.decoder->generate(std::move(request));
  bool cutByStop = byText && !context.stop.stop_requested();
  if (!result.isOk() && !cutByStop)
    return result.status();
  if (!cutByStop) {
    watcher.add(decoder.finish());
    context.report.generatedTokens = result->tokens.size();
    context.report.ttftMs = result->times.ttftMs;
    for (size_t i = 1; i < result->times.tokenMs.size(); ++i)
      context.report.gapsMs.push_back(result->times.tokenMs[i] -
                                      result->times.tokenMs[i - 1]);
  }
  if (std::string piece = watcher.take(true); !piece.empty() && context.onText)
    context.onText(piece);
  if (context.step.outputs[0]->type.find("tokens") != std::string::npos) {
    if (cutByStop)
      return Status(Code::Unsupported,
                    "stop texts need a generation that yields text");
    return Values{Value::tokens(std::move(result->tokens))};
  }
  return Values{Value::text(watcher.whole())};
}

StatusOr<Values> render(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(
      std::string text,
      fillTemplate(context.attribute("template"), context.inputs));
  if (context.step.outputs[0]->type != "messages")
    return Values{Value::text(std::move(text))};
  Json messages = Json::array();
  std::string system = context.attribute("system");
  if (!system.empty()) {
    HETAGON_ASSIGN_OR_RETURN(system, fillTemplate(system, context.inputs));
    messages.push_back({{"role", "system"}, {"content", system}});
  }
  messages.push_back(
      {{"role", context.attribute("role", "user")}, {"content", text}});
  return Values{Value::json(std::move(messages))};
}

StatusOr<Values> embed(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value value, input(context, "text"));
  std::vector<std::string> texts;
  bool many = value.asText() == nullptr;
  if (many) {
    HETAGON_ASSIGN_OR_RETURN(Value::List list, value.elements());
    for (const Value &text : list)
      texts.push_back(text.toText());
  } else {
    texts.push_back(*value.asText());
  }
  HETAGON_ASSIGN_OR_RETURN(std::vector<Value::Embedding> embeddings,
                           embedTexts(context.service(), texts, context));
  if (!many)
    return Values{Value::embedding(std::move(embeddings[0]))};
  Value::List list;
  for (Value::Embedding &embedding : embeddings)
    list.push_back(Value::embedding(std::move(embedding)));
  return Values{Value::list(std::move(list))};
}

/// Several queries ask for one thing: their weighted mean, the first (what the
/// user wrote) counting twice, the others (what was derived from it) once.
StatusOr<Values> search(StepContext &context) {
  const index::DocumentIndex *documents =
      context.runtime.documentIndex(context.step.artefact);
  HETAGON_ASSIGN_OR_RETURN(double topK, context.numberAttribute("top_k", 3));
  HETAGON_ASSIGN_OR_RETURN(double threshold,
                           context.numberAttribute("threshold", -1));
  Value::Embedding query(documents->dimensions(), 0.0f);
  float weight = 2;
  for (const std::string &name : context.step.input_names) {
    HETAGON_ASSIGN_OR_RETURN(Value value, input(context, name));
    Value::List parts = {value};
    if (value.asList())
      parts = *value.asList();
    for (const Value &part : parts) {
      const Value::Embedding *embedding = part.asEmbedding();
      if (!embedding || embedding->size() != query.size())
        return Status(Code::InvalidArgument,
                      "'" + name + "' is no embedding of " +
                          std::to_string(query.size()) +
                          " numbers, as the index has them");
      for (size_t i = 0; i < query.size(); ++i)
        query[i] += weight * (*embedding)[i];
      weight = 1;
    }
  }
  double norm = 0;
  for (float x : query)
    norm += double(x) * x;
  for (float &x : query)
    x = norm > 0 ? float(x / std::sqrt(norm)) : 0.0f;
  HETAGON_ASSIGN_OR_RETURN(std::vector<index::Hit> hits,
                           documents->search(query, size_t(topK)));
  Json passages = Json::array();
  for (const index::Hit &hit : hits)
    if (hit.score >= threshold)
      passages.push_back({{"id", hit.passage->id},
                          {"source", hit.passage->source},
                          {"title", hit.passage->title},
                          {"text", hit.passage->text},
                          {"score", hit.score}});
  return Values{Value::json(std::move(passages))};
}

/// Which passages a text rests on: for each sentence the passage nearest to it,
/// when the cosine of their embeddings reaches the threshold.
StatusOr<Values> attribute(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value text, input(context, "text"));
  HETAGON_ASSIGN_OR_RETURN(Value passages, input(context, "passages"));
  HETAGON_ASSIGN_OR_RETURN(double threshold,
                           context.numberAttribute("threshold", 0.5));
  const Json *list = passages.asJson();
  if (!list || !list->is_array())
    return Status(Code::InvalidArgument, "the passages are no list");
  std::vector<std::string> sentences = index::splitSentences(text.toText());
  std::vector<std::string> texts = sentences, ids;
  for (const Json &passage : *list) {
    if (!passage.is_object() || !passage.contains("id") ||
        !passage["id"].is_string())
      return Status(Code::InvalidArgument, "a passage has no id");
    ids.push_back(passage["id"].get<std::string>());
    texts.push_back(passage.value("text", ""));
  }
  Json citations = Json::array();
  if (sentences.empty() || ids.empty())
    return Values{Value::json(std::move(citations))};
  HETAGON_ASSIGN_OR_RETURN(std::vector<Value::Embedding> embeddings,
                           embedTexts(context.service(), texts, context));
  for (size_t s = 0; s < sentences.size(); ++s) {
    size_t best = 0;
    double bestScore = -2;
    for (size_t p = 0; p < ids.size(); ++p) {
      double score = 0;
      for (size_t i = 0; i < embeddings[s].size(); ++i)
        score += double(embeddings[s][i]) *
                 double(embeddings[sentences.size() + p][i]);
      if (score > bestScore) {
        bestScore = score;
        best = p;
      }
    }
    if (bestScore >= threshold && std::find(citations.begin(), citations.end(),
                                            Json(ids[best])) == citations.end())
      citations.push_back(ids[best]);
  }
  return Values{Value::json(std::move(citations))};
}

StatusOr<Values> callTool(StepContext &context) {
  Json arguments = Json::object();
  for (const auto &[name, value] : context.inputs)
    arguments[name] = value.toJson();
  HETAGON_ASSIGN_OR_RETURN(
      tools::McpResult result,
      context.runtime.tools().call(size_t(context.step.tool),
                                   context.attribute("name"), arguments,
                                   context.deadline, context.stop));
  bool text = context.step.outputs[0]->type == "text";
  if (!text && !result.structured.is_null())
    return Values{Value::json(std::move(result.structured))};
  return Values{text ? Value::text(std::move(result.text))
                     : Value::fromJson(std::move(result.text), "text")};
}

StatusOr<Values> tokenizeStep(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value value, input(context, "text"));
  const LoadedService &service = context.service();
  if (!value.asText()) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                             encodePrompt(service, value, /*chat=*/true));
    return Values{Value::tokens(std::move(ids))};
  }
  HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                           encodeText(service, *value.asText(),
                                      context.flagAttribute("special", true)));
  return Values{Value::tokens(std::move(ids))};
}

StatusOr<Values> detokenize(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value value, input(context, "tokens"));
  if (!value.asTokens())
    return Status(Code::InvalidArgument, "the input is no list of tokens");
  StreamDecoder decoder(*context.service().tokenizer);
  std::string text;
  for (int32_t id : *value.asTokens())
    text += decoder.push(id);
  return Values{Value::text(text + decoder.finish())};
}

StatusOr<Values> ask(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value question, input(context, "question"));
  if (!context.run.ask)
    return Status(Code::Unsupported,
                  "the flow asks a person, and there is nobody to ask: run it "
                  "at a terminal");
  HETAGON_ASSIGN_OR_RETURN(std::string answer,
                           context.run.ask(question.toText()));
  return Values{Value::text(std::move(answer))};
}

} // namespace

std::string StepContext::attribute(std::string_view key,
                                   std::string otherwise) const {
  for (const auto &attribute : step.attributes)
    if (attribute->key == key)
      return attribute->value;
  return otherwise;
}

StatusOr<double> StepContext::numberAttribute(std::string_view key,
                                              double otherwise) const {
  std::string words = attribute(key);
  if (words.empty())
    return otherwise;
  char *end = nullptr;
  double value = std::strtod(words.c_str(), &end);
  if (*end || !std::isfinite(value))
    return Status(Code::InvalidArgument, "the attribute " + std::string(key) +
                                             " is no number: " + words);
  return value;
}

bool StepContext::flagAttribute(std::string_view key, bool otherwise) const {
  std::string words = attribute(key);
  return words.empty() ? otherwise : words == "true";
}

StatusOr<std::vector<Value::Embedding>>
embedTexts(LoadedService &service, std::span<const std::string> texts,
           const StepContext &context) {
  std::vector<std::vector<int32_t>> sequences;
  for (const std::string &text : texts) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                             encodeText(service, text, /*special=*/false));
    sequences.push_back(std::move(ids));
  }
  EmbeddingOptions options;
  options.deadline = context.deadline;
  options.cancel = context.stop;
  HETAGON_ASSIGN_OR_RETURN(std::vector<Embedding> found,
                           service.encoder->embed(sequences, options));
  std::vector<Value::Embedding> embeddings;
  for (Embedding &embedding : found)
    embeddings.push_back(std::move(embedding.values));
  return embeddings;
}

StatusOr<std::vector<Value>> runLeafStep(StepContext &context) {
  switch (context.step.kind) {
  case StepKind::render:
    return render(context);
  case StepKind::tokenize:
    return tokenizeStep(context);
  case StepKind::generate:
    return generate(context);
  case StepKind::detokenize:
    return detokenize(context);
  case StepKind::embed:
    return embed(context);
  case StepKind::search:
    return search(context);
  case StepKind::tool:
    return callTool(context);
  case StepKind::attribute:
    return attribute(context);
  case StepKind::ask:
    return ask(context);
  case StepKind::constant: {
    HETAGON_ASSIGN_OR_RETURN(Value value,
                             Value::parse(context.attribute("value"),
                                          context.step.outputs[0]->type,
                                          context.step.name));
    return Values{std::move(value)};
  }
  case StepKind::output:
    return Values{};
  case StepKind::branch:
  case StepKind::map:
  case StepKind::call:
    break;
  }
  return Status(Code::Internal, "no leaf step of this kind");
}

} // namespace hetagon
