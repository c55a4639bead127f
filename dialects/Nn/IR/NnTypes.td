// Types of the nn dialect, and the constraints that its operations share.
#ifndef HETAGON_DIALECTS_NN_TYPES_TD
#define HETAGON_DIALECTS_NN_TYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/CommonTypeConstraints.td"
include "dialects/Nn/IR/NnAttrs.td"

def Nn_QuantType : TypeDef<Nn_Dialect, "Quant"> {
  let mnemonic = "quant";
  let summary = "element of a block-quantised tensor";
  let description = [{
    Occurs as element type only. The elements of the last dimension are stored
    in GGUF's blocks, so its size is a multiple of the block's:

    | format | elements | bytes |
    |---|---|---|
    | q4_0 | 32 | 18 |
    | q4_1 | 32 | 20 |
    | q8_0 | 32 | 34 |
    | q4_k | 256 | 144 |
    | q6_k | 256 | 210 |

    ```mlir
    %w = nn.weight "blk.0.ffn_up.weight" : tensor<1536x576x!nn.quant<q4_1>>
    ```
  }];
  let parameters = (ins EnumParameter<Nn_QuantFormat>:$format);
  let assemblyFormat = "`<` $format `>`";
  let extraClassDeclaration = [{
    /// Elements that share one block.
    int64_t getBlockElements() const;
    /// Bytes of one block.
    int64_t getBlockBytes() const;
  }];
}

def Nn_KvType : TypeDef<Nn_Dialect, "Kv"> {
  let mnemonic = "kv";
  let summary = "handle of a paged cache of keys and values";
  let description = [{
    The pool's canonical layout is
    `[page][layer][key|value][kv_head][page_tokens][head_dim]`; `format` is f32,
    f16 or bf16. A handle is a value: `nn.kv_append` yields the next one.

    ```mlir
    !nn.kv<layers = 30, kv_heads = 3, head_dim = 64, page_tokens = 32,
           format = f32>
    ```
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$kv_heads,
                        "int64_t":$head_dim, "int64_t":$page_tokens,
                        "::mlir::Type":$format);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Columns of the keys (and of the values) of one row in one layer.
    int64_t getColumns() const { return getKvHeads() * getHeadDim(); }
    int64_t getElementBytes() const {
      return getFormat().getIntOrFloatBitWidth() / 8;
    }
    /// Bytes of the keys and values of all layers in one page.
    int64_t getPageBytes() const {
      return 2 * getLayers() * getColumns() * getPageTokens() *
             getElementBytes();
    }
  }];
}

class Nn_Tensor<string predicate, string summary>
    : Type<CPred<predicate>, summary, "::mlir::RankedTensorType">;

// Activations: one row a token (or sequence), static columns.
def Nn_Rows : Nn_Tensor<"::hetagon::nn::isRows($_self)",
                        "tensor<?xDxf32> with static D">;
// Parameters of norms and biases.
def Nn_Vector : Nn_Tensor<"::hetagon::nn::isVector($_self)",
                          "static vector of f32, f16 or bf16">;
// The second operand of add and mul.
def Nn_RowsOrVector : Nn_Tensor<
    "::hetagon::nn::isRows($_self) || ::hetagon::nn::isVector($_self)",
    "tensor<?xDxf32> or a vector of f32, f16 or bf16, with static D">;
// Weights of linear and embedding, in any element format.
def Nn_Matrix : Nn_Tensor<"::hetagon::nn::isMatrix($_self)",
    "static matrix of f32, f16, bf16 or !nn.quant">;
// Whatever an artefact may hold.
def Nn_Static : Nn_Tensor<"::hetagon::nn::isStaticTensor($_self)",
    "static tensor of i32, f32, f16, bf16 or !nn.quant">;

class Nn_Fixed<string type, string summary>
    : Type<CPred<"$_self == " # type # "($_self.getContext())">, summary,
           "::mlir::RankedTensorType">,
      BuildableType<type # "($_builder.getContext())">;
// One number for each row: tokens, positions, row indices.
def Nn_Ids : Nn_Fixed<"::hetagon::nn::getIdsType", "tensor<?xi32>">;
def Nn_PageTable : Nn_Fixed<"::hetagon::nn::getPageTableType",
                            "tensor<?x?xi32>">;
def Nn_Segments : Nn_Fixed<"::hetagon::nn::getSegmentsType", "tensor<?x2xi32>">;

#endif // HETAGON_DIALECTS_NN_TYPES_TD
