// The nn dialect itself: tensor programs of models, between task and linalg.
#ifndef HETAGON_DIALECTS_NN_DIALECT_TD
#define HETAGON_DIALECTS_NN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Nn_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::hetagon::nn";
  let summary = "Tensor programs of models over ragged batches";
  let description = [{
    One `nn.func` is the program of one service: straight-line code that is
    called for each submission with rows of any number of sequences. Leading
    dimensions are run-time symbols, everything else is static. See
    docs/nn-programs.md for what crosses the borders and dialects/Nn/README.md
    for why the dialect exists.
  }];
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = "void registerTypes();";
  let useDefaultAttributePrinterParser = 1;
}

#endif // HETAGON_DIALECTS_NN_DIALECT_TD
