// Plans of the example's models, compiled by the built hetagon-compile and
// opened in the test's process, so that tests see logits and can form batches.
#ifndef HETAGON_TEST_E2E_PLANFIXTURE_H
#define HETAGON_TEST_E2E_PLANFIXTURE_H

#include "runtime/exec/PlanRuntime.h"
#include <string>

namespace hetagon::test {

/// The GGUF file or folder of a model in the Python environment; empty when it
/// is not installed.
std::string modelPath(const std::string &package);

/// Compiles the model for a backend into the test's folder (once a process) and
/// opens the plan with `threads` compute threads.
std::unique_ptr<PlanRuntime> openModel(const std::string &model,
                                       const std::string &backend,
                                       uint32_t threads = 0,
                                       uint32_t chunkTokens = 0);

/// Compiles a flow with the built `hetagon`, the example's models mapped, into
/// `plan`; the words are further options. False after a failure, with what was
/// printed.
bool compileFlow(const std::string &flow, const std::string &plan,
                 const std::string &words, std::string &printed);
/// Opens a plan file. Tool commands are approved.
std::unique_ptr<PlanRuntime> openPlan(const std::string &plan);
/// A folder of this process's own, removed at its end; also its configuration
/// and cache.
const std::string &testFolder();

/// One line of the golden file of test/data/models.
struct GoldenPrompt {
  std::string prompt;
  std::vector<int32_t> promptTokens, tokens;
};
std::vector<GoldenPrompt> goldenPrompts();

} // namespace hetagon::test

#endif // HETAGON_TEST_E2E_PLANFIXTURE_H
