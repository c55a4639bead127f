// Finds the files that a plan needs but does not hold, by their digest.
#ifndef HETAGON_RUNTIME_PLAN_ARTEFACTS_H
#define HETAGON_RUNTIME_PLAN_ARTEFACTS_H

#include "runtime/base/File.h"
#include "runtime/base/Sha256.h"
#include "runtime/plan/plan_generated.h"
#include <map>
#include <string>
#include <vector>

namespace hetagon::plan {

/// SHA-256 of files, remembered by device, inode, size and time of change in
/// the file `pins` of a cache folder, so that a large file is read once. A
/// cache that cannot be read or makes no sense counts as empty; one that cannot
/// be written costs a hashing next time. Not thread-safe.
class FileDigests {
public:
  /// An empty folder: nothing is remembered.
  explicit FileDigests(std::string cacheFolder);
  StatusOr<Digest> digestOf(const MappedFile &file);

private:
  struct Pin {
    FileIdentity identity;
    Digest digest;
  };
  static std::vector<Pin> readPins(const std::string &path);
  std::string folder;
};

/// Where artefacts are looked for, in this order.
struct ArtefactPlaces {
  /// `--artefact ID=PATH`. A file given here must have the right digest.
  std::map<std::string, std::string> given;
  /// Its folder `artefacts` has files named by their digest.
  std::string cacheFolder;
  /// What source hints `file:RELATIVE` are relative to: the plan's folder.
  std::string planFolder;
  /// What source hints `pypi:RELATIVE` are relative to: folders of installed
  /// Python packages.
  std::vector<std::string> packageFolders;
};

/// Not thread-safe.
class ArtefactFinder {
public:
  explicit ArtefactFinder(ArtefactPlaces places);
  /// The path of the artefact's file, whose digest has been checked. NotFound
  /// and DataLoss say where was looked, which digests were expected and found,
  /// and what to do.
  StatusOr<std::string> find(const fb::Artefact &artefact);

private:
  ArtefactPlaces places;
  FileDigests digests;
};

/// Copies a file into the content-addressed cache; the digest names it.
Status cacheArtefact(const std::string &cacheFolder, const Digest &digest,
                     std::span<const uint8_t> content);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_ARTEFACTS_H
