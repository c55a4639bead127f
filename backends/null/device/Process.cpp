// Starting and reaping the device process.
#include "backends/null/device/Process.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace hetagon::null {

namespace {

Outcome systemFailure(const std::string &what) {
  return {HETAGON_UNAVAILABLE, what + ": " + std::strerror(errno)};
}

/// Runs in the forked child: only calls that are safe there.
[[noreturn]] void become(const char *program, int socket, int quiet,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(1); // the parent ended before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::dup2(socket, 0) < 0 || ::dup2(quiet, 1) < 0)
    ::_exit(126);
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  char *const arguments[] = {const_cast<char *>(program), nullptr};
  char *const environment[] = {nullptr};
  ::execve(program, arguments, environment);
  ::_exit(127);
}

std::string wordsOf(pid_t pid, int status) {
  std::string words = "the device process " + std::to_string(pid) + " ";
  if (WIFSIGNALED(status)) {
    int number = WTERMSIG(status);
    const char *name = ::sigdescr_np(number);
    return words + "was killed by signal " + std::to_string(number) + " (" +
           (name ? name : "unknown") + ")";
  }
  return words + "ended with status " + std::to_string(WEXITSTATUS(status));
}

} // namespace

Process::~Process() {
  if (pid > 0)
    reap(0);
  if (descriptor >= 0)
    ::close(descriptor);
}

Outcome Process::start(const std::string &program) {
  if (::access(program.c_str(), X_OK) != 0)
    return systemFailure("the device process " + program +
                         " cannot be executed");
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return systemFailure("no socket for the device process");
  int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_t parent = ::getpid();
  pid_t child = quiet < 0 ? -1 : ::fork();
  if (child == 0)
    become(program.c_str(), pair[1], quiet, parent);
  Outcome outcome;
  if (child < 0) {
    outcome = systemFailure("the device process cannot be started");
    ::close(pair[0]);
  } else {
    ::setpgid(child, child); // whichever of the two comes first
    descriptor = pair[0];
    pid = child;
  }
  ::close(pair[1]);
  if (quiet >= 0)
    ::close(quiet);
  return outcome;
}

void Process::disconnect() {
  if (descriptor >= 0)
    ::shutdown(descriptor, SHUT_RDWR);
}

void Process::kill() {
  if (pid <= 0 || isReaped)
    return;
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

void Process::reap(int graceMs) {
  using Clock = std::chrono::steady_clock;
  if (pid <= 0 || isReaped)
    return;
  Clock::time_point limit = Clock::now() + std::chrono::milliseconds(graceMs);
  // The zombie keeps its number, and its group's, from being given to another
  // until the last kill.
  siginfo_t info{};
  int waited = ::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
  while ((waited == 0 && info.si_pid == 0) || (waited < 0 && errno == EINTR)) {
    if (Clock::now() >= limit)
      kill();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    waited = ::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
  }
  kill();
  int status = 0;
  pid_t ended = ::waitpid(pid, &status, 0);
  isReaped = true;
  end = ended == pid ? wordsOf(pid, status)
                     : "the device process " + std::to_string(pid) + " is gone";
}

} // namespace hetagon::null
