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
  std::vector<std::string> environmentNames; ///< of all that it will see
  /// SHA-256 over command and environment names, in hexadecimal: what trust
  /// remembers.
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

/// Thread-safe. Tools of one server share its process; calls to one server take
/// turns, calls to different servers run at the same time.
class ToolHost {
public:
  ToolHost(const std::vector<const plan::fb::ToolT *> &tools,
           ToolHostOptions options);
  ~ToolHost();

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
  StatusOr<std::shared_ptr<tools::McpClient>>
  connect(Server &server, const plan::fb::ToolT &tool, std::stop_token stop);

  std::vector<const plan::fb::ToolT *> tools;
  ToolHostOptions options;
  std::map<std::string, std::unique_ptr<Server>> servers;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_TOOLHOST_H
