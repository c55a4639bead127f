// What has no decomposition is refused where it stands.
// RUN: hetagon-opt %s --convert-nn-to-linalg --verify-diagnostics --allow-unregistered-dialect

nn.func @f(%x: tensor<?x4xf32>) -> (%y: tensor<?x4xf32>) {
  // expected-error @+1 {{'other.op' op has no decomposition to linalg}}
  %0 = "other.op"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  nn.return %0 : tensor<?x4xf32>
}
