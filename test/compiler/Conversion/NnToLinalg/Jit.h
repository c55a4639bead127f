// Runs nn programs in this process by way of their linalg decompositions: what
// the tests of NnToLinalg compare with naive values.
#ifndef HETAGON_TEST_COMPILER_CONVERSION_NNTOLINALG_JIT_H
#define HETAGON_TEST_COMPILER_CONVERSION_NNTOLINALG_JIT_H

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/MLIRContext.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hetagon::test {

/// A tensor argument or result; elements as raw bytes.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;

  static Tensor floats(std::vector<int64_t> shape,
                       const std::vector<float> &values);
  static Tensor ids(const std::vector<int32_t> &values);
  static Tensor ids(std::vector<int64_t> shape,
                    const std::vector<int32_t> &values);
  std::vector<float> asFloats() const;
};

/// One nn.func, compiled.
class Jit {
public:
  /// `text` holds one nn.func named f. Null after a failure, which has been
  /// printed.
  static std::unique_ptr<Jit> compile(const std::string &text);

  /// Calls the function with the program's arguments, then its weights in the
  /// order of their first use. `ranks` are those of the results.
  std::vector<Tensor> run(const std::vector<Tensor> &arguments,
                          const std::vector<unsigned> &ranks,
                          unsigned elementBytes = 4);

private:
  mlir::MLIRContext context;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_COMPILER_CONVERSION_NNTOLINALG_JIT_H
