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
  std::string path;    ///< as locateModel takes it
  std::string licence; ///< SPDX expression; empty: not said
  Place place;         ///< where the entry stands
};

/// A table of models. Not thread-safe while it is filled.
class ModelRegistry {
public:
  /// Adds the entries of a file of the form
  ///   models:
  ///     - {id: NAME, path: PATH, licence: SPDX}
  /// Paths are relative to the file; `*` and `?` in them must match exactly one
  /// existing path. Unknown keys, repeated ids and other mistakes are located
  /// by line and column.
  Status addFile(const std::string &path);
  /// Adds or replaces one entry: "ID=PATH".
  Status addMapping(std::string_view mapping);

  /// The entry of that id. NotFound lists the known ids.
  StatusOr<RegisteredModel> resolve(const std::string &id) const;
  const std::map<std::string, RegisteredModel> &all() const { return models; }

private:
  std::map<std::string, RegisteredModel> models;
};

} // namespace hetagon

#endif // HETAGON_FRONTEND_MODELS_MODELREGISTRY_H
