// Running the other programs of the installation, and tools of the user's.
#include "runtime/base/Folders.h"
#include "tools/hetagon/Front.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace hetagon::front {

namespace {

std::string programPath(const std::string &name) {
  return (std::filesystem::path(programFolder()) / name).string();
}

/// Starts the program at a path, or of a name on PATH; `output` is a descriptor
/// for its standard output, or -1.
pid_t start(const std::string &path, const Words &words, int output) {
  std::vector<std::string> copy = {path};
  copy.insert(copy.end(), words.begin(), words.end());
  std::vector<char *> arguments;
  for (std::string &word : copy)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (output >= 0)
    ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  pid_t child = -1;
  int error = ::posix_spawnp(&child, path.c_str(), &actions, nullptr,
                             arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  errno = error;
  return error ? -1 : child;
}

pid_t startOwn(const std::string &name, const Words &words, int output) {
  std::string path = programPath(name);
  pid_t child = start(path, words, output);
  if (child < 0)
    std::cerr << "error: cannot run " << path << ": " << std::strerror(errno)
              << "; is the installation complete?\n";
  return child;
}

int waitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int finish(pid_t child) {
  if (child < 0)
    return exitFailed;
  // A terminal's Ctrl-C reaches the child too: it ends the run in order, and
  // this process waits for that.
  auto before = std::signal(SIGINT, SIG_IGN);
  int status = waitFor(child);
  std::signal(SIGINT, before);
  return status;
}

} // namespace

int runProgram(const std::string &name, const Words &words) {
  std::cout << std::flush;
  return finish(startOwn(name, words, -1));
}

int captureProgram(const std::string &name, const Words &words,
                   std::string &output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    std::cerr << "error: " << std::strerror(errno) << "\n";
    return exitFailed;
  }
  pid_t child = startOwn(name, words, ends[1]);
  ::close(ends[1]);
  char chunk[65536];
  for (ssize_t got; (got = ::read(ends[0], chunk, sizeof chunk)) != 0;) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      break;
    output.append(chunk, size_t(got));
  }
  ::close(ends[0]);
  return finish(child);
}

int runTool(const Words &words) {
  std::cout << std::flush;
  pid_t child =
      start(words.front(), Words(words.begin() + 1, words.end()), /*output=*/2);
  return child < 0 ? -1 : waitFor(child);
}

} // namespace hetagon::front
