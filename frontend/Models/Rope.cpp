// The frequencies of rotary embedding under the scalings in use.
#include "frontend/Models/Readers.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace hetagon {

namespace {

/// The dimension whose wavelength fits `turns` times into the context.
double correctionDim(const RopeParameters &p, double turns) {
  return p.rotary *
         std::log(p.originalContext / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(p.base));
}

} // namespace

StatusOr<RopeDescription> makeRope(const RopeParameters &p,
                                   RopePairing pairing) {
  auto bad = [](std::string message) {
    return Status(Code::InvalidArgument, "rotary embedding: " + message);
  };
  if (p.rotary == 0 || p.rotary % 2 != 0)
    return bad(std::to_string(p.rotary) + " dimensions; an even number is "
                                          "needed");
  if (!(p.base > 1) || !(p.factor > 0))
    return bad("the base must be above 1 and the factor positive");
  size_t half = p.rotary / 2;
  if (!p.divisors.empty() && p.divisors.size() != half)
    return bad(std::to_string(p.divisors.size()) + " frequency factors for " +
               std::to_string(half) + " frequencies");
  bool isYarn = p.scaling == "yarn";
  if (!isYarn && p.scaling != "none" && p.scaling != "linear")
    return Status(Code::Unsupported, "rotary scaling '" + p.scaling +
                                         "' is not supported; supported are "
                                         "none, linear, yarn and factors "
                                         "stored as a tensor");
  if (isYarn && !(p.originalContext > 0 && p.betaFast > 0 && p.betaSlow > 0))
    return bad("yarn needs the original context length and positive betas");

  RopeDescription rope;
  rope.pairing = pairing;
  rope.rotary = p.rotary;
  rope.base = p.base;
  rope.scaling =
      p.scaling == "none" && !p.divisors.empty() ? "factors" : p.scaling;
  double low = 0, high = 0;
  if (isYarn) {
    low = std::max(0.0, std::floor(correctionDim(p, p.betaFast)));
    high = std::min(p.rotary - 1.0, std::ceil(correctionDim(p, p.betaSlow)));
    rope.scale = float(p.attentionFactor);
    if (p.extrapolation != 0)
      rope.scale = float(p.attentionFactor *
                         (1 + 0.1 * std::log(std::max(1.0, p.factor))));
  }
  double shrink = p.scaling == "none" ? 1 : 1 / p.factor;
  for (size_t i = 0; i < half; ++i) {
    double divisor = p.divisors.empty() ? 1 : p.divisors[i];
    if (!(divisor > 0) || !std::isfinite(divisor))
      return bad("a frequency factor is not positive");
    double whole = std::pow(p.base, -2.0 * double(i) / p.rotary) / divisor;
    double mix = 0; // how far the frequency stays as it is
    if (isYarn)
      mix = (1 - std::clamp((double(i) - low) / std::max(0.001, high - low),
                            0.0, 1.0)) *
            p.extrapolation;
    rope.inverseFrequencies.push_back(
        float(whole * shrink * (1 - mix) + whole * mix));
  }
  return rope;
}

} // namespace hetagon
