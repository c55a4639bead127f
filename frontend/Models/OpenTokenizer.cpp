// A model's tokenizer without its tensors: what `tokenize` needs.
#include "frontend/Models/Readers.h"
#include "runtime/models/TokenizerFiles.h"
#include <filesystem>

namespace hetagon {

namespace fs = std::filesystem;

StatusOr<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::string located, locateModel(path));
  std::error_code error;
  if (fs::is_directory(located, error)) {
    std::string file = (fs::path(located) / "tokenizer.json").string();
    HETAGON_ASSIGN_OR_RETURN(TokenizerConfig config, jsonTokenizer(file));
    HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary, readVocabulary(file));
    return Tokenizer::create(std::move(config), std::move(vocabulary));
  }
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file,
                           GgufFile::open(located));
  HETAGON_ASSIGN_OR_RETURN(TokenizerConfig config, ggufTokenizer(*file));
  HETAGON_ASSIGN_OR_RETURN(Vocabulary vocabulary, readGgufVocabulary(*file));
  return Tokenizer::create(std::move(config), std::move(vocabulary));
}

} // namespace hetagon
