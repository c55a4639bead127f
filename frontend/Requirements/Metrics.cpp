// The metric table, the unit tables, and the reading of quantities.
#include "frontend/Requirements/Metrics.h"
#include "frontend/Text/SourceValue.h"
#include <charconv>
#include <cmath>

namespace hetagon {

namespace {

struct Unit {
  std::string_view name;
  double inCanonical;
  /// What results are counted in, where one dimension has two: "run/s".
  std::string_view canonical = {};
};

const std::vector<Unit> &unitsOf(Dimension dimension) {
  static const std::vector<Unit> time = {
      {"ms", 1},  {"us", 1e-3}, {"\u00b5s", 1e-3}, {"ns", 1e-6},
      {"s", 1e3}, {"min", 6e4}, {"h", 3.6e6}};
  static const std::vector<Unit> money = {
      {"usd", 1}, {"USD", 1}, {"$", 1}, {"cent", 0.01}, {"cents", 0.01}};
  static const std::vector<Unit> energy = {
      {"J", 1},      {"mJ", 1e-3}, {"kJ", 1e3},   {"MJ", 1e6},
      {"Wh", 3.6e3}, {"mWh", 3.6}, {"kWh", 3.6e6}};
  static const std::vector<Unit> carbon = {
      {"g", 1},         {"mg", 1e-3},     {"kg", 1e3},     {"g CO2", 1},
      {"mg CO2", 1e-3}, {"kg CO2", 1e3},  {"g CO2e", 1},   {"mg CO2e", 1e-3},
      {"kg CO2e", 1e3}, {"gCO2", 1},      {"mgCO2", 1e-3}, {"kgCO2", 1e3},
      {"gCO2e", 1},     {"mgCO2e", 1e-3}, {"kgCO2e", 1e3}};
  static const std::vector<Unit> rate = {{"tok/s", 1, "tok/s"},
                                         {"tok/min", 1.0 / 60, "tok/s"},
                                         {"run/s", 1, "run/s"},
                                         {"run/min", 1.0 / 60, "run/s"},
                                         {"run/h", 1.0 / 3600, "run/s"}};
  static const std::vector<Unit> ratio = {{"", 1}, {"%", 0.01}};
  static const std::vector<Unit> none;
  switch (dimension) {
  case Dimension::Time:
    return time;
  case Dimension::Money:
    return money;
  case Dimension::Energy:
    return energy;
  case Dimension::Carbon:
    return carbon;
  case Dimension::Rate:
    return rate;
  case Dimension::Ratio:
    return ratio;
  case Dimension::Level:
  case Dimension::WordSet:
    return none;
  }
  return none;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

struct Basis {
  std::string_view spelling, name;
  double count;
};

constexpr Basis basisTable[] = {{"run", "run", 1},
                                {"token", "token", 1},
                                {"tok", "token", 1},
                                {"ktok", "token", 1e3},
                                {"Mtok", "token", 1e6},
                                {"1k tokens", "token", 1e3},
                                {"1M tokens", "token", 1e6},
                                {"hour", "hour", 1},
                                {"h", "hour", 1}};

} // namespace

const std::vector<Metric> &metricTable() {
  using D = Dimension;
  static const std::vector<std::string_view> perUse = {"run", "token", "hour"};
  static const std::vector<Metric> table = {
      {"ttft",
       D::Time,
       true,
       "run",
       {},
       true,
       "first",
       {},
       "from the start of the run (or of the node) to the first piece of its "
       "output"},
      {"tbt",
       D::Time,
       true,
       "token",
       {},
       true,
       "gap",
       {},
       "between two pieces of a streamed output"},
      {"latency",
       D::Time,
       true,
       "run",
       {},
       true,
       "last",
       {},
       "from the start of the run (or of the node) to the end of its output"},
      {"throughput",
       D::Rate,
       false,
       "hour",
       {},
       true,
       "",
       {},
       "tokens or runs finished per time under the expected load"},
      {"cost",
       D::Money,
       true,
       "run",
       perUse,
       true,
       "",
       {},
       "what is paid for devices, endpoints and tools"},
      {"energy",
       D::Energy,
       true,
       "run",
       perUse,
       true,
       "",
       {},
       "what the devices take, above idle"},
      {"carbon",
       D::Carbon,
       true,
       "run",
       perUse,
       true,
       "",
       {},
       "energy times the carbon intensity of each device's zone"},
      {"accuracy",
       D::Ratio,
       false,
       "run",
       {},
       false,
       "",
       {},
       "share of right outputs on the evaluation set that belongs to the "
       "service"},
      {"hallucination",
       D::Ratio,
       true,
       "run",
       {},
       false,
       "",
       {},
       "share of an answer's sentences that no passage supports"},
      {"availability",
       D::Ratio,
       false,
       "run",
       {},
       false,
       "",
       {},
       "share of runs that end without a failure of device or service"},
      {"privacy",
       D::WordSet,
       true,
       "run",
       {},
       false,
       "",
       {},
       "the zones in which the data of the run may be"},
      {"trust",
       D::Level,
       false,
       "run",
       {},
       false,
       "",
       {"none", "declared", "certified", "attested"},
       "how far every service used is vouched for"},
      {"licence",
       D::WordSet,
       true,
       "run",
       {},
       false,
       "",
       {},
       "the licences under which every model used may stand"},
      {"jurisdiction",
       D::WordSet,
       true,
       "run",
       {},
       false,
       "",
       {},
       "the jurisdictions under which every service used may stand"},
      {"guarantee",
       D::Level,
       false,
       "run",
       {},
       false,
       "",
       {"analytic", "simulated", "measured"},
       "how well every predicted number must be known"},
  };
  return table;
}

const Metric *findMetric(std::string_view name) {
  for (const Metric &metric : metricTable())
    if (metric.name == name)
      return &metric;
  return nullptr;
}

std::vector<std::string_view> metricNames() {
  std::vector<std::string_view> names;
  for (const Metric &metric : metricTable())
    names.push_back(metric.name);
  return names;
}

std::vector<std::string_view> unitNames(Dimension dimension) {
  std::vector<std::string_view> names;
  for (const Unit &unit : unitsOf(dimension))
    if (!unit.name.empty())
      names.push_back(unit.name);
  return names;
}

std::string_view canonicalUnit(Dimension dimension) {
  switch (dimension) {
  case Dimension::Time:
    return "ms";
  case Dimension::Money:
    return "usd";
  case Dimension::Energy:
    return "J";
  case Dimension::Carbon:
    return "g CO2e";
  case Dimension::Rate:
    return "tok/s";
  case Dimension::Ratio:
    return "1";
  case Dimension::Level:
    return "level";
  case Dimension::WordSet:
    return "word";
  }
  return "1";
}

std::optional<Quantity> parseQuantity(std::string_view text,
                                      Dimension dimension, std::string &why) {
  text = trimmed(text);
  double number = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || !std::isfinite(number)) {
    why = "'" + std::string(text.substr(0, 60)) +
          "' does not begin with a number";
    return std::nullopt;
  }
  std::string_view rest =
      trimmed(text.substr(size_t(parsed.ptr - text.data())));
  auto unitNamed = [&](std::string_view name) -> const Unit * {
    for (const Unit &unit : unitsOf(dimension))
      if (unit.name == name)
        return &unit;
    return nullptr;
  };
  Quantity quantity;
  const Unit *unit = unitNamed(rest);
  if (!unit) {
    size_t slash = rest.find('/'), per = rest.find(" per ");
    size_t at = std::min(slash, per);
    if (at != std::string_view::npos) {
      std::string_view over = trimmed(rest.substr(at + (at == slash ? 1 : 5)));
      for (const Basis &basis : basisTable)
        if (basis.spelling == over) {
          quantity.basis = basis.name;
          number /= basis.count;
        }
      if (quantity.basis.empty()) {
        std::vector<std::string_view> names;
        for (const Basis &basis : basisTable)
          names.push_back(basis.spelling);
        why = "'" + std::string(over.substr(0, 40)) +
              "' is nothing to count over" + didYouMean(over, names) +
              " (allowed after '/' or 'per': " + joined(names, "or") + ")";
        return std::nullopt;
      }
      unit = unitNamed(trimmed(rest.substr(0, at)));
      rest = trimmed(rest.substr(0, at));
    }
  }
  if (!unit) {
    std::vector<std::string_view> names = unitNames(dimension);
    why = rest.empty() ? "the unit is missing"
                       : "unknown unit '" + std::string(rest.substr(0, 40)) +
                             "'" + didYouMean(rest, names);
    why += " (allowed: " + joined(names, "or") + ")";
    return std::nullopt;
  }
  quantity.value = number * unit->inCanonical;
  quantity.unit =
      unit->canonical.empty() ? canonicalUnit(dimension) : unit->canonical;
  return quantity;
}

} // namespace hetagon
