// Simulation: the number of a draw and of a task give its random number, so
// that two assignments are compared on the same luck.
#include "compiler/Solver/Simulation.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace hetagon::solver {

namespace {

uint64_t mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// A standard normal number (Box and Muller).
double normal(uint32_t draw, uint32_t task) {
  uint64_t bits = mix(mix(uint64_t(draw) << 32 | task));
  double first = (double(bits >> 32) + 1) / 4294967297.0;
  double second = double(bits & 0xFFFFFFFFu) / 4294967296.0;
  return std::sqrt(-2 * std::log(first)) *
         std::cos(2 * std::numbers::pi * second);
}

} // namespace

Simulation::Simulation(const Problem &problem, const Assignment &assignment) {
  targets = {none};
  for (const Requirement &one : problem.requirements)
    if (one.task != none)
      targets.push_back(one.task);
  samples.resize(targets.size());
  bool constant =
      std::all_of(assignment.begin(), assignment.end(), [&](uint32_t option) {
        return problem.options[option].sigma == 0;
      });
  uint32_t end = constant ? 1 : leastDraws;
  do {
    draw(problem, assignment, end);
    end *= 2;
  } while (!constant && end <= mostDraws && !settled(problem));
}

void Simulation::draw(const Problem &problem, const Assignment &assignment,
                      uint32_t end) {
  Evaluator evaluator(problem);
  std::vector<Micro> times(assignment.size());
  for (; count < end; ++count) {
    for (uint32_t t = 0; t < times.size(); ++t) {
      const Option &option = problem.options[assignment[t]];
      times[t] = option.timeUs;
      if (option.sigma > 0)
        times[t] = std::llround(double(option.timeUs) *
                                std::exp(option.sigma * normal(count, t)));
    }
    const Evaluation &result = evaluator.schedule(assignment, times);
    for (size_t i = 0; i < targets.size(); ++i)
      samples[i].push_back(targets[i] == none ? result.latencyUs
                                              : result.finishUs[targets[i]]);
  }
  for (std::vector<Micro> &one : samples)
    std::sort(one.begin(), one.end());
}

Percentile Simulation::at(double percent, uint32_t task) const {
  size_t target =
      size_t(std::find(targets.begin(), targets.end(), task) - targets.begin());
  const std::vector<Micro> &sorted = samples[target];
  double share = percent / 100, n = double(count);
  double spread = 1.96 * std::sqrt(n * share * (1 - share));
  auto rank = [&](double at) {
    return sorted[size_t(std::clamp(std::ceil(at) - 1, 0.0, n - 1))];
  };
  Micro half = (rank(n * share + spread) - rank(n * share - spread) + 1) / 2;
  return {percent, rank(n * share), half};
}

bool Simulation::settled(const Problem &problem) const {
  auto narrow = [&](double percent, uint32_t task) {
    Percentile one = at(percent, task);
    return double(one.halfWidthUs) <= 0.01 * double(one.valueUs);
  };
  bool all = narrow(50, none) && narrow(95, none);
  for (const Requirement &one : problem.requirements)
    if (one.percentile > 0)
      all &= narrow(one.percentile, one.task);
  return all;
}

bool confirms(const Problem &problem, const Simulation &simulation) {
  return std::all_of(problem.requirements.begin(), problem.requirements.end(),
                     [&](const Requirement &one) {
                       if (one.percentile == 0 || !one.hard)
                         return true;
                       Percentile found =
                           simulation.at(one.percentile, one.task);
                       return found.valueUs + found.halfWidthUs <= one.limit;
                     });
}

} // namespace hetagon::solver
