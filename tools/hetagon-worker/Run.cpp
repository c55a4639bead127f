// hetagon-worker PLAN: runs a flow once and reports.
#include "tools/hetagon-worker/RequirementTable.h"
#include "tools/hetagon-worker/Worker.h"
#include <iomanip>
#include <iostream>
#include <set>

namespace hetagon::worker {

namespace {

StatusOr<std::map<std::string, Value>>
readInputs(const plan::fb::PlanT &plan, const std::vector<std::string> &given) {
  std::map<std::string, std::string> types;
  for (const auto &port : plan.graphs[plan.entry]->inputs)
    types[port->name] = port->type;
  std::map<std::string, Value> inputs;
  for (const std::string &text : given) {
    size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Status(Code::InvalidArgument,
                    "--input needs NAME=VALUE, not '" + text + "'");
    std::string name = text.substr(0, equals);
    auto type = types.find(name);
    if (inputs.count(name))
      return Status(Code::InvalidArgument,
                    "the input '" + name + "' is given twice");
    HETAGON_ASSIGN_OR_RETURN(
        inputs[name],
        Value::parse(text.substr(equals + 1),
                     type == types.end() ? "text" : type->second, name));
  }
  return inputs;
}

/// Devices that did work in this run, by their own counters where they have
/// any.
Json devicesUsed(PlanRuntime &runtime, const RunResult &result,
                 Json &counters) {
  std::set<std::string> used;
  for (const StepReport &step : result.steps)
    if (step.device != "host")
      used.insert(step.device);
  counters = Json::object();
  for (const auto &device : runtime.devices()) {
    if (!device)
      continue;
    StatusOr<hetagon_counters> count = device->counters();
    if (count.isOk())
      counters[device->id()] = {{"submits", count->submits},
                                {"dispatches", count->dispatches},
                                {"bytes_to_device", count->bytes_to_device},
                                {"bytes_from_device", count->bytes_from_device},
                                {"busy_ms", double(count->busy_ns) / 1e6},
                                {"bytes_allocated", count->bytes_allocated}};
  }
  return Json(used);
}

std::string milliseconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", value);
  return text;
}

/// The value as a person reads it: text as it is, lists of texts by line.
std::string forPeople(const Value &value) {
  Json json = value.toJson();
  if (!json.is_array() || json.empty())
    return value.toText();
  std::string lines;
  for (const Json &element : json)
    lines +=
        (lines.empty() ? "- " : "\n- ") +
        (element.is_string() ? element.get<std::string>() : printJson(element));
  return lines;
}

} // namespace

int run(const RunCommand &command) {
  StatusOr<std::unique_ptr<OpenPlan>> open = OpenPlan::open(command.plan);
  if (!open.isOk())
    return fail(open.status(), exitBadInput);
  PlanRuntime &runtime = (*open)->runtime();
  RunOptions options;
  StatusOr<std::map<std::string, Value>> inputs =
      readInputs(runtime.plan(), command.inputs);
  if (!inputs.isOk())
    return fail(inputs.status(), exitBadInput);
  options.inputs = std::move(*inputs);
  options.seed = command.seed;
  options.cancel = interrupted();
  options.ask = [](const std::string &question) -> StatusOr<std::string> {
    std::cerr << question << "\n> " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer))
      return Status(Code::Unavailable, "standard input ended before an answer");
    return answer;
  };
  std::set<std::string> shown;
  std::string current;
  if (!command.plan.json)
    options.onStream = [&](const std::string &output, std::string_view piece) {
      if (current != output) {
        std::cout << (current.empty() ? "" : "\n\n") << output << ":\n";
        current = output;
        shown.insert(output);
      }
      std::cout << piece << std::flush;
    };

  StatusOr<RunResult> result = runPlan(runtime, std::move(options));
  if (!current.empty())
    std::cout << "\n";
  Status traced = (*open)->close();
  if (!traced.isOk())
    return fail(traced, exitRunFailed);
  if (!result.isOk())
    return fail(result.status(),
                result.status().code() == Code::InvalidArgument &&
                        !result.status().place()
                    ? exitBadInput
                    : exitRunFailed);

  std::vector<RequirementRow> rows = judgeRequirements(runtime.plan(), *result);
  Json counters;
  Json used = devicesUsed(runtime, *result, counters);
  if (command.plan.json) {
    Json outputs = Json::object(), tasks = Json::array();
    for (const auto &[name, value] : result->outputs)
      outputs[name] = value.toJson();
    for (const StepReport &step : result->steps)
      tasks.push_back({{"name", step.path},
                       {"device", step.device},
                       {"ms", step.endMs - step.beginMs},
                       {"begin_ms", step.beginMs},
                       {"attempts", step.attempts},
                       {"prompt_tokens", step.promptTokens},
                       {"generated_tokens", step.generatedTokens},
                       {"cost_usd", step.costUsd}});
    std::cout << printJson({{"outputs", outputs},
                            {"devices_used", used},
                            {"device_counters", counters},
                            {"latency_ms", result->latencyMs},
                            {"ttft_ms",
                             result->ttftMs ? Json(*result->ttftMs) : Json()},
                            {"tasks", tasks},
                            {"requirements", toJson(rows)}})
              << "\n";
  } else {
    for (const auto &[name, value] : result->outputs)
      if (!shown.count(name))
        std::cout << "\n" << name << ":\n" << forPeople(value) << "\n";
    std::cout << "\nran in " << milliseconds(result->latencyMs);
    if (result->ttftMs)
      std::cout << ", first output after " << milliseconds(*result->ttftMs);
    std::cout << "\n";
    for (const StepReport &step : result->steps)
      std::cout << "  " << std::left << std::setw(40) << step.path << " "
                << std::setw(10) << step.device << " "
                << milliseconds(step.endMs - step.beginMs) << "\n";
    if (!rows.empty())
      std::cout << "\n" << print(rows);
  }
  if (command.strict && missedHard(rows)) {
    std::cerr << "error: a hard requirement was missed\n";
    return exitUnsatisfied;
  }
  return exitOk;
}

} // namespace hetagon::worker
