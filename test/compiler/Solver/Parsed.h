// Problems of tests, from texts.
#ifndef HETAGON_TEST_COMPILER_SOLVER_PARSED_H
#define HETAGON_TEST_COMPILER_SOLVER_PARSED_H

#include "frontend/Problems/Problems.h"
#include "test/compiler/Solver/Instances.h"
#include <gtest/gtest.h>

namespace hetagon::test {

inline solver::Problem parsed(const std::string &text) {
  Diagnostics diagnostics;
  std::optional<solver::Problem> problem =
      parseProblem(text, "problem.json", diagnostics);
  EXPECT_TRUE(problem) << diagnostics.str();
  return problem ? std::move(*problem) : solver::Problem();
}

inline solver::Problem parsed(const InstanceShape &shape) {
  return parsed(randomInstance(shape));
}

} // namespace hetagon::test

#endif // HETAGON_TEST_COMPILER_SOLVER_PARSED_H
