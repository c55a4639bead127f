// A searchable set of embedded passages: one file, the same bytes for the same
// passages and embeddings.
#ifndef HETAGON_RUNTIME_INDEX_DOCUMENTINDEX_H
#define HETAGON_RUNTIME_INDEX_DOCUMENTINDEX_H

#include "runtime/index/Documents.h"
#include <memory>
#include <span>

namespace hetagon::index {

class VectorSearch;

struct Hit {
  const Passage *passage; ///< belongs to the index
  float score;            ///< cosine similarity
};

/// Immutable and thread-safe once open.
class DocumentIndex {
public:
  /// The file's bytes. `embeddings` holds one unit vector of `dimensions`
  /// floats for each passage, in order.
  static StatusOr<std::string> write(std::span<const Passage> passages,
                                     std::span<const float> embeddings,
                                     uint32_t dimensions);

  /// Reads a file's bytes, checking every size before use; `name` is used in
  /// errors. The search structure is built here, by one thread in the order of
  /// the passages, so that equal files answer equally.
  static StatusOr<std::unique_ptr<DocumentIndex>>
  open(std::span<const uint8_t> bytes, const std::string &name);
  ~DocumentIndex();

  /// The `count` passages nearest to the unit vector `query`, best first, ties
  /// in the order of the passages. Exact up to `exactLimit` passages, by a
  /// hierarchical navigable small world graph above.
  StatusOr<std::vector<Hit>> search(std::span<const float> query,
                                    size_t count) const;
  static constexpr size_t exactLimit = 4096;

  const std::vector<Passage> &passages() const { return list; }
  uint32_t dimensions() const { return width; }
  /// The embedding of passage `index`.
  std::span<const float> embedding(size_t index) const {
    return {vectors.data() + index * width, width};
  }

private:
  DocumentIndex();
  std::vector<Passage> list;
  std::vector<float> vectors;
  uint32_t width = 0;
  std::unique_ptr<VectorSearch> searcher;
};

} // namespace hetagon::index

#endif // HETAGON_RUNTIME_INDEX_DOCUMENTINDEX_H
