// RUN: hetagon-opt %s --split-input-file --task-fuse-requests | FileCheck %s

task.tool @t named "t"
task.data_class @c zones []
task.service @chat decoder model "chat"
task.service @encoder encoder model "encoder"
// CHECK-LABEL: task.graph @flow
task.graph @flow("q" %q: !agent.text) -> ("a": !agent.stream<!agent.text>) {
  // CHECK-NEXT: %[[M:.*]] = task.render "a.prompt"
  %m = task.render "a.prompt" template "{{q}}" ("q" = %q : !agent.text) : !agent.message
  // CHECK-NEXT: %[[A:.*]] = task.generate "flow/a" @chat %[[M]] : !agent.message max_tokens 8 temperature 5.000000e-01 seed_key "k" {cost = #task.cost<bytes_read = <"1 byte * input_tokens + 2 byte">, bytes_resident = <"max(3 byte, 4 byte)">, latency = <"5 ns">>, data_classes = [@c], node = "a", timeout_ms = 7 : i64} -> !agent.stream<!agent.text>
  %t = task.tokenize "flow/a.tokenize" @chat %m {node = "a", timeout_ms = 7 : i64, data_classes = [@c]} : !agent.message
  %kv = task.prefill "flow/a.prefill" @chat %t
    {node = "a", cost = #task.cost<bytes_read = <"1 byte * input_tokens">, bytes_resident = <"3 byte">, latency = <"5 ns">>}
  %d = task.decode "flow/a.decode" @chat %kv max_tokens 8 temperature 0.5 seed_key "k"
    {node = "a", cost = #task.cost<bytes_read = <"2 byte">, bytes_resident = <"4 byte">>}
  %a = task.detokenize "flow/a.text" @chat %d {node = "a"} : !agent.stream<!agent.tokens> -> !agent.stream<!agent.text>
  // What waited for the last step waits for the request.
  // CHECK-NEXT: task.tool_call "tool" @t() -> !agent.json {after = ["flow/a"]}
  %r = task.tool_call "tool" @t() -> !agent.json {after = ["flow/a.text", "flow/a.decode"]}
  // CHECK-NEXT: task.require "r" "ttft" max 1.000000e+00 "s" on (first %[[A]] :
  task.require "r" "ttft" max 1.0 "s" on (first %a : !agent.stream<!agent.text>)
  // CHECK-NEXT: task.embed "e" @encoder %q {after = ["tool"], node = "n"} : !agent.text
  %et = task.tokenize "e.tokenize" @encoder %q {node = "n", after = ["tool"]} : !agent.text
  %e = task.embed "e" @encoder %et {node = "n", after = ["tool"]} : !agent.tokens
  task.output %a : !agent.stream<!agent.text>
}

// What somebody else reads stays.
// CHECK-LABEL: task.graph private @shared
task.graph private @shared("q" %q: !agent.message) -> ("t": !agent.tokens) {
  // CHECK: %[[T:.*]] = task.tokenize "t"
  %t = task.tokenize "t" @chat %q : !agent.message
  // CHECK: task.generate "x" @chat %[[T]] : !agent.tokens max_tokens 8
  %kv = task.prefill "x.prefill" @chat %t {node = "x"}
  %d = task.decode "x.decode" @chat %kv max_tokens 8 {node = "x"}
  %a = task.detokenize "x.text" @chat %d {node = "x"} : !agent.stream<!agent.tokens> -> !agent.text
  // CHECK: task.prefill "y.prefill"
  // CHECK: task.decode "y.decode"
  // CHECK: task.decode "z.decode"
  %kv2 = task.prefill "y.prefill" @chat %t {node = "y"}
  %d2 = task.decode "y.decode" @chat %kv2 max_tokens 8 {node = "y"}
  %d3 = task.decode "z.decode" @chat %kv2 max_tokens 8 {node = "z"}
  %a2 = task.detokenize "y.text" @chat %d2 {node = "y"} : !agent.stream<!agent.tokens> -> !agent.text
  %a3 = task.detokenize "z.text" @chat %d3 {node = "z"} : !agent.stream<!agent.tokens> -> !agent.text
  task.output %t : !agent.tokens
}

// CHECK: task.scenario @primary {
// CHECK-NEXT: task.place "flow/a" on "cpu"
// CHECK-NEXT: task.place "e" on "cpu"
// CHECK-NEXT: }
task.scenario @primary {
  task.place "flow/a.tokenize" on "cpu" why "w" rejected []
  task.place "flow/a.prefill" on "cpu" why "w" rejected []
  task.place "flow/a.decode" on "cpu" why "w" rejected []
  task.place "flow/a.text" on "cpu" why "w" rejected []
  task.place "e.tokenize" on "cpu" why "w" rejected []
  task.place "e" on "cpu" why "w" rejected []
}

// -----

// What a scenario puts on two devices stays two steps.
task.service @encoder encoder model "encoder"
// CHECK-LABEL: task.graph @apart
task.graph @apart("q" %q: !agent.text) -> () {
  // CHECK-NEXT: task.tokenize "e.tokenize"
  // CHECK-NEXT: task.embed "e"
  %et = task.tokenize "e.tokenize" @encoder %q : !agent.text
  %e = task.embed "e" @encoder %et : !agent.tokens
  task.output
}
task.scenario @primary {
  task.place "e.tokenize" on "cpu" why "w" rejected []
  task.place "e" on "vulkan:0" why "w" rejected []
}
