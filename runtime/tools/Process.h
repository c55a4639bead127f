// A child process spoken to in lines over its standard input and output: the
// base of the tool servers. It runs in a process group of its own with a stated
// environment, dies with this process, and what it may print is bounded.
#ifndef HETAGON_RUNTIME_TOOLS_PROCESS_H
#define HETAGON_RUNTIME_TOOLS_PROCESS_H

#include "runtime/base/Status.h"
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <sys/types.h>
#include <vector>

namespace hetagon::tools {

using Deadline = std::chrono::steady_clock::time_point;

struct ProcessOptions {
  /// Program (looked up in PATH of `environment`, else of this process, unless
  /// it has a slash) and arguments.
  std::vector<std::string> command;
  /// The whole environment of the child.
  std::map<std::string, std::string> environment;
  /// Working directory; empty: this process's.
  std::string directory;
  /// Longest line accepted from standard output, in bytes.
  size_t maxLineBytes = size_t(4) << 20;
  /// All that is accepted from standard output in the child's life, in bytes.
  size_t maxTotalBytes = size_t(256) << 20;
};

/// One running child. One thread may write while another reads; no more.
class Process {
public:
  /// Fails with NotFound or PermissionDenied when the program cannot be
  /// executed; the message names it.
  static StatusOr<std::unique_ptr<Process>> start(ProcessOptions options);
  /// Stops the child: closes its input, waits a moment, then ends the whole
  /// group.
  ~Process();
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;

  /// Writes `line` and a newline. DeviceLost never: a child that is gone is
  /// Unavailable, with the end of what it wrote to standard error.
  Status writeLine(std::string_view line, Deadline deadline,
                   std::stop_token stop);
  /// The next line without its newline. DeadlineExceeded, Cancelled,
  /// ResourceExhausted (a cap), or Unavailable (the child closed its output).
  StatusOr<std::string> readLine(Deadline deadline, std::stop_token stop);

  pid_t pid() const { return child; }
  /// The last few kilobytes that the child wrote to standard error. Gathered
  /// while reading.
  std::string errorTail() const;

private:
  Process() = default;
  Status gone(std::string_view what);
  /// Waits until `fd` is ready for `events`, gathering standard error
  /// meanwhile.
  Status wait(int fd, short events, Deadline deadline, std::stop_token stop);
  void drainErrors();

  ProcessOptions options;
  pid_t child = -1;
  int input = -1, output = -1, error = -1;
  std::string buffered;
  size_t scanned = 0, total = 0;
  mutable std::mutex errorMutex;
  std::string errors;
};

} // namespace hetagon::tools

#endif // HETAGON_RUNTIME_TOOLS_PROCESS_H
