// The fixture of the kernel tests: every kernel is compiled for the running
// machine's variant and for AVX2, and runs on teams of one to three.
#ifndef HETAGON_TEST_BACKENDS_CPU_KERNELTEST_H
#define HETAGON_TEST_BACKENDS_CPU_KERNELTEST_H

#include "test/backends/cpu/KernelHarness.h"
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace hetagon::cpu {

using Bytes = std::vector<uint8_t>;

template <typename T> Bytes toBytes(const std::vector<T> &values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

class KernelTest : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override;

  /// Compiles what the test required of `set` and loads it on all teams.
  void compile();
  /// Runs one entry on every team; the last binding is the result. The results
  /// must be equal bit for bit.
  Bytes run(const std::string &entry, const std::vector<Bytes> &inputs,
            size_t resultBytes, std::vector<int64_t> constants);
  template <typename T>
  std::vector<T> run(const std::string &entry, const std::vector<Bytes> &inputs,
                     size_t resultCount, std::vector<int64_t> constants) {
    return as<T>(run(entry, inputs, resultCount * sizeof(T), constants));
  }

  std::vector<float> floats(size_t count, float scale = 1);
  int64_t number(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }
  /// Random whole blocks with scales near one.
  Bytes blocks(WeightFormat format, int64_t count);
  /// The blocks as f32, by the reader's own code.
  std::vector<float> expand(WeightFormat format, const Bytes &blocks);

  std::mt19937 random{20260101};
  mlir::MLIRContext context;
  std::unique_ptr<KernelSet> set;
  std::vector<std::unique_ptr<KernelHost>> hosts;
};

/// |actual - expected| <= tolerance * scale for every element.
void expectClose(const std::vector<float> &actual,
                 const std::vector<double> &expected, double tolerance,
                 const std::string &what);

#define HETAGON_EACH_VARIANT(fixture)                                          \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Variants, fixture, testing::Values("native", "x86_64+avx2"),             \
      [](const auto &info) {                                                   \
        return info.param == "native" ? "native" : "avx2";                     \
      })

} // namespace hetagon::cpu

#endif // HETAGON_TEST_BACKENDS_CPU_KERNELTEST_H
