// RUN: hetagon-opt %s | hetagon-opt | FileCheck %s
// RUN: hetagon-opt --mlir-print-op-generic %s | hetagon-opt | FileCheck %s

// CHECK: agent.resource @crm
agent.resource @crm
agent.resource @clock
agent.resource @notes

// CHECK: agent.data_class @confidential zones ["this-machine"]
agent.data_class @confidential zones ["this-machine"]
agent.data_class @public zones []

// CHECK: agent.model @chat id "small-chat"
agent.model @chat id "small-chat"
// CHECK: agent.model @big id "org/big" url "https://example.org/v1" secret "example"
agent.model @big id "org/big" url "https://example.org/v1" secret "example"
agent.model @encoder id "small-encoder"

// CHECK: agent.documents @corpus source "documents" class @confidential
agent.documents @corpus source "documents" class @confidential

// CHECK: agent.tool_server @time stdio ["mcp-server-time", "--local-timezone=UTC"]
// CHECK-SAME: pass_environment = ["TZ"]
// CHECK-SAME: secrets = {API_KEY = "time-key"}
agent.tool_server @time stdio ["mcp-server-time", "--local-timezone=UTC"]
  {pass_environment = ["TZ"], secrets = {API_KEY = "time-key"}}
// CHECK: agent.tool @now on @time named "get_current_time" effects <reads = [@clock], writes = []> schema "{}"
agent.tool @now on @time named "get_current_time"
  effects <reads = [@clock], writes = []> schema "{}"
// CHECK: agent.tool @book named "book"
agent.tool @book named "book"

// CHECK-LABEL: agent.graph @rag("question" %question: !agent.text class @confidential)
// CHECK-SAME: -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json)
agent.graph @rag("question" %question: !agent.text class @confidential)
    -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json) {
  // CHECK: %[[ZONE:.*]] = agent.constant "UTC" : !agent.text
  %zone = agent.constant "UTC" : !agent.text
  // CHECK: %[[REWRITE:.*]] = agent.generate "rewrite" @chat("question" = %question : !agent.text)
  // CHECK-SAME: system "Be brief." prompt "Rewrite: {{[{][{]}}question}}" max_tokens 32 : !agent.text
  %rewrite = agent.generate "rewrite" @chat("question" = %question : !agent.text)
    system "Be brief." prompt "Rewrite: {{question}}" max_tokens 32 : !agent.text
  // CHECK: %[[PASSAGES:.*]] = agent.retrieve "search" @corpus by @encoder top_k 3
  // CHECK-SAME: question %question : !agent.text rewrites(%[[REWRITE]] : !agent.text)
  %passages = agent.retrieve "search" @corpus by @encoder top_k 3
    question %question : !agent.text rewrites(%rewrite : !agent.text)
  // CHECK: %[[NOW:.*]] = agent.tool_call "clock" @now("timezone" = %[[ZONE]] : !agent.text)
  // CHECK-SAME: -> ("time": !agent.json) effects <reads = [], writes = [@crm]>
  %now = agent.tool_call "clock" @now("timezone" = %zone : !agent.text)
    -> ("time": !agent.json) effects <reads = [], writes = [@crm]> {timeout_ms = 500 : i64}
  // CHECK: agent.generate "answer" @big
  // CHECK-SAME: max_tokens 128 temperature 0.6{{[0-9]+}} top_k 40 top_p 9.000000e-01 sample_key "a"
  %answer = agent.generate "answer" @big("question" = %question : !agent.text,
      "passages" = %passages : !agent.json, "now" = %now : !agent.json)
    prompt "{{passages}} {{now}} {{ question }}" max_tokens 128
    temperature 0.7 top_k 40 top_p 0.9 sample_key "a" : !agent.stream<!agent.text>
  // CHECK: agent.attribute "cite" @encoder answer %{{.*}} : !agent.stream<!agent.text> passages %[[PASSAGES]] : !agent.json threshold 5.500000e-01
  %cites = agent.attribute "cite" @encoder answer %answer : !agent.stream<!agent.text>
    passages %passages : !agent.json threshold 0.55
  // CHECK: agent.require "r0" "ttft" max 8.000000e+02 "ms" at "p95" node "answer" on (first %{{.*}} : !agent.stream<!agent.text>)
  agent.require "r0" "ttft" max 800.0 "ms" at "p95" node "answer"
    on (first %answer : !agent.stream<!agent.text>)
  // CHECK: agent.require "r1" "energy" max 3.000000e+01 "J" soft weight 2.000000e+00
  agent.require "r1" "energy" max 30.0 "J" soft weight 2.0
  // CHECK: agent.require "r2" "jurisdiction" min 1.000000e+00 "" allow ["eu", "ch"]
  agent.require "r2" "jurisdiction" min 1.0 "" allow ["eu", "ch"]
  // CHECK: agent.objective minimize "cost"
  agent.objective minimize "cost"
  agent.output %answer, %cites : !agent.stream<!agent.text>, !agent.json
}

// CHECK-LABEL: agent.graph private @sub("text" %text: !agent.text) -> ("summary": !agent.text)
agent.graph private @sub("text" %text: !agent.text) -> ("summary": !agent.text) {
  // CHECK: agent.render "dress" "<{{[{][{]}}text}}>"("text" = %text : !agent.text)
  %r = agent.render "dress" "<{{text}}>"("text" = %text : !agent.text)
  agent.output %r : !agent.text
}

// CHECK-LABEL: agent.graph @control
agent.graph @control("items" %items: !agent.list<!agent.text>, "mood" %mood: !agent.text,
                     "sound" %sound: !agent.audio)
    -> ("all": !agent.list<!agent.text>, "reply": !agent.text) {
  // CHECK: agent.map "each" max_parallel 4 (%[[ITEM:.*]]: !agent.text) in (%items : !agent.list<!agent.text>) -> (!agent.list<!agent.text>)
  %all = agent.map "each" max_parallel 4 (%item: !agent.text)
      in (%items : !agent.list<!agent.text>) -> (!agent.list<!agent.text>) {
    // CHECK: agent.call "summary" @sub("text" = %[[ITEM]] : !agent.text) -> ("summary": !agent.text)
    %s = agent.call "summary" @sub("text" = %item : !agent.text) -> ("summary": !agent.text)
    // CHECK: agent.yield
    agent.yield %s : !agent.text
  }
  // CHECK: agent.route "which" branch on %mood : !agent.text -> (!agent.text)
  // CHECK-NEXT: case "angry" {
  // CHECK: case "sad" {
  // CHECK: default {
  %reply = agent.route "which" branch on %mood : !agent.text -> (!agent.text)
  case "angry" {
    %sorry = agent.constant "Sorry." : !agent.text
    agent.yield %sorry : !agent.text
  }
  case "sad" {
    agent.yield %mood : !agent.text
  }
  default {
    agent.yield %mood : !agent.text
  }
  // CHECK: agent.loop "refine" max_trips 3 (%[[DRAFT:.*]] = %{{.*}} : !agent.text) {
  %best = agent.loop "refine" max_trips 3 (%draft = %reply : !agent.text) {
    // CHECK: agent.verify "shape" %[[DRAFT]] : !agent.text schema "{}"
    %verdict = agent.verify "shape" %draft : !agent.text schema "{}"
    // CHECK: agent.again %{{.*}} : !agent.json carrying %[[DRAFT]] : !agent.text
    agent.again %verdict : !agent.json carrying %draft : !agent.text
  }
  // CHECK: agent.agent "operator" @chat("task" = %{{.*}} : !agent.text) instructions "Solve {{[{][{]}}task}}." tools [@now, @book] max_steps 8 -> ("reply": !agent.text)
  %done = agent.agent "operator" @chat("task" = %best : !agent.text)
    instructions "Solve {{task}}." tools [@now, @book] max_steps 8 -> ("reply": !agent.text)
  // CHECK: agent.remote_agent "travel" "a2a" at "https://example.org/agent"
  %trip = agent.remote_agent "travel" "a2a" at "https://example.org/agent"
    ("task" = %done : !agent.text) -> ("reply": !agent.text)
  // CHECK: agent.ask "confirm" prompt "Send {{[{][{]}}mail}}?"("mail" = %{{.*}} : !agent.text) : !agent.text
  %ok = agent.ask "confirm" prompt "Send {{mail}}?"("mail" = %trip : !agent.text) : !agent.text
  // CHECK: agent.observe "note" into @notes %{{.*}} : !agent.text
  agent.observe "note" into @notes %ok : !agent.text
  // CHECK: agent.embed "vector" @encoder %{{.*}} : !agent.text
  %v = agent.embed "vector" @encoder %ok : !agent.text
  // CHECK: agent.transcribe "hear" @chat %sound : !agent.audio -> !agent.text
  %heard = agent.transcribe "hear" @chat %sound : !agent.audio -> !agent.text
  // CHECK: agent.speak "say" @chat %{{.*}} : !agent.text -> !agent.audio
  %said = agent.speak "say" @chat %heard : !agent.text -> !agent.audio
  // CHECK: agent.declassify "release" %{{.*}} : !agent.text to @public reason "approved"
  %free = agent.declassify "release" %ok : !agent.text to @public reason "approved"
  agent.output %all, %free : !agent.list<!agent.text>, !agent.text
}
