// The leaf kinds of steps: what each does with its inputs. docs/plan.md has
// their table.
#include "runtime/base/Sha256.h"
#include "runtime/exec/StepContext.h"
#include "runtime/exec/StopWatcher.h"
#include "runtime/exec/TextTemplate.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace hetagon {

namespace {

using plan::fb::StepKind;
using Values = std::vector<Value>;

/// Times of a step's tokens, from its own beginning.
class TokenClock {
public:
  explicit TokenClock(StepContext &context)
      : report(context.report), begin(context.begin), last(begin) {
    report.ttftMs = 0;
    report.gapsMs.clear();
  }
  void tick() {
    auto now = std::chrono::steady_clock::now();
    if (report.ttftMs == 0)
      report.ttftMs = milliseconds(now - begin);
    else
      report.gapsMs.push_back(milliseconds(now - last));
    last = now;
  }

private:
  using Clock = std::chrono::steady_clock;
  static double milliseconds(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
  }
  StepReport &report;
  const Clock::time_point begin;
  Clock::time_point last;
};

StatusOr<Value> input(const StepContext &context, const std::string &name) {
  auto found = context.inputs.find(name);
  if (found == context.inputs.end())
    return Status(Code::InvalidArgument,
                  "the step has no input '" + name + "'");
  return found->second;
}

/// A prompt as a list of messages: text becomes one message of the user's.
StatusOr<Json> messagesOf(const Value &value) {
  Json messages = value.asText() ? Json(*value.asText()) : value.toJson();
  if (messages.is_string())
    return Json::array({{{"role", "user"}, {"content", std::move(messages)}}});
  if (messages.is_object())
    messages = Json::array({std::move(messages)});
  auto hasText = [](const Json &message, const char *key) {
    auto found = message.find(key);
    return found != message.end() && found->is_string();
  };
  bool fits = messages.is_array() && !messages.empty();
  for (size_t i = 0; fits && i < messages.size(); ++i)
    fits = messages[i].is_object() && hasText(messages[i], "role") &&
           hasText(messages[i], "content");
  if (!fits)
    return Status(Code::InvalidArgument,
                  "the prompt is neither a text nor a list of messages, each "
                  "with the texts \"role\" and \"content\"");
  return messages;
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
  HETAGON_ASSIGN_OR_RETURN(Json messages, messagesOf(prompt));
  HETAGON_ASSIGN_OR_RETURN(std::string text,
                           renderChat(*service.chat, *service.tokenizer,
                                      messages, /*addGenerationPrompt=*/true));
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
  if (prompt.asTokens())
    return Status(Code::Unsupported,
                  "an endpoint takes text or messages, not tokens");
  HETAGON_ASSIGN_OR_RETURN(Json messages, messagesOf(prompt));
  for (const Json &message : messages)
    request.messages.push_back({message["role"].get<std::string>(),
                                message["content"].get<std::string>()});
  HETAGON_ASSIGN_OR_RETURN(request.sampling, samplingOf(context));
  HETAGON_ASSIGN_OR_RETURN(request.stop, stopTexts(context));
  request.maxTokens = maxTokens;
  request.deadline = context.deadline;
  request.cancel = context.stop;
  TokenClock clock(context);
  request.onText = [&](std::string_view piece) {
    clock.tick();
    if (context.onText)
      context.onText(piece);
  };
  HETAGON_ASSIGN_OR_RETURN(EndpointResult result,
                           context.service().endpoint->chat(request));
  context.report.promptTokens = result.promptTokens;
  context.report.generatedTokens = result.completionTokens;
  context.report.costUsd = result.costUsd;
  context.report.costKnown = result.promptTokens > 0;
  return Values{Value::text(std::move(result.text))};
}

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
  TokenClock clock(context);
  bool byText = false;
  context.report.promptTokens = request.prompt.size();
  context.report.generatedTokens = 0;
  request.onToken = [&](const GeneratedToken &token) {
    if (byText)
      return;
    clock.tick();
    ++context.report.generatedTokens;
    if (!service.tokenizer->isStop(token.id))
      byText = watcher.add(decoder.push(token.id));
    if (context.onText)
      if (std::string piece = watcher.take(false); !piece.empty())
        context.onText(piece);
    if (byText)
      ended.request_stop();
  };
  StatusOr<GenerationResult> result =
      service.decoder->generate(std::move(request));
  if (!byText) {
    if (!result.isOk())
      return result.status();
    watcher.add(decoder.finish());
  }
  if (std::string piece = watcher.take(true); !piece.empty() && context.onText)
    context.onText(piece);
  return Values{Value::text(watcher.whole())};
}

StatusOr<Values> render(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(
      std::string text,
      fillTemplate(context.attribute("template"), context.inputs));
  if (context.step.outputs[0]->type != "message")
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

/// Unit vectors of token sequences, by an encoder service of the plan.
StatusOr<std::vector<Value::Embedding>>
embedTokens(LoadedService &service, std::vector<Value::Tokens> sequences,
            const StepContext &context) {
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

StatusOr<std::vector<Value::Embedding>>
embedTexts(LoadedService &service, std::span<const std::string> texts,
           const StepContext &context) {
  std::vector<Value::Tokens> sequences;
  for (const std::string &text : texts) {
    HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                             encodeText(service, text, /*special=*/false));
    sequences.push_back(std::move(ids));
  }
  return embedTokens(service, std::move(sequences), context);
}

StatusOr<Values> embed(StepContext &context) {
  HETAGON_ASSIGN_OR_RETURN(Value value, input(context, "text"));
  std::vector<Value::Embedding> embeddings;
  bool many = !elementType(context.step.outputs[0]->type, "list").empty();
  if (const Value::Tokens *tokens = value.asTokens(); tokens && !many) {
    HETAGON_ASSIGN_OR_RETURN(
        embeddings, embedTokens(context.service(), {*tokens}, context));
  } else {
    std::vector<std::string> texts;
    if (many) {
      HETAGON_ASSIGN_OR_RETURN(Value::List list, value.elements());
      for (const Value &text : list)
        texts.push_back(text.toText());
    } else {
      texts.push_back(value.toText());
    }
    HETAGON_ASSIGN_OR_RETURN(embeddings,
                             embedTexts(context.service(), texts, context));
  }
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
  Json list = passages.toJson();
  if (!list.is_array())
    return Status(Code::InvalidArgument, "the passages are no list");
  std::vector<std::string> sentences = index::splitSentences(text.toText());
  std::vector<std::string> texts = sentences, ids;
  for (const Json &passage : list) {
    if (!isPassage(passage))
      return Status(Code::InvalidArgument,
                    "a passage lacks its \"id\" or \"text\"");
    ids.push_back(passage["id"].get<std::string>());
    texts.push_back(passage["text"].get<std::string>());
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
  if (context.step.outputs[0]->type == "text")
    return Values{Value::text(std::move(result.text))};
  if (!result.structured.is_null())
    return Values{Value::json(std::move(result.structured))};
  // Many servers give their structured result as JSON text only.
  StatusOr<Json> json = parseJson(result.text, "tool result");
  if (json.isOk() && json->is_structured())
    return Values{Value::json(std::move(*json))};
  return Values{Value::text(std::move(result.text))};
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
