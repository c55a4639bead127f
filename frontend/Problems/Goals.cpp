// SectionReader: requirements, the objective, and what needs all sections.
#include "frontend/Problems/Sections.h"
#include <charconv>
#include <cmath>

namespace hetagon {

using namespace solver;
using Keys = FieldReader::Keys;

/// none for "latency"; metrics must be stated by an option, save for cost.
uint32_t SectionReader::metricNamed(std::string_view name, const Place &place) {
  if (name == "latency")
    return none;
  for (uint32_t m = 0; m < problem.metrics.size(); ++m)
    if (problem.metrics[m] == name)
      return m;
  std::vector<std::string_view> known(problem.metrics.begin(),
                                      problem.metrics.end());
  known.push_back("latency");
  complain(place,
           "no option states the metric '" + std::string(name) + "'" +
               didYouMean(name, known),
           "known metrics: " + joined(known));
  return 0;
}

bool SectionReader::percentile(std::string_view word, double &value) {
  std::string_view digits = word.substr(std::min<size_t>(1, word.size()));
  auto parsed =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (word.starts_with("p") && parsed.ec == std::errc() &&
      parsed.ptr == digits.data() + digits.size() && value >= 50 &&
      value <= 99.9)
    return true;
  complain(fields.textPlace(),
           "'" + std::string(word) + "' is no percentile from p50 to p99.9",
           "write p50, p90, p95 or p99");
  return false;
}

void SectionReader::readRequirements() {
  uint32_t id = 0;
  fields.list("'requirements'", [&] { readRequirement(id++); });
}

void SectionReader::readRequirement(uint32_t id) {
  static const Keys keys = {"metric", "max_ms", "max",  "max_usd", "at",
                            "on",     "soft",   "hard", "weight"};
  Requirement one;
  one.id = id;
  bool known = false, soft = false, hard = true;
  double limits[3] = {-1, -1, -1};
  if (!fields.cursor.peek())
    return;
  Place place = fields.cursor.place();
  bool whole = fields.map("a requirement", keys, 1, [&](size_t key) {
    std::string_view word;
    switch (key) {
    case 0:
      if (fields.text("'metric'", word)) {
        one.metric = metricNamed(word, fields.textPlace());
        known = true;
      }
      return;
    case 1:
    case 2:
    case 3:
      fields.number("a limit", limits[key - 1]);
      return;
    case 4:
      if (fields.text("'at'", word))
        percentile(word, one.percentile);
      return;
    case 5:
      reference("'on'", "task", taskNames, one.task);
      return;
    case 6:
      fields.boolean("'soft'", soft);
      return;
    case 7:
      fields.boolean("'hard'", hard);
      return;
    default:
      fields.number("'weight'", one.weight);
    }
  });
  if (!whole || !known)
    return;
  one.hard = hard && !soft;
  bool latency = one.metric == none;
  if (!latency && (one.percentile > 0 || one.task != none))
    complain(place, "'at' and 'on' are for latency only", "take them out");
  double limit = latency ? limits[0] : limits[1];
  if (one.metric == 0 && limits[2] >= 0)
    limit = limits[2];
  int given = (limits[0] >= 0) + (limits[1] >= 0) + (limits[2] >= 0);
  if (limit < 0 || given != 1) {
    complain(place,
             std::string("a requirement on ") +
                 (latency ? "latency" : problem.metrics[one.metric]) +
                 " needs one limit",
             latency ? "write max_ms" : "write max");
    return;
  }
  one.limit = latency ? std::llround(limit * 1e3) : toMicro(limit);
  if (!one.hard && one.limit == 0)
    complain(place, "a soft limit of 0 has no relative violation",
             "make it hard, or larger");
  problem.requirements.push_back(one);
}

void SectionReader::readTerms(std::vector<std::pair<uint32_t, double>> &terms) {
  fields.numbers("a weight", [&](const std::string &name, double weight,
                                 const Place &place) {
    terms.push_back({metricNamed(name, place), weight});
  });
}

void SectionReader::readObjective() {
  static const Keys keys = {"minimize", "weights", "scale"};
  if (!fields.cursor.peek())
    return;
  Place place = fields.cursor.place();
  std::vector<std::pair<uint32_t, double>> terms;
  double stated = 0;
  bool hasScale = false, twice = false;
  fields.map("the objective", keys, 0, [&](size_t key) {
    std::string_view word;
    if (key < 2)
      twice |= !terms.empty();
    if (key == 2) {
      hasScale = fields.number("'scale'", stated);
    } else if (key == 0 && fields.cursor.peek() == JsonCursor::Kind::String) {
      if (fields.text("'minimize'", word))
        terms.push_back({metricNamed(word, fields.textPlace()), 1});
    } else {
      readTerms(terms);
    }
  });
  std::erase_if(terms, [](const auto &term) { return term.second == 0; });
  if (!fields.clean())
    return;
  if (twice || terms.empty()) {
    complain(place, "the objective must say what to minimise, once",
             "write {\"minimize\": \"cost\"} or {\"weights\": {\"cost\": 0.7, "
             "\"latency\": 0.3}}");
    return;
  }
  setWeights(terms);
  if (hasScale && stated > 0)
    scale = stated;
}

void SectionReader::setWeights(
    const std::vector<std::pair<uint32_t, double>> &terms) {
  Objective &objective = problem.objective;
  objective.weights.assign(problem.metrics.size(), 0);
  objective.latencyWeight = 0;
  // One metric alone has weight 1, so that its values stay integers; a sum is
  // in millionths of dollars, milliseconds and other units.
  bool alone = terms.size() == 1;
  for (auto [metric, weight] : terms) {
    if (metric == none)
      objective.latencyWeight = alone ? 1 : weight * 1e3;
    else
      objective.weights[metric] = alone ? 1 : weight;
  }
}

/// The fewest decimals in which all of the amounts are integers, as far as
/// their sum leaves room; -1 when there is none.
static int decimalsFor(const std::vector<double> &amounts, double sum) {
  double scale = 1;
  int decimals = 0;
  for (; decimals < 9 && sum * scale * 10 <= largestSum;
       ++decimals, scale *= 10) {
    bool whole = true;
    for (double amount : amounts) {
      double scaled = amount * scale;
      whole &= std::abs(scaled - std::round(scaled)) <= 1e-15 * scaled;
    }
    if (whole)
      break;
  }
  return sum * scale <= largestSum ? decimals : -1;
}

void SectionReader::convertUses() {
  size_t rows = rawLimits.size();
  std::vector<std::vector<double>> amounts(rows);
  std::vector<double> sums(rawLimits);
  for (const RawUse &use : rawUses) {
    amounts[use.capacity].push_back(use.amount);
    sums[use.capacity] += use.amount;
  }
  std::vector<double> scales(rows);
  for (size_t c = 0; c < rows; ++c) {
    Capacity &row = problem.capacities[c];
    amounts[c].push_back(rawLimits[c]);
    row.decimals = decimalsFor(amounts[c], sums[c]);
    if (row.decimals < 0) {
      complain(fields.cursor.place(),
               "the uses of '" + problem.devices[row.device].id + "/" +
                   row.resource + "' add up to more than 4e15",
               "use a larger unit");
      return;
    }
    scales[c] = std::pow(10.0, row.decimals);
    row.limit = std::llround(rawLimits[c] * scales[c]);
  }
  problem.uses.reserve(rawUses.size());
  for (const RawUse &use : rawUses)
    problem.uses.push_back(
        {use.capacity, std::llround(use.amount * scales[use.capacity])});
}

Problem SectionReader::finish() {
  convertUses();
  size_t metrics = problem.metrics.size();
  if (metrics > 1) {
    std::vector<Micro> all(problem.options.size() * metrics);
    for (size_t o = 0; o < problem.options.size(); ++o)
      all[o * metrics] = problem.amounts[o];
    for (const RawAmount &one : rawAmounts)
      all[size_t(one.option) * metrics + one.metric] = one.amount;
    problem.amounts = std::move(all);
  }
  if (problem.objective.weights.empty())
    setWeights({{0, 1}});
  if (scale)
    problem.objective.statedScale =
        *scale *
        (problem.objective.latencyWeight == 1 && problem.plainObjective()
             ? 1e3
             : 1e6);
  return std::move(problem);
}

} // namespace hetagon
