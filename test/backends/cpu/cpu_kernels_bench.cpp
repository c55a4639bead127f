// Measures the products of one decoder layer's shapes: TOPS with many rows,
// GB/s of weights with one. Prints one line a case.
#include "test/backends/cpu/KernelHarness.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>
#include <random>

using namespace hetagon;
using namespace hetagon::cpu;

int main(int argc, char **argv) {
  uint32_t workers = argc > 1 ? std::atoi(argv[1]) : 2;
  mlir::MLIRContext context;
  KernelSet set(context, *parseArchitecture(hostArchitecture()));
  struct Case {
    WeightFormat format;
    int64_t n, k;
    RowForm input = RowForm::Q8;
  };
  const Case cases[] = {{WeightFormat::Q4_1, 576, 576},
                        {WeightFormat::Q4_1, 1536, 576},
                        {WeightFormat::Q4_1, 576, 1536},
                        {WeightFormat::Q4_0, 1536, 576},
                        {WeightFormat::Q4_1, 576, 1536, RowForm::Q16},
                        {WeightFormat::Q8_0, 49152, 576},
                        {WeightFormat::F32, 1536, 384, RowForm::F32}};
  std::vector<std::string> entries;
  for (const Case &c : cases)
    entries.push_back(
        requireLinear(set, {.weights = PanelLayout::of(c.format, c.n, c.k),
                            .input = c.input}));
  auto start = std::chrono::steady_clock::now();
  auto object = set.compile();
  if (!object) {
    llvm::errs() << llvm::toString(object.takeError()) << "\n";
    return 1;
  }
  std::printf(
      "compiled %zu kernels in %.2f s, %zu bytes\n", entries.size(),
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count(),
      object->size());
  if (argc > 2)
    if (FILE *file = std::fopen(argv[2], "wb")) {
      std::fwrite(object->data(), 1, object->size(), file);
      std::fclose(file);
    }
  KernelHost host(workers);
  host.load(*object);
  std::mt19937 random(1);
  for (size_t i = 0; i < entries.size(); ++i) {
    const Case &c = cases[i];
    PanelLayout layout = PanelLayout::of(c.format, c.n, c.k);
    std::vector<uint8_t> weights(layout.bytes());
    for (uint8_t &byte : weights)
      byte = random() & 0x3b; // exponents stay small as f16 and f32
    // Enough copies of the matrix that they do not stay in the caches.
    Buffer panels = host.upload(weights);
    for (int64_t rows : {1, 2, 4, 8, 16, 32, 64, 512}) {
      if (c.n > 4096 && rows > 64)
        continue;
      std::vector<uint8_t> input(rows * rowBytes(c.input, c.k));
      for (uint8_t &byte : input)
        byte = random() & 0x3b;
      Buffer x = host.upload(input), y = host.allocate(rows * c.n * 4);
      double macs = double(rows) * c.n * c.k;
      int repeats = std::max(1, int(4e9 / (macs + 20.0 * layout.bytes())));
      double best = 1e9;
      for (int attempt = 0; attempt < 4; ++attempt)
        best = std::min(
            best,
            host.run(entries[i], {&x, &panels, &y}, {rows}, repeats) / repeats);
      std::printf("%-44s rows %4ld  %9.2f us  %6.3f TOPS  %6.1f GB/s\n",
                  entries[i].c_str(), long(rows), best * 1e6,
                  2 * macs / best * 1e-12, layout.bytes() / best * 1e-9);
    }
  }
  return 0;
}
