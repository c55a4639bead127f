// Chat templates: the Jinja text that a model's files carry, rendered to the
// prompt for a list of messages.
#ifndef HETAGON_RUNTIME_MODELS_CHATTEMPLATE_H
#define HETAGON_RUNTIME_MODELS_CHATTEMPLATE_H

#include "runtime/base/Json.h"
#include "runtime/models/Tokenizer.h"

namespace hetagon {

struct JinjaNode;

/// Bounds on one rendering, and what it may know of the world.
struct RenderOptions {
  /// Bytes of all texts and containers made on the way, the result among them.
  size_t maxBytes = size_t(64) << 20;
  uint64_t maxSteps = 5'000'000;
  /// What strftime_now prints, in seconds since 1970, as UTC; without it, the
  /// local time of now.
  std::optional<int64_t> now;
};

/// A parsed template; immutable, thread-safe, cheap to copy. The language is
/// the part of Jinja 2 that chat templates use, with trim_blocks and
/// lstrip_blocks on, the extensions `break`, `continue` and `generation`, and
/// the functions raise_exception and strftime_now. Nothing in it reaches files
/// or processes.
class ChatTemplate {
public:
  /// `name` stands for the text in errors, which carry line and column.
  static StatusOr<ChatTemplate> parse(std::string_view source,
                                      std::string name = "chat template");

  /// Renders with the members of the object `variables`. A template's own
  /// raise_exception is InvalidArgument; a bound passed is ResourceExhausted.
  StatusOr<std::string> render(const Json &variables,
                               const RenderOptions &options = {}) const;

private:
  std::string name;
  std::shared_ptr<const JinjaNode> root;
};

/// Renders a conversation: a list of {"role", "content", ...} objects.
/// `extra` (an object or null) adds variables such as "tools". The tokenizer
/// gives bos_token and eos_token.
StatusOr<std::string> renderChat(const ChatTemplate &chat,
                                 const Tokenizer &tokenizer,
                                 const Json &messages, bool addGenerationPrompt,
                                 const Json &extra = nullptr,
                                 const RenderOptions &options = {});

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_CHATTEMPLATE_H
