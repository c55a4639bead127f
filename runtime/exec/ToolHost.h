// The tool servers of a plan: started on first use, after the user's consent,
// with nothing of the environment but what the plan lists.
#ifndef HETAGON_RUNTIME_EXEC_TOOLHOST_H
#define HETAGON_RUNTIME_EXEC_TOOLHOST_H

#include "runtime/plan/plan_generated.h"
#include "runtime/tools/McpClient.h"
#include <functional>
#include <map>

namespace hetagon {

/// What the user is asked to agree to before a tool server starts.
struct ToolCommand {
  std::string server; ///< the plan's name for it
  std::vector<std::string> command;
  /// All that it will see, for people: "LANG=C" for the plan's own settings,
  /// "PATH" for what is passed on, "TOKEN (secret KEY)" for a secret.
  std::vector<std::string> environment;
  /// SHA-256 over command and environment, in hexadecimal: what trust
  /// remembers. Values that are passed on or secret do not enter it.
  std::string digest;
  /// The command as one line of a shell, quoted where needed.
  std::string print() const;
};

struct ToolHostOptions {
  /// PermissionDenied unless the user agrees to this command.
  std::function<Status(const ToolCommand &)> approve;
  std::function<StatusOr<std::string>(const std::string &name)> secret;
  /// For a server to start and say what it speaks.
  std::chrono::milliseconds startTimeout{30000};
};

/// Thread-safe. Tools with the same server, command and environment share a
/// process. No value of a secret appears in a failure or a result: where a
/// server prints one (of at least four bytes), it is replaced by "***".
class ToolHost {
public:
  ToolHost(const std::vector<const plan::fb::ToolT *> &tools,
           ToolHostOptions options);
  ~ToolHost();

  /// Asks for consent to every server's command that has none yet, so that a
  /// run need not stop for it. The first refusal is the result.
  Status approveAll();

  /// Calls a tool with an object of arguments. A tool's own failure is
  /// InvalidArgument with its text. A server that has died is started anew on
  /// the next call.
  ///
  /// `name` is the tool's on its server; empty: the plan's name for it.
  StatusOr<tools::McpResult> call(size_t tool, const std::string &name,
                                  const Json &arguments,
                                  tools::Deadline deadline,
                                  std::stop_token stop);

private:
  struct Server;
  Status approve(Server &server);
  StatusOr<std::shared_ptr<tools::McpClient>>
  connect(Server &server, tools::Deadline deadline, std::stop_token stop);

  std::vector<const plan::fb::ToolT *> tools;
  ToolHostOptions options;
  std::vector<std::shared_ptr<Server>> servers; ///< by tool
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_TOOLHOST_H
