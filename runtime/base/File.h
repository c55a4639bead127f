// Files: read-only mappings, bounded whole-file reads and atomic writes.
#ifndef HETAGON_RUNTIME_BASE_FILE_H
#define HETAGON_RUNTIME_BASE_FILE_H

#include "runtime/base/Status.h"
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace hetagon {

/// What identifies the content of a file without reading it again: a change of
/// any field means "hash anew".
struct FileIdentity {
  uint64_t device = 0, inode = 0, sizeBytes = 0;
  int64_t modifiedNs = 0;
  bool operator==(const FileIdentity &) const = default;
};

/// A regular file mapped read-only and shared: processes that map the same file
/// share its pages. Thread-safe once made. The mapping stays valid for the
/// object's life; a file truncated by another process meanwhile is outside what
/// can be defended against here (the reader would receive SIGBUS).
class MappedFile {
public:
  static StatusOr<std::shared_ptr<const MappedFile>>
  open(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const uint8_t> bytes() const { return {data, size}; }
  const std::string &path() const { return name; }
  const FileIdentity &identity() const { return id; }

private:
  MappedFile() = default;
  std::string name;
  const uint8_t *data = nullptr;
  size_t size = 0;
  FileIdentity id;
};

/// Reads a whole file of at most `limitBytes`; larger is ResourceExhausted,
/// with both sizes in the message.
StatusOr<std::string> readFile(const std::string &path,
                               size_t limitBytes = size_t(64) << 20);

/// Who may read a file that is written: whom the umask lets, or its owner only.
enum class FileAccess { Usual, Private };

/// Writes `content` beside `path` and renames it into place, so that no reader
/// sees half a file.
Status writeFileAtomically(const std::string &path,
                           std::span<const uint8_t> content,
                           FileAccess access = FileAccess::Usual);
Status writeFileAtomically(const std::string &path, std::string_view content,
                           FileAccess access = FileAccess::Usual);

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_FILE_H
