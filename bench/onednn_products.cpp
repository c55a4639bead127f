// Answers whether a library would do an encoder's float products faster than
// our kernels do: runs both in turns on the same shapes, one thread each, and
// prints the ratio of the medians. docs/cpu-backend.md draws the conclusion.
#include "test/backends/cpu/KernelHarness.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <dnnl.hpp>
#include <random>

// Of the OpenMP runtime under oneDNN; its header comes with one compiler only.
extern "C" void omp_set_num_threads(int);

using namespace hetagon;
using namespace hetagon::cpu;

namespace {

/// rows x k times (k x n, in the layout that oneDNN likes best) plus a bias,
/// everything f32.
class LibraryProduct {
public:
  LibraryProduct(int64_t rows, int64_t n, int64_t k)
      : engine(dnnl::engine::kind::cpu, 0), stream(engine) {
    using dnnl::memory;
    auto type = memory::data_type::f32;
    memory::desc x({rows, k}, type, memory::format_tag::ab);
    memory::desc any({k, n}, type, memory::format_tag::any);
    memory::desc bias({1, n}, type, memory::format_tag::ab);
    memory::desc y({rows, n}, type, memory::format_tag::ab);
    dnnl::matmul::primitive_desc description({x, any, bias, y}, engine);
    product = dnnl::matmul(description);
    arguments = {{DNNL_ARG_SRC, memory(x, engine)},
                 {DNNL_ARG_WEIGHTS, memory(description.weights_desc(), engine)},
                 {DNNL_ARG_BIAS, memory(bias, engine)},
                 {DNNL_ARG_DST, memory(y, engine)}};
    for (auto &[argument, memory] : arguments) {
      auto *values = static_cast<float *>(memory.get_data_handle());
      std::fill_n(values, memory.get_desc().get_size() / sizeof(float), 0.5f);
    }
  }
  /// Seconds that `repeats` products took.
  double run(int repeats) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
      product.execute(stream, arguments);
    stream.wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  }

private:
  dnnl::engine engine;
  dnnl::stream stream;
  dnnl::matmul product;
  std::unordered_map<int, dnnl::memory> arguments;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

} // namespace

int main(int argc, char **argv) {
  constexpr int rounds = 15;
  omp_set_num_threads(1);
  mlir::MLIRContext context;
  KernelSet set(context, *parseArchitecture(hostArchitecture()));
  // All-MiniLM-L6: query, key, value and output; up; down.
  struct Shape {
    int64_t n, k;
  };
  const Shape shapes[] = {{384, 384}, {1536, 384}, {384, 1536}};
  std::vector<std::string> entries;
  for (Shape shape : shapes)
    entries.push_back(requireLinear(
        set, {.weights = PanelLayout::of(WeightFormat::F32, shape.n, shape.k),
              .input = RowForm::F32}));
  auto object = set.compile();
  if (!object) {
    llvm::errs() << llvm::toString(object.takeError()) << "\n";
    return 1;
  }
  KernelHost host(1);
  host.load(*object);
  std::printf("%6s %6s %6s %12s %12s %8s\n", "rows", "n", "k", "ours us",
              "oneDNN us", "speed-up");
  for (size_t i = 0; i < std::size(shapes); ++i)
    for (int64_t rows : {1, 8, 32, 128, 512, 4096}) {
      auto [n, k] = shapes[i];
      std::vector<float> ones(size_t(std::max(n, rows) * k), 0.5f);
      PanelLayout layout = PanelLayout::of(WeightFormat::F32, n, k);
      Buffer panels =
          host.upload(bytesOf(ones).first(std::min(layout.bytes(), n * k * 4)));
      Buffer x = host.upload(bytesOf(ones).first(size_t(rows * k) * 4));
      Buffer y = host.allocate(size_t(rows * n) * 4);
      LibraryProduct library(rows, n, k);
      int repeats = std::max(1, int(1e9 / double(rows * n * k)));
      std::vector<double> ours, theirs;
      for (int round = 0; round < rounds; ++round) {
        ours.push_back(
            host.run(entries[i], {&x, &panels, &y}, {rows}, repeats) / repeats);
        theirs.push_back(library.run(repeats) / repeats);
      }
      std::printf("%6ld %6ld %6ld %12.2f %12.2f %8.2f\n", long(rows), long(n),
                  long(k), median(ours) * 1e6, median(theirs) * 1e6,
                  median(theirs) / median(ours));
    }
  return 0;
}
