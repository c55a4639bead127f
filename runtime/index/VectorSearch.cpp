// The only file that compiles hnswlib.
#include "runtime/index/VectorSearch.h"
#include <algorithm>
#include <hnswlib/hnswlib.h>

namespace hetagon::index {

struct VectorSearch::State {
  explicit State(size_t dimensions) : space(dimensions) {}
  hnswlib::InnerProductSpace space;
  std::unique_ptr<hnswlib::AlgorithmInterface<float>> algorithm;
  /// Candidates that a search keeps at least; 0: the search is exact.
  size_t beam = 0;
  size_t rows = 0;
};

VectorSearch::VectorSearch(std::unique_ptr<State> state)
    : state(std::move(state)) {}
VectorSearch::~VectorSearch() = default;

StatusOr<std::unique_ptr<VectorSearch>>
VectorSearch::build(std::span<const float> vectors, uint32_t dimensions,
                    size_t exactLimit) {
  try {
    auto state = std::make_unique<State>(dimensions);
    state->rows = vectors.size() / dimensions;
    if (state->rows <= exactLimit) {
      state->algorithm = std::make_unique<hnswlib::BruteforceSearch<float>>(
          &state->space, state->rows);
    } else {
      state->beam = 64;
      state->algorithm = std::make_unique<hnswlib::HierarchicalNSW<float>>(
          &state->space, state->rows, /*M=*/16, /*ef_construction=*/200,
          /*random_seed=*/100);
    }
    for (size_t row = 0; row < state->rows; ++row)
      state->algorithm->addPoint(vectors.data() + row * dimensions, row);
    return std::unique_ptr<VectorSearch>(new VectorSearch(std::move(state)));
  } catch (const std::exception &error) {
    return Status(Code::ResourceExhausted,
                  std::string("cannot build the search structure: ") +
                      error.what());
  }
}

StatusOr<std::vector<VectorSearch::Found>>
VectorSearch::nearest(std::span<const float> query, size_t count) const {
  try {
    auto queue = state->algorithm->searchKnn(
        query.data(), std::min(state->rows, std::max(count, state->beam)));
    std::vector<Found> found;
    for (; !queue.empty(); queue.pop()) // distance is 1 - inner product
      found.push_back({queue.top().second, 1 - queue.top().first});
    return found;
  } catch (const std::exception &error) {
    return Status(Code::Internal, std::string("search: ") + error.what());
  }
}

} // namespace hetagon::index
