// Files on POSIX.
#include "runtime/base/File.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hetagon {

namespace {

Status systemFailure(const std::string &path, const char *what) {
  Code code = errno == ENOENT                     ? Code::NotFound
              : errno == EACCES || errno == EPERM ? Code::PermissionDenied
                                                  : Code::Unavailable;
  return Status(code,
                std::string("cannot ") + what + ": " + std::strerror(errno),
                Place{path, 0, 0, {}});
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

Status openRegular(const std::string &path, Descriptor &file,
                   struct stat &info) {
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd < 0)
    return systemFailure(path, "open");
  if (::fstat(file.fd, &info) != 0)
    return systemFailure(path, "examine");
  if (!S_ISREG(info.st_mode))
    return Status(Code::InvalidArgument, "not a regular file",
                  Place{path, 0, 0, {}});
  return Status::ok();
}

} // namespace

StatusOr<std::shared_ptr<const MappedFile>>
MappedFile::open(const std::string &path) {
  Descriptor file;
  struct stat info;
  HETAGON_RETURN_IF_ERROR(openRegular(path, file, info));
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  mapped->name = path;
  mapped->id = {
      uint64_t(info.st_dev), uint64_t(info.st_ino), uint64_t(info.st_size),
      int64_t(info.st_mtim.tv_sec) * 1000000000 + info.st_mtim.tv_nsec};
  if (info.st_size > 0) {
    void *address = ::mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_SHARED,
                           file.fd, 0);
    if (address == MAP_FAILED)
      return systemFailure(path, "map");
    mapped->data = static_cast<const uint8_t *>(address);
    mapped->size = size_t(info.st_size);
  }
  return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
  if (data)
    ::munmap(const_cast<uint8_t *>(data), size);
}

StatusOr<std::string> readFile(const std::string &path, size_t limitBytes) {
  Descriptor file;
  struct stat info;
  HETAGON_RETURN_IF_ERROR(openRegular(path, file, info));
  if (uint64_t(info.st_size) > limitBytes)
    return Status(Code::ResourceExhausted,
                  "the file has " + std::to_string(info.st_size) +
                      " bytes; at most " + std::to_string(limitBytes) +
                      " are read here",
                  Place{path, 0, 0, {}});
  std::string content(size_t(info.st_size), '\0');
  size_t done = 0;
  while (done < content.size()) {
    ssize_t got = ::read(file.fd, content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemFailure(path, "read");
    if (got == 0)
      break;
    done += size_t(got);
  }
  content.resize(done);
  return content;
}

Status writeFileAtomically(const std::string &path,
                           std::span<const uint8_t> content,
                           FileAccess access) {
  std::string pattern = path + "." + std::string(6, 'X');
  Descriptor file;
  file.fd = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (file.fd < 0)
    return systemFailure(path, "create a file beside it");
  size_t done = 0;
  while (done < content.size()) {
    ssize_t wrote =
        ::write(file.fd, content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0) {
      Status failure = systemFailure(path, "write");
      ::unlink(pattern.c_str());
      return failure;
    }
    done += size_t(wrote);
  }
  mode_t mask = ::umask(0);
  ::umask(mask);
  mode_t mode = access == FileAccess::Private ? 0600 : 0666 & ~mask;
  if (::fchmod(file.fd, mode) != 0 || ::fsync(file.fd) != 0 ||
      ::rename(pattern.c_str(), path.c_str()) != 0) {
    Status failure = systemFailure(path, "put in place");
    ::unlink(pattern.c_str());
    return failure;
  }
  return Status::ok();
}

Status writeFileAtomically(const std::string &path, std::string_view content,
                           FileAccess access) {
  return writeFileAtomically(
      path,
      std::span(reinterpret_cast<const uint8_t *>(content.data()),
                content.size()),
      access);
}

} // namespace hetagon
