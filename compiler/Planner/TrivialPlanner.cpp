// The planner of the first version: the devices in the order of the system.
#include "compiler/Planner/Planner.h"
#include <algorithm>

using namespace hetagon;
using namespace hetagon::planner;

namespace {
class TrivialPlanner : public Planner {
public:
  StatusOr<Scenario> plan(const Problem &problem) override {
    HETAGON_RETURN_IF_ERROR(checkNames(problem));
    Scenario scenario;
    for (const Request &request : problem.requests) {
      HETAGON_ASSIGN_OR_RETURN(Choice choice, choose(problem, request));
      scenario.choices.push_back(std::move(choice));
    }
    return scenario;
  }

private:
  static std::string reason(const Request &request, const Device &device) {
    if (device.isEndpoint)
      return "the model '" + request.model + "' is asked over the network";
    return "the first device of those that may take it";
  }

  static StatusOr<Choice> choose(const Problem &problem,
                                 const Request &request) {
    const std::string *pin = pinOf(problem, request);
    std::vector<const Device *> candidates;
    std::vector<std::pair<std::string, std::string>> byReason; // devices
    Choice choice;
    for (const Device &device : problem.devices) {
      std::string excluded = exclusion(problem, request, device);
      // Nothing is sent away that can stay, unless the user says so.
      if (excluded.empty() && !pin && device.isEndpoint &&
          request.work != Work::Endpoint)
        excluded = "an endpoint; used when pinned";
      if (excluded.empty() && pin && *pin != device.id)
        excluded = "not where the user pinned it";
      if (excluded.empty()) {
        candidates.push_back(&device);
        continue;
      }
      choice.rejected.push_back(device.id + ": " + excluded);
      auto same = std::find_if(
          byReason.begin(), byReason.end(),
          [&](const auto &entry) { return entry.first == excluded; });
      if (same == byReason.end())
        byReason.emplace_back(excluded, device.id);
      else
        same->second += ", " + device.id;
    }
    if (candidates.empty()) {
      std::string message = "no device can take '" + request.node + "'";
      for (const auto &[reason, devices] : byReason)
        message += "; " + devices + ": " + reason;
      // Without its files a model is a bad input; with them, it is the demands
      // that cannot be met.
      Status failure(request.missing.empty() ? Code::NotFound
                                             : Code::InvalidArgument,
                     message);
      return request.place ? failure.at(*request.place) : failure;
    }

    // The first in the system's order; what asks an endpoint by its model's own
    // address goes to one first.
    auto first = std::find_if(
        candidates.begin(), candidates.end(), [&](const Device *device) {
          return device->isEndpoint == (request.work == Work::Endpoint);
        });
    const Device *best = first == candidates.end() ? candidates[0] : *first;
    for (const Device *device : candidates)
      if (device != best)
        choice.rejected.push_back(device->id + ": '" + best->id +
                                  "' comes first in the order of devices");
    choice.device = best->id;
    choice.why = pin ? "pinned by the user" : reason(request, *best);
    return choice;
  }
};
} // namespace

std::unique_ptr<Planner> planner::createTrivialPlanner() {
  return std::make_unique<TrivialPlanner>();
}
