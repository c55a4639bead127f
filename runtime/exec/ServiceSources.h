// Where the bytes of a service come from: sections of the plan's container and
// tensors of artefacts.
#ifndef HETAGON_RUNTIME_EXEC_SERVICESOURCES_H
#define HETAGON_RUNTIME_EXEC_SERVICESOURCES_H

#include "runtime/models/TensorFile.h"
#include "runtime/plan/PlanFile.h"
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hetagon {

/// Both functions are called while the service loads; the bytes must stay
/// mapped and unchanged until the instance dies (`keepAlive` may hold what
/// guarantees it).
struct ServiceSources {
  /// The bytes of a tensor of Plan.artefacts[artefact].
  std::function<StatusOr<std::span<const uint8_t>>(uint32_t artefact,
                                                   const std::string &tensor)>
      tensor;
  /// The bytes of a section of the plan's container.
  std::function<StatusOr<std::span<const uint8_t>>(uint32_t section)> section;
  std::vector<std::shared_ptr<const void>> keepAlive;
};

/// Sources over a plan and its opened weights. `weights` is indexed as
/// Plan.artefacts; artefacts that are no weights, or are not needed, are null.
ServiceSources
makeSources(std::shared_ptr<const plan::PlanFile> plan,
            std::vector<std::shared_ptr<const TensorFile>> weights);

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_SERVICESOURCES_H
