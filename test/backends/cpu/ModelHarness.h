// A whole model on one backend: described, imported, lowered and loaded as the
// compiler and the worker do, without a plan file between.
#ifndef HETAGON_TEST_BACKENDS_CPU_MODELHARNESS_H
#define HETAGON_TEST_BACKENDS_CPU_MODELHARNESS_H

#include "mlir/IR/MLIRContext.h"
#include "runtime/exec/ProgramRunner.h"
#include "runtime/sched/HostExecutor.h"

namespace hetagon::cpu {

class LoadedModel {
public:
  /// Aborts the program on failure. `kvPages` is 0 for an encoder.
  LoadedModel(const std::string &modelPath, const std::string &backend,
              uint32_t workers, uint32_t maxRows, uint32_t kvPages,
              const std::string &kvFormat = "f32");

  const plan::fb::ServiceT &service() const { return *description; }
  ProgramRunner &runner() { return *program; }
  double lowerSeconds = 0, loadSeconds = 0;

  /// One ragged batch of a decoder. Sequence s owns the pages from
  /// s * pagesPerSequence on. Returns the logits of `outRows`.
  std::vector<float> decode(const std::vector<int32_t> &tokens,
                            const std::vector<int32_t> &positions,
                            const std::vector<int32_t> &rowSeq,
                            const std::vector<int32_t> &outRows,
                            int32_t sequences);
  /// Embeddings of packed texts.
  std::vector<float> embed(const std::vector<std::vector<int32_t>> &texts);
  int32_t pagesPerSequence = 16;

private:
  HostExecutor executor;
  std::shared_ptr<plan::fb::ServiceT> description;
  std::vector<std::vector<uint8_t>> sections;
  std::shared_ptr<ServiceInstance> instance;
  std::unique_ptr<ProgramRunner> program;
};

} // namespace hetagon::cpu

#endif // HETAGON_TEST_BACKENDS_CPU_MODELHARNESS_H
