// End-to-end percentiles of an assignment whose times are distributed: a
// lognormal through p50 and p95, independent between tasks, drawn with a fixed
// seed and scheduled as the evaluator does.
#ifndef HETAGON_COMPILER_SOLVER_SIMULATION_H
#define HETAGON_COMPILER_SOLVER_SIMULATION_H

#include "compiler/Solver/Evaluator.h"

namespace hetagon::solver {

struct Percentile {
  double percent = 0;
  Micro valueUs = 0;
  /// Half of the interval that holds the true value with 95 % confidence.
  Micro halfWidthUs = 0;
};

class Simulation {
public:
  static constexpr uint32_t leastDraws = 100'000, mostDraws = 1'600'000;

  /// Draws at least `leastDraws` times, then goes on until the half-widths of
  /// p50 and p95 and of every percentile that is required are under 1 %.
  Simulation(const Problem &problem, const Assignment &assignment);

  /// Of the end of a task; none: of all.
  Percentile at(double percent, uint32_t task = none) const;
  uint32_t draws() const { return count; }

private:
  void draw(const Problem &problem, const Assignment &assignment, uint32_t end);
  bool settled(const Problem &problem) const;

  uint32_t count = 0;
  std::vector<uint32_t> targets;           ///< none, and tasks with limits
  std::vector<std::vector<Micro>> samples; ///< by target, sorted
};

/// Whether every hard percentile requirement holds with its half-width.
bool confirms(const Problem &problem, const Simulation &simulation);

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_SIMULATION_H
