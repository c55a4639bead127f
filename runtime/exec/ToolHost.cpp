// Tool servers: consent, environment, one connection each.
#include "runtime/exec/ToolHost.h"
#include "runtime/plan/Trust.h"
#include <algorithm>
#include <cstdlib>

namespace hetagon {

struct ToolHost::Server {
  explicit Server(const plan::fb::ToolT &tool) : tool(tool) {}
  const plan::fb::ToolT &tool; ///< the first of those that share it
  ToolCommand command;
  std::mutex mutex; ///< held while asking and connecting
  bool approved = false;
  std::shared_ptr<tools::McpClient> client;
  std::vector<std::string> secrets; ///< values that it has seen
};

namespace {

ToolCommand commandOf(const plan::fb::ToolT &tool) {
  ToolCommand command{tool.server, tool.command, {}, {}};
  // What consent is for: a plan's setting with its value, since it can change
  // what runs; of all else only where it comes from.
  std::map<std::string, std::string> digested;
  for (const auto &setting : tool.environment) {
    digested[setting->key] = "=" + setting->value;
    command.environment.push_back(setting->key + "=" + setting->value);
  }
  for (const std::string &name : tool.pass_environment) {
    digested[name] = "passed on";
    command.environment.push_back(name);
  }
  for (const auto &entry : tool.secrets) {
    digested[entry->key] = "secret " + entry->value;
    command.environment.push_back(entry->key + " (secret " + entry->value +
                                  ")");
  }
  command.digest = hex(plan::digestOfCommand(tool.command, digested));
  return command;
}

std::string withoutSecrets(std::string text,
                           const std::vector<std::string> &secrets) {
  constexpr size_t shortest = 4;
  for (const std::string &secret : secrets)
    for (size_t at = 0; secret.size() >= shortest &&
                        (at = text.find(secret, at)) != std::string::npos;
         at += 3)
      text.replace(at, secret.size(), "***");
  return text;
}

void removeSecrets(Json &json, const std::vector<std::string> &secrets) {
  if (json.is_string())
    json = withoutSecrets(json.get<std::string>(), secrets);
  else if (json.is_structured())
    for (Json &element : json)
      removeSecrets(element, secrets);
}

} // namespace

std::string ToolCommand::print() const {
  std::string line;
  for (const std::string &word : command) {
    bool plain = !word.empty() &&
                 word.find_first_not_of(
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_-./:=@%+,") == std::string::npos;
    if (!line.empty())
      line += ' ';
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (char c : word)
      line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

ToolHost::ToolHost(const std::vector<const plan::fb::ToolT *> &tools,
                   ToolHostOptions options)
    : tools(tools), options(std::move(options)) {
  std::map<std::string, std::shared_ptr<Server>> known;
  for (const plan::fb::ToolT *tool : tools) {
    auto server = std::make_shared<Server>(*tool);
    server->command = commandOf(*tool);
    std::string key = tool->server + '\0' + server->command.digest;
    servers.push_back(known.try_emplace(key, server).first->second);
  }
}

ToolHost::~ToolHost() = default;

Status ToolHost::approve(Server &server) {
  if (server.approved)
    return Status::ok();
  if (!options.approve)
    return Status(Code::PermissionDenied, "nobody can be asked whether '" +
                                              server.command.print() +
                                              "' may run");
  HETAGON_RETURN_IF_ERROR(options.approve(server.command));
  server.approved = true;
  return Status::ok();
}

Status ToolHost::approveAll() {
  for (const auto &server : servers) {
    if (server->command.command.empty())
      continue;
    std::lock_guard lock(server->mutex);
    HETAGON_RETURN_IF_ERROR(approve(*server));
  }
  return Status::ok();
}

StatusOr<std::shared_ptr<tools::McpClient>>
ToolHost::connect(Server &server, tools::Deadline deadline,
                  std::stop_token stop) {
  std::lock_guard lock(server.mutex);
  if (server.client && server.client->usable())
    return server.client;
  server.client.reset();
  HETAGON_RETURN_IF_ERROR(approve(server));
  const plan::fb::ToolT &tool = server.tool;
  tools::ProcessOptions process;
  process.command = tool.command;
  for (const auto &setting : tool.environment)
    process.environment[setting->key] = setting->value;
  for (const std::string &name : tool.pass_environment)
    if (const char *value = std::getenv(name.c_str()))
      process.environment[name] = value;
  server.secrets.clear();
  for (const auto &entry : tool.secrets) {
    if (!options.secret)
      return Status(Code::NotFound,
                    "no source for the secret '" + entry->value + "'");
    HETAGON_ASSIGN_OR_RETURN(std::string value, options.secret(entry->value));
    process.environment[entry->key] = value;
    server.secrets.push_back(std::move(value));
  }
  auto connected = tools::McpClient::connect(
      std::move(process),
      std::min(deadline,
               std::chrono::steady_clock::now() + options.startTimeout),
      stop);
  if (!connected.isOk())
    return connected.status();
  server.client = std::move(*connected);
  return server.client;
}

StatusOr<tools::McpResult> ToolHost::call(size_t index, const std::string &name,
                                          const Json &arguments,
                                          tools::Deadline deadline,
                                          std::stop_token stop) {
  if (index >= tools.size())
    return Status(Code::OutOfRange, "no such tool in the plan");
  const plan::fb::ToolT &tool = *tools[index];
  Server &server = *servers[index];
  auto client = connect(server, deadline, stop);
  auto called = client.isOk()
                    ? (*client)->call(name.empty() ? tool.name : name,
                                      arguments, deadline, stop)
                    : StatusOr<tools::McpResult>(client.status().withContext(
                          "tool server '" + tool.server + "'"));
  std::vector<std::string> secrets;
  {
    std::lock_guard lock(server.mutex);
    secrets = server.secrets;
  }
  if (!called.isOk())
    return Status(
        called.status().code(),
        withoutSecrets("tool '" + tool.name + "': " + called.status().message(),
                       secrets));
  called->text = withoutSecrets(std::move(called->text), secrets);
  removeSecrets(called->structured, secrets);
  if (called->isError)
    return Status(Code::InvalidArgument,
                  "the tool '" + tool.name + "' failed: " + called->text);
  return called;
}

} // namespace hetagon
