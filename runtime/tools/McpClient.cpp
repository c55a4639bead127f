// The Model Context Protocol: JSON-RPC 2.0, one message a line. Source of the
// message forms: the protocol's specification, revisions 2025-11-25 and
// 2026-07-28.
#include "runtime/tools/McpClient.h"
#include <algorithm>

namespace hetagon::tools {

namespace {

constexpr const char *statelessRevision = "2026-07-28";
constexpr const char *handshakeRevision = "2025-11-25";
// Revisions of the handshake whose tools/list and tools/call are the same.
constexpr const char *acceptedRevisions[] = {"2025-11-25", "2025-06-18",
                                             "2025-03-26", "2024-11-05"};
constexpr int64_t unsupportedRevision = -32022;

Json clientInfo() { return {{"name", "hetagon"}, {"version", "0.1.0"}}; }

std::string textOr(const Json &object, const char *key, std::string fallback) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::move(fallback);
}

} // namespace

StatusOr<std::unique_ptr<McpClient>> McpClient::connect(ProcessOptions options,
                                                        Deadline deadline,
                                                        std::stop_token stop) {
  std::unique_ptr<McpClient> client(new McpClient);
  HETAGON_ASSIGN_OR_RETURN(client->process, Process::start(std::move(options)));
  client->reader = std::jthread(
      [raw = client.get()](std::stop_token ended) { raw->read(ended); });
  HETAGON_RETURN_IF_ERROR(client->agree(deadline, stop));
  return client;
}

McpClient::~McpClient() {
  reader.request_stop();
  if (reader.joinable())
    reader.join();
}

Status McpClient::agree(Deadline deadline, std::stop_token stop) {
  agreed = statelessRevision;
  Refusal refusal;
  StatusOr<Json> found =
      request("server/discover", Json::object(), deadline, stop, &refusal);
  if (found.isOk()) {
    const Json &revisions = (*found)["supportedVersions"];
    if (revisions.is_array() && std::find(revisions.begin(), revisions.end(),
                                          Json(agreed)) != revisions.end())
      return Status::ok();
  } else if (!refusal.code) {
    return found.status();
  } else if (refusal.code == unsupportedRevision && refusal.data.is_object()) {
    const Json &supported = refusal.data["supported"];
    bool handshake = !supported.is_array();
    if (!handshake)
      for (const char *revision : acceptedRevisions)
        handshake |= std::find(supported.begin(), supported.end(),
                               Json(revision)) != supported.end();
    if (!handshake)
      return Status(Code::Unsupported,
                    "the tool server speaks only the revisions " +
                        printJson(supported));
  }
  return initialize(deadline, stop);
}

Status McpClient::initialize(Deadline deadline, std::stop_token stop) {
  agreed = handshakeRevision;
  HETAGON_ASSIGN_OR_RETURN(Json answer,
                           request("initialize",
                                   {{"protocolVersion", handshakeRevision},
                                    {"capabilities", Json::object()},
                                    {"clientInfo", clientInfo()}},
                                   deadline, stop));
  std::string revision = textOr(answer, "protocolVersion", "none");
  if (std::find(std::begin(acceptedRevisions), std::end(acceptedRevisions),
                revision) == std::end(acceptedRevisions))
    return Status(Code::Unsupported,
                  "the tool server answered with protocol revision '" +
                      revision + "', which is not spoken here");
  agreed = revision;
  return send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}},
              deadline, stop);
}

Status McpClient::send(const Json &message, Deadline deadline,
                       std::stop_token stop) {
  std::lock_guard lock(writing);
  return process->writeLine(printJson(message), deadline, stop);
}

void McpClient::read(std::stop_token stop) {
  for (;;) {
    StatusOr<std::string> line = process->readLine(Deadline::max(), stop);
    StatusOr<Json> message =
        line.isOk() ? parseJson(*line, "tool server") : line.status();
    if (line.isOk() && !message.isOk())
      message = Status(Code::InvalidArgument,
                       "the tool server wrote a line that is not JSON: " +
                           line->substr(0, 200));
    if (message.isOk()) {
      take(std::move(*message), stop);
      continue;
    }
    std::lock_guard lock(mutex);
    failure = message.status();
    for (auto &[id, request] : waiting)
      request->outcome = failure;
    waiting.clear();
    answered.notify_all();
    return;
  }
}

void McpClient::take(Json message, std::stop_token stop) {
  if (!message.is_object())
    return;
  auto id = message.find("id");
  if (message.contains("method")) {
    // Requests of the server's own: nothing is offered to it. When even that
    // cannot be written, the next read tells why.
    if (id != message.end())
      (void)send(
          {{"jsonrpc", "2.0"},
           {"id", *id},
           {"error",
            {{"code", -32601}, {"message", "this client offers no methods"}}}},
          std::chrono::steady_clock::now() + std::chrono::seconds(1),
          reader.get_stop_token());
    return;
  }
  if (id == message.end() || !id->is_number_integer())
    return;
  std::lock_guard lock(mutex);
  auto found = waiting.find(id->get<int64_t>());
  if (found == waiting.end())
    return; // the late answer to a request that was given up
  Waiting &request = *found->second;
  waiting.erase(found);
  if (message.contains("error") && message["error"].is_object()) {
    const Json &error = message["error"];
    auto code = error.find("code");
    request.refusal.code = code != error.end() && code->is_number_integer()
                               ? code->get<int64_t>()
                               : -32603;
    request.refusal.message = textOr(error, "message", "no message");
    if (error.contains("data"))
      request.refusal.data = error["data"];
    request.outcome = Status(Code::InvalidArgument, request.refusal.message);
  } else if (message.contains("result") && message["result"].is_object()) {
    request.outcome = std::move(message["result"]);
  } else {
    request.outcome =
        Status(Code::InvalidArgument, "an answer without a result");
  }
  answered.notify_all();
}

StatusOr<Json> McpClient::request(const std::string &method, Json parameters,
                                  Deadline deadline, std::stop_token stop,
                                  Refusal *refusal) {
  if (agreed == statelessRevision)
    parameters["_meta"] = {
        {"io.modelcontextprotocol/protocolVersion", agreed},
        {"io.modelcontextprotocol/clientInfo", clientInfo()},
        {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  Waiting pending;
  int64_t id;
  {
    std::lock_guard lock(mutex);
    if (!failure.isOk())
      return failure;
    id = nextId++;
    waiting[id] = &pending;
  }
  Status sent = send({{"jsonrpc", "2.0"},
                      {"id", id},
                      {"method", method},
                      {"params", std::move(parameters)}},
                     deadline, stop);
  std::unique_lock lock(mutex);
  // A server that is gone: the reader is about to learn its last words.
  if (sent.code() == Code::Unavailable)
    deadline = std::min(deadline, std::chrono::steady_clock::now() +
                                      std::chrono::seconds(1));
  if (sent.isOk() || sent.code() == Code::Unavailable)
    answered.wait_until(lock, stop, deadline,
                        [&] { return pending.outcome.has_value(); });
  waiting.erase(id);
  if (pending.outcome) {
    if (refusal)
      *refusal = pending.refusal;
    if (pending.refusal.code)
      return pending.outcome->status().withContext("the tool server refused " +
                                                   method);
    return std::move(*pending.outcome);
  }
  if (!sent.isOk())
    return sent;
  lock.unlock();
  // Told as a courtesy; the server may be the one that hangs.
  (void)send({{"jsonrpc", "2.0"},
              {"method", "notifications/cancelled"},
              {"params", {{"requestId", id}, {"reason", "given up"}}}},
             std::chrono::steady_clock::now() + std::chrono::milliseconds(100),
             {});
  if (stop.stop_requested())
    return Status(Code::Cancelled, "cancelled");
  return Status(Code::DeadlineExceeded,
                "the tool server did not answer " + method + " in time");
}

StatusOr<std::vector<McpTool>> McpClient::listTools(Deadline deadline,
                                                    std::stop_token stop) {
  constexpr size_t mostPages = 100;
  std::vector<McpTool> tools;
  Json parameters = Json::object();
  for (size_t page = 0; page < mostPages; ++page) {
    HETAGON_ASSIGN_OR_RETURN(Json answer,
                             request("tools/list", parameters, deadline, stop));
    if (answer.contains("tools") && answer["tools"].is_array())
      for (const Json &tool : answer["tools"])
        if (tool.is_object())
          tools.push_back({textOr(tool, "name", ""),
                           textOr(tool, "description", ""),
                           tool.contains("inputSchema") ? tool["inputSchema"]
                                                        : Json::object()});
    std::string cursor = textOr(answer, "nextCursor", "");
    if (cursor.empty())
      return tools;
    parameters["cursor"] = cursor;
  }
  return Status(Code::ResourceExhausted, "the tool server lists more than " +
                                             std::to_string(mostPages) +
                                             " pages of tools");
}

StatusOr<McpResult> McpClient::call(const std::string &tool,
                                    const Json &arguments, Deadline deadline,
                                    std::stop_token stop) {
  HETAGON_ASSIGN_OR_RETURN(Json answer,
                           request("tools/call",
                                   {{"name", tool}, {"arguments", arguments}},
                                   deadline, stop));
  if (textOr(answer, "resultType", "complete") != "complete")
    return Status(Code::Unsupported, "the tool '" + tool +
                                         "' asks for more input, which is not "
                                         "offered to tools here");
  McpResult result;
  if (answer.contains("isError") && answer["isError"].is_boolean())
    result.isError = answer["isError"].get<bool>();
  if (answer.contains("structuredContent"))
    result.structured = answer["structuredContent"];
  if (answer.contains("content") && answer["content"].is_array())
    for (const Json &part : answer["content"])
      if (part.is_object() && textOr(part, "type", "") == "text") {
        if (!result.text.empty())
          result.text += "\n";
        result.text += textOr(part, "text", "");
      }
  return result;
}

} // namespace hetagon::tools
