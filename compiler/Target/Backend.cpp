// Finds and loads the lowering halves of backends.
#include "compiler/Target/Backend.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace hetagon::target;

Backend::~Backend() = default;

static std::vector<std::string> searchPath() {
  std::vector<std::string> folders;
  if (const char *path = std::getenv("HETAGON_LOWERING_PATH")) {
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(path).split(parts, ':', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef part : parts)
      folders.push_back(part.str());
  }
  llvm::SmallString<256> program;
  if (!llvm::sys::fs::real_path("/proc/self/exe", program)) {
    llvm::SmallString<256> folder(
        llvm::sys::path::parent_path(llvm::sys::path::parent_path(program)));
    llvm::sys::path::append(folder, "lib", "hetagon", "lowering");
    folders.push_back(folder.str().str());
  }
  return folders;
}

template <typename... Parts> static llvm::Error failure(const Parts &...parts) {
  std::string message;
  llvm::raw_string_ostream stream(message);
  (stream << ... << parts);
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Checks what the plugin in `file` says of itself.
static llvm::Error checkPlugin(const BackendPlugin *plugin,
                               llvm::StringRef name, llvm::StringRef file) {
  if (!plugin)
    return failure(file, ": ", backendEntryPoint, " returned nothing");
  if (plugin->abiVersion != backendAbiVersion)
    return failure(file, ": made for version ", plugin->abiVersion,
                   " of the backend interface, this compiler has version ",
                   backendAbiVersion, "; rebuild the backend");
  if (!plugin->llvmVersion ||
      llvm::StringRef(plugin->llvmVersion) != LLVM_VERSION_STRING)
    return failure(file, ": built with LLVM ",
                   plugin->llvmVersion ? plugin->llvmVersion : "(unknown)",
                   ", this compiler with ", LLVM_VERSION_STRING,
                   "; rebuild the backend");
  if (!plugin->name || plugin->name != name)
    return failure(file, ": calls itself '", plugin->name ? plugin->name : "",
                   "', not '", name, "'");
  if (!plugin->create)
    return failure(file, ": cannot create its backend");
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Backend>>
hetagon::target::loadBackend(llvm::StringRef name) {
  if (name.empty() || name.contains('/'))
    return failure("'", name, "' is no name of a backend");
  std::string fileName = "hetagon-lowering-" + name.str() + ".so";
  std::string looked;
  for (const std::string &folder : searchPath()) {
    llvm::SmallString<256> file(folder);
    llvm::sys::path::append(file, fileName);
    if (!llvm::sys::fs::exists(file)) {
      looked += "\n  " + folder;
      continue;
    }
    // Never closed: contexts keep pointers into the plugin's code.
    void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return failure("cannot load backend '", name, "': ", dlerror());
    using EntryPoint = const BackendPlugin *(*)();
    auto entryPoint =
        reinterpret_cast<EntryPoint>(dlsym(library, backendEntryPoint));
    if (!entryPoint)
      return failure(file.str(), ": exports no ", backendEntryPoint,
                     ", so it is no backend");
    const BackendPlugin *plugin = entryPoint();
    if (llvm::Error error = checkPlugin(plugin, name, file.str()))
      return std::move(error);
    return plugin->create();
  }
  return failure("there is no backend '", name, "': ", fileName,
                 " is in none of the folders searched:", looked,
                 "\n  set HETAGON_LOWERING_PATH to search others");
}
