// Finds the model that a path means and chooses its reader.
#include "frontend/Models/Readers.h"
#include "runtime/models/TokenizerFiles.h"
#include <algorithm>
#include <filesystem>

namespace hetagon {

namespace fs = std::filesystem;

namespace {

/// The model in this very folder, or an empty string.
StatusOr<std::string> modelInFolder(const fs::path &folder) {
  std::error_code error;
  if (fs::exists(folder / "config.json", error))
    return folder.string();
  std::vector<std::string> found;
  size_t seen = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (++seen > 10000)
      break;
    if (it->path().extension() == ".gguf")
      found.push_back(it->path().string());
  }
  std::sort(found.begin(), found.end());
  if (found.size() > 1)
    return Status(Code::InvalidArgument,
                  "the folder holds " + std::to_string(found.size()) +
                      " GGUF files; name one, for example " + found[0],
                  Place{folder.string(), 0, 0, {}});
  return found.empty() ? std::string() : found[0];
}

} // namespace

StatusOr<std::string> locateModel(const std::string &path) {
  Place place{path, 0, 0, {}};
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (fs::is_regular_file(status))
    return path;
  if (!fs::is_directory(status))
    return Status(Code::NotFound, "no such model file or folder", place);
  for (const fs::path &folder : {fs::path(path), fs::path(path) / "model"}) {
    if (!fs::is_directory(folder, error))
      continue;
    HETAGON_ASSIGN_OR_RETURN(std::string found, modelInFolder(folder));
    if (!found.empty())
      return found;
  }
  return Status(Code::NotFound,
                "the folder holds neither config.json nor a GGUF file, nor "
                "does a subfolder 'model' of it",
                place);
}

StatusOr<ModelDescription> describeModel(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string located, locateModel(path));
  std::error_code error;
  StatusOr<ModelDescription> model = fs::is_directory(located, error)
                                         ? describeFolder(located)
                                         : describeGguf(located);
  if (model.isOk())
    model->path = located;
  return model;
}

StatusOr<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string located, locateModel(path));
  std::error_code error;
  if (fs::is_directory(located, error)) {
    std::string json = (fs::path(located) / "tokenizer.json").string();
    HETAGON_ASSIGN_OR_RETURN(TokenizerConfig config, jsonTokenizer(json));
    HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary, readVocabulary(json));
    return Tokenizer::create(std::move(config), std::move(vocabulary));
  }
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file,
                           GgufFile::open(located));
  HETAGON_ASSIGN_OR_RETURN(TokenizerConfig config, ggufTokenizer(*file));
  HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary, readGgufVocabulary(*file));
  auto tokenizer = Tokenizer::create(std::move(config), std::move(vocabulary));
  if (!tokenizer.isOk())
    return tokenizer.status().at(
        file->at(file->value("tokenizer.ggml.tokens")->offset));
  return tokenizer;
}

} // namespace hetagon
