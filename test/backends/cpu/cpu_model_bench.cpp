// Measures a whole model on the cpu backend: cpu_model_bench MODEL [WORKERS
// [CONTEXT]]. Prints compile and load times, then prefill and decode speed.
#include "test/backends/cpu/ModelHarness.h"
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>

using namespace hetagon;
using namespace hetagon::cpu;

/// Texts of 64 tokens, eight at a time.
static void measureEncoder(LoadedModel &model) {
  std::vector<std::vector<int32_t>> texts(8, std::vector<int32_t>(64));
  for (auto &text : texts)
    std::iota(text.begin(), text.end(), 2000);
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    auto start = std::chrono::steady_clock::now();
    model.embed(texts);
    best = std::min(best, std::chrono::duration<double>(
                              std::chrono::steady_clock::now() - start)
                              .count());
  }
  std::printf("embed 8 texts of 64 tokens: best %.3f ms, %.0f tok/s\n",
              best * 1e3, 512 / best);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: cpu_model_bench MODEL [WORKERS [CONTEXT]]\n");
    return 2;
  }
  uint32_t workers = argc > 2 ? std::atoi(argv[2]) : 2;
  int32_t context = argc > 3 ? std::atoi(argv[3]) : 64;
  LoadedModel model(argv[1], "cpu", workers, 512, 512);
  model.pagesPerSequence = 20;
  std::printf("%zu kernels lowered in %.2f s, loaded in %.2f s\n",
              model.service().executables[0]->entries.size(),
              model.lowerSeconds, model.loadSeconds);
  if (model.service().embedding_size) {
    measureEncoder(model);
    return 0;
  }
  auto seconds = [&](int32_t rows, int32_t first, bool sameSequence) {
    std::vector<int32_t> tokens(rows), positions(rows, first), sequence(rows);
    std::iota(tokens.begin(), tokens.end(), 100);
    if (sameSequence)
      std::iota(positions.begin(), positions.end(), first);
    else
      std::iota(sequence.begin(), sequence.end(), 0);
    std::vector<int32_t> outRows(sameSequence ? 1 : rows);
    std::iota(outRows.begin(), outRows.end(), sameSequence ? rows - 1 : 0);
    std::clock_t cpu = std::clock();
    auto start = std::chrono::steady_clock::now();
    model.decode(tokens, positions, sequence, outRows, sameSequence ? 1 : rows);
    double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    return std::pair(wall, double(std::clock() - cpu) / CLOCKS_PER_SEC);
  };
  auto report = [&](const char *what, int32_t rows, int32_t first, bool same,
                    int repeats) {
    // Processor time tells what a busy machine hides.
    std::vector<double> times, cpuTimes;
    for (int i = 0; i < repeats; ++i) {
      auto [wall, cpu] = seconds(rows, first, same);
      times.push_back(wall);
      cpuTimes.push_back(cpu);
    }
    std::sort(times.begin(), times.end());
    std::sort(cpuTimes.begin(), cpuTimes.end());
    std::printf("%s %4d rows: best %8.3f ms, median %8.3f ms, %7.1f tok/s "
                "(best), %7.1f (median); processor time %8.3f ms\n",
                what, rows, times.front() * 1e3, times[repeats / 2] * 1e3,
                rows / times.front(), rows / times[repeats / 2],
                cpuTimes[repeats / 2] * 1e3);
  };
  report("prefill", 512, 0, true, 5);
  report("prefill", 128, 0, true, 5);
  for (int32_t batch : {1, 4, 16})
    report("decode ", batch, context, false, 60);
  return 0;
}
