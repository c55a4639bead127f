// Tool servers: consent, environment, one connection each.
#include "runtime/exec/ToolHost.h"
#include "runtime/plan/Trust.h"
#include <cstdlib>

namespace hetagon {

struct ToolHost::Server {
  std::mutex mutex; ///< held while connecting
  bool approved = false;
  std::shared_ptr<tools::McpClient> client;
};

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
  for (const plan::fb::ToolT *tool : tools)
    servers.try_emplace(tool->server, std::make_unique<Server>());
}

ToolHost::~ToolHost() = default;

StatusOr<std::shared_ptr<tools::McpClient>>
ToolHost::connect(Server &server, const plan::fb::ToolT &tool,
                  std::stop_token stop) {
  std::lock_guard lock(server.mutex);
  if (server.client)
    return server.client;
  tools::ProcessOptions process;
  process.command = tool.command;
  for (const auto &setting : tool.environment)
    process.environment[setting->key] = setting->value;
  for (const std::string &name : tool.pass_environment)
    if (const char *value = std::getenv(name.c_str()))
      process.environment[name] = value;

  ToolCommand command{tool.server, tool.command, {}, {}};
  for (const auto &[name, value] : process.environment)
    command.environmentNames.push_back(name);
  for (const auto &entry : tool.secrets)
    command.environmentNames.push_back(entry->key);
  std::map<std::string, std::string> names;
  for (const std::string &name : command.environmentNames)
    names[name]; // names alone: values may be secret, and may change
  command.digest = hex(plan::digestOfCommand(command.command, names));
  if (!server.approved) {
    if (!options.approve)
      return Status(Code::PermissionDenied, "nobody can be asked whether '" +
                                                command.print() + "' may run");
    HETAGON_RETURN_IF_ERROR(options.approve(command));
    server.approved = true;
  }
  for (const auto &entry : tool.secrets) {
    if (!options.secret)
      return Status(Code::NotFound,
                    "no source for the secret '" + entry->value + "'");
    HETAGON_ASSIGN_OR_RETURN(std::string value, options.secret(entry->value));
    process.environment[entry->key] = value;
  }
  auto connected = tools::McpClient::connect(
      std::move(process),
      std::chrono::steady_clock::now() + options.startTimeout, stop);
  if (!connected.isOk())
    return connected.status().withContext("tool server '" + tool.server + "'");
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
  Server &server = *servers.at(tool.server);
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<tools::McpClient> client,
                           connect(server, tool, stop));
  StatusOr<tools::McpResult> result =
      client->call(name.empty() ? tool.name : name, arguments, deadline, stop);
  if (!result.isOk()) {
    if (result.status().code() == Code::Unavailable) {
      std::lock_guard lock(server.mutex);
      if (server.client == client)
        server.client.reset();
    }
    return result.status().withContext("tool '" + tool.name + "'");
  }
  if (result->isError)
    return Status(Code::InvalidArgument,
                  "the tool '" + tool.name + "' failed: " + result->text);
  return result;
}

} // namespace hetagon
