// Reading GGUF. The cursor never passes the file's end: each count is compared
// with what the remaining bytes could hold at least before anything is done
// with it, and nothing is allocated in proportion to a count that the file
// merely states.
#include "runtime/models/Gguf.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace hetagon {

namespace {

struct ScalarInfo {
  std::string_view name;
  uint64_t bytes; ///< 0: of no fixed size
};

constexpr ScalarInfo scalarInfos[] = {
    {"u8", 1},  {"i8", 1},  {"u16", 2},  {"i16", 2},    {"u32", 4},
    {"i32", 4}, {"f32", 4}, {"bool", 1}, {"string", 0}, {"array", 0},
    {"u64", 8}, {"i64", 8}, {"f64", 8},
};

const ScalarInfo &infoOf(GgufType type) { return scalarInfos[uint32_t(type)]; }

/// GGML's numbers of element types; unlisted numbers are retired or unknown.
std::optional<TensorFormat> formatOf(uint32_t number) {
  using F = TensorFormat;
  switch (number) {
  case 0:
    return F::F32;
  case 1:
    return F::F16;
  case 2:
    return F::Q4_0;
  case 3:
    return F::Q4_1;
  case 6:
    return F::Q5_0;
  case 7:
    return F::Q5_1;
  case 8:
    return F::Q8_0;
  case 9:
    return F::Q8_1;
  case 10:
    return F::Q2_K;
  case 11:
    return F::Q3_K;
  case 12:
    return F::Q4_K;
  case 13:
    return F::Q5_K;
  case 14:
    return F::Q6_K;
  case 15:
    return F::Q8_K;
  case 16:
    return F::IQ2_XXS;
  case 17:
    return F::IQ2_XS;
  case 18:
    return F::IQ3_XXS;
  case 19:
    return F::IQ1_S;
  case 20:
    return F::IQ4_NL;
  case 21:
    return F::IQ3_S;
  case 22:
    return F::IQ2_S;
  case 23:
    return F::IQ4_XS;
  case 24:
    return F::I8;
  case 25:
    return F::I16;
  case 26:
    return F::I32;
  case 27:
    return F::I64;
  case 28:
    return F::F64;
  case 29:
    return F::IQ1_M;
  case 30:
    return F::BF16;
  case 34:
    return F::TQ1_0;
  case 35:
    return F::TQ2_0;
  case 39:
    return F::MXFP4;
  case 40:
    return F::NVFP4;
  case 41:
    return F::Q1_0;
  default:
    return std::nullopt;
  }
}

template <typename T> T loadAt(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// Text for a message: what is not printable ASCII becomes '?', and it is cut.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 80));
  for (char &c : result)
    if (c < 32 || c > 126)
      c = '?';
  return text.size() > 80 ? result + "..." : result;
}

} // namespace

std::string_view typeName(GgufType type) { return infoOf(type).name; }

/// Walks the file once from its first byte.
class GgufFile::Reader {
public:
  Reader(GgufFile &file) : file(file), bytes(file.bytes()) {}

  Status run() {
    HETAGON_RETURN_IF_ERROR(header());
    for (uint64_t i = 0; i < valueCount; ++i)
      HETAGON_RETURN_IF_ERROR(metadataEntry());
    HETAGON_RETURN_IF_ERROR(findAlignment());
    std::vector<Pending> pending;
    for (uint64_t i = 0; i < tensorCount; ++i)
      HETAGON_RETURN_IF_ERROR(tensorEntry(pending));
    return place(pending);
  }

private:
  /// A tensor whose data has not been placed yet.
  struct Pending {
    TensorView view;
    uint64_t size, relativeOffset, entryOffset;
  };

  uint64_t remaining() const { return bytes.size() - cursor; }

  Status truncated(const char *what) const {
    return file.failure(cursor, std::string("the file ends inside ") + what);
  }

  template <typename T> Status take(T &value, const char *what) {
    if (remaining() < sizeof(T))
      return truncated(what);
    value = loadAt<T>(bytes.data() + cursor);
    cursor += sizeof(T);
    return Status::ok();
  }

  Status takeString(std::string_view &text, const char *what) {
    uint64_t start = cursor, length;
    HETAGON_RETURN_IF_ERROR(take(length, what));
    if (length > remaining())
      return file.failure(start, std::string(what) + " has " +
                                     std::to_string(length) + " bytes, but " +
                                     std::to_string(remaining()) +
                                     " remain in the file");
    text = {reinterpret_cast<const char *>(bytes.data() + cursor),
            size_t(length)};
    cursor += length;
    return Status::ok();
  }

  Status header() {
    uint32_t magic;
    HETAGON_RETURN_IF_ERROR(take(magic, "the header"));
    if (std::memcmp(bytes.data(), "GGUF", 4) != 0)
      return file.failure(0, "not a GGUF file");
    HETAGON_RETURN_IF_ERROR(take(file.fileVersion, "the header"));
    if (file.fileVersion != 2 && file.fileVersion != 3) {
      bool swapped = (file.fileVersion & 0xffff) == 0 && file.fileVersion != 0;
      return file.failure(
          4,
          swapped ? "a big-endian GGUF file; only little-endian is supported"
                  : "GGUF version " + std::to_string(file.fileVersion) +
                        "; versions 2 and 3 are supported",
          Code::Unsupported);
    }
    HETAGON_RETURN_IF_ERROR(take(tensorCount, "the header"));
    HETAGON_RETURN_IF_ERROR(take(valueCount, "the header"));
    // Least sizes: a tensor entry has a name of at least one byte, a rank, a
    // type and an offset; a metadata entry a key, a type and one byte.
    if (tensorCount > maxTensors || tensorCount > remaining() / 25)
      return file.failure(8, tooMany(tensorCount, "tensors", maxTensors));
    if (valueCount > maxValues || valueCount > remaining() / 14)
      return file.failure(16,
                          tooMany(valueCount, "metadata entries", maxValues));
    return Status::ok();
  }

  std::string tooMany(uint64_t count, const char *what, uint64_t limit) const {
    return "the header counts " + std::to_string(count) + " " + what +
           "; at most " + std::to_string(limit) +
           " are read, and the file's remaining " +
           std::to_string(remaining()) + " bytes must hold them";
  }

  Status takeType(GgufType &type) {
    uint64_t start = cursor;
    uint32_t number;
    HETAGON_RETURN_IF_ERROR(take(number, "a metadata type"));
    if (number >= std::size(scalarInfos))
      return file.failure(start, "metadata type " + std::to_string(number) +
                                     " is not one of GGUF's (0 to 12)");
    type = GgufType(number);
    return Status::ok();
  }

  /// Moves over `count` elements of `type`, checking those of no fixed size.
  Status skip(GgufType type, uint64_t count, int depth) {
    if (uint64_t size = infoOf(type).bytes) {
      if (count > remaining() / size)
        return file.failure(cursor, std::to_string(count) + " elements of " +
                                        std::string(typeName(type)) +
                                        " do not fit in the remaining " +
                                        std::to_string(remaining()) + " bytes");
      cursor += count * size;
      return Status::ok();
    }
    uint64_t least = type == GgufType::String ? 8 : 12;
    if (count > remaining() / least)
      return file.failure(
          cursor, std::to_string(count) +
                      (type == GgufType::String ? " strings" : " arrays") +
                      " do not fit in the remaining " +
                      std::to_string(remaining()) + " bytes");
    for (uint64_t i = 0; i < count; ++i) {
      if (type == GgufType::String) {
        std::string_view text;
        HETAGON_RETURN_IF_ERROR(takeString(text, "a string of an array"));
        continue;
      }
      if (depth >= maxArrayDepth)
        return file.failure(cursor, "arrays are nested more than " +
                                        std::to_string(maxArrayDepth) +
                                        " deep");
      GgufType element;
      uint64_t inner;
      HETAGON_RETURN_IF_ERROR(takeType(element));
      HETAGON_RETURN_IF_ERROR(take(inner, "an array's length"));
      HETAGON_RETURN_IF_ERROR(skip(element, inner, depth + 1));
    }
    return Status::ok();
  }

  Status metadataEntry() {
    uint64_t start = cursor;
    GgufValue value;
    HETAGON_RETURN_IF_ERROR(takeString(value.key, "a metadata key"));
    if (value.key.empty() || value.key.size() > 65535)
      return file.failure(start, "a metadata key has " +
                                     std::to_string(value.key.size()) +
                                     " bytes; 1 to 65535 are allowed");
    HETAGON_RETURN_IF_ERROR(takeType(value.type));
    value.isArray = value.type == GgufType::Array;
    if (value.isArray) {
      HETAGON_RETURN_IF_ERROR(takeType(value.type));
      HETAGON_RETURN_IF_ERROR(take(value.count, "an array's length"));
    }
    value.offset = cursor;
    Status skipped = skip(value.type, value.count, 1);
    if (!skipped.isOk())
      return skipped.withContext("metadata '" + shown(value.key) + "'");
    value.data = bytes.subspan(value.offset, cursor - value.offset);
    if (value.type == GgufType::Bool)
      for (size_t i = 0; i < value.data.size(); ++i)
        if (value.data[i] > 1)
          return file.failure(value.offset + i,
                              "metadata '" + shown(value.key) +
                                  "': a bool is neither 0 nor 1");
    if (!file.keys.emplace(value.key, uint32_t(file.metadata.size())).second)
      return file.failure(start, "the metadata key '" + shown(value.key) +
                                     "' stands twice");
    file.metadata.push_back(value);
    return Status::ok();
  }

  Status findAlignment() {
    const GgufValue *value = file.value("general.alignment");
    if (!value)
      return Status::ok();
    HETAGON_ASSIGN_OR_RETURN(alignment,
                             file.unsignedValue("general.alignment"));
    if (!std::has_single_bit(alignment) || alignment > (uint64_t(1) << 30))
      return file.failure(value->offset,
                          "general.alignment is " + std::to_string(alignment) +
                              "; it must be a power of two up to 2^30");
    return Status::ok();
  }

  Status tensorEntry(std::vector<Pending> &pending) {
    Pending tensor;
    tensor.entryOffset = cursor;
    std::string_view name;
    HETAGON_RETURN_IF_ERROR(takeString(name, "a tensor's name"));
    // GGML keeps names in 64 bytes; a little more does no harm here.
    if (name.empty() || name.size() > 255)
      return file.failure(tensor.entryOffset,
                          "a tensor's name has " + std::to_string(name.size()) +
                              " bytes; 1 to 255 are allowed");
    tensor.view.name = name;
    uint32_t rank, number;
    uint64_t start = cursor;
    HETAGON_RETURN_IF_ERROR(take(rank, "a tensor's rank"));
    if (rank > 4)
      return file.failure(start, "tensor '" + shown(name) + "' has " +
                                     std::to_string(rank) +
                                     " dimensions; at most 4 are allowed");
    tensor.view.dims.resize(rank);
    start = cursor;
    // The file has the innermost dimension first.
    for (uint32_t i = rank; i-- > 0;) {
      uint64_t &dim = tensor.view.dims[i];
      HETAGON_RETURN_IF_ERROR(take(dim, "a tensor's dimensions"));
      if (dim == 0 || dim > uint64_t(std::numeric_limits<int64_t>::max()))
        return file.failure(cursor - 8, "tensor '" + shown(name) +
                                            "' has a dimension of " +
                                            std::to_string(dim));
    }
    uint64_t typePlace = cursor;
    HETAGON_RETURN_IF_ERROR(take(number, "a tensor's type"));
    std::optional<TensorFormat> format = formatOf(number);
    if (!format)
      return file.failure(typePlace, "tensor '" + shown(name) + "' has type " +
                                         std::to_string(number) +
                                         ", which is none of GGML's");
    tensor.view.format = *format;
    std::optional<uint64_t> size = tensorBytes(*format, tensor.view.dims);
    if (!size)
      return file.failure(
          start, "tensor '" + shown(name) + "' of shape " +
                     tensor.view.shape() +
                     ": the size overflows, or rows are not whole blocks of " +
                     std::to_string(blockElements(*format)) + " elements");
    tensor.size = *size;
    uint64_t offsetPlace = cursor;
    HETAGON_RETURN_IF_ERROR(take(tensor.relativeOffset, "a tensor's offset"));
    if (tensor.relativeOffset % alignment != 0)
      return file.failure(
          offsetPlace, "the data of tensor '" + shown(name) + "' starts at " +
                           std::to_string(tensor.relativeOffset) +
                           ", no multiple of the alignment " +
                           std::to_string(alignment));
    pending.push_back(std::move(tensor));
    return Status::ok();
  }

  /// Places the tensors' data, which starts at the next aligned offset.
  Status place(std::vector<Pending> &pending) {
    if (pending.empty())
      return Status::ok();
    uint64_t dataStart = (cursor + alignment - 1) & ~(alignment - 1);
    for (Pending &tensor : pending) {
      uint64_t available =
          dataStart > bytes.size() ? 0 : bytes.size() - dataStart;
      if (tensor.relativeOffset > available ||
          tensor.size > available - tensor.relativeOffset)
        return file.failure(tensor.entryOffset,
                            "the data of tensor '" + shown(tensor.view.name) +
                                "' (" + std::to_string(tensor.size) +
                                " bytes at " +
                                std::to_string(tensor.relativeOffset) +
                                " of the data) passes the file's end at " +
                                std::to_string(bytes.size()));
      tensor.view.offset = dataStart + tensor.relativeOffset;
      tensor.view.bytes =
          bytes.subspan(size_t(tensor.view.offset), size_t(tensor.size));
      HETAGON_RETURN_IF_ERROR(
          file.add(std::move(tensor.view), tensor.entryOffset));
    }
    return file.checkOverlap();
  }

  GgufFile &file;
  std::span<const uint8_t> bytes;
  uint64_t cursor = 0;
  uint64_t tensorCount = 0, valueCount = 0, alignment = 32;
};

StatusOr<std::shared_ptr<const GgufFile>>
GgufFile::read(std::shared_ptr<const MappedFile> mapped) {
  std::shared_ptr<GgufFile> file(new GgufFile(std::move(mapped)));
  HETAGON_RETURN_IF_ERROR(Reader(*file).run());
  return std::shared_ptr<const GgufFile>(std::move(file));
}

StatusOr<std::shared_ptr<const GgufFile>>
GgufFile::open(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> mapped,
                           MappedFile::open(path));
  return read(std::move(mapped));
}

const GgufValue *GgufFile::value(std::string_view key) const {
  auto found = keys.find(key);
  return found == keys.end() ? nullptr : &metadata[found->second];
}

StatusOr<const GgufValue *> GgufFile::require(std::string_view key,
                                              bool isArray) const {
  const GgufValue *found = value(key);
  if (!found)
    return Status(Code::NotFound, "no metadata '" + std::string(key) + "'",
                  Place{path(), 0, 0, {}});
  if (found->isArray != isArray)
    return failure(found->offset,
                   "metadata '" + std::string(key) +
                       (isArray ? "' is not an array" : "' is an array"));
  return found;
}

Status GgufFile::wrongType(const GgufValue &value,
                           std::string_view wanted) const {
  return failure(value.offset, "metadata '" + std::string(value.key) +
                                   "' has type " +
                                   std::string(typeName(value.type)) +
                                   "; expected " + std::string(wanted));
}

namespace {

bool isInteger(GgufType type) {
  return infoOf(type).bytes && type != GgufType::F32 && type != GgufType::F64 &&
         type != GgufType::Bool;
}

/// One integer element as a signed or unsigned 64-bit number.
struct Integer {
  bool negative = false;
  uint64_t bits = 0;
};

std::optional<Integer> integerAt(GgufType type, const uint8_t *data) {
  auto fromSigned = [](int64_t value) {
    return Integer{value < 0, uint64_t(value)};
  };
  switch (type) {
  case GgufType::U8:
    return Integer{false, data[0]};
  case GgufType::U16:
    return Integer{false, loadAt<uint16_t>(data)};
  case GgufType::U32:
    return Integer{false, loadAt<uint32_t>(data)};
  case GgufType::U64:
    return Integer{false, loadAt<uint64_t>(data)};
  case GgufType::I8:
    return fromSigned(int8_t(data[0]));
  case GgufType::I16:
    return fromSigned(loadAt<int16_t>(data));
  case GgufType::I32:
    return fromSigned(loadAt<int32_t>(data));
  case GgufType::I64:
    return fromSigned(loadAt<int64_t>(data));
  default:
    return std::nullopt;
  }
}

} // namespace

StatusOr<uint64_t> GgufFile::unsignedValue(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, false));
  std::optional<Integer> integer = integerAt(found->type, found->data.data());
  if (!integer)
    return wrongType(*found, "an integer");
  if (integer->negative)
    return failure(found->offset,
                   "metadata '" + std::string(key) + "' is negative");
  return integer->bits;
}

StatusOr<double> GgufFile::numberValue(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, false));
  double number;
  if (found->type == GgufType::F32)
    number = loadAt<float>(found->data.data());
  else if (found->type == GgufType::F64)
    number = loadAt<double>(found->data.data());
  else if (auto integer = integerAt(found->type, found->data.data()))
    number = integer->negative ? double(int64_t(integer->bits))
                               : double(integer->bits);
  else
    return wrongType(*found, "a number");
  if (!std::isfinite(number))
    return failure(found->offset,
                   "metadata '" + std::string(key) + "' is not finite");
  return number;
}

StatusOr<bool> GgufFile::boolValue(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, false));
  if (found->type != GgufType::Bool)
    return wrongType(*found, "a bool");
  return found->data[0] == 1;
}

StatusOr<std::string_view> GgufFile::textValue(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, false));
  if (found->type != GgufType::String)
    return wrongType(*found, "a string");
  return std::string_view(reinterpret_cast<const char *>(found->data.data()) +
                              8,
                          found->data.size() - 8);
}

StatusOr<std::vector<std::string_view>>
GgufFile::textArray(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, true));
  if (found->type != GgufType::String)
    return wrongType(*found, "strings");
  std::vector<std::string_view> texts;
  texts.reserve(found->count);
  const uint8_t *next = found->data.data();
  for (uint64_t i = 0; i < found->count; ++i) {
    uint64_t length = loadAt<uint64_t>(next);
    texts.emplace_back(reinterpret_cast<const char *>(next) + 8, length);
    next += 8 + length;
  }
  return texts;
}

StatusOr<std::vector<float>> GgufFile::floatArray(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, true));
  if (found->type != GgufType::F32)
    return wrongType(*found, "f32");
  std::vector<float> values(found->count);
  if (!values.empty())
    std::memcpy(values.data(), found->data.data(), found->data.size());
  return values;
}

StatusOr<std::vector<int32_t>> GgufFile::intArray(std::string_view key) const {
  HETAGON_ASSIGN_OR_RETURN(const GgufValue *found, require(key, true));
  if (!isInteger(found->type))
    return wrongType(*found, "integers");
  std::vector<int32_t> values;
  values.reserve(found->count);
  uint64_t size = infoOf(found->type).bytes;
  for (uint64_t i = 0; i < found->count; ++i) {
    Integer integer = *integerAt(found->type, found->data.data() + i * size);
    int64_t number = int64_t(integer.bits);
    if (number > std::numeric_limits<int32_t>::max() ||
        number < std::numeric_limits<int32_t>::min() ||
        (!integer.negative && number < 0))
      return failure(found->offset + i * size,
                     "metadata '" + std::string(key) +
                         "' holds an integer beyond 32 bits");
    values.push_back(int32_t(number));
  }
  return values;
}

} // namespace hetagon
