// The chat-completions protocol with server-sent events: one "data: {json}"
// line a piece, "data: [DONE]" last.
#include "runtime/exec/Endpoint.h"
#include "runtime/base/Http.h"
#include "runtime/base/Json.h"

namespace hetagon {

namespace {

/// Cuts a byte stream into the data lines of server-sent events.
class EventReader {
public:
  Status feed(std::string_view bytes,
              const std::function<Status(std::string_view)> &onData) {
    pending += bytes;
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      std::string_view line(pending.data() + begin, end - begin);
      if (!line.empty() && line.back() == '\r')
        line.remove_suffix(1);
      if (!line.starts_with("data:"))
        continue;
      line.remove_prefix(5);
      if (line.starts_with(' '))
        line.remove_prefix(1);
      HETAGON_RETURN_IF_ERROR(onData(line));
    }
    pending.erase(0, begin);
    return Status::ok();
  }

private:
  std::string pending;
};

double millisecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

uint64_t countAt(const Json &usage, const char *key) {
  auto found = usage.find(key);
  return found != usage.end() && found->is_number_unsigned()
             ? found->get<uint64_t>()
             : 0;
}

/// What the endpoint says of an error, without anything we sent.
std::string errorText(const std::string &body) {
  auto parsed = parseJson(body, "endpoint");
  if (parsed.isOk() && parsed->is_object() && parsed->contains("error")) {
    const Json &error = (*parsed)["error"];
    if (error.is_string())
      return error.get<std::string>();
    if (error.is_object() && error.contains("message") &&
        error["message"].is_string())
      return error["message"].get<std::string>();
  }
  return body.substr(0, 200);
}

Status httpFailure(const plan::fb::EndpointT &endpoint,
                   const HttpResponse &response) {
  int status = response.status;
  std::string text = "the endpoint " + endpoint.url + " answered HTTP " +
                     std::to_string(status) + ": " + errorText(response.body);
  if (status == 401 || status == 403)
    return Status(Code::PermissionDenied,
                  text +
                      (endpoint.secret.empty()
                           ? "; the service names no secret"
                           : "; check the secret '" + endpoint.secret + "'"));
  if (status == 429 || status >= 500)
    return Status(
        Code::Unavailable,
        text + (response.retryAfter.empty()
                    ? ""
                    : "; it asks to wait " + response.retryAfter + " s"));
  return Status(Code::InvalidArgument, text);
}

} // namespace

Endpoint::Endpoint(plan::fb::EndpointT description, SecretSource secret)
    : endpoint(std::move(description)), secret(std::move(secret)) {}

EndpointCounts Endpoint::counts() const {
  return {requests, failures, promptTokens, completionTokens};
}

StatusOr<EndpointResult> Endpoint::chat(const EndpointRequest &request) {
  ++requests;
  auto begin = std::chrono::steady_clock::now();
  Json messages = Json::array();
  for (const ChatMessage &message : request.messages)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  Json body = {{"model", endpoint.model},
               {"messages", std::move(messages)},
               {"max_tokens", request.maxTokens},
               {"temperature", request.sampling.temperature},
               {"top_p", request.sampling.topP},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}}};
  if (request.sampling.temperature > 0)
    body["seed"] = request.sampling.seed & 0x7fffffff;
  if (!request.stop.empty())
    body["stop"] = request.stop;

  HttpRequest http;
  http.url = endpoint.url;
  while (http.url.ends_with('/'))
    http.url.pop_back();
  http.url += "/chat/completions";
  http.body = printJson(body);
  http.headers["Accept"] = "text/event-stream";
  http.deadline = request.deadline;
  http.stop = request.cancel;
  if (!endpoint.secret.empty()) {
    HETAGON_ASSIGN_OR_RETURN(std::string key, secret(endpoint.secret));
    http.headers["Authorization"] = "Bearer " + key;
  }

  EndpointResult result;
  EventReader events;
  bool done = false;
  auto onEvent = [&](std::string_view data) -> Status {
    if (data == "[DONE]") {
      done = true;
      return Status::ok();
    }
    StatusOr<Json> parsed = parseJson(data, endpoint.url);
    if (!parsed.isOk() || !parsed->is_object())
      return Status(Code::DataLoss,
                    "the endpoint " + endpoint.url +
                        " sent an event that is not a JSON object");
    const Json &event = *parsed;
    if (event.contains("error"))
      return Status(Code::Unavailable, "the endpoint " + endpoint.url +
                                           " failed while answering: " +
                                           errorText(std::string(data)));
    if (event.contains("usage") && event["usage"].is_object()) {
      result.promptTokens = countAt(event["usage"], "prompt_tokens");
      result.completionTokens = countAt(event["usage"], "completion_tokens");
    }
    if (!event.contains("choices") || !event["choices"].is_array() ||
        event["choices"].empty() || !event["choices"][0].is_object())
      return Status::ok();
    const Json &choice = event["choices"][0];
    if (choice.contains("finish_reason") && choice["finish_reason"].is_string())
      result.finish = choice["finish_reason"].get<std::string>();
    if (choice.contains("delta") && choice["delta"].is_object() &&
        choice["delta"].contains("content") &&
        choice["delta"]["content"].is_string()) {
      const auto &piece =
          choice["delta"]["content"].get_ref<const std::string &>();
      if (piece.empty())
        return Status::ok();
      if (result.text.empty())
        result.ttftMs = millisecondsSince(begin);
      result.text += piece;
      if (request.onText)
        request.onText(piece);
    }
    return Status::ok();
  };

  StatusOr<HttpResponse> response = httpPost(http, [&](std::string_view chunk) {
    return events.feed(chunk, onEvent);
  });
  Status failure;
  if (!response.isOk())
    failure = response.status();
  else if (response->status < 200 || response->status >= 300)
    failure = httpFailure(endpoint, *response);
  else if (!done && result.finish.empty())
    failure = Status(Code::DataLoss, "the endpoint " + endpoint.url +
                                         " ended its answer in the middle");
  if (!failure.isOk()) {
    ++failures;
    return failure;
  }
  result.totalMs = millisecondsSince(begin);
  result.costUsd =
      (double(result.promptTokens) * endpoint.price_per_million_input +
       double(result.completionTokens) * endpoint.price_per_million_output) /
      1e6;
  promptTokens += result.promptTokens;
  completionTokens += result.completionTokens;
  return result;
}

} // namespace hetagon
