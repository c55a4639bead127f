// RUN: hetagon-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{has an empty id}}
agent.model @m id ""

// -----

// expected-error @below {{names a secret but no url to use it for}}
agent.model @m id "m" secret "s"

// -----

// expected-error @below {{has no command to start it with}}
agent.tool_server @s stdio []

// -----

// expected-error @below {{has a value for "A" that is not text}}
agent.tool_server @s stdio ["x"] {environment = {A = 1 : i64}}

// -----

// expected-error @below {{names a tool server @nowhere, which is not declared}}
agent.tool @t on @nowhere named "t"

// -----

// expected-note @below {{declared here}}
agent.model @m id "m"
// expected-error @below {{needs a tool server, but @m is something else}}
agent.tool @t on @m named "t"

// -----

// expected-error @below {{names a resource @crm, which is not declared}}
agent.tool @t named "t" effects <reads = [], writes = [@crm]>

// -----

// @world needs no declaration.
agent.tool @t named "t" effects <reads = [@world], writes = []>

// -----

// expected-error @below {{names a data class @secret, which is not declared}}
agent.documents @d source "docs" class @secret

// -----

// expected-error @below {{has two inputs named 'a'}}
agent.graph @g("a" %a: !agent.text, "a" %b: !agent.text) -> () {
  agent.output
}

// -----

// expected-error @below {{only values of the agent dialect flow in}}
agent.graph @g("a" %a: i32) -> () {
  agent.output
}

// -----

// expected-error @below {{names a data class @secret, which is not declared}}
agent.graph @g("a" %a: !agent.text class @secret) -> () {
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> ("b": !agent.json) {
  // expected-error @below {{hands back ('!agent.text') where the graph promises ('!agent.json')}}
  agent.output %a : !agent.text
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  %0 = agent.render "x" "<{{a}}>"("a" = %a : !agent.text)
  // expected-error @below {{has the name 'x' of another node; names are unique in a graph}}
  %1 = agent.render "x" "[{{a}}]"("a" = %a : !agent.text)
  agent.output
}

// -----

// expected-error @below {{calls itself in the end}}
agent.graph @a() -> () {
  agent.call "down" @b() -> ()
  agent.output
}
agent.graph private @b() -> () {
  // expected-note @below {{through this call; use agent.loop}}
  agent.call "up" @a() -> ()
  agent.output
}

// -----

agent.graph private @sub("text" %t: !agent.text) -> () {
  agent.output
}
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{has inputs ["a"] and outputs [] where @sub has ["text"] and []}}
  agent.call "c" @sub("a" = %a : !agent.text) -> ()
  agent.output
}

// -----

agent.graph private @sub("text" %t: !agent.text) -> () {
  agent.output
}
agent.graph @g("a" %a: !agent.json) -> () {
  // expected-error @below {{has types that differ from those of @sub}}
  agent.call "c" @sub("text" = %a : !agent.json) -> ()
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{mentions {{b}} but has no input of that name}}
  %0 = agent.render "x" "<{{b}}{{a}}>"("a" = %a : !agent.text)
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{has an input 'a' that the template does not mention}}
  %0 = agent.render "x" "{{ }} {{a"("a" = %a : !agent.text)
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{has an input 'a' that no template mentions}}
  %0 = agent.generate "x" @m("a" = %a : !agent.text) prompt "p" max_tokens 4 : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{needs max_tokens of at least 1}}
  %0 = agent.generate "x" @m("a" = %a : !agent.text) prompt "{{a}}" max_tokens 0 : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{needs a top_p above 0 and at most 1}}
  %0 = agent.generate "x" @m("a" = %a : !agent.text) prompt "{{a}}" max_tokens 1 top_p 1.5 : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{needs a temperature of at least 0}}
  %0 = agent.generate "x" @m("a" = %a : !agent.text) prompt "{{a}}" max_tokens 1 temperature -1.0 : !agent.text
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{names a model @m, which is not declared}}
  %0 = agent.generate "x" @m("a" = %a : !agent.text) prompt "{{a}}" max_tokens 1 : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{names documents @d, which is not declared}}
  %0 = agent.retrieve "x" @d by @m top_k 3 question %a : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text, "p" %p: !agent.json) -> () {
  // expected-error @below {{needs a threshold between -1 and 1}}
  %0 = agent.attribute "x" @m answer %a : !agent.text passages %p : !agent.json threshold 3.0
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{names a tool @t, which is not declared}}
  %0 = agent.agent "x" @m("a" = %a : !agent.text) instructions "{{a}}" tools [@t] max_steps 3 -> ("r": !agent.text)
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{names a resource @notes, which is not declared}}
  agent.observe "x" into @notes %a : !agent.text
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  %0 = agent.route "x" branch on %a : !agent.text -> (!agent.text)
  case "y" {
    // expected-error @below {{yields () where the route's results are ('!agent.text')}}
    agent.yield
  }
  default {
    agent.yield %a : !agent.text
  }
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{has two cases named 'y'}}
  agent.route "x" branch on %a : !agent.text
  case "y" {
    agent.yield
  }
  case "y" {
    agent.yield
  }
  default {
    agent.yield
  }
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.list<!agent.text>) -> () {
  // expected-error @below {{gives items of type '!agent.text' to a body that takes '!agent.json'}}
  agent.map "x" (%i: !agent.json) in (%a : !agent.list<!agent.text>) -> () {
    agent.yield
  }
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.list<!agent.text>) -> () {
  %0 = agent.map "x" (%i: !agent.text) in (%a : !agent.list<!agent.text>) -> (!agent.list<!agent.json>) {
    // expected-error @below {{yields '!agent.text', which cannot be gathered as '!agent.list<!agent.json>'}}
    agent.yield %i : !agent.text
  }
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{needs max_trips of at least 1}}
  %0 = agent.loop "x" max_trips 0 (%c = %a : !agent.text) {
    agent.again %c : !agent.text carrying %c : !agent.text
  }
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{speaks of a node 'x' that this graph does not have}}
  agent.require "r" "latency" max 1.0 "ms" node "x"
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  %0 = agent.render "x" "<{{a}}>"("a" = %a : !agent.text)
  // expected-error @below {{speaks of node 'x' without measuring a value of it}}
  agent.require "r" "latency" max 1.0 "ms" node "x" on (last %a : !agent.text)
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{unknown event 'start'; it is first, last or gap}}
  agent.require "r" "latency" max 1.0 "ms" on (start %a : !agent.text)
  agent.output
}

// -----

agent.graph @g("a" %a: !agent.text) -> () {
  // expected-error @below {{gives no reason; releasing data needs one}}
  %0 = agent.declassify "x" %a : !agent.text reason ""
  agent.output
}

// -----

// expected-error @below {{a stream cannot carry '!agent.image'}}
agent.graph @g("a" %a: !agent.stream<!agent.image>) -> () {
  agent.output
}

// -----

// expected-error @below {{a list cannot hold 'i32'}}
agent.graph @g("a" %a: !agent.list<i32>) -> () {
  agent.output
}
