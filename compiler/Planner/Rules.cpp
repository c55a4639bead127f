// The rules that no planner may break: names, pins, zones, prohibitions.
#include "compiler/Planner/Planner.h"
#include <algorithm>

using namespace hetagon;
using namespace hetagon::planner;

static std::string list(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

static bool answersTo(const Request &request, const std::string &name) {
  return request.node == name || request.model == name ||
         std::find(request.steps.begin(), request.steps.end(), name) !=
             request.steps.end();
}

const std::string *planner::pinOf(const Problem &problem,
                                  const Request &request) {
  for (const auto &[name, device] : problem.pins)
    if (answersTo(request, name))
      return &device;
  return nullptr;
}

Status planner::checkNames(const Problem &problem) {
  std::vector<std::string> devices, nodes;
  for (const Device &device : problem.devices)
    devices.push_back(device.id);
  for (const Request &request : problem.requests)
    nodes.push_back(request.node);
  auto isDevice = [&](const std::string &id) {
    return std::find(devices.begin(), devices.end(), id) != devices.end();
  };

  for (const std::string &id : problem.forbidden)
    if (!isDevice(id))
      return Status(Code::InvalidArgument, "cannot forbid '" + id +
                                               "': there is no such device; "
                                               "there are: " +
                                               list(devices));
  for (const auto &[name, id] : problem.pins) {
    if (!isDevice(id))
      return Status(
          Code::InvalidArgument,
          "cannot pin '" + name + "' to '" + id +
              "': there is no such device; there are: " + list(devices));
    if (problem.forbidden.count(id))
      return Status(Code::InvalidArgument, "'" + name + "' is pinned to '" +
                                               id +
                                               "', which is forbidden; take "
                                               "one of the two back");
    bool known = std::any_of(
        problem.requests.begin(), problem.requests.end(),
        [&](const Request &request) { return answersTo(request, name); });
    if (!known)
      return Status(Code::InvalidArgument,
                    "cannot pin '" + name +
                        "': neither a node that asks a model nor a "
                        "model; nodes that do: " +
                        list(nodes));
  }
  for (const Request &request : problem.requests) {
    const std::string *pin = pinOf(problem, request);
    for (const auto &[name, id] : problem.pins)
      if (pin && *pin != id && answersTo(request, name))
        return Status(Code::InvalidArgument, "'" + request.node +
                                                 "' is pinned to both '" +
                                                 *pin + "' and '" + id + "'");
  }
  return Status::ok();
}

std::string planner::exclusion(const Problem &problem, const Request &request,
                               const Device &device) {
  if (problem.forbidden.count(device.id))
    return "forbidden by the user";
  for (const auto &[name, zones] : request.zonesByClass)
    if (!zones.count(device.zone))
      return "data of class '" + name + "' may not be in its zone '" +
             device.zone + "'";
  if (request.work == Work::Endpoint && !device.isEndpoint)
    return "the model '" + request.model + "' has no files here";
  if (!request.missing.empty() && !device.isEndpoint)
    return request.missing;
  return {};
}
