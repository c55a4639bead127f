// What analyses and lowerings ask every nn operation without knowing which.
#ifndef HETAGON_DIALECTS_NN_INTERFACES_TD
#define HETAGON_DIALECTS_NN_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Nn_NnOpInterface : OpInterface<"NnOpInterface"> {
  let cppNamespace = "::hetagon::nn";
  let description = [{
    The common face of operations inside `nn.func`: where the run-time size
    comes from, and what an execution costs.
  }];
  let methods = [
    InterfaceMethod<[{
      The operand whose leading dimension is the leading dimension of the result
      (or, without a tensor result, of the work); null when all is static.
    }], "::mlir::Value", "getLeadingOperand", (ins)>,
    InterfaceMethod<[{
      Arithmetic and traffic as linear functions of the run-time sizes.
    }], "::hetagon::nn::OpCost", "getCost", (ins)>
  ];
}

#endif // HETAGON_DIALECTS_NN_INTERFACES_TD
