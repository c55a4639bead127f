// GGUF, versions 2 and 3: a mapped file of metadata and tensors. Format:
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#ifndef HETAGON_RUNTIME_MODELS_GGUF_H
#define HETAGON_RUNTIME_MODELS_GGUF_H

#include "runtime/models/TensorFile.h"

namespace hetagon {

/// Types of metadata values; the numbers are the file's.
enum class GgufType : uint32_t {
  U8 = 0,
  I8 = 1,
  U16 = 2,
  I16 = 3,
  U32 = 4,
  I32 = 5,
  F32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  U64 = 10,
  I64 = 11,
  F64 = 12,
};

std::string_view typeName(GgufType type);

/// One metadata value, left where it lies in the file.
struct GgufValue {
  std::string_view key;
  GgufType type = GgufType::U8;  ///< of the elements for an array
  bool isArray = false;          ///< an array's type is its elements'
  uint64_t count = 1;            ///< elements
  std::span<const uint8_t> data; ///< the elements as stored
  uint64_t offset = 0;           ///< of `data` in the file
};

/// A checked GGUF file. Views returned live as long as the object.
class GgufFile : public TensorFile {
public:
  static StatusOr<std::shared_ptr<const GgufFile>>
  read(std::shared_ptr<const MappedFile> file);
  /// Opens `path`, which must be a GGUF file.
  static StatusOr<std::shared_ptr<const GgufFile>>
  open(const std::string &path);

  uint32_t version() const { return fileVersion; }
  /// All metadata in the order of the file.
  const std::vector<GgufValue> &values() const { return metadata; }
  /// The value of that key, or null.
  const GgufValue *value(std::string_view key) const;

  // Typed access. A missing key is NotFound, another type InvalidArgument at
  // the value's place. Integers may be stored in any integer type and must fit.
  StatusOr<uint64_t> unsignedValue(std::string_view key) const;
  StatusOr<double> numberValue(std::string_view key) const;
  StatusOr<bool> boolValue(std::string_view key) const;
  StatusOr<std::string_view> textValue(std::string_view key) const;
  StatusOr<std::vector<std::string_view>> textArray(std::string_view key) const;
  StatusOr<std::vector<float>> floatArray(std::string_view key) const;
  StatusOr<std::vector<int32_t>> intArray(std::string_view key) const;

  static constexpr uint64_t maxValues = 1 << 16;
  /// How deep arrays of arrays may nest; such arrays are checked and listed,
  /// but no accessor gives them.
  static constexpr int maxArrayDepth = 4;

private:
  class Reader;
  using TensorFile::TensorFile;
  StatusOr<const GgufValue *> require(std::string_view key, bool isArray) const;
  Status wrongType(const GgufValue &value, std::string_view wanted) const;

  uint32_t fileVersion = 0;
  std::vector<GgufValue> metadata;
  std::unordered_map<std::string_view, uint32_t> keys;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_MODELS_GGUF_H
