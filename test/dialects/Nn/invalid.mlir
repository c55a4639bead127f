// What the verifiers of nn refuse, and what they say.
// RUN: hetagon-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'nn.func' op of kind decoder needs the arguments (%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>, %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !nn.kv<...>), found 1}}
nn.func @f(%tokens: tensor<?xi32>) -> (%logits: tensor<?x4xf32>) kind decoder artefact "w" {
  %t = nn.weight "t" : tensor<8x4xf32>
  %0 = nn.embedding %tokens, %t : tensor<8x4xf32> -> tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{'nn.func' op of kind encoder needs the arguments (%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: tensor<?x2xi32>), found %places: 'tensor<?xi32>'}}
nn.func @f(%tokens: tensor<?xi32>, %places: tensor<?xi32>, %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: tensor<?x2xi32>) -> (%embedding: tensor<?x4xf32>) kind encoder artefact "w" {
  %t = nn.weight "t" : tensor<8x4xf32>
  %0 = nn.embedding %tokens, %t : tensor<8x4xf32> -> tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{'nn.func' op of kind encoder needs the results (%embedding: tensor<?xNxf32>), found %logits: 'tensor<?x4xf32>'}}
nn.func @f(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: tensor<?x2xi32>) -> (%logits: tensor<?x4xf32>) kind encoder artefact "w" {
  %t = nn.weight "t" : tensor<8x4xf32>
  %0 = nn.embedding %tokens, %t : tensor<8x4xf32> -> tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{expected 'decoder' or 'encoder', found 'dreamer'}}
nn.func @f() kind dreamer {
  nn.return
}

// -----

nn.func @f(%x: tensor<?x4xf32>) -> (%y: tensor<?x8xf32>) {
  // expected-error @+1 {{'nn.return' op has types 'tensor<?x4xf32>', but the function returns 'tensor<?x8xf32>'}}
  nn.return %x : tensor<?x4xf32>
}

// -----

// expected-note @+1 {{add 'artefact "ID"' after the function's results}}
nn.func @f() {
  // expected-error @+1 {{'nn.weight' op stands in a function without artefact}}
  %0 = nn.weight "w" : tensor<4xf32>
  nn.return
}

// -----

nn.func @f() artefact "w" {
  // expected-error @+1 {{'nn.weight' op result #0 must be static tensor of i32, f32, f16, bf16 or !nn.quant, but got 'tensor<4x31x!nn.quant<q4_0>>'}}
  %0 = nn.weight "w" : tensor<4x31x!nn.quant<q4_0>>
  nn.return
}

// -----

nn.func @f() artefact "w" {
  // expected-error @+1 {{'nn.weight' op of one row needs a vector of unquantised elements, found 'tensor<4x4xf32>'}}
  %0 = nn.weight "w" row 2 : tensor<4x4xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<4x16xf32>
  // expected-error @+1 {{'nn.linear' op has columns of the input = 8, but columns of the weight = 16}}
  %0 = nn.linear %x, %w : tensor<?x8xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<4x8xf32>
  %b = nn.weight "b" : tensor<8xf32>
  // expected-error @+1 {{'nn.linear' op has size of the bias = 8, but rows of the weight = 4}}
  %0 = nn.linear %x, %w bias %b : tensor<?x8xf32>, tensor<4x8xf32>, tensor<8xf32> -> tensor<?x4xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<4x8xf32>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{op inferred type(s) 'tensor<?x4xf32>' are incompatible with return type(s) of operation 'tensor<?x8xf32>'}}
  %0 = nn.linear %x, %w : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x8xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<3xf32>
  // expected-error @+1 {{'nn.rms_norm' op has 8 columns, no multiple of its weight's 3}}
  %0 = nn.rms_norm %x, %w eps 0.1 : tensor<?x8xf32>, tensor<3xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<4xf32>
  // expected-error @+1 {{'nn.layer_norm' op has columns of the input = 8, but size of the weight = 4}}
  %0 = nn.layer_norm %x, %w, %w eps 0.1 : tensor<?x8xf32>, tensor<4xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  %freq = nn.constant dense<1.0> : tensor<3xf32>
  // expected-error @+1 {{'nn.rope' op rotates 6 columns of a head that has 4}}
  %0 = nn.rope half %x, %p, %freq head_dim 4 scale 1.0 : tensor<?x8xf32>, tensor<3xf32>
  nn.return
}

// -----

!kv = !nn.kv<layers = 2, kv_heads = 2, head_dim = 4, page_tokens = 4, format = f32>
nn.func @f(%k: tensor<?x8xf32>, %row_seq: tensor<?xi32>, %p: tensor<?xi32>, %page_table: tensor<?x?xi32>, %kv: !kv) {
  // expected-error @+1 {{'nn.kv_append' op names layer 2 of a cache that has 2}}
  %0 = nn.kv_append %k, %k, %kv, %row_seq, %p, %page_table layer 2 : tensor<?x8xf32>, !kv
  nn.return
}

// -----

!kv = !nn.kv<layers = 2, kv_heads = 2, head_dim = 4, page_tokens = 4, format = f32>
nn.func @f(%k: tensor<?x12xf32>, %row_seq: tensor<?xi32>, %p: tensor<?xi32>, %page_table: tensor<?x?xi32>, %kv: !kv) {
  // expected-error @+1 {{'nn.kv_append' op has columns of the keys = 12, but kv_heads * head_dim of the cache = 8}}
  %0 = nn.kv_append %k, %k, %kv, %row_seq, %p, %page_table layer 1 : tensor<?x12xf32>, !kv
  nn.return
}

// -----

!kv = !nn.kv<layers = 2, kv_heads = 2, head_dim = 4, page_tokens = 4, format = f32>
nn.func @f(%q: tensor<?x12xf32>, %row_seq: tensor<?xi32>, %p: tensor<?xi32>, %page_table: tensor<?x?xi32>, %kv: !kv) {
  // expected-error @+1 {{'nn.attention' op has 3 heads, no multiple of the 2 of the cache}}
  %0 = nn.attention %q, %kv, %row_seq, %p, %page_table layer 1 heads 3 scale 1.0 window 0 : tensor<?x12xf32>, !kv
  nn.return
}

// -----

// expected-error @+1 {{!nn.kv has format 'i32'; it must be f32, f16 or bf16}}
nn.func @f(%kv: !nn.kv<layers = 2, kv_heads = 2, head_dim = 4, page_tokens = 4, format = i32>) {
  nn.return
}

// -----

// expected-error @+1 {{!nn.kv has layers = 0, which must lie between 1 and 2^24}}
nn.func @f(%kv: !nn.kv<layers = 0, kv_heads = 2, head_dim = 4, page_tokens = 4, format = f32>) {
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>, %out_rows: tensor<?xi32>) {
  %0 = nn.gather_rows %x, %out_rows : tensor<?x8xf32>
  // expected-error @+1 {{'nn.add' op has rows counted by 'rows' and by 'outs'}}
  %1 = nn.add %x, %0 : tensor<?x8xf32>, tensor<?x8xf32>
  nn.return
}

// -----

nn.func @f(%x: tensor<?x8xf32>, %y: tensor<?x4xf32>) {
  // expected-error @+1 {{'nn.mul' op has columns of the first operand = 8, but columns of the second = 4}}
  %1 = nn.mul %x, %y : tensor<?x8xf32>, tensor<?x4xf32>
  nn.return
}

// -----

nn.func @f(%q: tensor<?x8xf32>, %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>) {
  // expected-error @+1 {{'nn.segment_attention' op has 8 columns, no multiple of its 3 heads}}
  %1 = nn.segment_attention %q, %q, %q, %row_begin, %row_end heads 3 scale 1.0 : tensor<?x8xf32>
  nn.return
}

// -----

// expected-error @+1 {{'nn.model' op has layers = 0, which must be positive}}
nn.model @m encoder {layers = 0, hidden = 32, feed_forward = 64, heads = 4, kv_heads = 2,
  head_dim = 8, vocabulary = 100, context_tokens = 128, embedding = 32,
  parameters = 1000, weight_bytes = 4000, step_weight_bytes = 4000}
