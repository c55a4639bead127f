// The trust file and Ed25519 signatures, by libsodium.
#include "runtime/plan/Trust.h"
#include "runtime/base/File.h"
#include "runtime/base/Folders.h"
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sodium.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hetagon::plan {

namespace {

constexpr const char *kindNames[] = {"plan", "tool"};
constexpr size_t maxTrustBytes = size_t(4) << 20, maxSignatureBytes = 65536;

std::string now() {
  std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

template <size_t N>
bool parseHex(std::string_view text, std::array<uint8_t, N> &bytes) {
  size_t length = 0;
  return text.size() == 2 * N &&
         sodium_hex2bin(bytes.data(), N, text.data(), text.size(), nullptr,
                        &length, nullptr) == 0 &&
         length == N;
}

/// Control characters in a label would let a file's name forge lines.
std::string oneLine(std::string_view label) {
  std::string text(label.substr(0, 200));
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  return text;
}

/// Held while the trust file is read and replaced.
class FileLock {
public:
  explicit FileLock(const std::string &path)
      : fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (fd >= 0 && ::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() {
    if (fd >= 0)
      ::close(fd);
  }
  FileLock(const FileLock &) = delete;
  FileLock &operator=(const FileLock &) = delete;

private:
  int fd;
};

} // namespace

StatusOr<TrustStore> TrustStore::load(const std::string &folder) {
  TrustStore store;
  store.folder = folder;
  if (!folder.empty())
    store.file = folder + "/trust";
  HETAGON_RETURN_IF_ERROR(store.read());
  return store;
}

Status TrustStore::read() {
  list.clear();
  keyList.clear();
  struct stat info;
  if (file.empty() || ::stat(file.c_str(), &info) != 0)
    return Status::ok();
  if (info.st_uid != ::geteuid() || (info.st_mode & 022) != 0)
    return Status(Code::PermissionDenied,
                  "the trust file must belong to this user and be writable by "
                  "nobody else; look at its lines, then `chmod 600` it",
                  Place{file, 0, 0, {}});
  HETAGON_ASSIGN_OR_RETURN(std::string text, readFile(file, maxTrustBytes));
  std::istringstream lines(text);
  std::string line;
  for (uint32_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line[0] == '#')
      continue;
    std::istringstream words(line);
    std::string algorithm, value, kind, date, label;
    words >> algorithm >> value >> kind >> date;
    std::getline(words >> std::ws, label);
    auto digest = parseDigest(value);
    if (algorithm == "sha256" && digest &&
        (kind == kindNames[0] || kind == kindNames[1]) && !date.empty()) {
      list.push_back({kind == kindNames[0] ? TrustKind::Plan : TrustKind::Tool,
                      *digest, date, label});
      continue;
    }
    TrustKey key{{}, date, label};
    if (algorithm == "ed25519" && parseHex(value, key.key) && kind == "key" &&
        !date.empty()) {
      keyList.push_back(key);
      continue;
    }
    return Status(Code::InvalidArgument,
                  "not a line of a trust file; correct it or take it out "
                  "(expected: sha256 DIGEST plan|tool DATE LABEL, or ed25519 "
                  "KEY key DATE LABEL)",
                  Place{file, number, 1, {}});
  }
  return Status::ok();
}

const TrustEntry *TrustStore::find(TrustKind kind, const Digest &digest) const {
  for (const TrustEntry &entry : list)
    if (entry.kind == kind && entry.digest == digest)
      return &entry;
  return nullptr;
}

Status TrustStore::record(TrustKind kind, const Digest &digest,
                          std::string_view label) {
  if (file.empty())
    return Status(Code::Unavailable,
                  "there is no place for the trust file: set HOME or "
                  "HETAGON_CONFIG_HOME");
  HETAGON_RETURN_IF_ERROR(makeFolders(folder));
  FileLock lock(file + ".lock");
  HETAGON_RETURN_IF_ERROR(read()); // others may have recorded since
  if (find(kind, digest))
    return Status::ok();
  std::string text;
  if (::access(file.c_str(), F_OK) == 0) {
    HETAGON_ASSIGN_OR_RETURN(text, readFile(file, maxTrustBytes));
  } else {
    text = "# What this user trusts. hetagon adds plans that it compiled and "
           "tools that were approved.\n";
  }
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  TrustEntry entry{kind, digest, now(), oneLine(label)};
  text += "sha256 " + hex(digest) + " " + kindNames[size_t(kind)] + " " +
          entry.date + " " + entry.label + "\n";
  HETAGON_RETURN_IF_ERROR(writeFileAtomically(file, text, FileAccess::Private));
  list.push_back(std::move(entry));
  return Status::ok();
}

std::string signedText(const Digest &digest) {
  return "hetagon plan " + hex(digest) + "\n";
}

StatusOr<std::string> checkTrust(const PlanFile &plan, const TrustStore &store,
                                 std::span<const Digest> named,
                                 const std::string &signaturePath) {
  const Digest &digest = plan.digest();
  if (const TrustEntry *entry = store.find(TrustKind::Plan, digest))
    return "recorded on " + entry->date + " in " + store.path();
  for (const Digest &one : named)
    if (one == digest)
      return std::string("named by --trust");

  std::string refusal = "this plan is not trusted";
  if (!signaturePath.empty() && ::access(signaturePath.c_str(), F_OK) == 0) {
    HETAGON_ASSIGN_OR_RETURN(std::string text,
                             readFile(signaturePath, maxSignatureBytes));
    if (sodium_init() < 0)
      return Status(Code::Internal, "libsodium does not start");
    std::string message = signedText(digest);
    refusal += ", and no signature in " + signaturePath +
               " is a valid one by a key of the trust file";
    std::istringstream lines(text);
    std::string algorithm, keyText, signatureText;
    while (lines >> algorithm >> keyText >> signatureText) {
      std::array<uint8_t, crypto_sign_BYTES> signature;
      std::array<uint8_t, 32> signer;
      if (algorithm != "ed25519" || !parseHex(keyText, signer) ||
          !parseHex(signatureText, signature))
        continue;
      for (const TrustKey &key : store.keys())
        if (key.key == signer &&
            crypto_sign_verify_detached(
                signature.data(),
                reinterpret_cast<const unsigned char *>(message.data()),
                message.size(), key.key.data()) == 0)
          return "signed by the key '" + key.label + "' of the trust file";
    }
  }
  std::string text = hex(digest);
  return Status(Code::PermissionDenied,
                refusal + ": its digest " + text +
                    " is not in this user's trust file. A plan holds native "
                    "code that can do whatever you can. If you know where it "
                    "is from, allow it with `--trust " +
                    text + "`; or compile the flow yourself",
                Place{plan.name(), 0, 0, {}});
}

Digest digestOfCommand(const std::vector<std::string> &command,
                       const std::map<std::string, std::string> &environment) {
  // Each text is preceded by its length, so that no two commands look alike.
  std::string text = "hetagon tool\n";
  auto add = [&](std::string_view part) {
    text += std::to_string(part.size()) + ":" + std::string(part) + ",";
  };
  for (const std::string &word : command)
    add(word);
  text += "environment\n";
  for (const auto &[name, value] : environment) {
    add(name);
    add(value);
  }
  return sha256(text);
}

} // namespace hetagon::plan
