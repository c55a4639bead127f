// What every command of hetagon-compile needs: an MLIR context that prints
// diagnostics for people, the models, the devices of this machine, and the last
// steps from a placed module to a trusted plan on disk.
#ifndef HETAGON_TOOLS_HETAGON_COMPILE_SESSION_H
#define HETAGON_TOOLS_HETAGON_COMPILE_SESSION_H

#include "compiler/Emit/EmitPlan.h"
#include "frontend/Devices/Calibration.h"
#include "frontend/Models/ModelRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/base/Json.h"
#include "tools/hetagon-compile/Commands.h"
#include <map>
#include <string>

namespace hetagon::compile {

/// A device half found on this machine, as `hetagon-worker devices` reports it.
struct FoundDevice {
  std::string backend, architecture;
  uint64_t memoryBytes = 0;
  bool onlyWhenAsked = false; ///< computes nothing real
};

class Session {
public:
  Session();
  mlir::MLIRContext &context() { return mlirContext; }

  /// Reads registries and mappings.
  Status addModels(const ModelOptions &options);
  /// Resolves a model id; a path that exists stands for itself.
  StatusOr<std::string> locateModel(const std::string &model) const;

  /// Adds a task.system with the devices of the file `devices` (empty: none)
  /// and those found here, to a module that has none, the one to prefer first.
  /// Devices that compute nothing are there only when a pin names them.
  mlir::LogicalResult addSystem(mlir::ModuleOp module,
                                const std::string &devices,
                                const std::vector<std::string> &pins);

  /// What was measured here; empty when nothing was, or for another processor.
  const Calibration &calibration();
  /// The devices that the worker beside this program finds, asked once.
  StatusOr<std::vector<FoundDevice>> devices();

  /// Fills the module's services from their model files.
  mlir::LogicalResult resolve(mlir::ModuleOp module);
  /// Adds to the system what this machine's calibration knows of the resolved
  /// models, and to steps the sizes expected of them.
  mlir::LogicalResult expectTimes(mlir::ModuleOp module);
  /// Lowers, emits, writes `output`, and records the plan as trusted: this
  /// user's compiler wrote it. Links artefacts into the cache, so that a worker
  /// finds them by digest. Prints a summary.
  mlir::LogicalResult finish(mlir::ModuleOp module, const std::string &output,
                             std::optional<Digest> flowDigest, bool json);

  /// Path of each artefact this session resolved, by id.
  std::map<std::string, std::string> &files() { return artefactFiles; }
  /// SHA-256 of a file, remembered between runs.
  StatusOr<Digest> digestOf(const std::string &path);

private:
  void addProfile(mlir::OpBuilder &builder, task::DeviceOp device,
                  task::ArtefactOp weights);

  mlir::MLIRContext mlirContext;
  ModelRegistry registry;
  std::map<std::string, std::string> artefactFiles;
  std::optional<std::vector<FoundDevice>> found;
  std::optional<Calibration> measured;
};

/// Name and version of this compiler, with a digest of its program file.
std::string compilerIdentity();

} // namespace hetagon::compile

#endif // HETAGON_TOOLS_HETAGON_COMPILE_SESSION_H
