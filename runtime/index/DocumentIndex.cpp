// The index file: header, passages as JSON, vectors.
#include "runtime/index/DocumentIndex.h"
#include "runtime/base/Json.h"
#include "runtime/index/VectorSearch.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace hetagon::index {

namespace {

/// Little-endian, at the start of the file; the JSON text and the vectors
/// follow, the vectors at the next multiple of four bytes.
struct Header {
  char identifier[8];
  uint32_t version;
  uint32_t dimensions;
  uint64_t passages;
  uint64_t textBytes;
};
static_assert(sizeof(Header) == 32);
constexpr char identifier[8] = {'\x89', 'H', 'I', 'D', 'X', '\r', '\n', '\x1a'};
constexpr uint32_t version = 1;
constexpr uint32_t maxDimensions = 65536;

size_t aligned(size_t size) { return (size + 3) & ~size_t(3); }

} // namespace

DocumentIndex::DocumentIndex() = default;
DocumentIndex::~DocumentIndex() = default;

StatusOr<std::string> DocumentIndex::write(std::span<const Passage> passages,
                                           std::span<const float> embeddings,
                                           uint32_t dimensions) {
  if (passages.empty() || !dimensions || dimensions > maxDimensions ||
      embeddings.size() != passages.size() * dimensions)
    return Status(Code::InvalidArgument,
                  "an index needs one embedding for each passage");
  Json list = Json::array();
  for (const Passage &passage : passages)
    list.push_back({{"id", passage.id},
                    {"source", passage.source},
                    {"title", passage.title},
                    {"text", passage.text}});
  std::string text = printJson(list);
  Header header{};
  std::memcpy(header.identifier, identifier, sizeof identifier);
  header.version = version;
  header.dimensions = dimensions;
  header.passages = passages.size();
  header.textBytes = text.size();
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
  bytes += text;
  bytes.resize(aligned(bytes.size()), '\0');
  bytes.append(reinterpret_cast<const char *>(embeddings.data()),
               embeddings.size_bytes());
  return bytes;
}

StatusOr<std::unique_ptr<DocumentIndex>>
DocumentIndex::open(std::span<const uint8_t> bytes, const std::string &name) {
  auto refuse = [&](uint64_t offset, std::string what) {
    return Status(Code::InvalidArgument,
                  "not a usable document index: " + std::move(what),
                  Place{name, 0, 0, offset});
  };
  Header header;
  if (bytes.size() < sizeof header)
    return refuse(0, "it is shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.identifier, identifier, sizeof identifier) != 0)
    return refuse(0, "it does not begin as one");
  if (header.version != version)
    return refuse(8, "it has version " + std::to_string(header.version) +
                         ", this reader knows " + std::to_string(version));
  if (!header.dimensions || header.dimensions > maxDimensions)
    return refuse(12, "its vectors have " + std::to_string(header.dimensions) +
                          " dimensions");
  size_t rest = bytes.size() - sizeof header;
  if (header.textBytes > rest)
    return refuse(24, "its passages end beyond the file");
  size_t vectorsAt = aligned(sizeof header + header.textBytes);
  size_t vectorBytes = vectorsAt <= bytes.size() ? bytes.size() - vectorsAt : 0;
  size_t rowBytes = size_t(header.dimensions) * sizeof(float);
  if (!header.passages || header.passages != vectorBytes / rowBytes ||
      vectorBytes % rowBytes != 0)
    return refuse(16, "it says " + std::to_string(header.passages) +
                          " passages, but its vectors fill " +
                          std::to_string(vectorBytes) + " bytes");

  HETAGON_ASSIGN_OR_RETURN(
      Json list,
      parseJson({reinterpret_cast<const char *>(bytes.data()) + sizeof header,
                 size_t(header.textBytes)},
                name, 4));
  if (!list.is_array() || list.size() != header.passages)
    return refuse(sizeof header, "its list of passages has another length");
  std::unique_ptr<DocumentIndex> index(new DocumentIndex);
  for (const Json &entry : list) {
    Passage passage;
    for (auto [key, target] :
         {std::pair{"id", &passage.id}, std::pair{"source", &passage.source},
          std::pair{"title", &passage.title},
          std::pair{"text", &passage.text}}) {
      if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string())
        return refuse(sizeof header,
                      std::string("a passage has no text '") + key + "'");
      *target = entry[key].get<std::string>();
    }
    index->list.push_back(std::move(passage));
  }
  index->width = header.dimensions;
  index->vectors.resize(vectorBytes / sizeof(float));
  std::memcpy(index->vectors.data(), bytes.data() + vectorsAt, vectorBytes);
  for (size_t i = 0; i < index->vectors.size(); ++i)
    if (!std::isfinite(index->vectors[i]))
      return refuse(vectorsAt + i * sizeof(float), "a vector is not finite");

  HETAGON_ASSIGN_OR_RETURN(
      index->searcher,
      VectorSearch::build(index->vectors, index->width, exactLimit));
  return index;
}

StatusOr<std::vector<Hit>> DocumentIndex::search(std::span<const float> query,
                                                 size_t count) const {
  if (query.size() != width)
    return Status(Code::InvalidArgument,
                  "the query has " + std::to_string(query.size()) +
                      " dimensions, the index " + std::to_string(width));
  HETAGON_ASSIGN_OR_RETURN(
      std::vector<VectorSearch::Found> found,
      searcher->nearest(query, std::min(count, list.size())));
  std::vector<Hit> hits;
  for (const VectorSearch::Found &one : found)
    hits.push_back({&list[one.index], one.score});
  std::sort(hits.begin(), hits.end(), [](const Hit &a, const Hit &b) {
    return a.score != b.score ? a.score > b.score : a.passage < b.passage;
  });
  if (hits.size() > count)
    hits.resize(count);
  return hits;
}

} // namespace hetagon::index
