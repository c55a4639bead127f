// The operations that compute. Included by NnOps.td.
#ifndef HETAGON_DIALECTS_NN_COMPUTE_OPS_TD
#define HETAGON_DIALECTS_NN_COMPUTE_OPS_TD

class Nn_ComputeOp<string mnemonic, list<Trait> traits = []>
    : Nn_Op<mnemonic,
            [Pure, DeclareOpInterfaceMethods<Nn_NnOpInterface>] # traits>;

defvar Nn_Infers = DeclareOpInterfaceMethods<InferTypeOpInterface>;
class Nn_LikeInput<string operand>
    : AllTypesMatch<[operand, "result"]>;

// --- matrices ----------------------------------------------------------------

def Nn_EmbeddingOp : Nn_ComputeOp<"embedding", [Nn_Infers]> {
  let summary = "rows of a table by number";
  let description = [{
    `result[r] = table[ids[r]]`, dequantised. An id outside the table is a
    mistake of the caller: a backend refuses the submission or yields some row of
    the table, but reads nothing else.

    ```mlir
    %x = nn.embedding %tokens, %table : tensor<49152x576x!nn.quant<q8_0>>
         -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins Nn_Ids:$ids, Nn_Matrix:$table);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $ids `,` $table attr-dict `:` type($table) `->` type($result)
  }];
}

def Nn_LinearOp : Nn_ComputeOp<"linear", [Nn_Infers]> {
  let summary = "rows times the transpose of a weight matrix, plus bias";
  let description = [{
    `result[r, n] = sum over k of input[r, k] * weight[n, k] + bias[n]`.

    ```mlir
    %y = nn.linear %x, %w bias %b : tensor<?x384xf32>, tensor<1536x384xf32>,
                                    tensor<1536xf32> -> tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Matrix:$weight,
                       Optional<Nn_Vector>:$bias);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` type($input) `,`
    type($weight) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

// --- norms -------------------------------------------------------------------

def Nn_RmsNormOp : Nn_ComputeOp<"rms_norm", [Nn_LikeInput<"input">]> {
  let summary = "root-mean-square norm of each row, or of equal pieces of it";
  let description = [{
    With weight of G columns and D a multiple of G, each piece x of G columns
    becomes `x / sqrt(mean(x * x) + eps) * weight`. G = D normalises the row,
    G = head_dim every head alone (query and key norms).

    ```mlir
    %y = nn.rms_norm %x, %w eps 1.0e-5 : tensor<?x576xf32>, tensor<576xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Vector:$weight, F32Attr:$eps);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight `eps` $eps attr-dict `:` type($input) `,` type($weight)
  }];
  let hasVerifier = 1;
}

def Nn_LayerNormOp : Nn_ComputeOp<"layer_norm", [Nn_LikeInput<"input">]> {
  let summary = "layer norm of each row";
  let description = [{
    `(x - mean(x)) / sqrt(variance(x) + eps) * weight + bias`, with the
    population's variance.

    ```mlir
    %y = nn.layer_norm %x, %w, %b eps 1.0e-12
       : tensor<?x384xf32>, tensor<384xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Vector:$weight, Nn_Vector:$bias,
                       F32Attr:$eps);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight `,` $bias `eps` $eps attr-dict `:` type($input) `,`
    custom<SameType>(type($weight), type($bias))
  }];
  let hasVerifier = 1;
}

def Nn_L2NormalizeOp : Nn_ComputeOp<"l2_normalize", [Nn_LikeInput<"input">]> {
  let summary = "each row divided by its Euclidean norm";
  let description = [{
    `x / max(sqrt(sum(x * x)), 1e-12)`.

    ```mlir
    %y = nn.l2_normalize %x : tensor<?x384xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasFolder = 1;
}

// --- attention ---------------------------------------------------------------

def Nn_RopeOp : Nn_ComputeOp<"rope", [Nn_LikeInput<"input">]> {
  let summary = "rotary position embedding of every head";
  let description = [{
    In each piece of `head_dim` columns, pair i is rotated by the angle
    `positions[r] * inv_freq[i]`, and cosine and sine are multiplied by `scale`:
    `(a * c - b * s, a * s + b * c)`. Pair i is the columns (2i, 2i + 1) when
    interleaved and (i, i + n) with n = size of inv_freq when half. Columns from
    2n on stay as they are; inv_freq is of f32.

    ```mlir
    %y = nn.rope interleaved %q, %positions, %inv_freq head_dim 64 scale 1.0
       : tensor<?x576xf32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Ids:$positions, Nn_Vector:$inv_freq,
    Nn_RopePairingAttr:$pairing,
    ConfinedAttr<I64Attr, [IntPositive]>:$head_dim, F32Attr:$scale);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    `` $pairing $input `,` $positions `,` $inv_freq `head_dim`
    $head_dim `scale` $scale attr-dict `:` type($input) `,` type($inv_freq)
  }];
  let hasVerifier = 1;
}

def Nn_KvAppendOp : Nn_ComputeOp<"kv_append", [Nn_LikeInput<"kv">]> {
  let summary = "keys and values of this batch into the cache";
  let description = [{
    Writes each row's key and value of one layer into the slot of its position
    and yields the handle that has them. All rows are written before any
    `nn.attention` on the result reads.

    ```mlir
    %kv1 = nn.kv_append %k, %v, %kv0, %row_seq, %positions, %page_table layer 0
         : tensor<?x192xf32>, !nn.kv<layers = 30, kv_heads = 3, head_dim = 64,
                                     page_tokens = 32, format = f32>
    ```
  }];
  let arguments = (ins Nn_Rows:$key, Nn_Rows:$value, Nn_KvType:$kv,
    Nn_Ids:$row_seq, Nn_Ids:$positions, Nn_PageTable:$page_table,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$layer);
  let results = (outs Nn_KvType:$result);
  let assemblyFormat = [{
    $key `,` $value `,` $kv `,` $row_seq `,` $positions `,` $page_table `layer`
    $layer attr-dict `:` custom<SameType>(type($key), type($value)) `,`
    qualified(type($kv))
  }];
  let hasVerifier = 1;
}

def Nn_AttentionOp : Nn_ComputeOp<"attention", [Nn_LikeInput<"query">]> {
  let summary = "causal attention over the cached positions of each sequence";
  let description = [{
    Row r attends to positions p of its sequence with `p <= positions[r]` and,
    when `window` is not 0, `p > positions[r] - window`: softmax over p of
    `scale * dot(query, key[p])`, times value[p]. Query head h uses the keys and
    values of head `h / (heads / kv_heads)`.

    ```mlir
    %y = nn.attention %q, %kv, %row_seq, %positions, %page_table layer 0
         heads 9 scale 0.125 window 0 : tensor<?x576xf32>, !nn.kv<...>
    ```
  }];
  let arguments = (ins Nn_Rows:$query, Nn_KvType:$kv, Nn_Ids:$row_seq,
    Nn_Ids:$positions, Nn_PageTable:$page_table,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$layer,
    ConfinedAttr<I64Attr, [IntPositive]>:$heads, F32Attr:$scale,
    ConfinedAttr<I64Attr, [IntNonNegative]>:$window);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $query `,` $kv `,` $row_seq `,` $positions `,` $page_table `layer` $layer
    `heads` $heads `scale` $scale `window` $window attr-dict `:`
    type($query) `,` qualified(type($kv))
  }];
  let hasVerifier = 1;
}

def Nn_SegmentAttentionOp
    : Nn_ComputeOp<"segment_attention",
                   [AllTypesMatch<["query", "key", "value", "result"]>]> {
  let summary = "attention of all rows of a segment to each other";
  let description = [{
    Row r attends to the rows from `row_begin[r]` to before `row_end[r]`.

    ```mlir
    %y = nn.segment_attention %q, %k, %v, %row_begin, %row_end heads 12
         scale 0.17677669 : tensor<?x384xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$query, Nn_Rows:$key, Nn_Rows:$value,
    Nn_Ids:$row_begin, Nn_Ids:$row_end,
    ConfinedAttr<I64Attr, [IntPositive]>:$heads, F32Attr:$scale);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $row_begin `,` $row_end `heads` $heads
    `scale` $scale attr-dict `:` type($query)
  }];
  let hasVerifier = 1;
}

// --- element by element ------------------------------------------------------

class Nn_BinaryOp<string mnemonic>
    : Nn_ComputeOp<mnemonic, [Nn_LikeInput<"lhs">]> {
  let arguments = (ins Nn_Rows:$lhs, Nn_RowsOrVector:$rhs);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)
  }];
  let hasVerifier = 1;
}

def Nn_AddOp : Nn_BinaryOp<"add"> {
  let summary = "sum; a vector is added to every row";
  let description = [{
    ```mlir
    %y = nn.add %a, %b : tensor<?x576xf32>, tensor<?x576xf32>
    ```
  }];
}

def Nn_MulOp : Nn_BinaryOp<"mul"> {
  let summary = "product; a vector multiplies every row";
  let description = [{
    ```mlir
    %y = nn.mul %a, %b : tensor<?x576xf32>, tensor<?x576xf32>
    ```
  }];
  let hasCanonicalizeMethod = 1;
}

def Nn_ActivationOp : Nn_ComputeOp<"activation", [Nn_LikeInput<"input">]> {
  let summary = "element-wise activation function";
  let description = [{
    silu: `x / (1 + exp(-x))`; gelu: `x / 2 * (1 + erf(x / sqrt(2)))`;
    gelu_tanh: `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`;
    relu: `max(x, 0)`.

    ```mlir
    %y = nn.activation gelu %x : tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_ActivationKindAttr:$kind);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input)";
}

def Nn_GluOp : Nn_ComputeOp<"glu",
                            [AllTypesMatch<["gate", "up", "result"]>]> {
  let summary = "gated linear unit: activation(gate) * up";
  let description = [{
    ```mlir
    %y = nn.glu silu %gate, %up : tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$gate, Nn_Rows:$up, Nn_ActivationKindAttr:$kind);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    `` $kind $gate `,` $up attr-dict `:` type($gate)
  }];
}

def Nn_ScaleOp : Nn_ComputeOp<"scale", [Nn_LikeInput<"input">]> {
  let summary = "every element times a constant";
  let description = [{
    ```mlir
    %y = nn.scale %x by 0.5 : tensor<?x576xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, F32Attr:$factor);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = "$input `by` $factor attr-dict `:` type($input)";
  let hasFolder = 1;
}

// --- rows --------------------------------------------------------------------

def Nn_GatherRowsOp : Nn_ComputeOp<"gather_rows", [Nn_LikeInput<"input">]> {
  let summary = "chosen rows";
  let description = [{
    `result[s] = input[rows[s]]`.

    ```mlir
    %y = nn.gather_rows %x, %out_rows : tensor<?x576xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Ids:$rows);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = "$input `,` $rows attr-dict `:` type($input)";
}

def Nn_PoolOp : Nn_ComputeOp<"pool", [Nn_LikeInput<"input">]> {
  let summary = "one row from each segment of rows";
  let description = [{
    Segment s is the rows from `segments[s, 0]` to before `segments[s, 1]`, at
    least one: their mean, or the first of them.

    ```mlir
    %y = nn.pool mean %x, %segments : tensor<?x384xf32>
    ```
  }];
  let arguments = (ins Nn_Rows:$input, Nn_Segments:$segments,
                       Nn_PoolKindAttr:$kind);
  let results = (outs Nn_Rows:$result);
  let assemblyFormat = [{
    `` $kind $input `,` $segments attr-dict `:` type($input)
  }];
}

#endif // HETAGON_DIALECTS_NN_COMPUTE_OPS_TD
