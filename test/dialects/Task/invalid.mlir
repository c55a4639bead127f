// RUN: hetagon-opt %s --split-input-file --verify-diagnostics

task.system {
  task.device "cpu" backend "cpu" zone "z" trust "own"
  // expected-error @below {{has the id 'cpu' of another device}}
  task.device "cpu" backend "cpu" zone "z" trust "own"
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "z" trust "own"
  // expected-error @below {{ends at 'gpu', which is not a device here}}
  task.link "cpu" to "gpu" bytes_per_second 1.0 latency_ns 1
}

// -----

task.system {
  // expected-error @below {{without the rung that says how they are known}}
  task.device "cpu" backend "cpu" zone "z" trust "own" {bytes_per_second = 1.0 : f64}
}

// -----

task.system {
  // expected-error @below {{has a speed that is not above 0}}
  task.device "cpu" backend "cpu" zone "z" trust "own" {bytes_per_second = -1.0 : f64, rung = #task.rung<analytic>}
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "z" trust "own"
  // expected-error @below {{needs bytes_per_second above 0}}
  task.link "cpu" to "cpu" bytes_per_second 0.0 latency_ns 1
}

// -----

// expected-error @below {{has a sha256 that is not 64 hexadecimal digits}}
task.artefact @a weights {sha256 = "12"}

// -----

// expected-error @below {{only an index is built}}
task.artefact @a weights {documents = "d"}

// -----

// expected-error @below {{is an encoder, which has no cache}}
task.service @e encoder model "e"
  {kv = #task.kv_cache<layers = 1, kv_heads = 1, head_dim = 1, page_tokens = 1, format = "f32">}

// -----

// expected-error @below {{a cache holds f32, f16 or bf16, not 'i8'}}
task.service @e decoder model "e" {kv = #task.kv_cache<layers = 1, kv_heads = 1, head_dim = 1, page_tokens = 1, format = "i8">}

// -----

// expected-error @below {{needs sizes of at least 1 whose product fits 63 bits}}
task.service @e decoder model "e" {kv = #task.kv_cache<layers = 4611686018427387904, kv_heads = 8, head_dim = 1, page_tokens = 1, format = "f32">}

// -----

task.artefact @w weights
task.system {
  task.device "a" backend "x" zone "z" trust "own"
  // expected-error @below {{a profile has a time for each count of tokens, and at least one}}
  task.profile "a" of "w" <tokens = [1, 2], first = [1.0]>
}

// -----

task.artefact @w weights
task.system {
  task.device "a" backend "x" zone "z" trust "own"
  // expected-error @below {{counts of tokens grow, from 1 on}}
  task.profile "a" of "w" <tokens = [2, 2], first = [1.0, 2.0]>
}

// -----

task.artefact @w weights
task.system {
  task.device "a" backend "x" zone "z" trust "own"
  // expected-error @below {{times are not negative}}
  task.profile "a" of "w" <tokens = [2], first = [-1.0]>
}

// -----

task.artefact @w weights
task.system {
  task.device "a" backend "x" zone "z" trust "own"
  // expected-error @below {{is of 'b', which is not a device here}}
  task.profile "b" of "w" <tokens = [2], first = [1.0]>
}

// -----

// expected-error @below {{names an artefact @w, which is not declared}}
task.service @e decoder model "e" {artefact = @w}

// -----

// expected-error @below {{is an endpoint, which has neither program nor cache here}}
task.service @e endpoint model "e" {program = @p}

// -----

// expected-error @below {{needs both a server and its command, or neither}}
task.tool @t named "t" server "s"

// -----

// expected-error @below {{expression, offset 0: '+' joins byte and flop}}
#e = #task.expr<"1 byte + 1 flop">

// -----

// expected-error @below {{'3 flop' is in 'flop', but bytes_read is in 'byte'}}
#c = #task.cost<bytes_read = <"3 flop">>

// -----

// expected-error @below {{a prediction has a value exactly when its rung is not unknown}}
#p = #task.prediction<unit = "ms", rung = analytic, basis = "b">

// -----

task.graph @g() -> ("a": !agent.text) {
  // expected-error @below {{hands back () where the graph promises ('!agent.text')}}
  task.output
}

// -----

task.graph @g() -> () {
  %a = task.constant "x" value "1" : !agent.text
  // expected-error @below {{needs a name of its own, not 'x'}}
  %b = task.constant "x" value "2" : !agent.text
  task.output
}

// -----

task.graph @g() -> () {
  // expected-error @below {{waits for 'y', which is no step before it}}
  %a = task.constant "x" value "1" {after = ["y"]} : !agent.text
  %b = task.constant "y" value "2" : !agent.text
  task.output
}

// -----

task.graph @g() -> () {
  // expected-error @below {{is not a step}}
  %a = arith.constant 1 : i32
  task.output
}

// -----

task.graph @g() -> () {
  // expected-error @below {{has a timeout_ms below 0}}
  %a = task.constant "x" value "1" {timeout_ms = -1 : i64} : !agent.text
  task.output
}

// -----

task.graph @g() -> () {
  // expected-error @below {{has a cost that is not a #task.cost}}
  %a = task.constant "x" value "1" {cost = 1 : i64} : !agent.text
  task.output
}

// -----

task.graph @g("q" %q: !agent.text) -> () {
  // expected-error @below {{names a data class @c, which is not declared}}
  %a = task.render "x" template "{{q}}" ("q" = %q : !agent.text) {data_classes = [@c]} : !agent.text
  task.output
}

// -----

// expected-note @below {{declared here}}
task.service @e encoder model "e"
task.graph @g("q" %q: !agent.tokens) -> () {
  // expected-error @below {{cannot be asked of @e, which is an encoder}}
  %kv = task.prefill "x" @e %q
  task.output
}

// -----

task.graph @g("q" %q: !agent.text) -> () {
  // expected-error @below {{has a system text, which only messages can carry}}
  %a = task.render "x" system "s" template "{{q}}" ("q" = %q : !agent.text) : !agent.text
  task.output
}

// -----

task.artefact @w weights
task.graph @g("q" %q: !agent.embedding) -> () {
  // expected-error @below {{searches @w, which is not an index}}
  %a = task.search "x" @w top_k 3 ("q" = %q : !agent.embedding)
  task.output
}

// -----

task.tool @t named "t"
task.graph @g() -> () {
  // expected-error @below {{names a resource @crm, which is not declared}}
  %a = task.tool_call "x" @t() -> !agent.json effects <reads = [], writes = [@crm]>
  task.output
}

// -----

// expected-note @below {{which are declared here}}
task.graph private @sub("a" %a: !agent.text) -> () {
  task.output
}
task.graph @g("q" %q: !agent.json) -> () {
  // expected-error @below {{does not fit the inputs and outputs of @sub}}
  task.call "x" @sub("a" = %q : !agent.json) -> ()
  task.output
}

// -----

task.graph private @sub("a" %a: !agent.text) -> () {
  task.output
}
task.graph @g("q" %q: !agent.list<!agent.text>) -> () {
  // expected-error @below {{walks over "b", which is not an input}}
  task.map "x" @sub over ["b"] ("a" = %q : !agent.list<!agent.text>) parallel 0 -> ()
  task.output
}

// -----

task.graph private @sub() -> () {
  task.output
}
task.graph @g("q" %q: !agent.text) -> () {
  // expected-error @below {{has the default "c", which is none of its cases}}
  task.branch "x" on %q : !agent.text () cases ["a"] graphs [@sub] default "c" -> ()
  task.output
}

// -----

task.graph @g() -> () {
  // expected-error @below {{is in 'ms' but predicted in 's'}}
  task.require "r" "latency" max 1.0 "ms" predicted <value = 1.0 : f64, unit = "s", rung = analytic, basis = "b">
  task.output
}

// -----

task.scenario @s {
  task.place "a" on "cpu" why "w" rejected []
  // expected-error @below {{places 'a' a second time}}
  task.place "a" on "cpu" why "w" rejected []
}

// -----

task.graph private @sub("a" %a: !agent.text) -> ("b": !agent.text) {
  task.output %a : !agent.text
}
task.graph @g("q" %q: !agent.list<!agent.text>) -> () {
  // expected-error @below {{gathers its results as '!agent.json', which is no list}}
  %r = task.map "x" @sub over ["a"] ("a" = %q : !agent.list<!agent.text>) parallel 0 -> ("b": !agent.json)
  task.output
}
