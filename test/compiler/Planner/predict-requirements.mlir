// RUN: hetagon-opt %s --predict-requirements | FileCheck %s
// RUN: sed 's/task.sizes = .*}/task.unsized}/' %s | hetagon-opt --predict-requirements | FileCheck %s --check-prefix=UNSIZED

module attributes {task.sizes = {input_tokens = 100 : i64}} {
task.system {
  // 1 operation and 1 byte in a nanosecond.
  task.device "fast" backend "cpu" zone "z" trust "own"
    {operations_per_second = 1.0e9 : f64, bytes_per_second = 1.0e9 : f64, rung = #task.rung<analytic>}
  task.device "dark" backend "cpu" zone "z" trust "own"
  task.profile "dark" of "w"
    <tokens = [100, 200], first = [2.0e6, 3.0e6], each = [1.0e6, 2.0e6]>
  task.device "away" backend "remote" zone "z" trust "own"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m",
     price_per_million_input = 1.0 : f64, price_per_million_output = 4.0 : f64>}
}
task.tool @t named "t"
task.service @m decoder model "m" {device = "fast"}
task.service @e encoder model "e" {device = "fast"}
task.service @n encoder model "n" {device = "dark"}
task.artefact @w weights
task.service @profiled decoder model "p" {device = "dark", artefact = @w}
task.service @far endpoint model "far" {device = "away"}
task.graph @flow("q" %q: !agent.text) -> () {
  // Compute-bound: 3 * 100 operations against 100 bytes.
  %e = task.embed "e" @e %q
    {cost = #task.cost<operations = [#task.work<"matmul" "f32" : <"3 flop * input_tokens">>],
                       bytes_read = <"1 byte * input_tokens">>} : !agent.text
  // Memory-bound: a million bytes to read, as many for each token.
  %g = task.generate "g" @m %q : !agent.text max_tokens 10
    {after = ["e"],
     cost = #task.cost<operations = [#task.work<"matmul" "f32" : <"1 flop * input_tokens">>],
                       bytes_read = <"1000000 byte * (1 + output_tokens)">, latency = <"500 us">>} -> !agent.text
  %d = task.embed "d" @n %q {cost = #task.cost<bytes_read = <"1 byte">>} : !agent.text
  %t = task.tool_call "t" @t("g" = %g : !agent.text) -> !agent.json
  // CHECK: "node" {{.*}} predicted <value = 3.000000e+02 : f64, unit = "ns", rung = analytic, basis = "rooflines, profiles and stated times, at expected sizes">
  // UNSIZED: "node" {{.*}} predicted <unit = "ns", rung = unknown, basis = "e: no value for the size 'input_tokens'">
  task.require "node" "latency" max 1.0 "ns" node "e" on (last %e : !agent.embedding)
  // CHECK: "first" {{.*}} predicted <value = 1.500300e+00 : f64, unit = "ms"
  task.require "first" "ttft" max 1.0 "ms" on (first %g : !agent.text)
  // CHECK: "own" {{.*}} predicted <value = 1.500000e+00 : f64, unit = "ms"
  task.require "own" "ttft" max 1.0 "ms" node "g" on (first %g : !agent.text)
  // CHECK: "gap" {{.*}} predicted <value = 1.000000e+03 : f64, unit = "us"
  task.require "gap" "tbt" max 1.0 "us" on (gap %g : !agent.text)
  // CHECK: "last" {{.*}} predicted <value = 1.150030e-02 : f64, unit = "s"
  task.require "last" "latency" max 1.0 "s" on (last %g : !agent.text)
  // CHECK: "dark" {{.*}} predicted <unit = "ms", rung = unknown, basis = "nobody knows the speed of dark">
  task.require "dark" "latency" max 1.0 "ms" on (last %d : !agent.embedding)
  // CHECK: "tool" {{.*}} predicted <unit = "ms", rung = unknown, basis = "nobody knows what step 't' takes">
  task.require "tool" "latency" max 1.0 "ms" on (last %t : !agent.json)
  // CHECK: "energy" {{.*}} predicted <unit = "J", rung = unknown, basis = "there is no model of energy yet">
  task.require "energy" "energy" max 1.0 "J"
  // CHECK: "none" {{.*}} predicted <unit = "ms", rung = unknown, basis = "it measures no value">
  task.require "none" "latency" max 1.0 "ms"
  // CHECK: "what" {{.*}} predicted <unit = "ms", rung = unknown, basis = "step 'e' is no generation">
  task.require "what" "ttft" max 1.0 "ms" on (first %e : !agent.embedding)

  // A profile knows better than a roofline: half way between its counts, beyond
  // them along the last slope. 2.5 ms to the first of 150 tokens, then 10 that
  // take 1.5 ms each after 150 and 1.55 ms on average.
  // CHECK: "profile" {{.*}} predicted <value = 2.500000e+00 : f64, unit = "ms", rung = profiled, basis = "measured profiles, at expected sizes">
  %p = task.generate "p" @profiled %q : !agent.text max_tokens 11
    {task.sizes = {input_tokens = 150 : i64, output_tokens = 11 : i64}} -> !agent.text
  task.require "profile" "ttft" max 1.0 "ms" on (first %p : !agent.text)
  // CHECK: "whole" {{.*}} predicted <value = 1.800000e+01 : f64, unit = "ms", rung = profiled
  task.require "whole" "latency" max 1.0 "ms" node "p" on (last %p : !agent.text)
  // 150 tokens in and 11 out at the endpoint's prices; the rest costs nothing.
  // CHECK: "dollars" {{.*}} predicted <value = 1.940000e-04 : f64, unit = "usd", rung = analytic, basis = "prices of endpoints, at expected sizes">
  %far = task.generate "far" @far %q : !agent.text max_tokens 11
    {task.sizes = {input_tokens = 150 : i64, output_tokens = 11 : i64}} -> !agent.text
  task.require "dollars" "cost" max 1.0 "usd"
  // CHECK: "free" {{.*}} predicted <value = 0.000000e+00 : f64, unit = "cent"
  task.require "free" "cost" max 1.0 "cent" node "p"
  // The least trustworthy part decides.
  // CHECK: "mixed" {{.*}} unit = "ms", rung = analytic
  %b = task.embed "b" @e %p
    {cost = #task.cost<bytes_read = <"1 byte">>} : !agent.text
  task.require "mixed" "latency" max 1.0 "ms" on (last %b : !agent.embedding)
  task.output
}
}
