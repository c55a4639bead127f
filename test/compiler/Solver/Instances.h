// Random planning problems as JSON texts, for tests and benchmarks. One seed
// gives one text.
#ifndef HETAGON_TEST_COMPILER_SOLVER_INSTANCES_H
#define HETAGON_TEST_COMPILER_SOLVER_INSTANCES_H

#include <cstdint>
#include <string>

namespace hetagon::test {

struct InstanceShape {
  enum class Graph { Chain, ForkJoin, Layers, Tree, Random };
  enum class Slots { None, One, Mixed };
  enum class Goal { Cost, Latency, Sum };
  uint32_t tasks = 8, devices = 5;
  Graph graph = Graph::Random;
  Slots slots = Slots::None;
  Goal goal = Goal::Cost;
  /// Share of devices that can run a task, and of pairs of devices with a link.
  double coverage = 0.8, linked = 0.8;
  /// Share of edges with entries of their own.
  double ownTransfers = 0.3;
  /// The room between what is least and what is cheap that the limit leaves;
  /// negative: no limit. Likewise for memory: of what an even spread takes.
  double latencyRoom = 0.4, memoryRoom = 1.3;
  double costRoom = -1;
  uint64_t seed = 1;
};

std::string randomInstance(const InstanceShape &shape);

/// The shape that belongs to a seed of the small family: up to 8 tasks on up
/// to 5 devices, every kind of rule.
InstanceShape smallShape(uint64_t seed, uint32_t tasks = 0,
                         uint32_t devices = 0);

} // namespace hetagon::test

#endif // HETAGON_TEST_COMPILER_SOLVER_INSTANCES_H
