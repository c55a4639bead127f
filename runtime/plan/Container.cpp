// Reading and writing the container. Offsets are checked against a canonical
// layout, which rules out overlap and overflow at once.
#include "runtime/plan/Container.h"
#include "runtime/base/File.h"
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace hetagon::plan {

namespace {

constexpr uint8_t identifier[8] = {0x89, 'H', 'P', 'L', 'N', '\r', '\n', 0x1a};
constexpr uint64_t digestOffset = 32, maxAlignment = 65536;
constexpr uint64_t pageBytes = 4096;
constexpr const char *compileAgain = "; copy it again from where it came, or "
                                     "compile the flow again";

template <typename T> T load(const uint8_t *at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= T(T(at[i]) << (8 * i));
  return value;
}

template <typename T> void store(uint8_t *at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    at[i] = uint8_t(value >> (8 * i));
}

/// The first multiple of `alignment` (a power of two) at or after `value`;
/// `value` is at most a file's size.
uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

uint64_t alignmentOf(SectionKind kind) {
  return kind == SectionKind::Executable ? executableAlignment : 64;
}

/// SHA-256 of the header up to its digest, followed by the table.
Digest digestOfTable(std::span<const uint8_t> file, uint64_t tableBytes) {
  std::vector<uint8_t> covered(file.begin(), file.begin() + digestOffset);
  auto table = file.subspan(headerBytes, tableBytes);
  covered.insert(covered.end(), table.begin(), table.end());
  return sha256(covered);
}

} // namespace

std::string sectionName(SectionKind kind, size_t index) {
  switch (kind) {
  case SectionKind::Plan:
    return "plan";
  case SectionKind::Executable:
    return "exec." + std::to_string(index);
  case SectionKind::Constant:
    return "const." + std::to_string(index);
  }
  return "section " + std::to_string(index);
}

std::vector<uint8_t> writeContainer(std::span<const NewSection> sections) {
  uint64_t tableBytes = sections.size() * tableEntryBytes;
  std::vector<uint8_t> file(headerBytes + tableBytes);
  for (size_t i = 0; i < sections.size(); ++i) {
    const NewSection &section = sections[i];
    uint64_t alignment = alignmentOf(section.kind);
    uint64_t offset = alignUp(file.size(), alignment);
    file.resize(offset);
    file.insert(file.end(), section.bytes.begin(), section.bytes.end());
    uint8_t *entry = file.data() + headerBytes + i * tableEntryBytes;
    store<uint32_t>(entry, uint32_t(section.kind));
    store<uint64_t>(entry + 8, offset);
    store<uint64_t>(entry + 16, section.bytes.size());
    store<uint64_t>(entry + 24, alignment);
    Digest digest = sha256(section.bytes);
    std::copy(digest.begin(), digest.end(), entry + 32);
  }
  std::copy(std::begin(identifier), std::end(identifier), file.begin());
  store<uint16_t>(file.data() + 8, formatMajor);
  store<uint16_t>(file.data() + 10, formatMinor);
  store<uint32_t>(file.data() + 12, uint32_t(sections.size()));
  store<uint64_t>(file.data() + 24, file.size());
  Digest digest = digestOfTable(file, tableBytes);
  std::copy(digest.begin(), digest.end(), file.begin() + digestOffset);
  return file;
}

StatusOr<std::shared_ptr<const Container>>
Container::open(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(auto file, MappedFile::open(path));
  return fromBytes(file->bytes(), path);
}

StatusOr<std::shared_ptr<const Container>>
Container::fromBytes(std::span<const uint8_t> bytes, std::string name) {
  std::shared_ptr<Container> made(new Container);
  made->fileName = std::move(name);
  made->size = bytes.size();
  made->data = static_cast<uint8_t *>(
      std::aligned_alloc(pageBytes, alignUp(bytes.size() + 1, pageBytes)));
  if (!made->data)
    return Status(Code::ResourceExhausted,
                  "no memory for the plan's " + std::to_string(bytes.size()) +
                      " bytes",
                  Place{made->fileName, 0, 0, {}});
  if (!bytes.empty())
    std::memcpy(made->data, bytes.data(), bytes.size());
  HETAGON_RETURN_IF_ERROR(made->check());
  return std::shared_ptr<const Container>(std::move(made));
}

Container::~Container() { std::free(data); }

std::span<const uint8_t> Container::bytes(size_t section) const {
  return {data + table[section].offset, size_t(table[section].size)};
}

Status Container::check() {
  std::span<const uint8_t> file(data, size);
  auto fail = [&](Code code, uint64_t offset, std::string message) {
    return Status(code, std::move(message), Place{fileName, 0, 0, offset});
  };
  auto number = [](uint64_t value) { return std::to_string(value); };

  if (size < headerBytes)
    return fail(Code::InvalidArgument, size,
                "the file ends here; a plan has a header of " +
                    number(headerBytes) + " bytes" + compileAgain);
  if (std::memcmp(data, identifier, sizeof(identifier)) != 0)
    return fail(Code::InvalidArgument, 0,
                "this is no plan: it does not start with a plan's identifier; "
                "give a file that `hetagon compile` wrote");
  major = load<uint16_t>(data + 8);
  minor = load<uint16_t>(data + 10);
  if (major != formatMajor || minor > formatMinor)
    return fail(Code::Unsupported, 8,
                "the plan has format version " + number(major) + "." +
                    number(minor) + ", this program reads " +
                    number(formatMajor) + ".0 to " + number(formatMajor) + "." +
                    number(formatMinor) +
                    "; compile the flow again with this version of Hetagon, "
                    "or run the plan with the version that wrote it");
  requiredFeatures = load<uint64_t>(data + 16);
  if (requiredFeatures != 0)
    return fail(Code::Unsupported, 16,
                "the plan requires feature bit " +
                    number(uint64_t(std::countr_zero(requiredFeatures))) +
                    ", which this program does not know; use a newer version "
                    "of Hetagon");
  if (uint64_t stated = load<uint64_t>(data + 24); stated != size)
    return fail(Code::DataLoss, 24,
                "the header states a file of " + number(stated) +
                    " bytes, but there are " + number(size) + compileAgain);
  uint64_t count = load<uint32_t>(data + 12);
  if (count == 0 || count > (size - headerBytes) / tableEntryBytes)
    return fail(Code::InvalidArgument, 12,
                "the header states " + number(count) +
                    " sections, whose table does not fit in the file" +
                    compileAgain);
  uint64_t tableBytes = count * tableEntryBytes;
  std::copy_n(data + digestOffset, tableDigest.size(), tableDigest.begin());
  if (digestOfTable(file, tableBytes) != tableDigest)
    return fail(Code::DataLoss, digestOffset,
                std::string("the digest of header and section table does not "
                            "match: the file was changed") +
                    compileAgain);

  table.reserve(count);
  uint64_t end = headerBytes + tableBytes;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t at = headerBytes + i * tableEntryBytes;
    const uint8_t *entry = data + at;
    Section section;
    uint32_t kind = load<uint32_t>(entry);
    if (kind < uint32_t(SectionKind::Plan) ||
        kind > uint32_t(SectionKind::Constant))
      return fail(Code::Unsupported, at,
                  "section " + number(i) + " has the unknown kind " +
                      number(kind) + "; use a newer version of Hetagon");
    section.kind = SectionKind(kind);
    section.offset = load<uint64_t>(entry + 8);
    section.size = load<uint64_t>(entry + 16);
    section.alignment = load<uint64_t>(entry + 24);
    std::copy_n(entry + 32, section.digest.size(), section.digest.begin());
    std::string name = sectionName(section.kind, i);
    bool last = i + 1 == count;
    if ((section.kind == SectionKind::Plan) != last)
      return fail(Code::InvalidArgument, at,
                  last ? "the last section is not the plan"
                       : "the plan is not the last section");
    if (load<uint32_t>(entry + 4) != 0)
      return fail(Code::InvalidArgument, at + 4,
                  "reserved bytes of " + name + " are not zero");
    if (!std::has_single_bit(section.alignment) ||
        section.alignment > maxAlignment ||
        section.alignment < alignmentOf(section.kind))
      return fail(Code::InvalidArgument, at + 24,
                  name + " has the alignment " + number(section.alignment) +
                      "; it must be a power of two from " +
                      number(alignmentOf(section.kind)) + " to " +
                      number(maxAlignment));
    // end <= size < 2^63, so the sum cannot overflow.
    uint64_t expected = alignUp(end, section.alignment);
    if (section.offset != expected)
      return fail(Code::InvalidArgument, at + 8,
                  name + " starts at " + number(section.offset) +
                      " instead of " + number(expected) +
                      ", right after its predecessor");
    if (expected > size || section.size > size - expected)
      return fail(Code::OutOfRange, at + 16,
                  name + " has " + number(section.size) +
                      " bytes and reaches beyond the end of the file");
    for (uint64_t gap = end; gap < expected; ++gap)
      if (data[gap] != 0)
        return fail(Code::DataLoss, gap,
                    "a byte between sections is not zero: the file was "
                    "changed" +
                        std::string(compileAgain));
    if (sha256(file.subspan(section.offset, section.size)) != section.digest)
      return fail(Code::DataLoss, section.offset,
                  "the digest of " + name +
                      " does not match: the file was changed" + compileAgain);
    end = section.offset + section.size;
    table.push_back(section);
  }
  if (end != size)
    return fail(Code::InvalidArgument, end,
                number(size - end) + " bytes follow the last section" +
                    compileAgain);
  return Status::ok();
}

StatusOr<std::vector<uint8_t>> redigest(std::span<const uint8_t> bytes) {
  uint64_t count =
      bytes.size() < headerBytes ? 0 : load<uint32_t>(bytes.data() + 12);
  if (bytes.size() < headerBytes ||
      count > (bytes.size() - headerBytes) / tableEntryBytes)
    return Status(Code::InvalidArgument,
                  "the section table does not fit in the file, so there is "
                  "nothing to digest");
  std::vector<uint8_t> file(bytes.begin(), bytes.end());
  std::span<const uint8_t> all(file);
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t *entry = file.data() + headerBytes + i * tableEntryBytes;
    uint64_t offset = load<uint64_t>(entry + 8);
    uint64_t size = load<uint64_t>(entry + 16);
    if (offset > file.size() || size > file.size() - offset)
      continue;
    Digest digest = sha256(all.subspan(offset, size));
    std::copy(digest.begin(), digest.end(), entry + 32);
  }
  store<uint64_t>(file.data() + 24, file.size());
  Digest digest = digestOfTable(all, count * tableEntryBytes);
  std::copy(digest.begin(), digest.end(), file.begin() + digestOffset);
  return file;
}

} // namespace hetagon::plan
