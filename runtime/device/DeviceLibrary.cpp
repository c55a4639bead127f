// Finding, opening and checking the device halves of backends.
#include "runtime/device/DeviceLibrary.h"
#include "runtime/base/Folders.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>

namespace hetagon {

namespace {
namespace fs = std::filesystem;

constexpr std::string_view filePrefix = "hetagon-device-";
constexpr std::string_view fileSuffix = ".so";

bool isBackendName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

/// The backend that a file's name announces; empty when it is no device half.
std::string_view backendOfFile(std::string_view file) {
  if (file.size() <= filePrefix.size() + fileSuffix.size() ||
      !file.starts_with(filePrefix) || !file.ends_with(fileSuffix))
    return {};
  file.remove_prefix(filePrefix.size());
  file.remove_suffix(fileSuffix.size());
  return isBackendName(file) ? file : std::string_view();
}

std::string join(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string messageOf(const hetagon_error &error) {
  return std::string(error.message,
                     strnlen(error.message, sizeof error.message));
}

/// The name of the first required entry that is null; null when all are there.
const char *missingEntry(const hetagon_device_api &api) {
  const std::pair<const char *, bool> entries[] = {
      {"open", api.open},
      {"close", api.close},
      {"describe", api.describe},
      {"status", api.status},
      {"clock_ns", api.clock_ns},
      {"counters", api.counters},
      {"allocate", api.allocate},
      {"release", api.release},
      {"write", api.write},
      {"read", api.read},
      {"load", api.load},
      {"unload", api.unload},
      {"entry", api.entry},
      {"create_commands", api.create_commands},
      {"destroy_commands", api.destroy_commands},
      {"record_dispatch", api.record_dispatch},
      {"record_copy", api.record_copy},
      {"create_queue", api.create_queue},
      {"destroy_queue", api.destroy_queue},
      {"create_fence", api.create_fence},
      {"destroy_fence", api.destroy_fence},
      {"submit", api.submit},
      {"query_fence", api.query_fence},
      {"wait_fence", api.wait_fence},
  };
  for (const auto &[name, present] : entries)
    if (!present)
      return name;
  return nullptr;
}
} // namespace

StatusOr<std::shared_ptr<const DeviceLibrary>>
DeviceLibrary::check(const hetagon_device_api *api, std::string origin,
                     std::string_view backend) {
  auto refuse = [&](std::string why) {
    return Status(Code::Unsupported,
                  "device half " + origin + ": " + std::move(why));
  };
  if (!api)
    return refuse("it returned no table of functions");
  if (api->struct_size < sizeof(hetagon_device_api))
    return refuse("its table has " + std::to_string(api->struct_size) +
                  " bytes; this host needs " +
                  std::to_string(sizeof(hetagon_device_api)));
  if (api->abi_version != HETAGON_DEVICE_ABI_VERSION)
    return refuse("its device ABI version is " +
                  std::to_string(api->abi_version) + "; this host's is " +
                  std::to_string(HETAGON_DEVICE_ABI_VERSION));
  if (!api->backend || !isBackendName(api->backend))
    return refuse("it does not name its backend in lower-case letters, digits, "
                  "'_' and '-'");
  if (!backend.empty() && backend != api->backend)
    return refuse("it is for backend '" + std::string(api->backend) +
                  "', not for '" + std::string(backend) + "'");
  if (const char *missing = missingEntry(*api))
    return refuse("its table lacks the required entry '" +
                  std::string(missing) + "'");
  return std::shared_ptr<const DeviceLibrary>(
      new DeviceLibrary(api, std::move(origin)));
}

StatusOr<std::shared_ptr<const DeviceLibrary>>
DeviceLibrary::fromApi(const hetagon_device_api *api, std::string origin) {
  return check(api, std::move(origin), {});
}

StatusOr<std::shared_ptr<const DeviceLibrary>>
DeviceLibrary::open(const std::string &path, std::string_view backend) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    return Status(Code::Unavailable, "device half " + path +
                                         " cannot be opened: " +
                                         (reason ? reason : "unknown reason"));
  }
  auto query = reinterpret_cast<hetagon_device_query_fn>(
      dlsym(handle, HETAGON_DEVICE_QUERY_SYMBOL));
  if (!query)
    return Status(Code::Unsupported, "device half " + path +
                                         " exports no "
                                         "'" HETAGON_DEVICE_QUERY_SYMBOL "'");
  hetagon_error error{};
  const hetagon_device_api *api = query(HETAGON_DEVICE_ABI_VERSION, &error);
  if (!api)
    return Status(Code::Unsupported,
                  "device half " + path + " refuses this host (device ABI " +
                      std::to_string(HETAGON_DEVICE_ABI_VERSION) +
                      "): " + messageOf(error));
  return check(api, path, backend);
}

std::vector<std::string> DeviceLibrary::searchPath() {
  std::vector<std::string> folders;
  if (const char *variable = std::getenv("HETAGON_DEVICE_PATH")) {
    std::string_view rest = variable;
    while (!rest.empty()) {
      size_t colon = std::min(rest.find(':'), rest.size());
      if (colon > 0)
        folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  if (fs::path program = programFolder(); !program.empty())
    folders.push_back((program.parent_path() / "lib/hetagon/devices").string());
  return folders;
}

std::vector<DeviceLibrary::Available> DeviceLibrary::available() {
  std::vector<Available> found;
  for (const std::string &folder : searchPath()) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end;
         !error && entry != end; entry.increment(error)) {
      std::string file = entry->path().filename().string();
      std::string backend(backendOfFile(file));
      bool known =
          std::any_of(found.begin(), found.end(), [&](const Available &other) {
            return other.backend == backend;
          });
      if (!backend.empty() && !known)
        found.push_back({backend, entry->path().string()});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Available &a, const Available &b) {
              return a.backend < b.backend;
            });
  return found;
}

StatusOr<std::shared_ptr<const DeviceLibrary>>
DeviceLibrary::find(std::string_view backend) {
  if (!isBackendName(backend))
    return Status(Code::InvalidArgument,
                  "'" + std::string(backend) +
                      "' is no backend's name (lower-case letters, digits, '_' "
                      "and '-')");
  std::string file(filePrefix);
  file += backend;
  file += fileSuffix;
  for (const std::string &folder : searchPath()) {
    std::string path = (fs::path(folder) / file).string();
    std::error_code error;
    if (fs::exists(path, error))
      return open(path, backend);
  }
  std::vector<std::string> names;
  for (const Available &other : available())
    names.push_back(other.backend);
  return Status(Code::NotFound,
                "no device half for backend '" + std::string(backend) +
                    "': looked for " + file + " in " + join(searchPath()) +
                    "; found there: " + (names.empty() ? "none" : join(names)) +
                    " (HETAGON_DEVICE_PATH adds folders)");
}

} // namespace hetagon
