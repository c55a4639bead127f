// The planner of the first version: a fixed order of preference.
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
  /// Lower is preferred.
  static int rank(const Request &request, const Device &device) {
    if (device.isEndpoint)
      return request.work == Work::Endpoint ? 0 : 3;
    return device.backend == "cpu" ? 0 : device.backend == "reference" ? 1 : 2;
  }

  static std::string reason(const Request &request, const Device &device) {
    if (device.isEndpoint)
      return "the model '" + request.model + "' is asked over the network";
    return "the first choice among backends that run " +
           std::string(request.work == Work::Decoder ? "decoders" : "encoders");
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
      Status failure(Code::NotFound, message);
      return request.place ? failure.at(*request.place) : failure;
    }

    const Device *best =
        *std::min_element(candidates.begin(), candidates.end(),
                          [&](const Device *a, const Device *b) {
                            return rank(request, *a) < rank(request, *b);
                          });
    for (const Device *device : candidates)
      if (device != best)
        choice.rejected.push_back(device->id + ": '" + best->id +
                                  "' comes first in the order of preference");
    choice.device = best->id;
    choice.why = pin ? "pinned by the user" : reason(request, *best);
    return choice;
  }
};
} // namespace

std::unique_ptr<Planner> planner::createTrivialPlanner() {
  return std::make_unique<TrivialPlanner>();
}
