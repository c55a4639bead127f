// A planning problem: which device runs each task, at the least cost, so that
// every requirement holds. Plain data in integers; knows neither where it came
// from nor how it is solved. Rules and formulation: docs/planner.md.
#ifndef HETAGON_COMPILER_SOLVER_PROBLEM_H
#define HETAGON_COMPILER_SOLVER_PROBLEM_H

#include "runtime/base/Status.h"
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hetagon::solver {

/// Microseconds, micro-dollars, or millionths of another metric's unit.
using Micro = int64_t;
constexpr uint32_t none = UINT32_MAX;
/// What all times, costs or amounts of a problem may add up to: doubles hold
/// every integer up to here exactly.
constexpr double largestSum = 4e15;

struct Device {
  std::string id;
  uint32_t concurrency = 0; ///< slots; 0: as many as there are tasks
};

/// What an option takes of a capacity.
struct Use {
  uint32_t capacity = 0;
  int64_t amount = 0;
};

/// One way of running a task. No two options of a task name one device.
struct Option {
  uint32_t device = 0;
  uint32_t firstUse = 0, endUse = 0; ///< in Problem::uses
  Micro timeUs = 0;                  ///< the median where sigma is not 0
  /// Standard deviation of the time's logarithm; 0: the time is constant.
  double sigma = 0;
};

struct Task {
  std::string id;
  uint32_t firstOption = 0, endOption = 0; ///< in Problem::options
};

/// A sum over all tasks placed on the device, whatever the time. Amounts are
/// integers of 10^-decimals of the resource's unit.
struct Capacity {
  uint32_t device = 0;
  std::string resource;
  int64_t limit = 0;
  int decimals = 0;
};

struct Transfer {
  Micro timeUs = 0, cost = 0;
  bool allowed = true;
};

/// An entry that an edge has of its own; stands before the link.
struct OwnTransfer {
  uint32_t from = 0, to = 0;
  Micro timeUs = 0, cost = 0;
};

struct Link {
  bool present = false;
  double latencyMs = 0;
  double gbPerSecond = 0; ///< 0: no limit
  double dollarsPerGb = 0;
};

struct Edge {
  uint32_t from = 0, to = 0; ///< tasks
  double bytes = 0;
  std::vector<OwnTransfer> transfers; ///< sorted by (from, to) by prepare()
  /// A pair of devices without entry and link is free instead of forbidden;
  /// how conflict analysis takes the edge out.
  bool lenient = false;
};

/// An upper limit on a metric.
struct Requirement {
  uint32_t id = 0; ///< its place in the user's list
  /// none: latency; else an index into Problem::metrics.
  uint32_t metric = none;
  Micro limit = 0;
  bool hard = true;
  double weight = 1; ///< of a soft one
  /// Latency only: the percentile (50 to 99.9) that is limited; 0: the latency
  /// with every time at its median.
  double percentile = 0;
  /// Latency only: the task whose end is limited; none: the last end of all.
  uint32_t task = none;
};

/// Minimised: latency and amounts, each with its weight per micro-unit. A
/// plain metric has weight 1, so that values stay integers.
struct Objective {
  double latencyWeight = 0;
  std::vector<double> weights; ///< by metric
  /// What a soft requirement's penalty is measured in; set by plan().
  double penaltyUnit = 0;
  /// The user's unit for a best value of 0, in the objective's own.
  std::optional<double> statedScale;
};

/// The index of the chosen option, by task.
using Assignment = std::vector<uint32_t>;

struct Problem {
  std::vector<Device> devices;
  std::vector<Task> tasks;
  std::vector<Option> options;
  std::vector<Use> uses;
  /// Additive metrics; the first is "cost" and includes transfers.
  std::vector<std::string> metrics = {"cost"};
  std::vector<Micro> amounts; ///< options x metrics
  std::vector<Edge> edges;
  std::vector<Link> links; ///< devices x devices, or empty
  std::vector<Capacity> capacities;
  std::vector<Requirement> requirements;
  Objective objective;

  /// Derives what follows. InvalidArgument for a cycle (with its tasks),
  /// OutOfRange where sums would not fit.
  Status prepare();

  /// The tasks in topological order, the least index first among those ready.
  std::vector<uint32_t> order;
  /// Incoming edges of task t: inEdges[inFirst[t]] up to inEdges[inFirst[t+1]].
  std::vector<uint32_t> inFirst, inEdges, outFirst, outEdges;

  std::span<const uint32_t> incoming(uint32_t task) const {
    return {&inEdges[inFirst[task]], inFirst[task + 1] - inFirst[task]};
  }
  std::span<const uint32_t> outgoing(uint32_t task) const {
    return {&outEdges[outFirst[task]], outFirst[task + 1] - outFirst[task]};
  }
  /// The task's option on the device, or none.
  uint32_t optionOn(uint32_t task, uint32_t device) const {
    return optionTable[size_t(task) * devices.size() + device];
  }
  Micro amount(uint32_t option, uint32_t metric) const {
    return amounts[size_t(option) * metrics.size() + metric];
  }
  /// The transfer over an edge between two devices.
  Transfer transfer(uint32_t edge, uint32_t from, uint32_t to) const {
    if (from == to)
      return {};
    if (!transferTable.empty())
      return transferTable[(size_t(edge) * devices.size() + from) *
                               devices.size() +
                           to];
    return computeTransfer(edge, from, to);
  }
  /// A further metric, 0 for every option so far.
  uint32_t addMetric(std::string name);
  void setAmount(uint32_t option, uint32_t metric, Micro amount) {
    amounts[size_t(option) * metrics.size() + metric] = amount;
  }
  bool hasConcurrency() const;
  /// Slots of a device that may bind; 0 when there are as many as tasks.
  uint32_t slots(uint32_t device) const {
    uint32_t slots = devices[device].concurrency;
    return slots >= tasks.size() ? 0 : slots;
  }
  bool hasPercentiles() const;
  /// Whether the objective is one metric, so that its values are integers.
  bool plainObjective() const;

private:
  Transfer computeTransfer(uint32_t edge, uint32_t from, uint32_t to) const;
  Status sortTasks();
  Status checkSums() const;

  std::vector<uint32_t> optionTable;   ///< tasks x devices
  std::vector<Transfer> transferTable; ///< edges x devices^2 when that is small
};

/// Rounds to millionths, halves up. Beyond 9e12, far above what prepare()
/// accepts, the value is cut.
Micro toMicro(double value);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_PROBLEM_H
