// The search for artefacts, and the cache of file digests.
#include "runtime/plan/Artefacts.h"
#include "runtime/base/Folders.h"
#include <algorithm>
#include <sstream>

namespace hetagon::plan {

namespace {

constexpr const char *pinsHeader = "hetagon pins 1";
constexpr size_t maxPins = 4096;

/// Whether a source hint's path stays below the folder it is relative to.
bool staysBelow(const std::string &path) {
  if (path.empty() || path[0] == '/')
    return false;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');)
    if (part == "..")
      return false;
  return true;
}

Digest digestIn(const fb::Artefact &artefact) {
  Digest digest{};
  std::copy_n(artefact.sha256()->begin(),
              std::min<size_t>(artefact.sha256()->size(), digest.size()),
              digest.begin());
  return digest;
}

} // namespace

FileDigests::FileDigests(std::string cacheFolder)
    : folder(std::move(cacheFolder)) {}

std::vector<FileDigests::Pin> FileDigests::readPins(const std::string &path) {
  auto text = readFile(path);
  if (!text.isOk())
    return {};
  std::istringstream lines(*text);
  std::string line;
  if (!std::getline(lines, line) || line != pinsHeader)
    return {};
  std::vector<Pin> pins;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    Pin pin;
    std::string digestText, rest;
    FileIdentity &id = pin.identity;
    words >> digestText >> id.device >> id.inode >> id.sizeBytes >>
        id.modifiedNs;
    auto digest = parseDigest(digestText);
    if (!words || !digest || words >> rest)
      return {}; // whatever wrote this, nothing in it can be believed
    pin.digest = *digest;
    pins.push_back(pin);
  }
  return pins;
}

StatusOr<Digest> FileDigests::digestOf(const MappedFile &file) {
  if (folder.empty())
    return sha256(file.bytes());
  std::string path = folder + "/pins";
  for (const Pin &pin : readPins(path))
    if (pin.identity == file.identity())
      return pin.digest;
  Digest digest = sha256(file.bytes());
  std::vector<Pin> pins = readPins(path);
  std::erase_if(pins, [&](const Pin &pin) {
    return pin.identity.device == file.identity().device &&
           pin.identity.inode == file.identity().inode;
  });
  pins.push_back({file.identity(), digest});
  if (pins.size() > maxPins)
    pins.erase(pins.begin(), pins.end() - maxPins);
  std::ostringstream text;
  text << pinsHeader << "\n";
  for (const Pin &pin : pins)
    text << hex(pin.digest) << " " << pin.identity.device << " "
         << pin.identity.inode << " " << pin.identity.sizeBytes << " "
         << pin.identity.modifiedNs << "\n";
  if (makeFolders(folder).isOk())
    // A failure only means that the file is hashed again.
    (void)writeFileAtomically(path, text.str(), FileAccess::Private).isOk();
  return digest;
}

ArtefactFinder::ArtefactFinder(ArtefactPlaces wherever)
    : places(std::move(wherever)), digests(places.cacheFolder) {}

StatusOr<std::string> ArtefactFinder::find(const fb::Artefact &artefact) {
  std::string id = artefact.id()->str();
  std::string option = "--artefact " + id + "=PATH";
  Digest expected = digestIn(artefact);
  std::string looked; // for the message: "a: reason; b: reason"
  auto check = [&](const std::string &path) -> Status {
    HETAGON_ASSIGN_OR_RETURN(auto file, MappedFile::open(path));
    if (artefact.size() != 0 && file->bytes().size() != artefact.size())
      return Status(Code::DataLoss,
                    "the file has " + std::to_string(file->bytes().size()) +
                        " bytes, but artefact '" + id + "' has " +
                        std::to_string(artefact.size()),
                    Place{path, 0, 0, {}});
    HETAGON_ASSIGN_OR_RETURN(Digest actual, digests.digestOf(*file));
    if (actual != expected)
      return Status(Code::DataLoss,
                    "the file has SHA-256 " + hex(actual) +
                        ", but the plan was compiled for artefact '" + id +
                        "' with " + hex(expected),
                    Place{path, 0, 0, {}});
    return Status::ok();
  };

  if (auto given = places.given.find(id); given != places.given.end()) {
    Status status = check(given->second);
    if (status.isOk())
      return given->second;
    return Status(status.code(),
                  status.message() +
                      "; give the file that the plan was compiled for with "
                      "`" +
                      option + "`, or compile the flow again with this one",
                  Place{given->second, 0, 0, {}});
  }
  std::vector<std::string> candidates;
  if (!places.cacheFolder.empty())
    candidates.push_back(places.cacheFolder + "/artefacts/" + hex(expected));
  std::string source = artefact.source() ? artefact.source()->str() : "";
  size_t colon = source.find(':');
  if (colon != std::string::npos) {
    std::string scheme = source.substr(0, colon);
    std::string path = source.substr(colon + 1);
    if (staysBelow(path) && scheme == "file" && !places.planFolder.empty())
      candidates.push_back(places.planFolder + "/" + path);
    if (staysBelow(path) && scheme == "pypi")
      for (const std::string &folder : places.packageFolders)
        candidates.push_back(folder + "/" + path);
  }
  Code code = Code::NotFound;
  for (const std::string &path : candidates) {
    Status status = check(path);
    if (status.isOk())
      return path;
    if (status.code() == Code::DataLoss)
      code = Code::DataLoss;
    looked += (looked.empty() ? "" : "; ") + status.str();
  }
  return Status(code, "artefact '" + id + "' (" +
                          (source.empty() ? "no source known" : source) +
                          ", SHA-256 " + hex(expected) +
                          ") was not found; say where it is with `" + option +
                          "`" +
                          (looked.empty() ? "" : ". Looked at: " + looked));
}

Status cacheArtefact(const std::string &cacheFolder, const Digest &digest,
                     std::span<const uint8_t> content) {
  std::string folder = cacheFolder + "/artefacts";
  HETAGON_RETURN_IF_ERROR(makeFolders(folder));
  return writeFileAtomically(folder + "/" + hex(digest), content);
}

} // namespace hetagon::plan
