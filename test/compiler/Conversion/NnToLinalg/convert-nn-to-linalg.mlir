// Programs become functions on tensors; each operation its decomposition. The
// numbers are tested in Decompose_test.cpp.
// RUN: hetagon-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// Weights become arguments behind the program's, one for each tensor of the
// artefact; quantised ones are bytes.
// CHECK-LABEL: func.func @weights
// CHECK-SAME: (%[[IDS:[a-z0-9]+]]: tensor<?xi32>, %[[TABLE:[a-z0-9]+]]: tensor<64x40xi8> {nn.weight = "table"}, %[[ROW:[a-z0-9]+]]: tensor<64xf16> {nn.row = 1 : i64, nn.weight = "types"}) -> tensor<?x64xf32>
nn.func @weights(%tokens: tensor<?xi32>) -> (%y: tensor<?x64xf32>) artefact "w" {
  %table = nn.weight "table" : tensor<64x64x!nn.quant<q4_1>>
  %again = nn.weight "table" : tensor<64x64x!nn.quant<q4_1>>
  %row = nn.weight "types" row 1 : tensor<64xf16>
  // CHECK: linalg.generic {{.*}} ins(%[[IDS]] : tensor<?xi32>)
  // CHECK: tensor.extract %[[TABLE]]
  %x = nn.embedding %tokens, %table : tensor<64x64x!nn.quant<q4_1>> -> tensor<?x64xf32>
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[ROW]] : tensor<?x64xf32>, tensor<64xf16>)
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.addf
  %s = nn.add %x, %row : tensor<?x64xf32>, tensor<64xf16>
  // CHECK: %[[EXPANDED:.*]] = linalg.generic
  // CHECK: -> tensor<64x64xf32>
  // CHECK: %[[ZERO:.*]] = linalg.fill
  // CHECK: linalg.matmul_transpose_b ins(%{{.*}}, %[[EXPANDED]] : tensor<?x64xf32>, tensor<64x64xf32>) outs(%[[ZERO]] : tensor<?x64xf32>)
  %y = nn.linear %s, %again : tensor<?x64xf32>, tensor<64x64x!nn.quant<q4_1>> -> tensor<?x64xf32>
  nn.return %y : tensor<?x64xf32>
}

// -----

// The cache is a tensor in the pool's layout; its last handle is a result.
// CHECK-LABEL: func.func @cache
// CHECK-SAME: %[[POOL:[a-z0-9]+]]: tensor<?x2x2x1x8x4xf16>) -> (tensor<?x8xf32>, tensor<?x2x2x1x8x4xf16>)
!kv = !nn.kv<layers = 2, kv_heads = 1, head_dim = 4, page_tokens = 8, format = f16>
nn.func @cache(%x: tensor<?x4xf32>, %q: tensor<?x8xf32>, %row_seq: tensor<?xi32>, %positions: tensor<?xi32>,
               %page_table: tensor<?x?xi32>, %kv: !kv) -> (%y: tensor<?x8xf32>) {
  // CHECK: %[[NEXT:.*]] = scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %[[POOL]])
  // CHECK: scf.for {{.*}} iter_args(%[[INNER:.*]] = %[[CARRIED]])
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // CHECK: %[[WITH_KEY:.*]] = tensor.insert %{{.*}} into %[[INNER]][%{{.*}}, %c1, %c0, %{{.*}}, %{{.*}}, %{{.*}}] : tensor<?x2x2x1x8x4xf16>
  // CHECK: tensor.insert %{{.*}} into %[[WITH_KEY]][%{{.*}}, %c1, %c1, %{{.*}}, %{{.*}}, %{{.*}}] : tensor<?x2x2x1x8x4xf16>
  %kv1 = nn.kv_append %x, %x, %kv, %row_seq, %positions, %page_table layer 1 : tensor<?x4xf32>, !kv
  // CHECK: tensor.extract %[[NEXT]]
  // CHECK: math.exp
  // CHECK: tensor.extract %[[NEXT]]
  // CHECK: arith.divf
  %y = nn.attention %q, %kv1, %row_seq, %positions, %page_table layer 1 heads 2 scale 0.5 window 0 : tensor<?x8xf32>, !kv
  // CHECK: return %{{.*}}, %[[NEXT]]
  nn.return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @norms
nn.func @norms(%x: tensor<?x8xf32>) -> (%y: tensor<?x8xf32>) artefact "w" {
  %piece = nn.weight "p" : tensor<4xf32>
  %whole = nn.weight "w" : tensor<8xbf16>
  // CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  // CHECK: iterator_types = ["parallel", "parallel", "reduction"]
  // CHECK: math.sqrt
  // CHECK: tensor.collapse_shape
  %0 = nn.rms_norm %x, %piece eps 0.5 : tensor<?x8xf32>, tensor<4xf32>
  // CHECK: arith.extf %{{.*}} : bf16 to f32
  %1 = nn.layer_norm %0, %whole, %whole eps 0.5 : tensor<?x8xf32>, tensor<8xbf16>
  // CHECK: arith.maximumf
  %2 = nn.l2_normalize %1 : tensor<?x8xf32>
  nn.return %2 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @elements
nn.func @elements(%x: tensor<?x8xf32>, %positions: tensor<?xi32>, %out_rows: tensor<?xi32>, %segments: tensor<?x2xi32>)
    -> (%y: tensor<?x8xf32>, %z: tensor<?x8xf32>) {
  // CHECK-DAG: %[[FREQ:.*]] = arith.constant dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf32>
  %freq = nn.constant dense<[1.0, 0.5]> : tensor<2xf32>
  // CHECK: math.cos
  // CHECK: math.sin
  %0 = nn.rope half %x, %positions, %freq head_dim 4 scale 1.0 : tensor<?x8xf32>, tensor<2xf32>
  // CHECK: math.erf
  %1 = nn.activation gelu %0 : tensor<?x8xf32>
  // CHECK: math.tanh
  // CHECK: arith.mulf
  %2 = nn.glu gelu_tanh %1, %0 : tensor<?x8xf32>
  // CHECK: arith.maximumf
  %3 = nn.activation relu %2 : tensor<?x8xf32>
  // CHECK: tensor.extract
  %4 = nn.gather_rows %3, %out_rows : tensor<?x8xf32>
  // CHECK: iterator_types = ["parallel", "parallel", "reduction"]
  %5 = nn.pool mean %3, %segments : tensor<?x8xf32>
  nn.return %4, %5 : tensor<?x8xf32>, tensor<?x8xf32>
}
