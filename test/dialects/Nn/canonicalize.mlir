// Folds and canonical forms of nn.
// RUN: hetagon-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: nn.func @scale_by_one
nn.func @scale_by_one(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK-NEXT: %[[SUM:.*]] = nn.add %x, %y
  // CHECK-NEXT: nn.return %[[SUM]]
  %0 = nn.scale %x by 1.0 : tensor<?x4xf32>
  %1 = nn.add %0, %y : tensor<?x4xf32>, tensor<?x4xf32>
  nn.return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: nn.func @scale_stays
nn.func @scale_stays(%x: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK-NEXT: nn.scale %x by 5.000000e-01
  %0 = nn.scale %x by 0.5 : tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: nn.func @gated
nn.func @gated(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK-NEXT: %[[GLU:.*]] = nn.glu silu %g, %u : tensor<?x4xf32>
  // CHECK-NEXT: nn.return %[[GLU]]
  %0 = nn.activation silu %g : tensor<?x4xf32>
  %1 = nn.mul %0, %u : tensor<?x4xf32>, tensor<?x4xf32>
  nn.return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: nn.func @gated_from_the_right
nn.func @gated_from_the_right(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK-NEXT: nn.glu gelu %g, %u : tensor<?x4xf32>
  %0 = nn.activation gelu %g : tensor<?x4xf32>
  %1 = nn.mul %u, %0 : tensor<?x4xf32>, tensor<?x4xf32>
  nn.return %1 : tensor<?x4xf32>
}

// A vector is no gate.
// CHECK-LABEL: nn.func @not_gated
nn.func @not_gated(%g: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK: nn.activation silu
  // CHECK: nn.mul
  %v = nn.constant dense<2.0> : tensor<4xf32>
  %0 = nn.activation silu %g : tensor<?x4xf32>
  %1 = nn.mul %0, %v : tensor<?x4xf32>, tensor<4xf32>
  nn.return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: nn.func @normalised_twice
nn.func @normalised_twice(%x: tensor<?x4xf32>) -> (%r: tensor<?x4xf32>) {
  // CHECK-NEXT: %[[ONE:.*]] = nn.l2_normalize %x
  // CHECK-NEXT: nn.return %[[ONE]]
  %0 = nn.l2_normalize %x : tensor<?x4xf32>
  %1 = nn.l2_normalize %0 : tensor<?x4xf32>
  nn.return %1 : tensor<?x4xf32>
}

// Equal constants become one, and one that is unused goes.
// CHECK-LABEL: nn.func @constants
nn.func @constants(%x: tensor<?x2xf32>) -> (%r: tensor<?x2xf32>) {
  // CHECK-NEXT: nn.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  // CHECK-NEXT: nn.add
  // CHECK-NEXT: nn.add
  // CHECK-NEXT: nn.return
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %c = nn.constant dense<[3.0, 2.0]> : tensor<2xf32>
  %0 = nn.add %x, %a : tensor<?x2xf32>, tensor<2xf32>
  %1 = nn.add %0, %b : tensor<?x2xf32>, tensor<2xf32>
  nn.return %1 : tensor<?x2xf32>
}
