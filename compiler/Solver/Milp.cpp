// HiGHS behind Milp.
#include "compiler/Solver/Milp.h"
#include <interfaces/highs_c_api.h>

namespace hetagon::solver {

Milp::Milp() : highs(Highs_create()) {
  Highs_setBoolOptionValue(highs, "output_flag", 0);
  Highs_setIntOptionValue(highs, "threads", 1);
  Highs_setStringOptionValue(highs, "parallel", "off");
  Highs_setIntOptionValue(highs, "random_seed", 1);
  Highs_setDoubleOptionValue(highs, "mip_rel_gap", 0);
  Highs_setDoubleOptionValue(highs, "mip_abs_gap", 0);
  Highs_setDoubleOptionValue(highs, "mip_feasibility_tolerance", 1e-7);
  Highs_setDoubleOptionValue(highs, "primal_feasibility_tolerance", 1e-8);
}

Milp::~Milp() { Highs_destroy(highs); }

int Milp::addColumn(double cost, double lower, double upper, Kind kind) {
  costs.push_back(cost);
  lowers.push_back(lower);
  uppers.push_back(upper);
  kinds.push_back(kind == Kind::Continuous ? kHighsVarTypeContinuous
                  : kind == Kind::Integer  ? kHighsVarTypeInteger
                                           : kHighsVarTypeImplicitInteger);
  return int(costs.size()) - 1;
}

void Milp::addRow(double lower, double upper, std::span<const Term> terms) {
  std::vector<int32_t> rowIndices;
  std::vector<double> rowFactors;
  for (const Term &term : terms) {
    rowIndices.push_back(term.column);
    rowFactors.push_back(term.factor);
  }
  if (passed) {
    Highs_addRow(highs, lower, upper, HighsInt(rowIndices.size()),
                 rowIndices.data(), rowFactors.data());
    return;
  }
  rowStarts.push_back(int32_t(indices.size()));
  rowLowers.push_back(lower);
  rowUppers.push_back(upper);
  indices.insert(indices.end(), rowIndices.begin(), rowIndices.end());
  factors.insert(factors.end(), rowFactors.begin(), rowFactors.end());
}

void Milp::pass() {
  static_assert(sizeof(HighsInt) == sizeof(int32_t));
  Highs_passMip(highs, HighsInt(costs.size()), HighsInt(rowLowers.size()),
                HighsInt(indices.size()), kHighsMatrixFormatRowwise,
                kHighsObjSenseMinimize, 0, costs.data(), lowers.data(),
                uppers.data(), rowLowers.data(), rowUppers.data(),
                rowStarts.data(), indices.data(), factors.data(), kinds.data());
  passed = true;
}

Milp::Result Milp::solve(double seconds, const std::vector<double> &start) {
  if (!passed)
    pass();
  // HiGHS counts the time of all runs of one instance.
  Highs_zeroAllClocks(highs);
  Highs_setDoubleOptionValue(highs, "time_limit", seconds > 0 ? seconds : 0);
  if (!start.empty())
    Highs_setSolution(highs, start.data(), nullptr, nullptr, nullptr);
  Result result;
  if (Highs_run(highs) == kHighsStatusError)
    return result;
  HighsInt status = Highs_getModelStatus(highs);
  Highs_getDoubleInfoValue(highs, "mip_dual_bound", &result.bound);
  HighsInt primal = 0;
  Highs_getIntInfoValue(highs, "primal_solution_status", &primal);
  if (primal == kHighsSolutionStatusFeasible) {
    result.values.resize(costs.size());
    std::vector<double> duals(costs.size());
    std::vector<double> rows(size_t(Highs_getNumRow(highs)));
    std::vector<double> rowDuals(rows.size());
    Highs_getSolution(highs, result.values.data(), duals.data(), rows.data(),
                      rowDuals.data());
  }
  result.status = status == kHighsModelStatusOptimal ? Result::Status::Optimal
                  : status == kHighsModelStatusInfeasible
                      ? Result::Status::Infeasible
                      : Result::Status::Stopped;
  return result;
}

} // namespace hetagon::solver
