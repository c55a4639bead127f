// Runs a loaded service's step program: writes inputs, submits recorded
// commands, waits, reads outputs.
#ifndef HETAGON_RUNTIME_EXEC_PROGRAMRUNNER_H
#define HETAGON_RUNTIME_EXEC_PROGRAMRUNNER_H

#include "runtime/exec/ServiceInstance.h"
#include "runtime/memory/PageTable.h"
#include <list>
#include <map>

namespace hetagon {

/// Counts of a runner's own work, for tests and explain.
struct RunnerCounts {
  uint64_t steps = 0;      ///< submissions of the step program
  uint64_t recordings = 0; ///< command buffers recorded
};

/// Drives one ServiceInstance from one thread. Works through write, read and
/// submit only, so that the device may have its own address space. Command
/// buffers are kept by symbol values (the last 32), so that steps of a size
/// seen before are not recorded again.
class ProgramRunner {
public:
  static StatusOr<std::unique_ptr<ProgramRunner>>
  create(std::shared_ptr<ServiceInstance> service);

  /// A submission that never ended keeps its memory for the life of the
  /// process: the device may still write to it.
  ~ProgramRunner();

  const ServiceInstance &service() const { return *instance; }

  struct Input {
    std::string_view name;
    std::span<const uint8_t> bytes;
  };
  struct Output {
    std::string_view name;
    std::span<uint8_t> bytes;
  };
  /// One submission. rows, seqs and outs come from `symbols` and must lie in
  /// [1, limits()]; maxPages and pages are the service's. Each input must have
  /// exactly the size that the symbols give it. An input that the program does
  /// not have is skipped (a program need not use every argument); an input of
  /// the program that is missing here, or a missing output, is an error.
  Status run(const SymbolValues &symbols, std::span<const Input> inputs,
             std::span<const Output> outputs);

  /// Copies whole pages of the KV pool; done when it returns.
  Status copyPages(std::span<const PageCopy> copies);

  const RunnerCounts &counts() const { return count; }

private:
  struct Recorded {
    SymbolValues symbols;
    Commands commands;
  };
  using RecordedList = std::list<Recorded>;

  explicit ProgramRunner(std::shared_ptr<ServiceInstance> service)
      : instance(std::move(service)) {}
  StatusOr<const Commands *> commandsFor(const SymbolValues &symbols);
  Status submitAndWait(const Commands &commands);
  Status renewQueue();

  std::shared_ptr<ServiceInstance> instance;
  Queue queue;
  Fence fence;
  uint64_t fenceValue = 0;
  RecordedList recorded; ///< most recently used first
  std::map<SymbolValues, RecordedList::iterator> bySymbols;
  RunnerCounts count;
  Status stuck; ///< why nothing more can run: a submission did not end
};

/// Bytes of a vector of plain values, for Input and Output.
template <typename T>
std::span<const uint8_t> bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const uint8_t *>(values.data()),
          values.size() * sizeof(T)};
}
template <typename T> std::span<uint8_t> bytesOf(std::vector<T> &values) {
  return {reinterpret_cast<uint8_t *>(values.data()),
          values.size() * sizeof(T)};
}

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_PROGRAMRUNNER_H
