// Reads a folder of documents and cuts them into the passages that are embedded
// and retrieved.
#ifndef HETAGON_RUNTIME_INDEX_DOCUMENTS_H
#define HETAGON_RUNTIME_INDEX_DOCUMENTS_H

#include "runtime/base/Status.h"
#include <string>
#include <vector>

namespace hetagon::index {

/// A piece of a document. `id` is "path/of/document.md#N", N counting from 1 in
/// the document; the path is relative to the folder and uses '/'.
struct Passage {
  std::string id;
  std::string source; ///< the path alone
  std::string title;  ///< headings above it, outermost first, joined by " > "
  std::string text;

  /// What is embedded: title and text.
  std::string embeddedText() const;
};

struct ChunkOptions {
  /// A passage ends before it would grow past this, in bytes; a paragraph that
  /// is longer is cut at sentence ends.
  size_t targetBytes = 700;
  size_t maxFileBytes = size_t(16) << 20;
  size_t maxFiles = 100000;
};

/// Cuts one document. Headings (Markdown '#') start new passages.
std::vector<Passage> cutDocument(const std::string &source,
                                 const std::string &text,
                                 const ChunkOptions &options = {});

/// All passages of the .md and .txt files below `folder`, in the order of their
/// paths. A folder without any, or a file that is not UTF-8, is an error that
/// names it. Symbolic links are not followed.
StatusOr<std::vector<Passage>> readDocuments(const std::string &folder,
                                             const ChunkOptions &options = {});

/// The sentences of a text, with surrounding blanks removed: cut after . ! ?
/// (and closing quotes or brackets) before a blank, and at blank lines.
std::vector<std::string> splitSentences(const std::string &text);

} // namespace hetagon::index

#endif // HETAGON_RUNTIME_INDEX_DOCUMENTS_H
