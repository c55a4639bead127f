// hetagon-worker PLAN: runs a flow once and reports.
#include "tools/hetagon-worker/RequirementTable.h"
#include "tools/hetagon-worker/Worker.h"
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <set>
#include <unistd.h>

namespace hetagon::worker {

namespace {

StatusOr<std::map<std::string, Value>>
readInputs(const plan::fb::PlanT &plan, const std::vector<std::string> &given) {
  std::map<std::string, std::string> types;
  for (const auto &port : plan.graphs[plan.entry]->inputs)
    types[port->name] = port->type;
  auto wrong = [&](const std::string &what) {
    return Status(Code::InvalidArgument,
                  what + "; the flow's inputs are: " + describeInputs(plan));
  };
  std::map<std::string, Value> inputs;
  for (const std::string &text : given) {
    size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return wrong("--input needs NAME=VALUE, not '" + text + "'");
    std::string name = text.substr(0, equals);
    auto type = types.find(name);
    StatusOr<Value> value =
        Value::parse(text.substr(equals + 1),
                     type == types.end() ? "text" : type->second, name);
    if (!value.isOk())
      return wrong(value.status().message());
    if (!inputs.try_emplace(name, std::move(*value)).second)
      return wrong("the input '" + name + "' is given twice");
  }
  HETAGON_RETURN_IF_ERROR(checkInputs(plan, inputs));
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
  if (!json.is_array() || json.empty() ||
      std::all_of(json.begin(), json.end(), isPassage))
    return value.toText();
  std::string lines;
  for (const Json &element : json)
    lines +=
        (lines.empty() ? "- " : "\n- ") +
        (element.is_string() ? element.get<std::string>() : printJson(element));
  return lines;
}

Json toJson(PlanRuntime &runtime, const RunResult &result,
            const std::vector<RequirementRow> &rows) {
  Json counters, outputs = Json::object(), tasks = Json::array();
  Json used = devicesUsed(runtime, result, counters);
  for (const auto &[name, value] : result.outputs)
    outputs[name] = value.toJson();
  for (const StepReport &step : result.steps)
    tasks.push_back({{"name", step.path},
                     {"device", step.device},
                     {"ms", step.endMs - step.beginMs},
                     {"begin_ms", step.beginMs},
                     {"attempts", step.attempts},
                     {"prompt_tokens", step.promptTokens},
                     {"generated_tokens", step.generatedTokens},
                     {"cost_usd", step.costUsd}});
  return {{"outputs", outputs},
          {"devices_used", used},
          {"device_counters", counters},
          {"latency_ms", result.latencyMs},
          {"ttft_ms", result.ttftMs ? Json(*result.ttftMs) : Json()},
          {"tasks", tasks},
          {"requirements", toJson(rows)}};
}

/// Outputs that were not streamed, then times and requirements.
void printForPeople(const RunResult &result, const std::string &streamed,
                    const std::vector<RequirementRow> &rows) {
  for (const auto &[name, value] : result.outputs)
    if (name != streamed)
      std::cout << "\n" << name << ":\n" << forPeople(value) << "\n";
  std::cout << "\nran in " << milliseconds(result.latencyMs);
  if (result.ttftMs)
    std::cout << ", first output after " << milliseconds(*result.ttftMs);
  std::cout << "\n";
  for (const StepReport &step : result.steps)
    std::cout << "  " << std::left << std::setw(40) << step.path << " "
              << std::setw(10) << step.device << " "
              << milliseconds(step.endMs - step.beginMs) << "\n";
  if (!rows.empty())
    std::cout << "\n" << print(rows);
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
  options.ask = [](const std::string &question) {
    std::cerr << question << "\n> " << std::flush;
    return readLine(STDIN_FILENO, interrupted());
  };
  // Two outputs at once would be unreadable: the first one is shown as it
  // comes, all others when they are complete.
  std::string streamed;
  if (!command.plan.json)
    options.onStream = [&](const std::string &output, std::string_view piece) {
      if (streamed.empty()) {
        std::cout << output << ":\n";
        streamed = output;
      }
      if (streamed == output)
        std::cout << piece << std::flush;
    };

  StatusOr<RunResult> result = runPlan(runtime, std::move(options));
  if (!streamed.empty())
    std::cout << std::endl;
  Status traced = (*open)->close();
  if (!result.isOk())
    return fail(result.status(), exitRunFailed);
  if (!traced.isOk())
    return fail(traced, exitRunFailed);

  std::vector<RequirementRow> rows = judgeRequirements(runtime.plan(), *result);
  if (command.plan.json)
    std::cout << printJson(toJson(runtime, *result, rows)) << std::endl;
  else
    printForPeople(*result, streamed, rows);
  if (command.strict && missedHard(rows)) {
    std::cerr << "error: a hard requirement was missed\n";
    return exitUnsatisfied;
  }
  return exitOk;
}

} // namespace hetagon::worker
