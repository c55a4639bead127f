// Nearest neighbours among unit vectors, by hnswlib.
#ifndef HETAGON_RUNTIME_INDEX_VECTORSEARCH_H
#define HETAGON_RUNTIME_INDEX_VECTORSEARCH_H

#include "runtime/base/Status.h"
#include <memory>
#include <span>
#include <vector>

namespace hetagon::index {

/// Immutable and thread-safe once built.
class VectorSearch {
public:
  /// `vectors` holds rows of `dimensions` floats. Exact for up to `exactLimit`
  /// rows, a navigable small world graph above. Built by the calling thread
  /// alone, so that equal input searches equally.
  static StatusOr<std::unique_ptr<VectorSearch>>
  build(std::span<const float> vectors, uint32_t dimensions, size_t exactLimit);
  ~VectorSearch();

  struct Found {
    size_t index;
    float score; ///< inner product
  };
  /// The `count` rows with the largest inner product, in no order; the graph
  /// may return more, and of nearly equal rows another.
  StatusOr<std::vector<Found>> nearest(std::span<const float> query,
                                       size_t count) const;

private:
  struct State;
  explicit VectorSearch(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace hetagon::index

#endif // HETAGON_RUNTIME_INDEX_VECTORSEARCH_H
