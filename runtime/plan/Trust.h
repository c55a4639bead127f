// Whose native code runs: no verifier bounds it, so a plan runs only when this
// user trusts its digest. The same file remembers approved tool commands.
#ifndef HETAGON_RUNTIME_PLAN_TRUST_H
#define HETAGON_RUNTIME_PLAN_TRUST_H

#include "runtime/plan/PlanFile.h"
#include <array>
#include <map>

namespace hetagon::plan {

enum class TrustKind { Plan, Tool };

struct TrustEntry {
  TrustKind kind = TrustKind::Plan;
  Digest digest{};
  std::string date;  // of the record, in UTC: "2026-11-21T09:30:00Z"
  std::string label; // for people: the flow's name, the tool's command
};

/// An Ed25519 key whose signature makes a plan trusted.
struct TrustKey {
  std::array<uint8_t, 32> key{};
  std::string date, label;
};

/// This user's file `trust` in the configuration folder. Lines:
///   sha256 DIGEST plan|tool DATE LABEL
///   ed25519 PUBLIC-KEY key DATE LABEL
/// with lower-case hexadecimal digits; '#' starts a comment line. Not
/// thread-safe; processes may record at the same time.
class TrustStore {
public:
  /// A missing file is an empty store. Refused: a file that others may write,
  /// or that has a line which is not understood (with its number).
  static StatusOr<TrustStore> load(const std::string &folder);

  const std::string &path() const { return file; }
  const std::vector<TrustEntry> &entries() const { return list; }
  const std::vector<TrustKey> &keys() const { return keyList; }
  /// The record of a digest, or null.
  const TrustEntry *find(TrustKind kind, const Digest &digest) const;
  /// Appends a record, unless it is there, and writes the file: whole or not at
  /// all, readable by this user only.
  Status record(TrustKind kind, const Digest &digest, std::string_view label);

private:
  Status read();
  std::string folder, file;
  std::vector<TrustEntry> list;
  std::vector<TrustKey> keyList;
};

/// Why `plan` may run, in words for people: its digest is recorded, a signature
/// in the file `signaturePath` (usually PLAN.sig; it may be missing) is by a
/// key of the store, or `named` has it (`--trust DIGEST`). Otherwise
/// PermissionDenied, with the digest and what to do.
///
/// A signature file has lines `ed25519 PUBLIC-KEY SIGNATURE` in hexadecimal
/// digits; signed is the text that signedText returns.
StatusOr<std::string> checkTrust(const PlanFile &plan, const TrustStore &store,
                                 std::span<const Digest> named,
                                 const std::string &signaturePath);

/// "hetagon plan DIGEST\n".
std::string signedText(const Digest &digest);

/// The digest under which approval of a tool's command is recorded: of the
/// program with its arguments and the environment it is given.
Digest digestOfCommand(const std::vector<std::string> &command,
                       const std::map<std::string, std::string> &environment);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_TRUST_H
