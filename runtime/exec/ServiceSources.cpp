// Sources over a plan's file and the files of its weights.
#include "runtime/exec/ServiceSources.h"

namespace hetagon {

ServiceSources
makeSources(std::shared_ptr<const plan::PlanFile> plan,
            std::vector<std::shared_ptr<const TensorFile>> weights) {
  ServiceSources sources;
  sources.keepAlive.push_back(plan);
  sources.keepAlive.insert(sources.keepAlive.end(), weights.begin(),
                           weights.end());
  sources.section =
      [plan](uint32_t section) -> StatusOr<std::span<const uint8_t>> {
    size_t count = plan->container().sections().size();
    if (section >= count)
      return Status(Code::OutOfRange, "section " + std::to_string(section) +
                                          " of " + std::to_string(count) +
                                          " in " + plan->name());
    return plan->section(section);
  };
  sources.tensor =
      [weights = std::move(weights)](
          uint32_t artefact,
          const std::string &tensor) -> StatusOr<std::span<const uint8_t>> {
    if (artefact >= weights.size() || !weights[artefact])
      return Status(Code::NotFound, "artefact " + std::to_string(artefact) +
                                        " with tensor '" + tensor +
                                        "' is not open");
    HETAGON_ASSIGN_OR_RETURN(TensorView view, weights[artefact]->find(tensor));
    return view.bytes;
  };
  return sources;
}

} // namespace hetagon
