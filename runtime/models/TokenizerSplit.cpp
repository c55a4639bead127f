// Splitting by PCRE2, compiled to machine code where the processor allows it.
#include "runtime/models/TokenizerSplit.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace hetagon {

namespace {

/// Bounds on one match attempt. The common patterns stay below a few hundred.
constexpr uint32_t matchLimit = 10'000'000;
constexpr uint32_t depthLimit = 100'000;
constexpr uint32_t heapLimitKib = 64 << 10;
constexpr size_t maxPatternBytes = 64 << 10;

struct FreeMatch {
  void operator()(pcre2_match_data *data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context *context) const {
    pcre2_match_context_free(context);
  }
};

std::string errorText(int code) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0)
    return "PCRE2 error " + std::to_string(code);
  return reinterpret_cast<const char *>(buffer);
}

/// The length of the UTF-8 character at the start of `text`; 0 when there is
/// none.
size_t characterLength(std::string_view text) {
  uint8_t lead = text[0];
  if (lead < 0x80)
    return 1;
  size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                  : lead >= 0xE0 && lead <= 0xEF ? 3
                  : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                 : 0;
  if (length == 0 || text.size() < length)
    return 0;
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i) {
    uint8_t byte = text[i];
    if (byte < low || byte > high)
      return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

/// Cuts the text where it changes between UTF-8 and other bytes.
std::vector<std::pair<std::string_view, bool>> runs(std::string_view text) {
  std::vector<std::pair<std::string_view, bool>> result;
  size_t begin = 0, at = 0;
  bool valid = true;
  while (at < text.size()) {
    size_t length = characterLength(text.substr(at));
    if ((length != 0) != valid) {
      if (at > begin)
        result.push_back({text.substr(begin, at - begin), valid});
      begin = at;
      valid = !valid;
    }
    at += length ? length : 1;
  }
  if (at > begin)
    result.push_back({text.substr(begin), valid});
  return result;
}

} // namespace

struct TextSplitter::Pattern {
  explicit Pattern(pcre2_code *code) : code(code) {}
  ~Pattern() { pcre2_code_free(code); }
  Pattern(const Pattern &) = delete;
  Pattern &operator=(const Pattern &) = delete;

  /// Cuts `text`, which is UTF-8, appending matches and gaps to `pieces`.
  Status cut(std::string_view text, pcre2_match_data *data,
             pcre2_match_context *context,
             std::vector<std::string_view> &pieces) const {
    auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    size_t at = 0, gap = 0;
    while (at < text.size()) {
      int found =
          pcre2_match(code, subject, text.size(), at,
                      PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data, context);
      if (found == PCRE2_ERROR_NOMATCH)
        break;
      if (found < 0)
        return Status(Code::ResourceExhausted,
                      "a split pattern fails on the text: " + errorText(found));
      const PCRE2_SIZE *span = pcre2_get_ovector_pointer(data);
      // \K can set the start after the end or before where we stood.
      if (span[0] < gap || span[1] <= span[0])
        return Status(Code::InvalidArgument,
                      "a split pattern's match goes backwards");
      if (span[0] > gap)
        pieces.push_back(text.substr(gap, span[0] - gap));
      pieces.push_back(text.substr(span[0], span[1] - span[0]));
      at = gap = span[1];
    }
    if (gap < text.size())
      pieces.push_back(text.substr(gap));
    return Status::ok();
  }

  pcre2_code *code;
};

StatusOr<TextSplitter>
TextSplitter::create(const std::vector<std::string> &patterns) {
  TextSplitter splitter;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const std::string &source = patterns[i];
    std::string which = "split pattern " + std::to_string(i);
    if (source.size() > maxPatternBytes)
      return Status(Code::InvalidArgument, which + " is too long");
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2_compile(
        reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
        PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
        nullptr);
    if (!code)
      return Status(Code::InvalidArgument, which + ", at byte " +
                                               std::to_string(offset) + ": " +
                                               errorText(error));
    splitter.patterns.push_back(std::make_shared<const Pattern>(code));
    // Where machine code cannot be made, PCRE2 interprets the pattern.
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  return splitter;
}

Status
TextSplitter::split(std::string_view text,
                    const std::function<void(std::string_view)> &piece) const {
  if (patterns.empty()) {
    if (!text.empty())
      piece(text);
    return Status::ok();
  }
  std::unique_ptr<pcre2_match_data, FreeMatch> data(
      pcre2_match_data_create(1, nullptr));
  std::unique_ptr<pcre2_match_context, FreeMatch> context(
      pcre2_match_context_create(nullptr));
  if (!data || !context)
    return Status(Code::ResourceExhausted, "out of memory for a match");
  pcre2_set_match_limit(context.get(), matchLimit);
  pcre2_set_depth_limit(context.get(), depthLimit);
  pcre2_set_heap_limit(context.get(), heapLimitKib);

  std::vector<std::string_view> pieces, finer;
  for (const auto &[run, valid] : runs(text)) {
    if (!valid) {
      piece(run);
      continue;
    }
    pieces.assign(1, run);
    for (const auto &pattern : patterns) {
      finer.clear();
      for (std::string_view part : pieces)
        HETAGON_RETURN_IF_ERROR(
            pattern->cut(part, data.get(), context.get(), finer));
      pieces.swap(finer);
    }
    for (std::string_view part : pieces)
      piece(part);
  }
  return Status::ok();
}

} // namespace hetagon
