// safetensors: a JSON header of names, types, shapes and byte ranges, then the
// data. Format: https://github.com/huggingface/safetensors#format
#ifndef HETAGON_RUNTIME_MODELS_SAFETENSORS_H
#define HETAGON_RUNTIME_MODELS_SAFETENSORS_H

#include "runtime/models/TensorFile.h"
#include <map>

namespace hetagon {

/// A checked safetensors file: the tensors cover the data without holes or
/// overlap, as the format demands.
class SafetensorsFile : public TensorFile {
public:
  static StatusOr<std::shared_ptr<const SafetensorsFile>>
  read(std::shared_ptr<const MappedFile> file);

  /// The header's `__metadata__`.
  const std::map<std::string, std::string> &metadata() const { return notes; }

  /// The longest header that is read.
  static constexpr uint64_t maxHeaderBytes = 100'000'000;

private:
  class Reader;
  using TensorFile::TensorFile;
  std::map<std::string, std::string> notes;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_SAFETENSORS_H
