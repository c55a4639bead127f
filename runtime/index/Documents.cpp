// Cutting documents: Markdown headings give titles, paragraphs stay whole where
// they fit.
#include "runtime/index/Documents.h"
#include "runtime/base/File.h"
#include <algorithm>
#include <array>
#include <filesystem>

namespace hetagon::index {

namespace {

bool isUtf8(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    size_t extra = lead < 0x80             ? 0
                   : (lead & 0xe0) == 0xc0 ? 1
                   : (lead & 0xf0) == 0xe0 ? 2
                   : (lead & 0xf8) == 0xf0 ? 3
                                           : 9;
    if (extra == 9 || extra > text.size() - 1 - i)
      return false;
    for (size_t k = 1; k <= extra; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80)
        return false;
    i += extra + 1;
  }
  return true;
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back()))
    text.remove_suffix(1);
  return std::string(text);
}

/// Level of a Markdown heading line, 0 for any other line.
size_t headingLevel(std::string_view line) {
  size_t level = 0;
  while (level < line.size() && line[level] == '#')
    ++level;
  return level <= 6 && level < line.size() && line[level] == ' ' ? level : 0;
}

std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

/// Gathers paragraphs into passages of one document.
class Cutter {
public:
  Cutter(const std::string &source, const ChunkOptions &options)
      : source(source), options(options) {}

  void heading(size_t level, std::string text) {
    flush();
    headings[level - 1] = std::move(text);
    for (size_t deeper = level; deeper < headings.size(); ++deeper)
      headings[deeper].clear();
  }

  void paragraph(const std::string &text) {
    if (text.size() <= options.targetBytes)
      return add(text, "\n\n");
    for (const std::string &sentence : splitSentences(text))
      add(sentence, " ");
  }

  std::vector<Passage> finish() {
    flush();
    return std::move(passages);
  }

private:
  void add(const std::string &text, const char *glue) {
    if (!current.empty() && current.size() + text.size() > options.targetBytes)
      flush();
    if (!current.empty())
      current += glue;
    current += text;
  }

  void flush() {
    std::string text = trim(current);
    current.clear();
    if (text.empty())
      return;
    Passage passage;
    passage.id = source + "#" + std::to_string(passages.size() + 1);
    passage.source = source;
    for (const std::string &heading : headings)
      if (!heading.empty())
        passage.title += (passage.title.empty() ? "" : " > ") + heading;
    passage.text = std::move(text);
    passages.push_back(std::move(passage));
  }

  const std::string &source;
  const ChunkOptions &options;
  std::array<std::string, 6> headings;
  std::string current;
  std::vector<Passage> passages;
};

} // namespace

std::string Passage::embeddedText() const {
  return title.empty() ? text : title + "\n" + text;
}

std::vector<std::string> splitSentences(const std::string &text) {
  std::vector<std::string> sentences;
  std::string current;
  auto flush = [&] {
    std::string sentence = trim(current);
    if (!sentence.empty())
      sentences.push_back(std::move(sentence));
    current.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n' && i + 1 < text.size() && text[i + 1] == '\n') {
      flush();
      continue;
    }
    current += c;
    if (c != '.' && c != '!' && c != '?')
      continue;
    while (i + 1 < text.size() && std::string_view("\"')]").find(text[i + 1]) !=
                                      std::string_view::npos)
      current += text[++i];
    if (i + 1 == text.size() || isBlank(text[i + 1]))
      flush();
  }
  flush();
  return sentences;
}

std::vector<Passage> cutDocument(const std::string &source,
                                 const std::string &text,
                                 const ChunkOptions &options) {
  Cutter cutter(source, options);
  std::string paragraph;
  auto endParagraph = [&] {
    std::string whole = trim(paragraph);
    if (!whole.empty())
      cutter.paragraph(whole);
    paragraph.clear();
  };
  bool code = false;
  for (std::string_view line : linesOf(text)) {
    bool fence = line.starts_with("```");
    size_t level = code || fence ? 0 : headingLevel(line);
    if (level) {
      endParagraph();
      cutter.heading(level, trim(line.substr(level)));
      continue;
    }
    code ^= fence;
    if (trim(line).empty() && !code)
      endParagraph();
    else
      paragraph += std::string(line) + "\n";
  }
  endParagraph();
  return cutter.finish();
}

StatusOr<std::vector<Passage>> readDocuments(const std::string &folder,
                                             const ChunkOptions &options) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> sources;
  fs::recursive_directory_iterator entry(folder, error), end;
  if (error)
    return Status(Code::NotFound,
                  "cannot read the documents: " + error.message(),
                  Place{folder, 0, 0, {}});
  while (entry != end) {
    const fs::path &path = entry->path();
    if (entry->is_regular_file(error) && !entry->is_symlink(error) &&
        (path.extension() == ".md" || path.extension() == ".txt"))
      sources.push_back(path.lexically_relative(folder).generic_string());
    if (sources.size() > options.maxFiles)
      return Status(Code::ResourceExhausted,
                    "more than " + std::to_string(options.maxFiles) +
                        " documents",
                    Place{folder, 0, 0, {}});
    entry.increment(error);
    if (error)
      return Status(Code::Unavailable, error.message(),
                    Place{folder, 0, 0, {}});
  }
  std::sort(sources.begin(), sources.end());

  std::vector<Passage> passages;
  for (const std::string &source : sources) {
    std::string path = folder + "/" + source;
    HETAGON_ASSIGN_OR_RETURN(std::string text,
                             readFile(path, options.maxFileBytes));
    if (!isUtf8(text))
      return Status(Code::InvalidArgument, "the document is not UTF-8 text",
                    Place{path, 0, 0, {}});
    std::vector<Passage> found = cutDocument(source, text, options);
    passages.insert(passages.end(), std::make_move_iterator(found.begin()),
                    std::make_move_iterator(found.end()));
  }
  if (passages.empty())
    return Status(Code::NotFound,
                  "no text in any .md or .txt file below this folder",
                  Place{folder, 0, 0, {}});
  return passages;
}

} // namespace hetagon::index
