// Small plans written in memory for tests of the graph runner and the worker.
#ifndef HETAGON_TEST_RUNTIME_EXEC_GRAPHPLANS_H
#define HETAGON_TEST_RUNTIME_EXEC_GRAPHPLANS_H

#include "runtime/exec/GraphRunner.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hetagon::test {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Sources = std::vector<std::pair<std::string, plan::fb::SourceT>>;

inline plan::fb::SourceT from(int step, uint32_t port = 0) {
  plan::fb::SourceT source;
  source.step = step;
  source.port = port;
  return source;
}
inline plan::fb::SourceT graphInput(uint32_t port = 0) {
  return from(-1, port);
}

/// A plan without graphs; the first that is added is the entry.
plan::fb::PlanT emptyPlan();

/// `inputs` are names and types.
plan::fb::StepGraphT &addGraph(plan::fb::PlanT &plan, const std::string &name,
                               const Pairs &inputs = {});
void addResult(plan::fb::StepGraphT &graph, const std::string &name,
               const std::string &type, plan::fb::SourceT source);
/// Step N stands at flow.yaml:N+1:3, with N counted from 1.
plan::fb::StepT &addStep(plan::fb::StepGraphT &graph, const std::string &name,
                         plan::fb::StepKind kind, const Sources &inputs,
                         const Pairs &outputs, const Pairs &attributes = {});
plan::fb::StepT &addConstant(plan::fb::StepGraphT &graph,
                             const std::string &name, const std::string &type,
                             const std::string &value);
plan::fb::StepT &addRender(plan::fb::StepGraphT &graph, const std::string &name,
                           const Sources &inputs, const std::string &text);
/// A call of a tool of the test's MCP server.
plan::fb::StepT &addTool(plan::fb::PlanT &plan, plan::fb::StepGraphT &graph,
                         const std::string &name, const std::string &tool,
                         const Sources &inputs);
void addEffect(plan::fb::PlanT &plan, plan::fb::StepT &step,
               const std::string &resource, bool write);
plan::fb::StepT &addStreamedOutput(plan::fb::StepGraphT &graph,
                                   const std::string &name,
                                   plan::fb::SourceT source);

/// Adds services of the toy device with a tokenizer of one token a character:
/// letters, blank, full stop, digits 0 to 5. `artefacts` receives the files by
/// id. Needs HETAGON_DEVICE_PATH.
constexpr uint32_t toyVocabulary = 60;
constexpr uint32_t toyContext = 96;
uint32_t addToyDecoder(plan::fb::PlanT &plan);
uint32_t addToyEncoder(plan::fb::PlanT &plan);
/// The token of a character of the toy's.
int32_t toyToken(char c);
char toyCharacter(int32_t token);
/// Writes the toy's files to `folder`, named by artefact id.
void writeToyFiles(const std::string &folder);

/// The plan's bytes; fails the test when it is not well-formed.
std::vector<uint8_t> bytesOf(const plan::fb::PlanT &plan);
/// Opens the plan with all tools approved and artefacts from `folder`.
std::unique_ptr<PlanRuntime> openPlan(const plan::fb::PlanT &plan,
                                      RuntimeOptions options = {},
                                      const std::string &folder = {});

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_EXEC_GRAPHPLANS_H
