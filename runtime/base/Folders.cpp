// The folders by the rules of the XDG base directory specification, with
// Hetagon's own variables before them.
#include "runtime/base/Folders.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/auxv.h>
#include <sys/stat.h>

namespace hetagon {

namespace {

std::string folder(const char *own, const char *xdg, const char *inHome) {
  auto set = [](const char *name) {
    const char *value = std::getenv(name);
    // XDG: relative paths are invalid and ignored.
    return std::string(value && value[0] == '/' ? value : "");
  };
  if (std::string path = set(own); !path.empty())
    return path;
  if (std::string path = set(xdg); !path.empty())
    return path + "/hetagon";
  if (std::string home = set("HOME"); !home.empty())
    return home + "/" + inHome + "/hetagon";
  return {};
}

} // namespace

std::string configFolder() {
  return folder("HETAGON_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
}

std::string cacheFolder() {
  return folder("HETAGON_CACHE_HOME", "XDG_CACHE_HOME", ".cache");
}

std::string programFolder() {
  std::error_code error;
  std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    if (auto name = reinterpret_cast<const char *>(::getauxval(AT_EXECFN)))
      program = std::filesystem::canonical(name, error);
  return error ? std::string() : program.parent_path().string();
}

Status makeFolders(const std::string &path) {
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end != path.size() && path[end] != '/')
      continue;
    std::string part = path.substr(0, end);
    struct stat info;
    if (::mkdir(part.c_str(), 0700) == 0 || errno == EEXIST ||
        (::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode)))
      continue;
    return Status(Code::PermissionDenied,
                  std::string("cannot make the folder: ") +
                      std::strerror(errno),
                  Place{part, 0, 0, {}});
  }
  return Status::ok();
}

} // namespace hetagon
