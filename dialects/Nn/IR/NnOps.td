// The operations that hold programs together: functions, skeletons, weights and
// constants. What computes stands in NnComputeOps.td.
#ifndef HETAGON_DIALECTS_NN_OPS_TD
#define HETAGON_DIALECTS_NN_OPS_TD

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Nn/IR/NnInterfaces.td"
include "dialects/Nn/IR/NnTypes.td"

class Nn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Nn_Dialect, mnemonic, traits>;

def Nn_FuncOp : Nn_Op<"func", [
    IsolatedFromAbove, FunctionOpInterface, OpAsmOpInterface,
    SingleBlock]> {
  let summary = "tensor program of one service";
  let description = [{
    Straight-line code over one ragged batch. Argument and result names are part
    of the protocol; `kind` says which protocol holds (docs/nn-programs.md) and
    has the verifier check it, a function without kind may have any arguments.
    `artefact` names the file in which `nn.weight` looks up its tensors.

    The leading dimension of an argument is the symbol of its protocol name
    (`tokens`: rows, `out_rows`: outs, `segments`: seqs, ...); arguments of any
    other name lead with `rows`.

    ```mlir
    nn.func @embed(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>,
                   %segments: tensor<?x2xi32>)
        -> (%embedding: tensor<?x384xf32>) kind encoder artefact "minilm" {
      ...
      nn.return %4 : tensor<?x384xf32>
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    StrArrayAttr:$arg_names,
    StrArrayAttr:$res_names,
    OptionalAttr<Nn_ProgramKindAttr>:$kind,
    OptionalAttr<StrAttr>:$artefact,
    OptionalAttr<StrAttr>:$sym_visibility,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // Makes the entry block too, but no terminator.
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                   "::llvm::ArrayRef<::llvm::StringRef>":$argNames,
                   "::llvm::ArrayRef<::llvm::StringRef>":$resNames,
                   CArg<"::std::optional<ProgramKind>", "{}">:$kind,
                   CArg<"::llvm::StringRef", "{}">:$artefact)>];
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::llvm::StringRef getArgName(unsigned index) {
      return ::llvm::cast<::mlir::StringAttr>(getArgNames()[index]).getValue();
    }
    ::llvm::StringRef getResName(unsigned index) {
      return ::llvm::cast<::mlir::StringAttr>(getResNames()[index]).getValue();
    }
    /// The argument of that protocol name; null when there is none.
    ::mlir::BlockArgument getArgumentNamed(::llvm::StringRef name);
    void getAsmBlockArgumentNames(::mlir::Region &region,
                                  ::mlir::OpAsmSetValueNameFn setName);
  }];
}

def Nn_ReturnOp : Nn_Op<"return", [
    Pure, Terminator, ReturnLike, HasParent<"FuncOp">]> {
  let summary = "results of the program";
  let description = [{
    ```mlir
    nn.return %logits : tensor<?x49152xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$results);
  let assemblyFormat = "attr-dict ($results^ `:` type($results))?";
  let hasVerifier = 1;
}

def Nn_ModelOp : Nn_Op<"model", [Symbol]> {
  let summary = "skeleton of a model: what planning needs to know";
  let description = [{
    Made from a model's metadata before any program exists: a layer template and
    its count. Costs and splits are decided on it; the program of a service is
    an `nn.func`, and nothing of a program is kept here. `feed_forward` is the
    width of the hidden layer; `embedding` is the result's width (encoder only);
    `weight_bytes` is the size of all tensors, of which a step reads
    `step_weight_bytes` (an embedding table is not read whole).

    ```mlir
    nn.model @smollm2 decoder {layers = 30, hidden = 576, feed_forward = 1536,
      heads = 9, kv_heads = 3, head_dim = 64, vocabulary = 49152,
      context_tokens = 8192, embedding = 0, parameters = 134515008,
      weight_bytes = 91735296, step_weight_bytes = 91735296}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    Nn_ProgramKindAttr:$kind,
    OptionalAttr<StrAttr>:$artefact,
    I64Attr:$layers, I64Attr:$hidden, I64Attr:$feed_forward,
    I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim,
    I64Attr:$vocabulary, I64Attr:$context_tokens, I64Attr:$embedding,
    I64Attr:$parameters, I64Attr:$weight_bytes, I64Attr:$step_weight_bytes);
  let assemblyFormat = [{
    $sym_name `` $kind (`artefact` $artefact^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Nn_WeightOp : Nn_Op<"weight", [
    Pure, DeclareOpInterfaceMethods<Nn_NnOpInterface>]> {
  let summary = "tensor of the function's artefact";
  let description = [{
    `name` is the tensor's name in the artefact. With `row`, only that row of a
    matrix of float elements.

    ```mlir
    %0 = nn.weight "blk.0.attn_q.weight" : tensor<576x576x!nn.quant<q4_1>>
    %1 = nn.weight "token_types" row 0 : tensor<384xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name,
      OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$row);
  let results = (outs Nn_Static:$result);
  let assemblyFormat = "$name (`row` $row^)? attr-dict `:` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::llvm::StringRef":$name),
    [{ build($_builder, $_state, type, $_builder.getStringAttr(name), {}); }]>];
  let hasVerifier = 1;
}

def Nn_ConstantOp : Nn_Op<"constant", [
    Pure, ConstantLike, DeclareOpInterfaceMethods<Nn_NnOpInterface>,
    DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "static tensor that travels in the plan";
  let description = [{
    ```mlir
    %inv_freq = nn.constant dense<[1.0, 0.1]> : tensor<2xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Nn_Static:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

include "dialects/Nn/IR/NnComputeOps.td"

#endif // HETAGON_DIALECTS_NN_OPS_TD
