// Reads vocabularies out of the files they come in.
#ifndef HETAGON_RUNTIME_MODELS_TOKENIZERFILES_H
#define HETAGON_RUNTIME_MODELS_TOKENIZERFILES_H

#include "runtime/base/Json.h"
#include "runtime/models/Gguf.h"
#include "runtime/models/Tokenizer.h"

namespace hetagon {

/// The vocabulary of a Hugging Face tokenizer.json whose model is WordPiece or
/// BPE. Special ids come from the model's unknown token and the
/// post-processor's frame. `file` names the text in errors. What the file says
/// about normalising and splitting is left to the caller.
StatusOr<Vocabulary> readJsonVocabulary(const Json &root,
                                        const std::string &file);

/// The vocabulary in the file at `path`: a GGUF file or a tokenizer.json.
StatusOr<Vocabulary> readVocabulary(const std::string &path);

/// The vocabulary under `tokenizer.ggml.*` of a GGUF file.
StatusOr<Vocabulary> readGgufVocabulary(const GgufFile &file);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_TOKENIZERFILES_H
