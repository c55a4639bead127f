// Python's operations on texts, by code points.
#ifndef HETAGON_RUNTIME_MODELS_JINJATEXT_H
#define HETAGON_RUNTIME_MODELS_JINJATEXT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// A text as code points, and back.
std::vector<int32_t> codePoints(std::string_view text);
std::string fromCodePoints(const int32_t *points, size_t count);

/// White space as str.isspace() sees it.
bool isTextSpace(int32_t point);

/// Title is str.title(), Words is Jinja's filter of that name.
enum class JinjaCase { Upper, Lower, Title, Words, Capital };
std::string changeCase(const std::string &text, JinjaCase target);

/// Drops white space, or the code points of `*set`, at the asked ends.
std::string stripText(const std::string &text, const std::string *set,
                      bool left, bool right);

/// Replaces the first `limit` places of `from`, which is not empty; all when
/// `limit` is negative.
std::string replaceAll(const std::string &text, const std::string &from,
                       const std::string &to, int64_t limit);

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_JINJATEXT_H
