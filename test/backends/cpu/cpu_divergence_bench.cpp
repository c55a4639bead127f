// Measures how far the cpu backend is from the reference on given texts:
// cpu_divergence_bench MODEL FILE, where each line of FILE is a sequence of
// token ids. Prints the mean Kullback-Leibler divergence over all positions and
// the share of positions with the same most likely token.
#include "test/backends/cpu/ModelHarness.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>

using namespace hetagon;
using namespace hetagon::cpu;

static double divergence(const float *expected, const float *actual,
                         size_t count) {
  auto logSum = [&](const float *x) {
    double largest = *std::max_element(x, x + count), sum = 0;
    for (size_t i = 0; i < count; ++i)
      sum += std::exp(x[i] - largest);
    return largest + std::log(sum);
  };
  double a = logSum(expected), b = logSum(actual), total = 0;
  for (size_t i = 0; i < count; ++i)
    total += std::exp(expected[i] - a) * ((expected[i] - a) - (actual[i] - b));
  return total;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: cpu_divergence_bench MODEL FILE\n");
    return 2;
  }
  LoadedModel cpu(argv[1], "cpu", 2, 512, 64);
  LoadedModel reference(argv[1], "reference", 2, 512, 64);
  size_t vocabulary = cpu.service().vocabulary, positions = 0, same = 0;
  double sum = 0;
  std::ifstream file(argv[2]);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<int32_t> tokens, place, zeros;
    for (int32_t token; words >> token && tokens.size() < 512;)
      tokens.push_back(token);
    if (tokens.empty())
      continue;
    place.resize(tokens.size());
    zeros.resize(tokens.size());
    std::iota(place.begin(), place.end(), 0);
    auto a = reference.decode(tokens, place, zeros, place, 1);
    auto b = cpu.decode(tokens, place, zeros, place, 1);
    for (size_t r = 0; r < tokens.size(); ++r) {
      const float *x = &a[r * vocabulary], *y = &b[r * vocabulary];
      sum += divergence(x, y, vocabulary);
      same += std::max_element(x, x + vocabulary) - x ==
              std::max_element(y, y + vocabulary) - y;
      ++positions;
    }
  }
  std::printf(
      "%zu positions: mean divergence %.6f, same first choice %.2f %%\n",
      positions, sum / positions, 100.0 * same / positions);
  return 0;
}
