// Gathers the buffers, executables and commands into which a backend lowers the
// program of one service.
#ifndef HETAGON_COMPILER_TARGET_PROGRAMBUILDER_H
#define HETAGON_COMPILER_TARGET_PROGRAMBUILDER_H

#include "dialects/Nn/IR/Nn.h"
#include "mlir/IR/Value.h"
#include "runtime/plan/plan_generated.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hetagon::target {

/// One dimension of a buffer: a fixed size, or a run-time symbol when `symbol`
/// is not empty.
struct BufferDim {
  int64_t size = 0;
  std::string symbol;
};

/// A constant argument of a dispatch: a fixed value, or the symbol's value at
/// submission.
struct DispatchConstant {
  int64_t value = 0;
  std::string symbol;
};

/// Strong indices into the service under construction.
enum class BufferId : uint32_t {};
enum class ExecutableId : uint32_t {};

/// Not thread-safe; one per service.
class ProgramBuilder {
public:
  /// `artefact` is the plan's index of the weights that nn.weight refers to.
  explicit ProgramBuilder(uint32_t artefact) : artefact(artefact) {}

  /// The buffer that holds `value`, made on first use from what defines it:
  /// block argument -> input or kv, nn.weight -> weight, nn.constant ->
  /// constant, operand of nn.return -> output, kv handles -> the one kv buffer,
  /// anything else -> transient. Two nn.weight of one tensor share a buffer.
  BufferId bufferOf(mlir::Value value);
  /// Lets `value` live in `buffer` (in-place ops, fusions). Must precede
  /// bufferOf(value).
  void alias(mlir::Value value, BufferId buffer);
  /// Memory of the service's own, filled by load commands.
  BufferId addPersistent(llvm::StringRef layout, uint64_t bytes);
  /// Memory that lives within one submission, for intermediate results that are
  /// no nn value.
  BufferId addTransient(std::vector<BufferDim> dims, uint32_t elementBytes,
                        llvm::StringRef format);
  /// Bytes that travel in the plan.
  BufferId addConstant(std::vector<uint8_t> bytes, std::vector<BufferDim> dims,
                       uint32_t elementBytes, llvm::StringRef format);
  /// The symbol of the value's leading run-time dimension ("rows"); empty when
  /// it is static.
  std::string leadingSymbol(mlir::Value value) const;

  /// Reserves an executable, so that commands can name it before its code
  /// exists.
  ExecutableId declareExecutable();
  /// Gives a declared executable its payload. `entries` names all its entries.
  void defineExecutable(ExecutableId id, llvm::StringRef backend,
                        llvm::StringRef format, std::vector<uint8_t> payload,
                        std::vector<std::string> entries,
                        std::vector<std::string> features);

  /// Runs once, after the buffers exist. `note` says what it does, for explain
  /// and errors.
  void addLoadCommand(ExecutableId executable, llvm::StringRef entry,
                      llvm::ArrayRef<BufferId> bindings,
                      llvm::ArrayRef<DispatchConstant> constants,
                      llvm::StringRef note);
  /// Runs in every submission, in the order of the calls.
  void addCommand(ExecutableId executable, llvm::StringRef entry,
                  llvm::ArrayRef<BufferId> bindings,
                  llvm::ArrayRef<DispatchConstant> constants,
                  llvm::StringRef note);

  /// Assigns memory slots to transients by liveness over the step program and
  /// moves everything into `service`; payloads and constants are appended to
  /// `sections`, whose indices the service then holds. Ends the builder's use.
  void finish(plan::fb::ServiceT &service,
              std::vector<std::vector<uint8_t>> &sections);

private:
  BufferId add(plan::fb::BufferT buffer);
  plan::fb::BufferT describe(mlir::Value value);
  void assignSlots();

  uint32_t artefact;
  llvm::DenseMap<mlir::Value, BufferId> buffers;
  llvm::StringMap<BufferId> weights; // by name, type and row
  std::optional<BufferId> kv;
  std::vector<plan::fb::BufferT> bufferList;
  // Bytes of constant buffers, indexed by BufferT::section until finish.
  std::vector<std::vector<uint8_t>> constants;
  std::vector<std::unique_ptr<plan::fb::ExecutableT>> executables;
  std::vector<std::vector<uint8_t>> payloads;
  std::vector<std::unique_ptr<plan::fb::CommandT>> loadCommands, stepCommands;
};

/// Fills the fields of `service` that the program's type decides: kind, kv,
/// vocabulary or embedding_size.
void describeService(nn::FuncOp step, plan::fb::ServiceT &service);

/// What every lowering needs of a program beyond its verifier: each result is
/// computed by an operation of its own (a returned argument, weight or constant
/// would need a copy). Emits a diagnostic on failure.
mlir::LogicalResult verifyLowerable(nn::FuncOp step);

} // namespace hetagon::target

#endif // HETAGON_COMPILER_TARGET_PROGRAMBUILDER_H
