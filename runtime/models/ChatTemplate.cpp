// The border of the template language: parsing once, rendering many times.
#include "runtime/models/ChatTemplate.h"
#include "runtime/models/JinjaAst.h"
#include "runtime/models/JinjaEval.h"

namespace hetagon {

StatusOr<ChatTemplate> ChatTemplate::parse(std::string_view source,
                                           std::string name) {
  ChatTemplate made;
  made.name = std::move(name);
  HETAGON_ASSIGN_OR_RETURN(made.root, parseJinja(source, made.name));
  return made;
}

StatusOr<std::string> ChatTemplate::render(const Json &variables,
                                           const RenderOptions &options) const {
  return JinjaEvaluator(name, options).render(*root, variables);
}

StatusOr<std::string> renderChat(const ChatTemplate &chat,
                                 const Tokenizer &tokenizer,
                                 const Json &messages, bool addGenerationPrompt,
                                 const Json &extra,
                                 const RenderOptions &options) {
  const Vocabulary &vocab = tokenizer.vocabulary();
  Json variables = extra.is_object() ? extra : Json::object();
  auto spelling = [&](std::optional<uint32_t> id) {
    return id ? validUtf8(vocab.tokens[*id]) : std::string();
  };
  variables["messages"] = messages;
  variables["add_generation_prompt"] = addGenerationPrompt;
  variables["bos_token"] = spelling(vocab.bos);
  variables["eos_token"] = spelling(vocab.eos);
  // What callers commonly leave out is none, not undefined.
  for (const char *optional : {"tools", "documents"})
    if (!variables.contains(optional))
      variables[optional] = nullptr;
  return chat.render(variables, options);
}

} // namespace hetagon
