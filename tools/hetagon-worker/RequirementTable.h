// What every run ends with: each requirement of the plan, predicted and
// measured.
#ifndef HETAGON_TOOLS_HETAGON_WORKER_REQUIREMENTTABLE_H
#define HETAGON_TOOLS_HETAGON_WORKER_REQUIREMENTTABLE_H

#include "runtime/exec/GraphRunner.h"

namespace hetagon::worker {

struct RequirementRow {
  const plan::fb::RequirementT *requirement;
  std::optional<double> predicted; ///< in the requirement's unit
  std::string rung;                ///< of the prediction; "unknown" without one
  std::optional<double> measured;  ///< in the requirement's unit
  /// "met", "missed", or "not observable": nothing here can measure it.
  std::string verdict;
};

/// One row for each requirement, in the plan's order. A single run stands for
/// any percentile; that is said where the table is printed.
std::vector<RequirementRow> judgeRequirements(const plan::fb::PlanT &plan,
                                              const RunResult &result);

Json toJson(const std::vector<RequirementRow> &rows);
std::string print(const std::vector<RequirementRow> &rows);
/// Whether a hard requirement was missed.
bool missedHard(const std::vector<RequirementRow> &rows);

} // namespace hetagon::worker

#endif // HETAGON_TOOLS_HETAGON_WORKER_REQUIREMENTTABLE_H
