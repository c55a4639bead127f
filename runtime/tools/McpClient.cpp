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
  HETAGON_RETURN_IF_ERROR(client->agree(deadline, stop));
  return client;
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
  return notify("notifications/initialized", Json::object(), deadline);
}

Status McpClient::notify(const std::string &method, Json parameters,
                         Deadline deadline) {
  Json message = {{"jsonrpc", "2.0"}, {"method", method}};
  if (!parameters.empty())
    message["params"] = std::move(parameters);
  return process->writeLine(printJson(message), deadline, {});
}

StatusOr<Json> McpClient::request(const std::string &method, Json parameters,
                                  Deadline deadline, std::stop_token stop,
                                  Refusal *refusal) {
  if (agreed == statelessRevision)
    parameters["_meta"] = {
        {"io.modelcontextprotocol/protocolVersion", agreed},
        {"io.modelcontextprotocol/clientInfo", clientInfo()},
        {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  int64_t id = nextId++;
  HETAGON_RETURN_IF_ERROR(
      process->writeLine(printJson(Json{{"jsonrpc", "2.0"},
                                        {"id", id},
                                        {"method", method},
                                        {"params", std::move(parameters)}}),
                         deadline, stop));
  for (;;) {
    StatusOr<std::string> line = process->readLine(deadline, stop);
    if (!line.isOk()) {
      Code code = line.status().code();
      if (code == Code::DeadlineExceeded || code == Code::Cancelled) {
        // Best effort: the server may be the one that hangs.
        auto soon =
            std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
        Status told = notify("notifications/cancelled",
                             {{"requestId", id}, {"reason", "given up"}}, soon);
        (void)told;
      }
      return line.status();
    }
    StatusOr<Json> parsed = parseJson(*line, "tool server");
    if (!parsed.isOk())
      return Status(Code::InvalidArgument,
                    "the tool server wrote a line that is not JSON: " +
                        line->substr(0, 200));
    Json &message = *parsed;
    if (!message.is_object())
      continue;
    if (message.contains("method")) {
      // Requests of the server's own: nothing is offered to it.
      if (message.contains("id"))
        HETAGON_RETURN_IF_ERROR(process->writeLine(
            printJson(Json{{"jsonrpc", "2.0"},
                           {"id", message["id"]},
                           {"error",
                            {{"code", -32601},
                             {"message", "this client offers no methods"}}}}),
            deadline, stop));
      continue;
    }
    if (!message.contains("id") || message["id"] != Json(id))
      continue; // the late answer to a request that was given up
    if (message.contains("error") && message["error"].is_object()) {
      const Json &error = message["error"];
      std::string text = textOr(error, "message", "no message");
      if (refusal) {
        auto code = error.find("code");
        refusal->code = code != error.end() && code->is_number_integer()
                            ? code->get<int64_t>()
                            : -32603;
        refusal->message = text;
        refusal->data = error.contains("data") ? error["data"] : Json();
      }
      return Status(Code::InvalidArgument,
                    "the tool server refused " + method + ": " + text);
    }
    if (!message.contains("result") || !message["result"].is_object())
      return Status(Code::InvalidArgument,
                    "the tool server's answer to " + method + " has no result");
    return std::move(message["result"]);
  }
}

StatusOr<std::vector<McpTool>> McpClient::listTools(Deadline deadline,
                                                    std::stop_token stop) {
  constexpr size_t mostPages = 100;
  std::lock_guard lock(mutex);
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
  std::lock_guard lock(mutex);
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
