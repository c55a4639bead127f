// Running the other programs of the installation.
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

/// Starts the program; `output` is a descriptor for its standard output, or -1.
int start(const std::string &name, const Words &words, int output) {
  std::string path = programPath(name);
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
  int error = ::posix_spawn(&child, path.c_str(), &actions, nullptr,
                            arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error) {
    std::cerr << "error: cannot run " << path << ": " << std::strerror(error)
              << "; is the installation complete?\n";
    return -1;
  }
  return child;
}

int finish(pid_t child) {
  if (child < 0)
    return exitFailed;
  // A terminal's Ctrl-C reaches the child too: it ends the run in order, and
  // this process waits for that.
  auto before = std::signal(SIGINT, SIG_IGN);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::signal(SIGINT, before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

int runProgram(const std::string &name, const Words &words) {
  std::cout << std::flush;
  return finish(start(name, words, -1));
}

int captureProgram(const std::string &name, const Words &words,
                   std::string &output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    std::cerr << "error: " << std::strerror(errno) << "\n";
    return exitFailed;
  }
  pid_t child = start(name, words, ends[1]);
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

} // namespace hetagon::front
