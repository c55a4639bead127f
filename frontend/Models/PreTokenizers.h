// What model files call their tokenizers, and what that means: the table from
// names to splitting patterns and switches. The runtime knows only the latter.
#ifndef HETAGON_FRONTEND_MODELS_PRETOKENIZERS_H
#define HETAGON_FRONTEND_MODELS_PRETOKENIZERS_H

#include "runtime/base/Json.h"
#include "runtime/models/Tokenizer.h"

namespace hetagon {

/// The configuration for GGUF's `tokenizer.ggml.model` and
/// `tokenizer.ggml.pre` (empty when absent): algorithm, patterns, options, and
/// the default of addBos, which `tokenizer.ggml.add_bos_token` overrides. An
/// unknown name is Unsupported, with the known ones in the message.
StatusOr<TokenizerConfig> ggufTokenizerConfig(std::string_view model,
                                              std::string_view pre);

/// The configuration that a Hugging Face tokenizer.json asks for: its
/// normaliser, pre-tokenizer and the tokens it puts around a text. `file` names
/// it in errors.
StatusOr<TokenizerConfig> jsonTokenizerConfig(const Json &root,
                                              const std::string &file);

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_PRETOKENIZERS_H
