// RUN: hetagon-opt %s --canonicalize --cse --canonicalize | FileCheck %s

agent.model @m id "m"
agent.resource @clock
agent.tool @read named "read" effects <reads = [@clock], writes = []>
agent.tool @unknown named "unknown"

// A known text moves into the template; what is left without inputs is a
// constant, which the prompt takes in turn.
// CHECK-LABEL: agent.graph @constants
agent.graph @constants("q" %q: !agent.text) -> ("a": !agent.text) {
  // CHECK-NOT: agent.constant
  // CHECK-NOT: agent.render
  %name = agent.constant "Ada" : !agent.text
  %dear = agent.render "dear" "Dear {{name}}"("name" = %name : !agent.text)
  // CHECK: agent.generate "a" @m("q" = %q : !agent.text) system "Dear Ada" prompt "Dear Ada: {{[{][{]}}q}}" max_tokens 8
  %a = agent.generate "a" @m("dear" = %dear : !agent.text, "q" = %q : !agent.text)
    system "{{dear}}" prompt "{{dear}}: {{q}}" max_tokens 8 : !agent.text
  agent.output %a : !agent.text
}

// Braces in a constant are text, not placeholders.
// CHECK-LABEL: agent.graph @braces
agent.graph @braces("q" %q: !agent.text) -> ("a": !agent.text) {
  %c = agent.constant "{{q}}" : !agent.text
  // CHECK: agent.render "r" "{{[{][{]}}c}} {{[{][{]}}q}}"("c" = %{{.*}} : !agent.text, "q" = %q : !agent.text)
  %r = agent.render "r" "{{c}} {{q}}"("c" = %c : !agent.text, "q" = %q : !agent.text)
  agent.output %r : !agent.text
}

// A node of which a requirement speaks stays a node.
// CHECK-LABEL: agent.graph @measured
agent.graph @measured() -> ("a": !agent.text) {
  // CHECK: agent.render "r" "hello"
  %r = agent.render "r" "hello"()
  // CHECK: agent.require "r0"
  agent.require "r0" "latency" max 1.0 "ms" node "r" on (last %r : !agent.text)
  agent.output %r : !agent.text
}

// Eight equal prompts with sampling stay eight; so do they under one name of
// the sample key.
// CHECK-LABEL: agent.graph @eight
agent.graph @eight("items" %items: !agent.list<!agent.text>) -> ("all": !agent.list<!agent.text>) {
  // CHECK: agent.map
  %all = agent.map "each" (%item: !agent.text) in (%items : !agent.list<!agent.text>)
      -> (!agent.list<!agent.text>) {
    // CHECK-COUNT-2: agent.generate "g{{.}}" @m() prompt "joke"
    %0 = agent.generate "g0" @m() prompt "joke" max_tokens 8 temperature 1.0 sample_key "k" : !agent.text
    %1 = agent.generate "g1" @m() prompt "joke" max_tokens 8 temperature 1.0 sample_key "k" : !agent.text
    %2 = agent.render "join" "{{a}}{{b}}"("a" = %0 : !agent.text, "b" = %1 : !agent.text)
    agent.yield %2 : !agent.text
  }
  agent.output %all : !agent.list<!agent.text>
}

// Unread work without effects goes; effects, demands and releases stay.
// CHECK-LABEL: agent.graph @dead
agent.graph @dead("q" %q: !agent.text) -> () {
  // CHECK-NOT: agent.generate
  %0 = agent.generate "g" @m("q" = %q : !agent.text) prompt "{{q}}" max_tokens 8 temperature 1.0 : !agent.text
  // CHECK-NOT: "reads"
  %1 = agent.tool_call "reads" @read() -> ("t": !agent.json)
  // CHECK: agent.tool_call "world" @unknown
  %2 = agent.tool_call "world" @unknown() -> ("t": !agent.json)
  // CHECK: agent.call "inner" @worldly
  agent.call "inner" @worldly() -> ()
  // CHECK-NOT: agent.call "idle"
  agent.call "idle" @pure() -> ()
  // CHECK: agent.ask
  %3 = agent.ask "ask" prompt "?"() : !agent.text
  // CHECK: agent.declassify
  %4 = agent.declassify "free" %q : !agent.text reason "public anyway"
  // CHECK: agent.require
  agent.require "r1" "cost" max 1.0 "usd"
  // CHECK: agent.objective
  agent.objective minimize "cost"
  agent.output
}
agent.graph private @worldly() -> () {
  %0 = agent.tool_call "t" @unknown() -> ("t": !agent.json)
  agent.output
}
agent.graph private @pure() -> () {
  agent.output
}
