// Requirements against one run's measurements.
#include "tools/hetagon-worker/RequirementTable.h"
#include <algorithm>
#include <cstdio>

namespace hetagon::worker {

namespace {

/// Milliseconds or dollars in one of the unit; nothing for units of other
/// dimensions.
std::optional<double> unitFactor(const std::string &unit) {
  static const std::map<std::string, double> factors = {
      {"us", 1e-3}, {"ms", 1},  {"s", 1e3},    {"min", 6e4},
      {"h", 3.6e6}, {"usd", 1}, {"cent", 0.01}};
  auto found = factors.find(unit);
  if (found == factors.end())
    return std::nullopt;
  return found->second;
}

/// The value at a percentile ("p95", "max", "mean") of at least one sample.
double atPercentile(std::vector<double> samples, const std::string &at) {
  std::sort(samples.begin(), samples.end());
  if (at == "mean") {
    double sum = 0;
    for (double sample : samples)
      sum += sample;
    return sum / double(samples.size());
  }
  double share = 1;
  if (at.size() > 1 && at[0] == 'p')
    share = std::min(1.0, std::strtod(at.c_str() + 1, nullptr) / 100);
  size_t rank = size_t(share * double(samples.size()) + 0.999999);
  return samples[std::clamp<size_t>(rank, 1, samples.size()) - 1];
}

/// Whether a step is the user's node, a part of it ("node.part"), or inside it:
/// the path's components after the flow's name may carry iterations ("[3]").
bool belongsTo(const StepReport &step, const std::string &node) {
  if (node.empty())
    return true;
  for (size_t slash = step.path.find('/'); slash != std::string::npos;
       slash = step.path.find('/', slash + 1)) {
    std::string_view rest = std::string_view(step.path).substr(slash + 1);
    if (!rest.starts_with(node))
      continue;
    rest.remove_prefix(node.size());
    if (rest.empty() || rest[0] == '/' || rest[0] == '.' || rest[0] == '[')
      return true;
  }
  return false;
}

/// Milliseconds or dollars; nothing where one run shows no such thing.
std::optional<double> measure(const plan::fb::RequirementT &requirement,
                              const RunResult &result) {
  const std::string &metric = requirement.metric, &node = requirement.node;
  std::optional<double> first, begin, end;
  std::vector<double> gaps;
  double cost = 0;
  bool costKnown = true;
  for (const StepReport &step : result.steps) {
    if (!belongsTo(step, node))
      continue;
    begin = std::min(begin.value_or(step.beginMs), step.beginMs);
    end = std::max(end.value_or(step.endMs), step.endMs);
    if (step.ttftMs > 0)
      first = std::min(first.value_or(step.beginMs + step.ttftMs),
                       step.beginMs + step.ttftMs);
    gaps.insert(gaps.end(), step.gapsMs.begin(), step.gapsMs.end());
    cost += step.costUsd;
    costKnown &= step.costKnown;
  }
  if (metric == "latency")
    return node.empty() ? std::optional(result.latencyMs)
           : begin      ? std::optional(*end - *begin)
                        : std::nullopt;
  if (metric == "ttft") {
    if (node.empty())
      return result.ttftMs;
    return first ? std::optional(*first - *begin) : std::nullopt;
  }
  if (metric == "tbt" && !gaps.empty())
    return atPercentile(gaps, requirement.at);
  if (metric == "cost" && costKnown)
    return cost;
  return std::nullopt;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

} // namespace

std::vector<RequirementRow> judgeRequirements(const plan::fb::PlanT &plan,
                                              const RunResult &result) {
  std::vector<RequirementRow> rows;
  for (const auto &requirement : plan.requirements) {
    RequirementRow row{requirement.get(), {}, "unknown", {}, "not observable"};
    if (requirement->predicted &&
        requirement->predicted->rung != plan::fb::Rung::unknown) {
      row.predicted = requirement->predicted->value;
      row.rung = plan::fb::EnumNameRung(requirement->predicted->rung);
    }
    std::optional<double> value = measure(*requirement, result);
    std::optional<double> factor = unitFactor(requirement->unit);
    if (value && factor) {
      row.measured = *value / *factor;
      bool met = requirement->floor ? *row.measured >= requirement->limit
                                    : *row.measured <= requirement->limit;
      row.verdict = met ? "met" : "missed";
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json toJson(const std::vector<RequirementRow> &rows) {
  Json list = Json::array();
  for (const RequirementRow &row : rows) {
    const plan::fb::RequirementT &wanted = *row.requirement;
    list.push_back(
        {{"metric", wanted.metric},
         {"node", wanted.node},
         {wanted.floor ? "min" : "max", wanted.limit},
         {"unit", wanted.unit},
         {"at", wanted.at},
         {"soft", wanted.soft},
         {"predicted", row.predicted ? Json(*row.predicted) : Json()},
         {"rung", row.rung},
         {"measured", row.measured ? Json(*row.measured) : Json()},
         {"verdict", row.verdict}});
  }
  return list;
}

std::string print(const std::vector<RequirementRow> &rows) {
  std::vector<std::array<std::string, 5>> cells = {
      {"requirement", "limit", "predicted", "measured", "verdict"}};
  for (const RequirementRow &row : rows) {
    const plan::fb::RequirementT &wanted = *row.requirement;
    std::string name = wanted.metric;
    if (!wanted.at.empty())
      name += " at " + wanted.at;
    if (!wanted.node.empty())
      name += " of " + wanted.node;
    if (wanted.soft)
      name += " (soft)";
    cells.push_back(
        {name,
         (wanted.floor ? ">= " : "<= ") + number(wanted.limit) + " " +
             wanted.unit,
         row.predicted ? number(*row.predicted) + " " + wanted.unit + " (" +
                             row.rung + ")"
                       : "unknown",
         row.measured ? number(*row.measured) + " " + wanted.unit : "-",
         row.verdict});
  }
  std::array<size_t, 5> width{};
  for (const auto &line : cells)
    for (size_t i = 0; i < line.size(); ++i)
      width[i] = std::max(width[i], line[i].size());
  std::string text;
  for (const auto &line : cells) {
    for (size_t i = 0; i < line.size(); ++i)
      text += line[i] + (i + 1 < line.size()
                             ? std::string(width[i] - line[i].size() + 2, ' ')
                             : "\n");
  }
  return text;
}

bool missedHard(const std::vector<RequirementRow> &rows) {
  return std::any_of(rows.begin(), rows.end(), [](const RequirementRow &row) {
    return !row.requirement->soft && row.verdict == "missed";
  });
}

} // namespace hetagon::worker
