// Every operation of nn is printed as it is read, also in generic form.
// RUN: hetagon-opt %s | hetagon-opt | FileCheck %s
// RUN: hetagon-opt %s --mlir-print-op-generic | hetagon-opt | FileCheck %s

!kv = !nn.kv<layers = 2, kv_heads = 2, head_dim = 8, page_tokens = 4, format = f16>

// CHECK-LABEL: nn.model @tiny decoder artefact "weights"
nn.model @tiny decoder artefact "weights" {
  layers = 2, hidden = 32, feed_forward = 64, heads = 4, kv_heads = 2,
  head_dim = 8, vocabulary = 100, context_tokens = 128, embedding = 0,
  parameters = 1000, weight_bytes = 4000, step_weight_bytes = 4000}

// CHECK: nn.func @decoder(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>, %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !nn.kv<layers = 2, kv_heads = 2, head_dim = 8, page_tokens = 4, format = f16>) -> (%logits: tensor<?x100xf32>) kind decoder artefact "weights" {
nn.func @decoder(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                 %row_seq: tensor<?xi32>, %page_table: tensor<?x?xi32>,
                 %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x100xf32>) kind decoder artefact "weights" {
  // CHECK: %[[TABLE:.*]] = nn.weight "embd" : tensor<100x32x!nn.quant<q8_0>>
  %table = nn.weight "embd" : tensor<100x32x!nn.quant<q8_0>>
  // CHECK: nn.weight "norm" : tensor<32xf32>
  %norm = nn.weight "norm" : tensor<32xf32>
  // CHECK: nn.weight "types" row 1 : tensor<32xbf16>
  %row = nn.weight "types" row 1 : tensor<32xbf16>
  %q_norm = nn.weight "q_norm" : tensor<8xf32>
  %wq = nn.weight "q" : tensor<32x32x!nn.quant<q4_0>>
  %wk = nn.weight "k" : tensor<16x32x!nn.quant<q4_1>>
  %bk = nn.weight "bk" : tensor<16xf16>
  %wide = nn.weight "down" : tensor<32x256x!nn.quant<q4_k>>
  %up = nn.weight "up" : tensor<256x32xbf16>
  %deep = nn.weight "deep" : tensor<32x256x!nn.quant<q6_k>>
  // CHECK: nn.constant dense<[1.000000e+00, 1.000000e-01]> : tensor<2xf32>
  %inv_freq = nn.constant dense<[1.0, 0.1]> : tensor<2xf32>

  // CHECK: %[[X:.*]] = nn.embedding %tokens, %[[TABLE]] : tensor<100x32x!nn.quant<q8_0>> -> tensor<?x32xf32>
  %x = nn.embedding %tokens, %table : tensor<100x32x!nn.quant<q8_0>> -> tensor<?x32xf32>
  // CHECK: nn.add %[[X]], %{{.*}} : tensor<?x32xf32>, tensor<32xbf16>
  %x1 = nn.add %x, %row : tensor<?x32xf32>, tensor<32xbf16>
  // CHECK: nn.rms_norm %{{.*}}, %{{.*}} eps 9.99999974E-6 : tensor<?x32xf32>, tensor<32xf32>
  %x2 = nn.rms_norm %x1, %norm eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  // CHECK: nn.linear %{{.*}}, %{{.*}} : tensor<?x32xf32>, tensor<32x32x!nn.quant<q4_0>> -> tensor<?x32xf32>
  %q0 = nn.linear %x2, %wq : tensor<?x32xf32>, tensor<32x32x!nn.quant<q4_0>> -> tensor<?x32xf32>
  %q1 = nn.rms_norm %q0, %q_norm eps 1.0e-5 : tensor<?x32xf32>, tensor<8xf32>
  // CHECK: nn.rope interleaved %{{.*}}, %positions, %{{.*}} head_dim 8 scale 1.000000e+00 : tensor<?x32xf32>, tensor<2xf32>
  %q = nn.rope interleaved %q1, %positions, %inv_freq head_dim 8 scale 1.0 : tensor<?x32xf32>, tensor<2xf32>
  // CHECK: nn.linear %{{.*}}, %{{.*}} bias %{{.*}} : tensor<?x32xf32>, tensor<16x32x!nn.quant<q4_1>>, tensor<16xf16> -> tensor<?x16xf32>
  %k = nn.linear %x2, %wk bias %bk : tensor<?x32xf32>, tensor<16x32x!nn.quant<q4_1>>, tensor<16xf16> -> tensor<?x16xf32>
  // CHECK: nn.rope half
  %kr = nn.rope half %k, %positions, %inv_freq head_dim 8 scale 1.0 : tensor<?x16xf32>, tensor<2xf32>
  // CHECK: %[[KV:.*]] = nn.kv_append %{{.*}}, %{{.*}}, %kv, %row_seq, %positions, %page_table layer 1 : tensor<?x16xf32>, !nn.kv<layers = 2
  %kv1 = nn.kv_append %kr, %k, %kv, %row_seq, %positions, %page_table layer 1 : tensor<?x16xf32>, !kv
  // CHECK: nn.attention %{{.*}}, %[[KV]], %row_seq, %positions, %page_table layer 1 heads 4 scale 1.250000e-01 window 7 : tensor<?x32xf32>, !nn.kv
  %a = nn.attention %q, %kv1, %row_seq, %positions, %page_table layer 1 heads 4 scale 0.125 window 7 : tensor<?x32xf32>, !kv
  %u = nn.linear %a, %up : tensor<?x32xf32>, tensor<256x32xbf16> -> tensor<?x256xf32>
  // CHECK: nn.glu gelu_tanh %{{.*}}, %{{.*}} : tensor<?x256xf32>
  %g = nn.glu gelu_tanh %u, %u : tensor<?x256xf32>
  %d = nn.linear %g, %wide : tensor<?x256xf32>, tensor<32x256x!nn.quant<q4_k>> -> tensor<?x32xf32>
  %e = nn.linear %g, %deep : tensor<?x256xf32>, tensor<32x256x!nn.quant<q6_k>> -> tensor<?x32xf32>
  // CHECK: nn.mul %{{.*}}, %{{.*}} : tensor<?x32xf32>, tensor<?x32xf32>
  %m = nn.mul %d, %e : tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: nn.scale %{{.*}} by 5.000000e-01 : tensor<?x32xf32>
  %s = nn.scale %m by 0.5 : tensor<?x32xf32>
  // CHECK: nn.gather_rows %{{.*}}, %out_rows : tensor<?x32xf32>
  %o = nn.gather_rows %s, %out_rows : tensor<?x32xf32>
  %logits = nn.linear %o, %table : tensor<?x32xf32>, tensor<100x32x!nn.quant<q8_0>> -> tensor<?x100xf32>
  // CHECK: nn.return %{{.*}} : tensor<?x100xf32>
  nn.return %logits : tensor<?x100xf32>
}

// CHECK: nn.func @encoder(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>, %segments: tensor<?x2xi32>) -> (%embedding: tensor<?x32xf32>) kind encoder artefact "weights" attributes {note = "kept"} {
nn.func @encoder(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                 %row_begin: tensor<?xi32>, %row_end: tensor<?xi32>,
                 %segments: tensor<?x2xi32>)
    -> (%embedding: tensor<?x32xf32>) kind encoder artefact "weights"
    attributes {note = "kept"} {
  %table = nn.weight "embd" : tensor<100x32xf32>
  %w = nn.weight "w" : tensor<32xf32>
  %x = nn.embedding %tokens, %table : tensor<100x32xf32> -> tensor<?x32xf32>
  // CHECK: nn.layer_norm %{{.*}}, %{{.*}}, %{{.*}} eps 9.99999996E-13 : tensor<?x32xf32>, tensor<32xf32>
  %n = nn.layer_norm %x, %w, %w eps 1.0e-12 : tensor<?x32xf32>, tensor<32xf32>
  // CHECK: nn.segment_attention %{{.*}}, %{{.*}}, %{{.*}}, %row_begin, %row_end heads 4 scale 3.535530e-01 : tensor<?x32xf32>
  %a = nn.segment_attention %n, %n, %n, %row_begin, %row_end heads 4 scale 0.353553 : tensor<?x32xf32>
  // CHECK: nn.activation gelu %{{.*}} : tensor<?x32xf32>
  %g = nn.activation gelu %a : tensor<?x32xf32>
  // CHECK: nn.pool mean %{{.*}}, %segments : tensor<?x32xf32>
  %p = nn.pool mean %g, %segments : tensor<?x32xf32>
  // CHECK: nn.l2_normalize %{{.*}} : tensor<?x32xf32>
  %l = nn.l2_normalize %p : tensor<?x32xf32>
  nn.return %l : tensor<?x32xf32>
}

// A fragment: no protocol, any arguments.
// CHECK: nn.func @fragment(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {
nn.func @fragment(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {
  // CHECK: nn.activation relu %x : tensor<?x4xf32>
  %0 = nn.activation relu %x : tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}
