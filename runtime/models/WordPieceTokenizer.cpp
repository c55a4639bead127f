// WordPiece with the usual normaliser of uncased encoders; Unicode data comes
// from utf8proc.
#include "runtime/models/WordPieceTokenizer.h"
#include <algorithm>
#include <charconv>
#include <utf8proc.h>

namespace hetagon {

namespace {

bool isSpace(int32_t point) {
  switch (point) {
  case '\t':
  case '\n':
  case '\v':
  case '\f':
  case '\r':
  case ' ':
  case 0x85:
  case 0x2028:
  case 0x2029:
    return true;
  default:
    return utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
  }
}

/// What the cleaning drops: categories Cc, Cf, Cs and Co, but for the tab and
/// the ends of lines. (Unassigned code points stay.)
bool isDropped(int32_t point) {
  if (point == 0 || point == 0xFFFD)
    return true;
  if (point == '\t' || point == '\n' || point == '\r')
    return false;
  switch (utf8proc_category(point)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
    return true;
  default:
    return false;
  }
}

bool isPunctuation(int32_t point) {
  if (point < 0x80)
    return (point >= '!' && point <= '/') || (point >= ':' && point <= '@') ||
           (point >= '[' && point <= '`') || (point >= '{' && point <= '~');
  utf8proc_category_t category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/// The blocks of CJK ideographs that are words of their own.
bool isIdeograph(int32_t point) {
  static constexpr std::pair<int32_t, int32_t> blocks[] = {
      {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
      {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
      {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  return std::ranges::any_of(blocks, [&](const auto &block) {
    return point >= block.first && point <= block.second;
  });
}

void appendUtf8(int32_t point, std::string &out) {
  utf8proc_uint8_t buffer[4];
  utf8proc_ssize_t length = utf8proc_encode_char(point, buffer);
  out.append(reinterpret_cast<const char *>(buffer), size_t(length));
}

} // namespace

Status WordPieceTokenizer::prepare() {
  HETAGON_RETURN_IF_ERROR(
      checkOptions({"clean_text", "space_cjk", "lowercase", "strip_accents",
                    "continuing_prefix", "max_word_chars"}));
  HETAGON_ASSIGN_OR_RETURN(cleanText, flag("clean_text", true));
  HETAGON_ASSIGN_OR_RETURN(spaceCjk, flag("space_cjk", true));
  HETAGON_ASSIGN_OR_RETURN(lowercase, flag("lowercase", true));
  HETAGON_ASSIGN_OR_RETURN(stripAccents, flag("strip_accents", true));
  if (auto it = settings.options.find("continuing_prefix");
      it != settings.options.end())
    prefix = it->second;
  if (auto it = settings.options.find("max_word_chars");
      it != settings.options.end()) {
    const std::string &text = it->second;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), maxWordChars);
    if (error != std::errc() || end != text.data() + text.size() ||
        maxWordChars == 0 || maxWordChars > 1000)
      return Status(Code::InvalidArgument,
                    "tokenizer option max_word_chars is '" + text +
                        "'; it must be 1 to 1000");
  }
  if (!vocab.unknown)
    return Status(Code::InvalidArgument,
                  "vocabulary: wordpiece needs an unknown token");
  for (size_t id = 0; id < size(); ++id) {
    std::string_view spelling = vocab.tokens[id];
    if (kind(int32_t(id)) != TokenKind::Normal || spelling.empty())
      continue;
    initial.emplace(spelling, int32_t(id));
    longest = std::max(longest, spelling.size());
    if (spelling.starts_with(prefix) && spelling.size() > prefix.size())
      continuing.emplace(spelling.substr(prefix.size()), int32_t(id));
  }
  return Status::ok();
}

StatusOr<std::vector<int32_t>>
WordPieceTokenizer::normalise(std::string_view raw) const {
  std::string valid = validUtf8(raw);
  std::vector<int32_t> points;
  points.reserve(valid.size());
  for (size_t at = 0; at < valid.size();) {
    int32_t point = 0;
    at += size_t(utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t *>(valid.data()) + at,
        utf8proc_ssize_t(valid.size() - at), &point));
    if (cleanText && isDropped(point))
      continue;
    if (spaceCjk && isIdeograph(point))
      points.insert(points.end(), {' ', point, ' '});
    else
      points.push_back(cleanText && isSpace(point) ? int32_t(' ') : point);
  }
  if (stripAccents) {
    // Canonical order among marks does not matter for those that are dropped;
    // the few that stay keep the order in which they came.
    std::vector<int32_t> bare;
    bare.reserve(points.size());
    for (int32_t point : points) {
      int32_t parts[32];
      int boundary = 0;
      utf8proc_ssize_t count = utf8proc_decompose_char(
          point, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
      if (count < 0 || count > 32)
        return Status(Code::Internal, "cannot decompose a code point");
      for (utf8proc_ssize_t i = 0; i < count; ++i)
        if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN)
          bare.push_back(parts[i]);
    }
    points = std::move(bare);
  }
  if (!lowercase)
    return points;
  std::vector<int32_t> lowered;
  lowered.reserve(points.size());
  for (int32_t point : points) {
    lowered.push_back(point == 0x130 ? int32_t('i') : utf8proc_tolower(point));
    // The one letter whose lower case has two code points.
    if (point == 0x130)
      lowered.push_back(0x307);
  }
  return lowered;
}

void WordPieceTokenizer::encodeWord(std::span<const int32_t> points,
                                    std::vector<int32_t> &ids) const {
  const int32_t unknown = int32_t(*vocab.unknown);
  if (points.size() > maxWordChars) {
    ids.push_back(unknown);
    return;
  }
  std::string word;
  std::vector<size_t> starts; // of characters, and the end
  for (int32_t point : points) {
    starts.push_back(word.size());
    appendUtf8(point, word);
  }
  starts.push_back(word.size());
  const size_t before = ids.size();
  size_t from = 0;
  while (from < points.size()) {
    const auto &table = from == 0 ? initial : continuing;
    size_t to = points.size();
    int32_t found = -1;
    for (; to > from; --to) {
      size_t length = starts[to] - starts[from];
      if (length > longest)
        continue;
      auto it = table.find(std::string_view(word).substr(starts[from], length));
      if (it == table.end())
        continue;
      found = it->second;
      break;
    }
    if (found < 0) {
      ids.resize(before);
      ids.push_back(unknown);
      return;
    }
    ids.push_back(found);
    from = to;
  }
}

Status WordPieceTokenizer::encodePlain(std::string_view text, bool,
                                       std::vector<int32_t> &ids) const {
  HETAGON_ASSIGN_OR_RETURN(std::vector<int32_t> points, normalise(text));
  std::span<const int32_t> all = points;
  size_t begin = 0;
  for (size_t at = 0; at <= all.size(); ++at) {
    bool end = at == all.size() || isSpace(all[at]);
    bool alone = !end && isPunctuation(all[at]);
    if (!end && !alone)
      continue;
    if (at > begin)
      encodeWord(all.subspan(begin, at - begin), ids);
    if (alone)
      encodeWord(all.subspan(at, 1), ids);
    begin = at + 1;
  }
  return Status::ok();
}

std::string WordPieceTokenizer::bytesOf(uint32_t id) const {
  const std::string &spelling = vocab.tokens[id];
  if (!prefix.empty() && spelling.starts_with(prefix))
    return spelling.substr(prefix.size());
  return " " + spelling;
}

std::string_view WordPieceTokenizer::trimFirst(std::string_view text) const {
  return text.starts_with(' ') ? text.substr(1) : text;
}

} // namespace hetagon
