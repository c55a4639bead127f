// Sampling from logits, with a counter-based generator.
#include "runtime/exec/Sampler.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace hetagon {

Status SamplingParameters::check() const {
  if (!std::isfinite(temperature) || temperature < 0)
    return Status(Code::InvalidArgument,
                  "temperature is " + std::to_string(temperature) +
                      "; it must be finite and at least 0");
  if (!(topP > 0 && topP <= 1))
    return Status(Code::InvalidArgument, "top_p is " + std::to_string(topP) +
                                             "; it must lie in (0, 1]");
  return Status::ok();
}

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53u) * counter[0];
    uint64_t second = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(first)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// Taylor's series after x = n ln 2 + r with |r| <= ln 2 / 2: 14 terms leave
/// less than 2^-55. ln 2 is split so that n times its first part is exact.
double expOfNonPositive(double x) {
  double clamped = std::max(x, -700.0);
  constexpr double shift = 0x1.8p52; // adding it rounds to an integer
  double n = clamped * 0x1.71547652b82fep0 + shift;
  uint64_t exponent = std::bit_cast<uint64_t>(n) << 52;
  n -= shift;
  double r = (clamped - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
  double sum = 1.0 / 6227020800.0;
  for (double inverse :
       {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
        1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0,
        1.0 / 6.0, 1.0 / 2.0, 1.0, 1.0})
    sum = sum * r + inverse;
  double scaled =
      std::bit_cast<double>(std::bit_cast<uint64_t>(sum) + exponent);
  return x < -700.0 ? 0.0 : scaled;
}

namespace {
/// A number in [0, 1) with 53 random bits for one position of one stream.
double uniform(uint64_t seed, uint64_t position) {
  auto words = philox4x32(
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32),
       0, 0},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t bits = (uint64_t(words[0]) << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

/// The first index of the largest logit, or why there is none.
StatusOr<int32_t> largest(std::span<const float> logits) {
  float best = -std::numeric_limits<float>::infinity();
  int64_t index = -1;
  bool wrong = false;
  for (size_t i = 0; i < logits.size(); ++i) {
    wrong |= !(logits[i] < std::numeric_limits<float>::infinity());
    if (logits[i] > best) {
      best = logits[i];
      index = static_cast<int64_t>(i);
    }
  }
  if (wrong)
    return Status(Code::Internal,
                  "the model's logits hold a value that is not a number or is "
                  "infinite");
  if (index < 0)
    return Status(Code::Internal, "the model's logits exclude every token");
  return static_cast<int32_t>(index);
}

/// log(sum(exp(logits))), summed in the order of the ids.
double logSumExp(std::span<const float> logits, float maximum) {
  double sum = 0;
  for (float logit : logits)
    sum += expOfNonPositive(double(logit) - maximum);
  return maximum + std::log(sum);
}
} // namespace

StatusOr<int32_t> Sampler::sample(std::span<const float> logits,
                                  const SamplingParameters &parameters,
                                  uint64_t position) {
  HETAGON_RETURN_IF_ERROR(parameters.check());
  HETAGON_ASSIGN_OR_RETURN(int32_t best, largest(logits));
  if (parameters.temperature == 0 || parameters.topK == 1)
    return best;

  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] != -std::numeric_limits<float>::infinity())
      candidates.push_back({logits[i], static_cast<int32_t>(i)});
  auto before = [](const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  auto byId = [](const Candidate &a, const Candidate &b) {
    return a.id < b.id;
  };
  if (parameters.topK && parameters.topK < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + parameters.topK,
                     candidates.end(), before);
    candidates.resize(parameters.topK);
    std::sort(candidates.begin(), candidates.end(), byId);
  }
  auto weigh = [&] {
    weights.resize(candidates.size());
    for (size_t i = 0; i < candidates.size(); ++i)
      weights[i] =
          expOfNonPositive((double(candidates[i].logit) - logits[best]) /
                           parameters.temperature);
    double sum = 0;
    for (double weight : weights)
      sum += weight;
    return sum;
  };
  if (parameters.topP < 1) {
    // What is less likely than its share of the part to be dropped cannot
    // belong to the smallest set; without it there is little left to sort.
    double total = weigh();
    double least = (1 - double(parameters.topP)) * total /
                   static_cast<double>(candidates.size());
    size_t kept = 0;
    for (size_t i = 0; i < candidates.size(); ++i)
      if (weights[i] >= least)
        candidates[kept++] = candidates[i];
    candidates.resize(kept);
    std::sort(candidates.begin(), candidates.end(), before);
    weigh();
    double sum = 0;
    size_t count = 0;
    while (count < candidates.size() && sum < parameters.topP * total)
      sum += weights[count++];
    candidates.resize(count);
  }

  double left = uniform(parameters.seed, position) * weigh();
  for (size_t i = 0; i < candidates.size(); ++i) {
    left -= weights[i];
    if (left < 0)
      return candidates[i].id;
  }
  return candidates.back().id;
}

StatusOr<std::vector<TokenLogProbability>>
Sampler::top(std::span<const float> logits, uint32_t count) {
  HETAGON_ASSIGN_OR_RETURN(int32_t best, largest(logits));
  double normaliser = logSumExp(logits, logits[best]);
  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    candidates.push_back({logits[i], static_cast<int32_t>(i)});
  size_t wanted = std::min<size_t>(count, candidates.size());
  std::partial_sort(
      candidates.begin(), candidates.begin() + wanted, candidates.end(),
      [](const Candidate &a, const Candidate &b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
      });
  std::vector<TokenLogProbability> result;
  for (size_t i = 0; i < wanted; ++i)
    result.push_back({candidates[i].id,
                      static_cast<float>(candidates[i].logit - normaliser)});
  return result;
}

StatusOr<float> Sampler::logProbability(std::span<const float> logits,
                                        int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= logits.size())
    return Status(Code::OutOfRange, "token " + std::to_string(id) +
                                        " is outside the vocabulary of " +
                                        std::to_string(logits.size()));
  HETAGON_ASSIGN_OR_RETURN(int32_t best, largest(logits));
  return static_cast<float>(logits[id] - logSumExp(logits, logits[best]));
}

} // namespace hetagon
