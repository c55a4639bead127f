// The device process as its parent sees it: started, stopped, and its fate in
// words.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_PROCESS_H
#define HETAGON_BACKENDS_NULL_DEVICE_PROCESS_H

#include "backends/null/device/Outcome.h"
#include <string>
#include <sys/types.h>

namespace hetagon::null {

/// Not thread-safe.
class Process {
public:
  Process() = default;
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;
  /// Kills and reaps what still runs.
  ~Process();

  /// Starts `program` with one end of a socket pair as its standard input, no
  /// other descriptor but standard error, an empty environment and a process
  /// group of its own. The kernel kills it when the calling *thread* ends, so
  /// that thread must live as long as the process is wanted.
  Outcome start(const std::string &program);

  /// This side's end; -1 before start().
  int socket() const { return descriptor; }
  pid_t id() const { return pid; }
  /// Ends the stream in both directions; unblocks a thread that receives.
  void disconnect();
  void kill();
  /// Waits until the process has ended, killing it (and its group) after
  /// `graceMs`; then fate() says how it ended.
  void reap(int graceMs);
  /// "the device process 123 was killed by signal 9 (Killed)".
  const std::string &fate() const { return end; }

private:
  int descriptor = -1;
  pid_t pid = -1;
  bool isReaped = false;
  std::string end;
};

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_PROCESS_H
