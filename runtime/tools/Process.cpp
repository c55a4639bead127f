// Child processes on Linux: fork and exec from a thread that lives as long as
// this process, because the kernel sends the parent-death signal when the
// forking thread ends, not when the process does.
#include "runtime/tools/Process.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <future>
#include <mutex>
#include <poll.h>
#include <queue>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace hetagon::tools {

namespace {

/// Runs jobs one after the other on a thread that is never joined.
class Spawner {
public:
  static Spawner &get() {
    static Spawner *spawner = new Spawner;
    return *spawner;
  }
  int run(std::function<int()> job) {
    std::packaged_task<int()> task(std::move(job));
    std::future<int> result = task.get_future();
    {
      std::lock_guard lock(mutex);
      jobs.push(std::move(task));
    }
    ready.notify_one();
    return result.get();
  }

private:
  Spawner() {
    std::thread([this] {
      for (;;) {
        std::unique_lock lock(mutex);
        ready.wait(lock, [this] { return !jobs.empty(); });
        std::packaged_task<int()> task = std::move(jobs.front());
        jobs.pop();
        lock.unlock();
        task();
      }
    }).detach();
  }
  std::mutex mutex;
  std::condition_variable ready;
  std::queue<std::packaged_task<int()>> jobs;
};

void closeAll(std::initializer_list<int *> descriptors) {
  for (int *fd : descriptors) {
    if (*fd >= 0)
      ::close(*fd);
    *fd = -1;
  }
}

/// The file to execute for a command's first word; empty when PATH has none.
std::string findProgram(const std::string &program,
                        const std::map<std::string, std::string> &environment) {
  if (program.find('/') != std::string::npos)
    return program;
  auto own = environment.find("PATH");
  const char *inherited = std::getenv("PATH");
  std::string path = own != environment.end() ? own->second
                     : inherited              ? inherited
                                              : "/usr/bin:/bin";
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find(':', begin), path.size());
    std::string candidate = path.substr(begin, end - begin) + "/" + program;
    if (::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    begin = end + 1;
  }
  return {};
}

/// Between fork and exec only async-signal-safe calls are allowed.
[[noreturn]] void becomeChild(const char *program, char **arguments,
                              char **environment, const char *directory,
                              const int streams[3], int report, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  for (int i = 0; i < 3; ++i)
    ::dup2(streams[i], i);
  if (!directory[0] || ::chdir(directory) == 0)
    ::execve(program, arguments, environment);
  int reason = errno;
  [[maybe_unused]] ssize_t ignored = ::write(report, &reason, sizeof reason);
  ::_exit(127);
}

} // namespace

StatusOr<std::unique_ptr<Process>> Process::start(ProcessOptions options) {
  if (options.command.empty() || options.command[0].empty())
    return Status(Code::InvalidArgument, "a tool's command is empty");
  std::string program = findProgram(options.command[0], options.environment);
  if (program.empty())
    return Status(Code::NotFound, "the program '" + options.command[0] +
                                      "' is not in PATH; install it or give "
                                      "its full path");

  std::vector<std::string> settings;
  for (const auto &[name, value] : options.environment)
    settings.push_back(name + "=" + value);
  std::vector<char *> arguments, environment;
  for (std::string &word : options.command)
    arguments.push_back(word.data());
  for (std::string &setting : settings)
    environment.push_back(setting.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);

  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1},
      report[2] = {-1, -1};
  if (::pipe2(in, O_CLOEXEC) || ::pipe2(out, O_CLOEXEC) ||
      ::pipe2(err, O_CLOEXEC) || ::pipe2(report, O_CLOEXEC)) {
    closeAll({&in[0], &in[1], &out[0], &out[1], &err[0], &err[1], &report[0],
              &report[1]});
    return Status(Code::ResourceExhausted,
                  std::string("cannot make pipes for a tool: ") +
                      std::strerror(errno));
  }
  const int streams[3] = {in[0], out[1], err[1]};
  pid_t parent = ::getpid();
  pid_t child = Spawner::get().run([&] {
    pid_t made = ::fork();
    if (made == 0)
      becomeChild(program.c_str(), arguments.data(), environment.data(),
                  options.directory.c_str(), streams, report[1], parent);
    return made;
  });
  int forkError = errno;
  closeAll({&in[0], &out[1], &err[1], &report[1]});
  int reason = child < 0 ? forkError : 0;
  if (child >= 0) {
    ssize_t got;
    do
      got = ::read(report[0], &reason, sizeof reason);
    while (got < 0 && errno == EINTR);
    if (got != sizeof reason)
      reason = 0;
  }
  closeAll({&report[0]});
  if (reason) {
    if (child > 0)
      ::waitpid(child, nullptr, 0);
    closeAll({&in[1], &out[0], &err[0]});
    return Status(reason == ENOENT ? Code::NotFound : Code::PermissionDenied,
                  "cannot run '" + program + "': " + std::strerror(reason));
  }

  std::unique_ptr<Process> process(new Process);
  process->options = std::move(options);
  process->child = child;
  process->input = in[1];
  process->output = out[0];
  process->error = err[0];
  for (int fd : {process->input, process->output, process->error})
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return process;
}

Process::~Process() {
  closeAll({&input});
  // A well-behaved server ends when its input does.
  bool ended = false;
  for (int waited = 0; waited < 20 && !ended; ++waited) {
    ended = ::waitpid(child, nullptr, WNOHANG) == child;
    if (!ended)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // Its own children may have outlived it: the group goes in any case.
  ::kill(-child, SIGKILL);
  if (!ended)
    ::waitpid(child, nullptr, 0);
  closeAll({&output, &error});
}

std::string Process::errorTail() const {
  std::lock_guard lock(errorMutex);
  return errors;
}

void Process::drainErrors() {
  constexpr size_t kept = 4096;
  std::lock_guard lock(errorMutex);
  char chunk[4096];
  for (;;) {
    ssize_t got = ::read(error, chunk, sizeof chunk);
    if (got <= 0) {
      if (got == 0)
        closeAll({&error});
      return;
    }
    errors.append(chunk, size_t(got));
    if (errors.size() > kept)
      errors.erase(0, errors.size() - kept);
  }
}

Status Process::wait(int fd, short events, Deadline deadline,
                     std::stop_token stop) {
  int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{wake};
  std::stop_callback onStop(stop, [wake] {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t ignored = ::write(wake, &one, sizeof one);
  });
  for (;;) {
    if (stop.stop_requested())
      return Status(Code::Cancelled, "cancelled");
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return Status(Code::DeadlineExceeded,
                    "no answer from '" + options.command[0] + "' in time");
    pollfd watched[3] = {{fd, events, 0},
                         {wake, POLLIN, 0},
                         {fd == output ? error : -1, POLLIN, 0}};
    int ready =
        ::poll(watched, 3, int(std::min<int64_t>(left.count() + 1, 60000)));
    if (ready < 0 && errno != EINTR)
      return Status(Code::Internal,
                    std::string("poll: ") + std::strerror(errno));
    if (ready > 0 && watched[2].revents)
      drainErrors();
    if (ready > 0 && watched[0].revents)
      return Status::ok();
  }
}

Status Process::gone(std::string_view what) {
  std::string message = "'" + options.command[0] + "' " + std::string(what);
  if (std::string last = errorTail(); !last.empty())
    message += "; it last wrote: " + last;
  return Status(Code::Unavailable, message);
}

Status Process::writeLine(std::string_view line, Deadline deadline,
                          std::stop_token stop) {
  std::string text(line);
  text += '\n';
  // A child that has gone must be an error here, not a signal that ends us.
  sigset_t pipeSignal, before;
  sigemptyset(&pipeSignal);
  sigaddset(&pipeSignal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipeSignal, &before);
  Status outcome;
  for (size_t done = 0; done < text.size() && outcome.isOk();) {
    outcome = wait(input, POLLOUT, deadline, stop);
    if (!outcome.isOk())
      break;
    ssize_t wrote = ::write(input, text.data() + done, text.size() - done);
    if (wrote >= 0)
      done += size_t(wrote);
    else if (errno == EPIPE)
      outcome = gone("has ended");
    else if (errno != EAGAIN && errno != EINTR)
      outcome = gone(std::strerror(errno));
  }
  timespec zero{};
  while (sigtimedwait(&pipeSignal, nullptr, &zero) == SIGPIPE) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return outcome;
}

StatusOr<std::string> Process::readLine(Deadline deadline,
                                        std::stop_token stop) {
  for (;;) {
    size_t end = buffered.find('\n', scanned);
    if (end != std::string::npos) {
      std::string line = buffered.substr(0, end);
      buffered.erase(0, end + 1);
      scanned = 0;
      return line;
    }
    scanned = buffered.size();
    if (buffered.size() > options.maxLineBytes)
      return Status(Code::ResourceExhausted,
                    "'" + options.command[0] + "' wrote a line of more than " +
                        std::to_string(options.maxLineBytes) + " bytes");
    HETAGON_RETURN_IF_ERROR(wait(output, POLLIN, deadline, stop));
    char chunk[65536];
    ssize_t got = ::read(output, chunk, sizeof chunk);
    if (got == 0) {
      if (error >= 0)
        drainErrors();
      return gone("closed its output");
    }
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR)
        continue;
      return gone(std::strerror(errno));
    }
    total += size_t(got);
    if (total > options.maxTotalBytes)
      return Status(Code::ResourceExhausted,
                    "'" + options.command[0] + "' wrote more than " +
                        std::to_string(options.maxTotalBytes) +
                        " bytes in all");
    buffered.append(chunk, size_t(got));
  }
}

} // namespace hetagon::tools
