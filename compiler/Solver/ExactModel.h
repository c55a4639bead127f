// The mixed-integer program of a planning problem (formulation:
// docs/planner.md), in units in which its numbers are small integers.
#ifndef HETAGON_COMPILER_SOLVER_EXACTMODEL_H
#define HETAGON_COMPILER_SOLVER_EXACTMODEL_H

#include "compiler/Solver/Evaluator.h"
#include "compiler/Solver/Filter.h"
#include "compiler/Solver/Milp.h"

namespace hetagon::solver {

class ExactModel {
public:
  /// `horizonUs`: no plan that matters takes longer.
  ExactModel(const Problem &problem, const Filter &filter, Micro horizonUs);

  Milp milp;

  Assignment read(const std::vector<double> &values) const;
  /// The values of all columns for an evaluated assignment.
  std::vector<double> valuesOf(const Assignment &assignment,
                               const Evaluation &evaluation) const;
  /// A lower bound of the program as one on the problem's objective.
  double toObjective(double bound) const;
  /// Excludes one assignment.
  void cutOff(const Assignment &assignment);

private:
  struct Pair {
    uint32_t fromOption, toOption;
    int column;
  };
  struct Ready { ///< the last finish on a device after a task's turn
    uint32_t device, task;
    int column;
  };

  void chooseUnits();
  void addChoices();
  void addEdges();
  void addSums();
  void addTimes();
  void addSlots();
  void addSoft();
  /// sum of factor x column <= limit, integers scaled to be tame.
  void addLimit(std::vector<Milp::Term> terms, int64_t limit);
  std::vector<Milp::Term> sumOf(uint32_t metric) const;
  double time(Micro us) const { return double(us) / timeUnit; }
  /// A limit on a time, so that what keeps it in integers keeps it here.
  double timeLimit(Micro us) const;
  bool usesTime() const;
  bool needsEnd() const;
  Micro overallLimit() const;

  const Problem &problem;
  const Filter &filter;
  Micro horizonUs;
  Micro timeGcd = 1;
  double timeUnit = 1;         ///< microseconds of one unit of time
  double objectiveUnit = 1;    ///< of the problem's objective
  bool wholeObjective = false; ///< its values are integers in that unit
  std::vector<int> choices;    ///< column by option, or -1
  std::vector<std::vector<Pair>> pairs; ///< by edge; empty: transfers are free
  std::vector<int> finishes;            ///< column by task
  std::vector<Ready> readies;
  std::vector<std::pair<uint32_t, int>> softs; ///< requirement, column
  int end = -1;                                ///< column of the latency
};

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_EXACTMODEL_H
