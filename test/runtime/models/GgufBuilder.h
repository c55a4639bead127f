// Writes GGUF and safetensors files for tests, well-formed or deliberately not.
#ifndef HETAGON_TEST_RUNTIME_MODELS_GGUFBUILDER_H
#define HETAGON_TEST_RUNTIME_MODELS_GGUFBUILDER_H

#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon::test {

using Bytes = std::vector<uint8_t>;

template <typename T> void append(Bytes &bytes, T value) {
  size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

inline void appendText(Bytes &bytes, std::string_view text) {
  append<uint64_t>(bytes, text.size());
  bytes.insert(bytes.end(), text.begin(), text.end());
}

inline std::string writeBytes(const std::string &path,
                              std::span<const uint8_t> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()),
             std::streamsize(bytes.size()));
  return path;
}

/// Collects metadata and tensors, then lays out the file. Public fields let a
/// test falsify what the header says.
class GgufBuilder {
public:
  uint32_t version = 3;
  uint64_t alignment = 32;
  int64_t extraTensors = 0, extraValues = 0; ///< added to the header's counts

  template <typename T>
  void scalar(std::string_view key, uint32_t type, T value) {
    appendText(metadata, key);
    append<uint32_t>(metadata, type);
    append(metadata, value);
    ++values;
  }
  void u32(std::string_view key, uint32_t value) { scalar(key, 4, value); }
  void f32(std::string_view key, float value) { scalar(key, 6, value); }
  void boolean(std::string_view key, bool value) {
    scalar(key, 7, uint8_t(value));
  }
  void text(std::string_view key, std::string_view value) {
    appendText(metadata, key);
    append<uint32_t>(metadata, 8);
    appendText(metadata, value);
    ++values;
  }
  void texts(std::string_view key, const std::vector<std::string> &list) {
    array(key, 8, list.size());
    for (const std::string &entry : list)
      appendText(metadata, entry);
  }
  void ints(std::string_view key, const std::vector<int32_t> &list) {
    array(key, 5, list.size());
    for (int32_t entry : list)
      append(metadata, entry);
  }
  void floats(std::string_view key, const std::vector<float> &list) {
    array(key, 6, list.size());
    for (float entry : list)
      append(metadata, entry);
  }
  /// An array's head; the test appends the elements to `metadata`.
  void array(std::string_view key, uint32_t type, uint64_t count) {
    appendText(metadata, key);
    append<uint32_t>(metadata, 9);
    append<uint32_t>(metadata, type);
    append<uint64_t>(metadata, count);
    ++values;
  }
  /// A tensor with dims innermost first, as in the file.
  void tensor(std::string_view name, uint32_t type,
              const std::vector<uint64_t> &dims, const Bytes &content) {
    tensorAt(name, type, dims, data.size());
    data.insert(data.end(), content.begin(), content.end());
    data.resize((data.size() + alignment - 1) / alignment * alignment);
  }
  /// A tensor's entry only.
  void tensorAt(std::string_view name, uint32_t type,
                const std::vector<uint64_t> &dims, uint64_t offset) {
    appendText(infos, name);
    append<uint32_t>(infos, uint32_t(dims.size()));
    for (uint64_t dim : dims)
      append(infos, dim);
    append(infos, type);
    append(infos, offset);
    ++tensors;
  }

  Bytes build() const {
    Bytes bytes = {'G', 'G', 'U', 'F'};
    append(bytes, version);
    append<uint64_t>(bytes, tensors + uint64_t(extraTensors));
    append<uint64_t>(bytes, values + uint64_t(extraValues));
    bytes.insert(bytes.end(), metadata.begin(), metadata.end());
    bytes.insert(bytes.end(), infos.begin(), infos.end());
    if (alignment)
      bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
  }
  std::string write(const std::string &path) const {
    return writeBytes(path, build());
  }

  Bytes metadata, infos, data;
  uint64_t tensors = 0, values = 0;
};

/// A safetensors file of this header and as many data bytes.
inline Bytes safetensors(std::string_view header, size_t dataBytes) {
  Bytes bytes;
  appendText(bytes, header);
  bytes.resize(bytes.size() + dataBytes, 0x3c);
  return bytes;
}

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_MODELS_GGUFBUILDER_H
