// A client of the Model Context Protocol over standard input and output:
// revision 2026-07-28 (stateless) where the server answers server/discover,
// else the handshake of revision 2025-11-25.
#ifndef HETAGON_RUNTIME_TOOLS_MCPCLIENT_H
#define HETAGON_RUNTIME_TOOLS_MCPCLIENT_H

#include "runtime/base/Json.h"
#include "runtime/tools/Process.h"
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hetagon::tools {

struct McpTool {
  std::string name;
  std::string description;
  Json inputSchema;
};

/// What a tool answered. `isError` is the tool's own word that it failed;
/// `text` joins its text content with newlines; `structured` is its structured
/// content, or null.
struct McpResult {
  std::string text;
  Json structured;
  bool isError = false;
};

/// One connection to one server. Thread-safe; any number of calls may be under
/// way, as far as the server works on several at a time.
class McpClient {
public:
  /// Starts the server and agrees on a revision. A server that speaks neither
  /// is Unsupported, with the revisions it named.
  static StatusOr<std::unique_ptr<McpClient>>
  connect(ProcessOptions options, Deadline deadline, std::stop_token stop = {});
  /// Ends calls that are under way with Cancelled, then the server.
  ~McpClient();

  StatusOr<std::vector<McpTool>> listTools(Deadline deadline,
                                           std::stop_token stop = {});
  /// Calls a tool; `arguments` is an object. On cancellation or time-out the
  /// server is told; a late answer is dropped. A server's protocol error is a
  /// Status, a tool's own failure a result with isError.
  StatusOr<McpResult> call(const std::string &tool, const Json &arguments,
                           Deadline deadline, std::stop_token stop = {});

  /// False once the server has ended or broken the protocol: every call fails.
  bool usable() const {
    std::lock_guard lock(mutex);
    return failure.isOk();
  }
  /// "2026-07-28" or "2025-11-25".
  const std::string &revision() const { return agreed; }
  pid_t pid() const { return process->pid(); }

private:
  struct Refusal {
    int64_t code = 0;
    std::string message;
    Json data;
  };
  /// A request under way.
  struct Waiting {
    std::optional<StatusOr<Json>> outcome;
    Refusal refusal;
  };
  McpClient() = default;
  StatusOr<Json> request(const std::string &method, Json parameters,
                         Deadline deadline, std::stop_token stop,
                         Refusal *refusal = nullptr);
  Status send(const Json &message, Deadline deadline, std::stop_token stop);
  Status initialize(Deadline deadline, std::stop_token stop);
  Status agree(Deadline deadline, std::stop_token stop);
  void read(std::stop_token stop);
  void take(Json message, std::stop_token stop);

  std::unique_ptr<Process> process;
  std::string agreed;

  std::mutex writing;       ///< one line at a time
  mutable std::mutex mutex; ///< guards what follows
  std::condition_variable_any answered;
  std::map<int64_t, Waiting *> waiting;
  int64_t nextId = 1;
  Status failure; ///< why the server answers no more
  std::jthread reader;
};

} // namespace hetagon::tools

#endif // HETAGON_RUNTIME_TOOLS_MCPCLIENT_H
