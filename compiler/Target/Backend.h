// The compiler's half of a backend: what a plugin implements to lower tensor
// programs for its devices.
#ifndef HETAGON_COMPILER_TARGET_BACKEND_H
#define HETAGON_COMPILER_TARGET_BACKEND_H

#include "compiler/Target/ProgramBuilder.h"
#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace hetagon::target {

/// What is known of the device to lower for. `architecture` is the device
/// half's own word for what executables must be made for
/// (hetagon_device_info.architecture).
struct DeviceTarget {
  std::string id;
  std::string architecture;
};

/// Lowers the program of one service at a time. Implementations keep no state
/// between calls; the compiler may call them from several threads on different
/// contexts.
class Backend {
public:
  virtual ~Backend();
  /// The name in plans, in `--pin NODE=DEVICE` and of the device half.
  virtual llvm::StringRef name() const = 0;
  /// Dialects and extensions that lowering uses beyond those of Hetagon.
  virtual void registerDialects(mlir::DialectRegistry &registry) const {}
  /// Appends to `builder` everything that runs `step` on `target`. On failure a
  /// diagnostic has been emitted at the op that could not be lowered.
  virtual mlir::LogicalResult lower(nn::FuncOp step, const DeviceTarget &target,
                                    ProgramBuilder &builder) = 0;
};

/// Raised with every incompatible change of this header or of ProgramBuilder.h.
inline constexpr uint32_t backendAbiVersion = 1;

/// What a plugin's entry point returns; static storage.
struct BackendPlugin {
  uint32_t abiVersion;
  const char *llvmVersion; // LLVM_VERSION_STRING of the plugin's build; must
                           // equal the compiler's
  const char *name;
  std::unique_ptr<Backend> (*create)();
};

/// extern "C" const BackendPlugin *hetagonGetBackendPlugin();
inline constexpr const char *backendEntryPoint = "hetagonGetBackendPlugin";

/// Loads `hetagon-lowering-NAME.so` from the first directory that has it:
/// $HETAGON_LOWERING_PATH (colon-separated), then lib/hetagon/lowering beside
/// the running program's prefix. The error names what was found and where it
/// was looked for.
llvm::Expected<std::unique_ptr<Backend>> loadBackend(llvm::StringRef name);

} // namespace hetagon::target

#endif // HETAGON_COMPILER_TARGET_BACKEND_H
