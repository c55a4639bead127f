// The pass that takes whole programs from nn to linalg.
#ifndef HETAGON_COMPILER_CONVERSION_NNTOLINALG_PASSES_TD
#define HETAGON_COMPILER_CONVERSION_NNTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNnToLinalg : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Decompose every nn operation to linalg, tensor, arith and math";
  let description = [{
    Turns each `nn.func` into a `func.func` on tensors. Weights become arguments
    behind those of the program; quantised ones are tensors of bytes in GGUF's
    blocks, expanded where they are used. The KV cache becomes a tensor in the
    pool's canonical layout, and its last handle a result.

    ```mlir
    nn.func @f(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {
      %0 = nn.scale %x by 0.5 : tensor<?x4xf32>
      nn.return %0 : tensor<?x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %dim = tensor.dim %x, %c0 : tensor<?x4xf32>
      %0 = tensor.empty(%dim) : tensor<?x4xf32>
      %1 = linalg.generic ... ins(%x) outs(%0) {
        arith.mulf ...
      }
      return %1 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // HETAGON_COMPILER_CONVERSION_NNTOLINALG_PASSES_TD
