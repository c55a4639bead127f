// The part that GGUF and safetensors files share: the index of tensors.
#include "runtime/models/TensorFile.h"
#include "runtime/models/Gguf.h"
#include "runtime/models/Safetensors.h"
#include <algorithm>
#include <cstring>

namespace hetagon {

uint64_t TensorView::elements() const {
  uint64_t count = 1;
  for (uint64_t dim : dims)
    count *= dim;
  return count;
}

std::string TensorView::shape() const {
  std::string text;
  for (uint64_t dim : dims)
    text += std::to_string(dim) + "x";
  return text + std::string(formatWord(format));
}

StatusOr<std::shared_ptr<const TensorFile>>
TensorFile::open(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                           MappedFile::open(path));
  std::span<const uint8_t> bytes = mapped->bytes();
  if (bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0) {
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> gguf,
                             GgufFile::read(mapped));
    return std::shared_ptr<const TensorFile>(std::move(gguf));
  }
  // A safetensors file starts with the length of its header, then the header's
  // opening brace.
  if (bytes.size() >= 9 && bytes[8] == '{') {
    HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const SafetensorsFile> tensors,
                             SafetensorsFile::read(mapped));
    return std::shared_ptr<const TensorFile>(std::move(tensors));
  }
  return Status(Code::InvalidArgument,
                "neither a GGUF nor a safetensors file: the first bytes are "
                "those of no known format",
                Place{path, 0, 0, 0});
}

const TensorView *TensorFile::lookup(std::string_view name) const {
  auto found = index.find(std::string(name));
  return found == index.end() ? nullptr : &list[found->second];
}

StatusOr<TensorView> TensorFile::find(std::string_view name) const {
  const TensorView *tensor = lookup(name);
  if (!tensor)
    return Status(Code::NotFound, "no tensor '" + std::string(name) + "'",
                  Place{path(), 0, 0, {}});
  if (!isUsable(tensor->format))
    return failure(tensor->offset,
                   "tensor '" + tensor->name + "' has format " +
                       std::string(formatWord(tensor->format)) +
                       ", which is not supported; supported are " +
                       std::string(usableFormats()),
                   Code::Unsupported);
  return *tensor;
}

Place TensorFile::at(uint64_t offset) const {
  return Place{path(), 0, 0, offset};
}

Status TensorFile::failure(uint64_t offset, std::string message,
                           Code code) const {
  return Status(code, std::move(message), at(offset));
}

Status TensorFile::add(TensorView tensor, uint64_t offset) {
  if (list.size() >= maxTensors)
    return failure(offset,
                   "more than " + std::to_string(maxTensors) + " tensors");
  if (!index.emplace(tensor.name, uint32_t(list.size())).second)
    return failure(offset, "a second tensor is named '" + tensor.name + "'");
  list.push_back(std::move(tensor));
  return Status::ok();
}

Status TensorFile::checkOverlap() const {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < list.size(); ++i)
    if (!list[i].bytes.empty())
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return list[a].offset < list[b].offset;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorView &before = list[order[i - 1]], &after = list[order[i]];
    if (after.offset - before.offset < before.bytes.size())
      return failure(after.offset, "the data of tensors '" + before.name +
                                       "' and '" + after.name + "' overlap");
  }
  return Status::ok();
}

} // namespace hetagon
