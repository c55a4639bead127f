// Brute force with an evaluator of its own: shares no code with the one under
// test and works differently. Tests only.
#ifndef HETAGON_TEST_COMPILER_SOLVER_ORACLE_H
#define HETAGON_TEST_COMPILER_SOLVER_ORACLE_H

#include "compiler/Solver/Problem.h"

namespace hetagon::test {

struct OracleValue {
  bool feasible = false;
  int64_t latencyUs = 0, cost = 0;
  double objective = 0;
};

/// Devices by task. Concurrency 1, none or more; hard requirements.
class Oracle {
public:
  explicit Oracle(const solver::Problem &problem);
  OracleValue evaluate(const std::vector<uint32_t> &options) const;
  /// The best of all assignments; not feasible when none is.
  OracleValue best() const;
  /// Whether the best would be better without the hard limits.
  bool limitsBind() const { return bind; }

private:
  const solver::Problem &problem;
  std::vector<uint32_t> order;
  mutable bool bind = false;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_COMPILER_SOLVER_ORACLE_H
