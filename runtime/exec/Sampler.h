// Chooses tokens from logits: greedy, temperature, top-k, top-p, and
// log-probabilities. A choice depends on the logits, the parameters and the
// position only.
#ifndef HETAGON_RUNTIME_EXEC_SAMPLER_H
#define HETAGON_RUNTIME_EXEC_SAMPLER_H

#include "runtime/base/Status.h"
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace hetagon {

struct SamplingParameters {
  /// 0: greedy, the largest logit; else logits are divided by it.
  float temperature = 0;
  /// Keeps the k largest logits; 0: all.
  uint32_t topK = 0;
  /// Keeps the smallest set of largest probabilities whose sum reaches it; 1:
  /// all. Applied after topK and temperature.
  float topP = 1;
  /// seed = hash(run seed, node path, iteration vector, key): the caller's.
  uint64_t seed = 0;

  /// InvalidArgument for a negative or non-finite temperature, or topP outside
  /// (0, 1].
  Status check() const;
};

/// Natural logarithm of the softmax probability at temperature 1.
struct TokenLogProbability {
  int32_t id = -1;
  float logProbability = 0;
};

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011): four random words from a 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key);

/// exp(x) for x <= 0 within 1e-15 of its value; 0 below -700. The project's
/// own, so that draws do not depend on the C library, and so that it
/// vectorises.
double expOfNonPositive(double x);

/// Keeps scratch memory between calls; one thread at a time.
class Sampler {
public:
  /// The token for the sequence position `position`, drawn with a generator
  /// keyed by (seed, position). Equal logits count by lower id first.
  /// -infinity excludes a token. NaN, +infinity or nothing but -infinity is an
  /// error (Internal: the model's arithmetic failed).
  StatusOr<int32_t> sample(std::span<const float> logits,
                           const SamplingParameters &parameters,
                           uint64_t position);

  /// The `count` most likely tokens, most likely first, ties by lower id.
  StatusOr<std::vector<TokenLogProbability>> top(std::span<const float> logits,
                                                 uint32_t count);

  /// The log-probability of one token.
  StatusOr<float> logProbability(std::span<const float> logits, int32_t id);

private:
  struct Candidate {
    float logit;
    int32_t id;
  };
  std::vector<Candidate> candidates;
  std::vector<double> weights;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_EXEC_SAMPLER_H
