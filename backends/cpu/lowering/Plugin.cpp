// The plugin entry of the cpu backend's lowering half.
#include "backends/cpu/lowering/Lowering.h"

namespace {
class CpuBackend final : public hetagon::target::Backend {
public:
  llvm::StringRef name() const override { return "cpu"; }
  mlir::LogicalResult lower(hetagon::nn::FuncOp step,
                            const hetagon::target::DeviceTarget &target,
                            hetagon::target::ProgramBuilder &builder) override {
    return hetagon::cpu::lowerProgram(step, target, builder);
  }
};
} // namespace

extern "C" const hetagon::target::BackendPlugin *hetagonGetBackendPlugin();
const hetagon::target::BackendPlugin *hetagonGetBackendPlugin() {
  static const hetagon::target::BackendPlugin plugin{
      hetagon::target::backendAbiVersion, LLVM_VERSION_STRING, "cpu",
      []() -> std::unique_ptr<hetagon::target::Backend> {
        return std::make_unique<CpuBackend>();
      }};
  return &plugin;
}
