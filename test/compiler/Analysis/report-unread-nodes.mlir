// RUN: hetagon-opt %s --report-unread-nodes --verify-diagnostics

agent.model @m id "m"
agent.resource @r
agent.tool @look named "look" effects <reads = [@r], writes = []>
agent.tool @act named "act" effects <reads = [], writes = [@r]>

agent.graph @g("q" %q: !agent.text) -> ("a": !agent.text) {
  // A whole chain is idle.
  // expected-warning @below {{node 'first' will not run: nobody reads its output and it has no effects}}
  // expected-note @below {{make its output one of the flow's, or state what it writes}}
  %0 = agent.render "first" "{{q}}"("q" = %q : !agent.text)
  // expected-warning @below {{node 'second' will not run}}
  // expected-note @below {{state what it writes}}
  %1 = agent.generate "second" @m("f" = %0 : !agent.text) prompt "{{f}}" max_tokens 8 temperature 1.0 : !agent.text
  // expected-warning @below {{node 'look' will not run}}
  // expected-note @below {{state what it writes}}
  %2 = agent.tool_call "look" @look() -> ("x": !agent.json)
  %3 = agent.tool_call "act" @act() -> ("x": !agent.json)
  // Read by a demand alone is read.
  %4 = agent.render "measured" "{{q}}!"("q" = %q : !agent.text)
  agent.require "r" "latency" max 1.0 "s" node "measured" on (last %4 : !agent.text)
  %5 = agent.render "out" "{{q}}?"("q" = %q : !agent.text)
  agent.output %5 : !agent.text
}
