// The file around a plan: a fixed header, a table of sections and their bytes,
// every one of them covered by a digest. docs/plan.md has the layout.
#ifndef HETAGON_RUNTIME_PLAN_CONTAINER_H
#define HETAGON_RUNTIME_PLAN_CONTAINER_H

#include "runtime/base/Sha256.h"
#include "runtime/base/Status.h"
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hetagon::plan {

/// The version written, and the newest that is read.
inline constexpr uint16_t formatMajor = 1, formatMinor = 0;
inline constexpr uint64_t headerBytes = 64, tableEntryBytes = 64;
/// Executables start on a page, so that a device half can map them.
inline constexpr uint64_t executableAlignment = 4096;

enum class SectionKind : uint32_t { Plan = 1, Executable = 2, Constant = 3 };

/// One row of the section table; sizes and offsets in bytes of the file.
struct Section {
  SectionKind kind = SectionKind::Plan;
  uint64_t offset = 0, size = 0, alignment = 1;
  Digest digest{};
};

/// "plan", "exec.3" or "const.4": what messages call the section.
std::string sectionName(SectionKind kind, size_t index);

/// What a writer puts in one section.
struct NewSection {
  SectionKind kind = SectionKind::Plan;
  std::vector<uint8_t> bytes;
};

/// The bytes of a container file. The same sections give the same bytes.
std::vector<uint8_t> writeContainer(std::span<const NewSection> sections);

/// A checked container: header, table, padding and the digest of every section
/// hold. Immutable, so threads may share it. The bytes are a private copy in
/// memory, page-aligned, and not a mapping of the file: what was checked cannot
/// be changed by another process before it is used.
class Container {
public:
  /// Reads and checks a file. Failures carry the offset at which they lie:
  /// InvalidArgument (no plan, or a malformed one), Unsupported (another
  /// version), DataLoss (a digest does not match).
  static StatusOr<std::shared_ptr<const Container>>
  open(const std::string &path);
  /// The same for bytes in memory; `name` stands for the file in messages.
  static StatusOr<std::shared_ptr<const Container>>
  fromBytes(std::span<const uint8_t> bytes, std::string name);

  ~Container();
  Container(const Container &) = delete;
  Container &operator=(const Container &) = delete;

  const std::string &name() const { return fileName; }
  const std::vector<Section> &sections() const { return table; }
  /// The section's bytes; they live as long as the container.
  std::span<const uint8_t> bytes(size_t section) const;
  /// The plan's digest: what trust speaks of.
  const Digest &digest() const { return tableDigest; }
  uint64_t fileBytes() const { return size; }
  uint16_t versionMajor() const { return major; }
  uint16_t versionMinor() const { return minor; }
  uint64_t features() const { return requiredFeatures; }

private:
  Container() = default;
  Status check();

  std::string fileName;
  uint8_t *data = nullptr; // owned, of `size` bytes
  uint64_t size = 0;
  std::vector<Section> table;
  Digest tableDigest{};
  uint16_t major = 0, minor = 0;
  uint64_t requiredFeatures = 0;
};

/// Recomputes file size and digests after an edit of a container's bytes, so
/// that what is behind the digests can be tested. The result is another plan:
/// nobody trusts it yet. Sections that reach beyond the file keep their digest.
StatusOr<std::vector<uint8_t>> redigest(std::span<const uint8_t> bytes);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_CONTAINER_H
