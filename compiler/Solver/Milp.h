// A mixed-integer program, solved by HiGHS through its C interface: the wheel
// that carries it was built with the old ABI of C++'s strings, so that nothing
// but C links. The one file that includes HiGHS is Milp.cpp.
#ifndef HETAGON_COMPILER_SOLVER_MILP_H
#define HETAGON_COMPILER_SOLVER_MILP_H

#include <cstdint>
#include <span>
#include <vector>

namespace hetagon::solver {

class Milp {
public:
  static constexpr double infinity = 1e30;
  struct Term {
    int column;
    double factor;
  };
  enum class Kind { Continuous, Integer, ImpliedInteger };
  struct Result {
    enum class Status { Optimal, Infeasible, Stopped, Failed };
    Status status = Status::Failed;
    std::vector<double> values; ///< by column; empty when none were found
    double bound = -infinity;   ///< no solution has a lower objective
  };

  Milp();
  ~Milp();
  Milp(const Milp &) = delete;
  Milp &operator=(const Milp &) = delete;

  /// Minimised. Columns and rows may be added until the first solve, rows
  /// after it too.
  int addColumn(double cost, double lower, double upper, Kind kind);
  void addRow(double lower, double upper, std::span<const Term> terms);

  /// Gaps are 0, one thread, one seed. `start` holds a value per column, or is
  /// empty.
  Result solve(double seconds, const std::vector<double> &start);

  size_t columns() const { return costs.size(); }

private:
  void pass();

  void *highs;
  bool passed = false;
  std::vector<double> costs, lowers, uppers;
  std::vector<int32_t> kinds;
  std::vector<double> rowLowers, rowUppers, factors;
  std::vector<int32_t> rowStarts, indices;
};

} // namespace hetagon::solver

#endif // HETAGON_COMPILER_SOLVER_MILP_H
