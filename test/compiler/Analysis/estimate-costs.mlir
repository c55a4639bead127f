// RUN: hetagon-opt %s --estimate-costs | FileCheck %s

// The encoder: one submission of its input; weights 8x8 f32 are 256 bytes, with
// bias 288; a row of a product is 2*8*8 operations and 2*8 values of 4 bytes.
nn.func @encoder.step(%x: tensor<?x8xf32>) -> (%y: tensor<?x8xf32>) artefact "w" {
  %w = nn.weight "w" : tensor<8x8xf32>
  %y = nn.linear %x, %w : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %z = nn.add %y, %x : tensor<?x8xf32>, tensor<?x8xf32>
  nn.return %z : tensor<?x8xf32>
}
task.service @encoder encoder model "e" {program = @encoder.step, weight_bytes = 256 : i64}
// The same program as a decoder: chunks of 4 rows, then a row for each token.
task.service @decoder decoder model "d"
  {program = @encoder.step, weight_bytes = 256 : i64, max_rows = 4 : i64,
   kv = #task.kv_cache<layers = 1, kv_heads = 1, head_dim = 2, page_tokens = 8, format = "f32">}
task.service @away endpoint model "x"

task.graph @flow("q" %q: !agent.text) -> () {
  // CHECK: task.embed "e" @encoder %q {cost = #task.cost<
  // CHECK-SAME: #task.work<"elementwise" "f32" : <"8 flop * input_tokens">>
  // CHECK-SAME: #task.work<"matmul" "f32" : <"128 flop * input_tokens">>
  // CHECK-SAME: bytes_read = <"256 byte + 160 byte * input_tokens">
  // CHECK-SAME: bytes_resident = <"256 byte">
  %e = task.embed "e" @encoder %q : !agent.text
  // CHECK: task.generate "g" @decoder
  // CHECK-SAME: #task.work<"matmul" "f32" : <"128 flop * (input_tokens + output_tokens)">>
  // CHECK-SAME: bytes_read = <"256 byte * (ceildiv(input_tokens, 4) + output_tokens) + 160 byte * (input_tokens + output_tokens)">
  // CHECK-SAME: bytes_resident = <"256 byte + 128 byte * ceildiv(input_tokens + output_tokens, 8)">
  %g = task.generate "g" @decoder %q : !agent.text max_tokens 8 -> !agent.text
  // The same in two steps: what reads and what writes.
  // CHECK: task.prefill "p" @decoder
  // CHECK-SAME: #task.work<"matmul" "f32" : <"128 flop * input_tokens">>
  // CHECK-SAME: bytes_read = <"256 byte * ceildiv(input_tokens, 4) + 160 byte * input_tokens">
  // CHECK-SAME: bytes_resident = <"256 byte + 128 byte * ceildiv(input_tokens, 8)">
  // CHECK: task.decode "d" @decoder
  // CHECK-SAME: #task.work<"matmul" "f32" : <"128 flop * output_tokens">>
  // CHECK-SAME: bytes_read = <"256 byte * output_tokens + 160 byte * output_tokens">
  // CHECK-SAME: bytes_resident = <"256 byte + 128 byte * ceildiv(input_tokens + output_tokens, 8)">
  %t = task.tokenize "t" @decoder %q : !agent.text
  %kv = task.prefill "p" @decoder %t
  %d = task.decode "d" @decoder %kv max_tokens 8
  // CHECK: task.generate "x" @away
  // CHECK-NOT: cost
  %x = task.generate "x" @away %q : !agent.text max_tokens 8 -> !agent.text
  task.output
}
