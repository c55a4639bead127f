// Writes and reads the container of SPIR-V kernels.
//
// All numbers are little-endian 32-bit words; strings are padded with zeros to
// whole words. Layout: magic, version, entry count, entries. Entry: name bytes,
// name, workgroup size, three grid dimensions (extent, divisor), binding count,
// bindings (extent, written), constant count, SPIR-V word count, words. Extent:
// constant or ~0, factor low, factor high.
#include "backends/vulkan/Payload.h"
#include <cstring>
#include <unordered_set>

namespace hetagon::vulkan {

namespace {

constexpr uint32_t magic = 0x56505348; // "HSPV"
constexpr uint32_t version = 1;
constexpr uint32_t spirvMagic = 0x07230203;
constexpr uint32_t spirvHeaderWords = 5;

class Writer {
public:
  void word(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
      bytes.push_back(uint8_t(value >> shift));
  }
  void extent(const Extent &extent) {
    word(uint32_t(extent.constant < 0 ? -1 : extent.constant));
    word(uint32_t(extent.factor));
    word(uint32_t(extent.factor >> 32));
  }
  void text(const std::string &text) {
    word(uint32_t(text.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.resize((bytes.size() + 3) / 4 * 4);
  }
  std::vector<uint8_t> bytes;
};

/// Reads words in sequence; the first failure is kept and ends all reading.
class Reader {
public:
  Reader(std::span<const uint8_t> bytes, std::string &error)
      : bytes(bytes), error(error) {}

  bool ok() const { return !failed; }
  uint64_t left() const { return bytes.size() - at; }
  void fail(const std::string &what) {
    if (!failed)
      error = "spirv payload, byte " + std::to_string(at) + ": " + what;
    failed = true;
  }
  uint32_t word(const char *what) {
    if (failed || left() < 4) {
      fail(std::string("ends inside ") + what);
      return 0;
    }
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
      value |= uint32_t(bytes[at + i]) << (8 * i);
    at += 4;
    return value;
  }
  /// A word from `least` to `most`.
  uint32_t count(const char *what, uint32_t least, uint32_t most) {
    uint32_t value = word(what);
    if (ok() && (value < least || value > most)) {
      at -= 4;
      fail(std::string(what) + " is " + std::to_string(value) +
           "; it must be from " + std::to_string(least) + " to " +
           std::to_string(most));
    }
    return ok() ? value : 0;
  }
  Extent extent(const char *what) {
    Extent extent;
    uint32_t constant = word(what);
    extent.constant = constant == ~0u ? -1 : int32_t(constant);
    uint64_t low = word(what), high = word(what);
    extent.factor = low | high << 32;
    if (ok() && constant != ~0u && constant >= PayloadLimits::constants)
      fail(std::string(what) + " refers to constant " +
           std::to_string(constant));
    return extent;
  }
  std::string text(const char *what) {
    uint32_t size = count(what, 1, PayloadLimits::nameBytes);
    uint32_t padded = (size + 3) / 4 * 4;
    if (!ok() || left() < padded) {
      fail(std::string("ends inside ") + what);
      return {};
    }
    std::string text(reinterpret_cast<const char *>(bytes.data()) + at, size);
    if (text.find('\0') != std::string::npos)
      fail(std::string(what) + " holds a zero byte");
    at += padded;
    return text;
  }

private:
  std::span<const uint8_t> bytes;
  uint64_t at = 0;
  bool failed = false;
  std::string &error;
};

/// The instructions fill the module exactly, each at least one word long.
bool isInstructionStream(const std::vector<uint32_t> &words) {
  if (words.size() < spirvHeaderWords || words[0] != spirvMagic)
    return false;
  size_t at = spirvHeaderWords;
  while (at < words.size()) {
    size_t length = words[at] >> 16;
    if (length == 0 || length > words.size() - at)
      return false;
    at += length;
  }
  return true;
}

Entry readEntry(Reader &reader) {
  Entry entry;
  entry.name = reader.text("an entry's name");
  entry.workgroupSize =
      reader.count("a workgroup size", 1, PayloadLimits::workgroupSize);
  for (GridDim &dim : entry.grid) {
    dim.items = reader.extent("a grid dimension");
    dim.divisor = reader.count("a grid divisor", 1, ~0u);
  }
  entry.bindings.resize(
      reader.count("a binding count", 1, PayloadLimits::bindings));
  for (BindingShape &binding : entry.bindings) {
    binding.bytes = reader.extent("a binding's size");
    binding.isWritten = reader.count("a binding's written flag", 0, 1);
  }
  entry.constantCount =
      reader.count("a constant count", 0, PayloadLimits::constants);
  auto usesKnown = [&](const Extent &extent) {
    return extent.constant < int64_t(entry.constantCount);
  };
  for (const GridDim &dim : entry.grid)
    if (reader.ok() && !usesKnown(dim.items))
      reader.fail("a grid dimension needs a constant that the entry lacks");
  for (const BindingShape &binding : entry.bindings)
    if (reader.ok() && !usesKnown(binding.bytes))
      reader.fail("a binding's size needs a constant that the entry lacks");
  uint32_t words = reader.word("a SPIR-V size");
  if (reader.ok() && words > reader.left() / 4)
    reader.fail("ends inside a SPIR-V module of " + std::to_string(words) +
                " words");
  if (!reader.ok())
    return entry;
  entry.words.resize(words);
  for (uint32_t &word : entry.words)
    word = reader.word("a SPIR-V module");
  if (!isInstructionStream(entry.words))
    reader.fail("entry '" + entry.name + "' holds no SPIR-V module");
  return entry;
}

} // namespace

std::optional<uint64_t> evaluate(const Extent &extent,
                                 std::span<const int64_t> constants) {
  if (extent.constant < 0)
    return extent.factor;
  if (size_t(extent.constant) >= constants.size())
    return std::nullopt;
  int64_t value = constants[extent.constant];
  uint64_t product = 0;
  if (value < 0 ||
      __builtin_mul_overflow(uint64_t(value), extent.factor, &product))
    return std::nullopt;
  return product;
}

std::vector<uint8_t> encode(std::span<const Entry> entries) {
  Writer writer;
  writer.word(magic);
  writer.word(version);
  writer.word(uint32_t(entries.size()));
  for (const Entry &entry : entries) {
    writer.text(entry.name);
    writer.word(entry.workgroupSize);
    for (const GridDim &dim : entry.grid) {
      writer.extent(dim.items);
      writer.word(dim.divisor);
    }
    writer.word(uint32_t(entry.bindings.size()));
    for (const BindingShape &binding : entry.bindings) {
      writer.extent(binding.bytes);
      writer.word(binding.isWritten);
    }
    writer.word(entry.constantCount);
    writer.word(uint32_t(entry.words.size()));
    for (uint32_t word : entry.words)
      writer.word(word);
  }
  return std::move(writer.bytes);
}

bool decode(std::span<const uint8_t> payload, std::vector<Entry> &entries,
            std::string &error) {
  Reader reader(payload, error);
  if (reader.word("the magic number") != magic)
    reader.fail("is not a container of SPIR-V kernels");
  reader.count("the version", version, version);
  uint32_t count = reader.count("the entry count", 1, PayloadLimits::entries);
  std::unordered_set<std::string> names;
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Entry entry = readEntry(reader);
    if (reader.ok() && !names.insert(entry.name).second)
      reader.fail("two entries are named '" + entry.name + "'");
    entries.push_back(std::move(entry));
  }
  if (reader.ok() && reader.left() != 0)
    reader.fail("bytes follow the last entry");
  return reader.ok();
}

} // namespace hetagon::vulkan
