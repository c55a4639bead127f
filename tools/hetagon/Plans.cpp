// Plans and indexes: compiled once, kept under a key of everything they depend
// on.
#include "frontend/Devices/Calibration.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include "runtime/base/Sha256.h"
#include "tools/hetagon/Front.h"
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace hetagon::front {

namespace fs = std::filesystem;

namespace {

/// Gathers what a cached result depends on. Files count by device, inode, size
/// and time of change: cheap, and any edit shows.
class CacheKey {
public:
  void add(const std::string &text) {
    material += std::to_string(text.size()) + ":" + text;
  }
  void addFile(const fs::path &path) {
    auto mapped = MappedFile::open(path.string());
    if (!mapped.isOk())
      return add("absent " + path.string());
    const FileIdentity &id = (*mapped)->identity();
    add(path.string() + " " + std::to_string(id.device) + " " +
        std::to_string(id.inode) + " " + std::to_string(id.sizeBytes) + " " +
        std::to_string(id.modifiedNs));
  }
  /// All regular files below a folder, or the file itself.
  void addTree(const fs::path &path) {
    std::error_code error;
    if (!fs::is_directory(path, error))
      return addFile(path);
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator it(path, error), end;
         !error && it != end; it.increment(error))
      if (it->is_regular_file(error))
        files.push_back(it->path());
    std::sort(files.begin(), files.end());
    for (const fs::path &file : files)
      addFile(file);
  }
  /// The programs and plugins that make the result.
  void addInstallation() {
    fs::path bin = programFolder();
    addFile(bin / "hetagon-compile");
    addFile(bin / "hetagon-worker");
    addTree(bin.parent_path() / "lib" / "hetagon");
    // Folders of plugins, and whatever devices listen to; not where things are
    // kept.
    for (char **entry = environ; *entry; ++entry) {
      std::string_view setting = *entry;
      if (setting.starts_with("HETAGON_") &&
          !setting.substr(0, setting.find('=')).ends_with("_HOME"))
        add(std::string(setting));
    }
  }
  std::string digest() const { return hex(sha256(material)); }

private:
  std::string material;
};

void addWords(CacheKey &key, const Words &words) {
  for (const std::string &word : words)
    key.add(word);
  key.add("");
}

/// What a model id means now: its path, and the files there.
void addModel(CacheKey &key, const ModelOptions &options,
              const std::string &model) {
  ModelRegistry registry;
  for (const std::string &path : options.registries)
    if (Status status = registry.addFile(path); !status.isOk())
      return key.add(status.str());
  for (const std::string &mapping : options.mappings)
    if (Status status = registry.addMapping(mapping); !status.isOk())
      return key.add(status.str());
  StatusOr<RegisteredModel> found = registry.resolve(model);
  key.add(model);
  key.addTree(found.isOk() ? found->path : model);
}

/// The path in the cache for a kind of result; its folder exists.
fs::path cachePath(const char *kind, const CacheKey &key) {
  fs::path folder = fs::path(cacheFolder()) / kind;
  std::error_code error;
  fs::create_directories(folder, error);
  return folder / key.digest();
}

Words flowWords(const CompileOptions &options) {
  Words words = {"flow", options.flow};
  for (const std::string &word : options.models.words())
    words.push_back(word);
  auto option = [&](const char *name, const std::string &value) {
    if (!value.empty())
      words.insert(words.end(), {name, value});
  };
  option("--requirements", options.requirements);
  option("--devices", options.devices);
  for (const std::string &pin : options.pins)
    option("--pin", pin);
  for (const std::string &device : options.forbidden)
    option("--forbid", device);
  return words;
}

/// Reads one JSON object printed by hetagon-compile.
int askCompiler(Words words, Json &answer) {
  std::string text;
  int status = captureProgram("hetagon-compile", words, text);
  if (status != exitOk)
    return status;
  StatusOr<Json> json = parseJson(text, "hetagon-compile");
  if (!json.isOk())
    return fail(json.status(), exitFailed);
  answer = std::move(*json);
  return exitOk;
}

/// Builds the index of one retrieval, unless the cache has it.
int cachedIndex(const CompileOptions &options, const Json &need,
                std::string &path) {
  std::string documents = need.value("documents", "");
  std::string model = need.value("model", "");
  CacheKey key;
  key.addInstallation();
  addModel(key, options.models, model);
  key.addTree(documents);
  path = cachePath("indexes", key).string();
  std::error_code error;
  if (fs::exists(path, error))
    return exitOk;
  std::string plan;
  // On one device and by one thread: the same bytes whenever it is built here.
  int status = cachedModelPlan(options.models, model, {}, plan);
  if (status != exitOk)
    return status;
  std::cerr << "indexing " << documents << " with " << model << "\n";
  std::string output;
  return captureProgram(
      "hetagon-worker",
      {"index", plan, "--documents", documents, "-o", path, "--threads", "1"},
      output);
}

int compileWithIndexes(const CompileOptions &options, const Json &needs,
                       const std::string &output, bool json) {
  Words words = flowWords(options);
  words.insert(words.end(), {"-o", output});
  for (const Json &need : needs["indexes"]) {
    std::string path;
    if (int status = cachedIndex(options, need, path); status != exitOk)
      return status;
    words.insert(words.end(),
                 {"--artefact", need.value("artefact", "") + "=" + path});
  }
  if (json)
    words.push_back("--json");
  return runProgram("hetagon-compile", words);
}

} // namespace

Words ModelOptions::words() const {
  Words words;
  for (const std::string &registry : registries)
    words.insert(words.end(), {"--models", registry});
  for (const std::string &mapping : mappings)
    words.insert(words.end(), {"--model-map", mapping});
  return words;
}

void addDefaultRegistries(ModelOptions &options, const std::string &flow) {
  std::error_code error;
  fs::path beside = flow;
  bool isThere = !flow.empty() && fs::exists(beside, error);
  if (isThere && !fs::is_directory(beside, error))
    beside = beside.parent_path();
  Words found;
  for (const fs::path &path : {fs::path(configFolder()) / "models.yaml",
                               isThere ? beside / "models.yaml" : fs::path()})
    if (!path.empty() && fs::exists(path, error))
      found.push_back(path.string());
  // What the user names comes last and wins.
  options.registries.insert(options.registries.begin(), found.begin(),
                            found.end());
}

int compileFlow(const CompileOptions &options, const std::string &output,
                bool json) {
  Words words = flowWords(options);
  words.push_back("--needs");
  Json needs;
  if (int status = askCompiler(words, needs); status != exitOk)
    return status;
  return compileWithIndexes(options, needs, output, json);
}

int cachedFlowPlan(const CompileOptions &options, std::string &plan) {
  Words words = flowWords(options);
  words.push_back("--needs");
  Json needs;
  if (int status = askCompiler(words, needs); status != exitOk)
    return status;
  CacheKey key;
  key.addInstallation();
  addWords(key, flowWords(options));
  key.addTree(options.flow);
  if (!options.requirements.empty())
    key.addFile(options.requirements);
  if (!options.devices.empty())
    key.addFile(options.devices);
  key.addFile(calibrationPath());
  for (const Json &model : needs["models"])
    if (model.is_string())
      addModel(key, options.models, model.get<std::string>());
  for (const Json &need : needs["indexes"])
    key.addTree(need.value("documents", ""));
  plan = cachePath("plans", key).string() + ".plan";
  std::error_code error;
  if (fs::exists(plan, error))
    return exitOk;
  std::cerr << "compiling " << options.flow << "\n";
  Words registered = flowWords(options);
  std::string summary;
  for (const Json &need : needs["indexes"]) {
    std::string path;
    if (int status = cachedIndex(options, need, path); status != exitOk)
      return status;
    registered.insert(registered.end(),
                      {"--artefact", need.value("artefact", "") + "=" + path});
  }
  registered.insert(registered.end(), {"-o", plan});
  return captureProgram("hetagon-compile", registered, summary);
}

int cachedModelPlan(const ModelOptions &options, const std::string &model,
                    const std::string &backend, std::string &plan) {
  CacheKey key;
  key.addInstallation();
  key.add(backend);
  addModel(key, options, model);
  plan = cachePath("plans", key).string() + ".plan";
  std::error_code error;
  if (fs::exists(plan, error))
    return exitOk;
  Words words = {"model", model, "-o", plan};
  if (!backend.empty())
    words.insert(words.end(), {"--backend", backend});
  for (const std::string &word : options.words())
    words.push_back(word);
  std::string summary;
  return captureProgram("hetagon-compile", words, summary);
}

bool isPlan(const std::string &path) {
  auto mapped = MappedFile::open(path);
  if (!mapped.isOk() || (*mapped)->bytes().size() < 8)
    return false;
  return std::string_view(
             reinterpret_cast<const char *>((*mapped)->bytes().data()), 5) ==
         "\x89HPLN";
}

} // namespace hetagon::front
