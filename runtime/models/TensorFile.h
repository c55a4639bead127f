// Files of named tensors, mapped read-only: GGUF and safetensors behind one
// interface. Everything in the file is checked when it is opened; what a caller
// gets afterwards lies inside the file.
#ifndef HETAGON_RUNTIME_MODELS_TENSORFILE_H
#define HETAGON_RUNTIME_MODELS_TENSORFILE_H

#include "runtime/base/File.h"
#include "runtime/models/TensorFormat.h"
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace hetagon {

/// One tensor of a file. The bytes belong to the file's mapping and have no
/// particular alignment.
struct TensorView {
  std::string name;
  TensorFormat format = TensorFormat::F32;
  std::vector<uint64_t> dims; ///< outermost first; empty: one element
  std::span<const uint8_t> bytes;
  uint64_t offset = 0; ///< of `bytes` in the file

  uint64_t elements() const;
  /// "576x1536xq4_1", for messages.
  std::string shape() const;
};

/// Immutable and thread-safe once open.
class TensorFile {
public:
  /// Maps `path` and reads its table of contents by the magic in its first
  /// bytes. Failures are located by byte offset. Beyond the mapping it
  /// allocates at most four times the file's size plus 64 MiB.
  static StatusOr<std::shared_ptr<const TensorFile>>
  open(const std::string &path);
  virtual ~TensorFile() = default;

  /// All tensors in the order of the file's table.
  const std::vector<TensorView> &tensors() const { return list; }
  /// The tensor of that name, or null.
  const TensorView *lookup(std::string_view name) const;
  /// The tensor of that name; NotFound when there is none, Unsupported (with
  /// the format's name) when its elements cannot be used.
  StatusOr<TensorView> find(std::string_view name) const;

  const std::string &path() const { return file->path(); }
  std::span<const uint8_t> bytes() const { return file->bytes(); }
  const MappedFile &mapping() const { return *file; }
  /// A place in this file, for errors.
  Place at(uint64_t offset) const;

  /// At most so many tensors are listed; a file with more is refused.
  static constexpr uint64_t maxTensors = 1 << 17;

protected:
  explicit TensorFile(std::shared_ptr<const MappedFile> file)
      : file(std::move(file)) {}
  /// Refuses a second tensor of the same name; `offset` is its entry's place.
  Status add(TensorView tensor, uint64_t offset);
  /// Refuses tensors that share bytes.
  Status checkOverlap() const;
  Status failure(uint64_t offset, std::string message,
                 Code code = Code::InvalidArgument) const;

private:
  std::shared_ptr<const MappedFile> file;
  std::vector<TensorView> list;
  std::unordered_map<std::string, uint32_t> index;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_TENSORFILE_H
