// RUN: hetagon-opt %s --agent-to-task --split-input-file --verify-diagnostics

// expected-note @below {{a model does one or the other}}
agent.model @m id "m"
agent.graph @g("q" %q: !agent.text) -> () {
  %0 = agent.generate "a" @m("q" = %q : !agent.text) prompt "{{q}}" max_tokens 8 : !agent.text
  // expected-error @below {{the model 'm' is asked as encoder here and as decoder elsewhere}}
  %1 = agent.embed "b" @m %q : !agent.text
  agent.output
}

// -----

agent.model @m id "m"
agent.resource @notes
agent.tool @t named "t"
agent.graph @g("q" %q: !agent.text, "s" %s: !agent.audio, "c" %c: !agent.message) -> () {
  // expected-error @below {{a loop cannot be compiled yet}}
  // expected-note @below {{unroll it}}
  %0 = agent.loop "a" max_trips 3 (%x = %q : !agent.text) {
    agent.again %x : !agent.text carrying %x : !agent.text
  }
  agent.output
}

// -----

agent.model @m id "m"
agent.graph @g("q" %q: !agent.text) -> () {
  // expected-error @below {{an agent that chooses its tools cannot be compiled yet}}
  // expected-note @below {{call the tools in a flow of your own}}
  %0 = agent.agent "a" @m("q" = %q : !agent.text) instructions "{{q}}" tools [] max_steps 3 -> ("r": !agent.text)
  agent.output
}

// -----

agent.graph @g("q" %q: !agent.text) -> () {
  // expected-error @below {{a remote agent cannot be compiled yet}}
  %0 = agent.remote_agent "a" "a2a" at "https://example.org" ("q" = %q : !agent.text) -> ("r": !agent.text)
  agent.output
}
// All graphs are tried in one run.
agent.model @m id "m"
agent.graph private @h("q" %q: !agent.audio) -> () {
  // expected-error @below {{speech recognition cannot be compiled yet}}
  %0 = agent.transcribe "a" @m %q : !agent.audio -> !agent.text
  agent.output
}
agent.graph private @i("q" %q: !agent.text) -> () {
  // expected-error @below {{speech output cannot be compiled yet}}
  %0 = agent.speak "a" @m %q : !agent.text -> !agent.audio
  agent.output
}
agent.graph private @j("q" %q: !agent.text) -> () {
  // expected-error @below {{checking against a schema cannot be compiled yet}}
  %0 = agent.verify "a" %q : !agent.text schema "{}"
  agent.output
}
agent.resource @notes
agent.graph private @k("q" %q: !agent.text) -> () {
  // expected-error @below {{an observation store cannot be compiled yet}}
  agent.observe "a" into @notes %q : !agent.text
  agent.output
}
agent.graph private @l("q" %q: !agent.message) -> () {
  // expected-error @below {{a conversation as input cannot be compiled yet}}
  // expected-note @below {{put what matters of it into the prompt}}
  %0 = agent.generate "a" @m("q" = %q : !agent.message) prompt "p" max_tokens 8 : !agent.text
  agent.output
}
agent.graph private @n("q" %q: !agent.text) -> () {
  // expected-error @below {{structured output cannot be compiled yet}}
  // expected-note @below {{say in the prompt what form it shall have}}
  %0 = agent.generate "a" @m("q" = %q : !agent.text) prompt "{{q}}" max_tokens 8 : !agent.json
  agent.output
}
agent.tool @t named "t"
agent.graph private @o() -> () {
  // expected-error @below {{a tool with several outputs cannot be compiled yet}}
  // expected-note @below {{a JSON object can hold many}}
  %0, %1 = agent.tool_call "a" @t() -> ("x": !agent.json, "y": !agent.json)
  agent.output
}
