// The interface of every planner: which request runs on which device, why, and
// what excluded the alternatives. Free of MLIR, so that a solver sees a problem
// and nothing else.
#ifndef HETAGON_COMPILER_PLANNER_PLANNER_H
#define HETAGON_COMPILER_PLANNER_PLANNER_H

#include "runtime/base/Status.h"
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hetagon::planner {

struct Device {
  std::string id, backend, zone;
  /// Takes whole requests for models that somebody else runs.
  bool isEndpoint = false;
};

enum class Work { Decoder, Encoder, Endpoint };

/// The steps of one node that ask one service; they are placed together.
struct Request {
  std::string node;
  std::vector<std::string> steps;
  std::string model;
  Work work = Work::Decoder;
  /// Why the model cannot run on a device here, only at an endpoint; empty when
  /// it can.
  std::string missing = {};
  std::optional<Place> place = {}; ///< of the node in the user's file
  /// Zones where its data may be, and the class that says so; absent when it
  /// may be anywhere.
  std::map<std::string, std::set<std::string>> zonesByClass = {};
};

struct Problem {
  std::vector<Device> devices;
  std::vector<Request> requests;
  std::map<std::string, std::string> pins; ///< node, step or model -> device
  std::set<std::string> forbidden;         ///< devices
};

struct Choice {
  std::string device, why;
  std::vector<std::string> rejected; ///< "device: reason"
};

/// Parallel to Problem::requests.
struct Scenario {
  std::vector<Choice> choices;
};

class Planner {
public:
  virtual ~Planner() = default;
  /// InvalidArgument for pins and devices that contradict or do not exist, and
  /// for models without files that nobody else runs; NotFound when a request
  /// has no device left. The message lists, for each device, what excludes it,
  /// and stands at the request's place.
  virtual StatusOr<Scenario> plan(const Problem &problem) = 0;
};

/// Takes pins as they are; otherwise the first device that may, in the order of
/// the problem's devices; endpoints only for models that have no files here.
std::unique_ptr<Planner> createTrivialPlanner();

/// What every planner has to refuse: names that nobody has, pins that
/// contradict.
Status checkNames(const Problem &problem);
/// Why `device` may not take `request`; empty when it may.
std::string exclusion(const Problem &problem, const Request &request,
                      const Device &device);
/// The device that the user pinned the request to; null for none.
const std::string *pinOf(const Problem &problem, const Request &request);

} // namespace hetagon::planner

#endif // HETAGON_COMPILER_PLANNER_PLANNER_H
