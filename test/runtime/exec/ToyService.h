// Services for the toy device, and the tests' own account of what they answer,
// computed from the tokens alone.
#ifndef HETAGON_TEST_RUNTIME_EXEC_TOYSERVICE_H
#define HETAGON_TEST_RUNTIME_EXEC_TOYSERVICE_H

#include "runtime/exec/Generation.h"
#include "runtime/exec/ServiceInstance.h"
#include "runtime/sched/HostExecutor.h"

namespace hetagon::toy {

struct Model {
  uint32_t vocabulary = 61, contextTokens = 64, pageTokens = 4, maxRows = 24;
  uint32_t embeddingSize = 5;
  int32_t nanToken = -1; ///< after it, logits are not numbers
};

std::shared_ptr<plan::fb::ServiceT> decoder(const Model &model);
std::shared_ptr<plan::fb::ServiceT> encoder(const Model &model);
/// The weights and code of both; the bytes live in the returned keepAlive.
ServiceSources sources(const Model &model);

/// Opens the toy with `config`; dies on failure.
std::shared_ptr<Device> openDevice(const HostExecutor &executor,
                                   const std::string &config = "{}");

/// The logits after `tokens`, without device, pages or batches.
std::vector<float> logitsAfter(const Model &model,
                               std::span<const int32_t> tokens);
/// The tokens of a request, one after the other.
std::vector<int32_t> expectedTokens(const Model &model,
                                    const GenerationRequest &request);
std::vector<float> expectedEmbedding(const Model &model,
                                     std::span<const int32_t> tokens);

} // namespace hetagon::toy

#endif // HETAGON_TEST_RUNTIME_EXEC_TOYSERVICE_H
