// Nothing general touches steps: what looks dead or equal to MLIR is work that
// a requirement, a trace or a pin may name.
// RUN: hetagon-opt %s --canonicalize --cse --symbol-dce | FileCheck %s

task.tool @t named "t"

// CHECK-LABEL: task.graph @flow
task.graph @flow("q" %q: !agent.text) -> () {
  // CHECK-NEXT: task.constant "a"
  // CHECK-NEXT: task.constant "b"
  %a = task.constant "a" value "x" : !agent.text
  %b = task.constant "b" value "x" : !agent.text
  // CHECK-NEXT: task.render "r"
  %r = task.render "r" template "x" () : !agent.text
  // CHECK-NEXT: task.tool_call "c"
  // CHECK-NEXT: task.tool_call "d"
  %c = task.tool_call "c" @t() -> !agent.json effects <reads = [], writes = []>
  %d = task.tool_call "d" @t() -> !agent.json effects <reads = [], writes = []>
  // CHECK-NEXT: task.require "r0"
  task.require "r0" "latency" max 1.0 "s"
  task.output
}
