// The closed table of what can be demanded of a workflow, and the units in
// which it is said. docs/requirements.md explains each row.
#ifndef HETAGON_FRONTEND_REQUIREMENTS_METRICS_H
#define HETAGON_FRONTEND_REQUIREMENTS_METRICS_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

enum class Dimension : uint8_t {
  Time,    ///< canonical unit ms
  Money,   ///< usd
  Energy,  ///< J
  Carbon,  ///< g CO2e
  Rate,    ///< tok/s or run/s
  Ratio,   ///< a number from 0 to 1
  Level,   ///< a word of an ordered list
  WordSet, ///< a set of words of which one must hold
};

struct Metric {
  std::string_view name;
  Dimension dimension;
  /// The side on which the limit lies: max for what should be small. WordSet
  /// metrics use `allow` instead.
  bool isMax;
  /// What the number is counted over when the unit does not say: "run".
  std::string_view basis;
  /// Bases that a unit may name after "/" or "per".
  std::vector<std::string_view> bases;
  /// Whether `at` (a percentile) makes sense.
  bool distributed;
  /// The events of a value between which it is measured, for `on`; empty when
  /// it does not belong to a value.
  std::string_view event;
  /// For Level: the words, weakest first.
  std::vector<std::string_view> levels;
  std::string_view meaning;
};

const std::vector<Metric> &metricTable();
const Metric *findMetric(std::string_view name);
std::vector<std::string_view> metricNames();

/// A number with its unit, converted to the dimension's canonical unit.
struct Quantity {
  double value = 0;
  std::string unit;
  /// What it is counted over ("run", "token", "hour"); empty when not said.
  std::string basis;
};

/// Reads "800 ms", "0.005 usd/token", "90 %", "3 kWh per hour". On failure
/// nothing is returned and `why` says what was found and what is allowed.
std::optional<Quantity> parseQuantity(std::string_view text,
                                      Dimension dimension, std::string &why);

/// The units a dimension knows, for messages: "us, ms, s, ...".
std::vector<std::string_view> unitNames(Dimension dimension);
/// The unit in which limits of the dimension are kept.
std::string_view canonicalUnit(Dimension dimension);

} // namespace hetagon

#endif // HETAGON_FRONTEND_REQUIREMENTS_METRICS_H
