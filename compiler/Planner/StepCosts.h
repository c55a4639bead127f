// What a step takes on a device: the one place where costs, profiles and the
// figures of devices become times and dollars.
#ifndef HETAGON_COMPILER_PLANNER_STEPCOSTS_H
#define HETAGON_COMPILER_PLANNER_STEPCOSTS_H

#include "dialects/Task/IR/Task.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace hetagon {

/// A quantity and how it is known, or why it is not.
struct Estimate {
  double value = 0;
  std::string unknown; ///< empty when it is known
  /// Of all that went into it, the least trustworthy.
  task::Rung rung = task::Rung::Measured;

  static Estimate unknownBecause(const llvm::Twine &why) {
    return {0, why.str(), task::Rung::Unknown};
  }
  bool isKnown() const { return unknown.empty(); }
};

/// Unknown when either is.
Estimate operator+(const Estimate &a, const Estimate &b);
/// The larger of the two; unknown when either is.
Estimate larger(const Estimate &a, const Estimate &b);

/// Answers for one module, as long as it does not change.
class StepCosts {
public:
  explicit StepCosts(mlir::ModuleOp module);

  /// Nanoseconds of one step alone on device `device` (empty: what asks no
  /// service), writing `outputTokens` tokens.
  Estimate time(task::StepOpInterface step, llvm::StringRef device,
                int64_t outputTokens) const;
  /// Dollars of one step alone: what an endpoint asks for its tokens; the
  /// devices of this machine ask nothing.
  Estimate dollars(task::StepOpInterface step, llvm::StringRef device) const;
  /// Tokens that a step is expected to write: its own `task.sizes`, else the
  /// module's, else what it may write at most; 0 for others.
  int64_t outputTokens(mlir::Operation *step) const;
  /// The device that a step's service has been given; empty for none.
  llvm::StringRef deviceOf(task::StepOpInterface step) const;

private:
  Sizes sizesOf(mlir::Operation *step) const;
  Estimate profiled(task::StepOpInterface step, task::ProfileAttr times,
                    const Sizes &sizes) const;
  Estimate roofline(task::StepOpInterface step, llvm::StringRef device,
                    task::CostAttr cost, const Sizes &sizes) const;
  task::ServiceOp serviceOf(task::StepOpInterface step) const;

  mlir::ModuleOp module;
  Sizes sizes;
  llvm::StringMap<task::DeviceOp> devices;
  /// By device and artefact of the weights.
  std::map<std::pair<std::string, std::string>, task::ProfileAttr> profiles;
};

} // namespace hetagon

#endif // HETAGON_COMPILER_PLANNER_STEPCOSTS_H
