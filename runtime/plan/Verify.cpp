// The plan's tables apart from services and graphs, and the order of the
// checks.
#include "runtime/plan/Verify.h"
#include "runtime/base/Json.h"
#include "runtime/plan/VerifyContext.h"
#include <algorithm>
#include <cmath>
#include <set>

namespace hetagon::plan {

namespace {

/// The canonical units of requirements, and those of sizes and rates.
constexpr std::string_view units[] = {
    "ns",    "us",     "ms",    "s",     "usd",  "J",    "g CO2e",
    "tok/s", "run/s",  "1",     "level", "word", "byte", "byte/s",
    "flop",  "flop/s", "token", "page",  "row",  "trip"};

class PlanCheck {
public:
  PlanCheck(const fb::Plan &plan, const Container &container)
      : context{plan, container}, plan(plan) {}

  Status run() {
    if (view(plan.compiler()).empty() || view(plan.flow()).empty())
      return context.fail(&plan, "plan", "compiler or flow has no name");
    if (sizeOf(plan.flow_sha256()) != 0 && sizeOf(plan.flow_sha256()) != 32)
      return context.fail(&plan, "flow_sha256", "a digest has 32 bytes");
    HETAGON_RETURN_IF_ERROR(artefacts());
    HETAGON_RETURN_IF_ERROR(devices());
    HETAGON_RETURN_IF_ERROR(tools());
    HETAGON_RETURN_IF_ERROR(services());
    HETAGON_RETURN_IF_ERROR(verifyGraphs(context));
    HETAGON_RETURN_IF_ERROR(scenarios());
    for (size_t i = 0; i < sizeOf(plan.requirements()); ++i)
      HETAGON_RETURN_IF_ERROR(
          requirement(*plan.requirements()->Get(uint32_t(i)),
                      "requirements[" + std::to_string(i) + "]"));
    for (size_t i = 0; i < sizeOf(plan.predictions()); ++i)
      HETAGON_RETURN_IF_ERROR(
          prediction(*plan.predictions()->Get(uint32_t(i)),
                     "predictions[" + std::to_string(i) + "]"));
    return Status::ok();
  }

private:
  using Names = std::set<std::string_view>;

  Status unique(Names &names, const void *object, const std::string &path,
                std::string_view name) {
    if (!name.empty() && names.insert(name).second)
      return Status::ok();
    return context.fail(object, path,
                        "the name " + inQuotes(name) +
                            " is empty or stands twice");
  }

  Status artefacts() {
    Names names;
    for (size_t i = 0; i < sizeOf(plan.artefacts()); ++i) {
      const fb::Artefact &artefact = *plan.artefacts()->Get(uint32_t(i));
      std::string path = "artefacts[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(
          unique(names, &artefact, path, view(artefact.id())));
      if (artefact.sha256()->size() != 32)
        return context.fail(&artefact, path, "a digest has 32 bytes");
      if (view(artefact.source()).starts_with("/"))
        return context.fail(&artefact, path,
                            "the source is an absolute path, which a plan "
                            "must not hold");
    }
    return Status::ok();
  }

  Status devices() {
    Names names;
    for (size_t i = 0; i < sizeOf(plan.devices()); ++i) {
      const fb::Device &device = *plan.devices()->Get(uint32_t(i));
      std::string path = "devices[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(unique(names, &device, path, view(device.id())));
      std::string_view backend = view(device.backend());
      // The name becomes part of a file name.
      bool plain = !backend.empty() && backend.size() <= 64 &&
                   std::all_of(backend.begin(), backend.end(), [](char c) {
                     return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '_';
                   });
      if (!plain)
        return context.fail(&device, path,
                            "the backend " + inQuotes(backend) +
                                " is no name of lower-case letters, digits, "
                                "'-' and '_'");
      HETAGON_RETURN_IF_ERROR(
          jsonObject(&device, path + ".config", view(device.config())));
    }
    return Status::ok();
  }

  Status jsonObject(const void *object, const std::string &path,
                    std::string_view text) {
    if (text.empty())
      return Status::ok();
    auto parsed = parseJson(text, path, 64);
    if (!parsed.isOk())
      return context.fail(object, path, parsed.status().message());
    if (!parsed->is_object())
      return context.fail(object, path, "the JSON text is no object");
    return Status::ok();
  }

  static bool isVariable(std::string_view name) {
    return !name.empty() && name.find('=') == std::string_view::npos;
  }

  Status tools() {
    Names names;
    for (size_t i = 0; i < sizeOf(plan.tools()); ++i) {
      const fb::Tool &tool = *plan.tools()->Get(uint32_t(i));
      std::string path = "tools[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(unique(names, &tool, path, view(tool.name())));
      bool builtin = tool.transport() == fb::ToolTransport::builtin;
      if (builtin != (sizeOf(tool.command()) == 0) ||
          (!builtin && view(tool.command()->Get(0)).empty()))
        return context.fail(&tool, path,
                            "a server needs a command, a builtin tool has "
                            "none");
      bool named = true;
      for (size_t k = 0; k < sizeOf(tool.environment()); ++k)
        named &= isVariable(view(tool.environment()->Get(uint32_t(k))->key()));
      for (size_t k = 0; k < sizeOf(tool.pass_environment()); ++k)
        named &= isVariable(view(tool.pass_environment()->Get(uint32_t(k))));
      for (size_t k = 0; k < sizeOf(tool.secrets()); ++k)
        named &= isVariable(view(tool.secrets()->Get(uint32_t(k))->key()));
      if (!named)
        return context.fail(&tool, path,
                            "the name of an environment variable is empty or "
                            "has a '='");
      HETAGON_RETURN_IF_ERROR(
          jsonObject(&tool, path + ".input_schema", view(tool.input_schema())));
    }
    return Status::ok();
  }

  Status services() {
    Names names;
    for (size_t i = 0; i < sizeOf(plan.services()); ++i) {
      const fb::Service &service = *plan.services()->Get(uint32_t(i));
      std::string path = "services[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(
          unique(names, &service, path, view(service.name())));
      HETAGON_RETURN_IF_ERROR(verifyService(context, service, path));
    }
    return Status::ok();
  }

  Status scenarios() {
    Names names, devices, steps;
    for (size_t i = 0; i < sizeOf(plan.devices()); ++i)
      devices.insert(view(plan.devices()->Get(uint32_t(i))->id()));
    for (const fb::StepGraph *graph : *plan.graphs())
      for (const fb::Step *step : *graph->steps())
        steps.insert(view(step->name()));
    for (size_t i = 0; i < sizeOf(plan.scenarios()); ++i) {
      const fb::Scenario &scenario = *plan.scenarios()->Get(uint32_t(i));
      std::string path = "scenarios[" + std::to_string(i) + "]";
      HETAGON_RETURN_IF_ERROR(
          unique(names, &scenario, path, view(scenario.name())));
      for (size_t k = 0; k < sizeOf(scenario.placements()); ++k) {
        const fb::Placement &placement =
            *scenario.placements()->Get(uint32_t(k));
        std::string at = path + ".placements[" + std::to_string(k) + "]";
        if (!devices.count(view(placement.device())))
          return context.fail(&placement, at,
                              "the device " +
                                  inQuotes(view(placement.device())) +
                                  " does not exist");
        if (!steps.count(view(placement.step())))
          return context.fail(&placement, at,
                              "the step " + inQuotes(view(placement.step())) +
                                  " does not exist");
      }
    }
    return Status::ok();
  }

  Status number(const void *object, const std::string &path, double value,
                std::string_view unit) {
    if (!std::isfinite(value))
      return context.fail(object, path, "the value is no finite number",
                          Code::OutOfRange);
    if (!isUnit(unit))
      return context.fail(object, path,
                          "the unit " + inQuotes(unit) + " is unknown");
    return Status::ok();
  }

  Status prediction(const fb::Prediction &prediction, const std::string &path) {
    return number(&prediction, path, prediction.value(),
                  view(prediction.unit()));
  }

  Status requirement(const fb::Requirement &requirement,
                     const std::string &path) {
    HETAGON_RETURN_IF_ERROR(number(&requirement, path, requirement.limit(),
                                   view(requirement.unit())));
    if (!std::isfinite(requirement.weight()) || requirement.weight() < 0)
      return context.fail(&requirement, path, "the weight is negative",
                          Code::OutOfRange);
    return requirement.predicted()
               ? prediction(*requirement.predicted(), path + ".predicted")
               : Status::ok();
  }

  VerifyContext context;
  const fb::Plan &plan;
};

} // namespace

bool isUnit(std::string_view unit) {
  return std::find(std::begin(units), std::end(units), unit) != std::end(units);
}

Status verifyPlan(const fb::Plan &plan, const Container &container) {
  return PlanCheck(plan, container).run();
}

} // namespace hetagon::plan
