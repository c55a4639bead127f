// RUN: hetagon-opt %s --agent-to-task | FileCheck %s

agent.resource @clock
agent.resource @crm
agent.resource @notes
agent.data_class @confidential zones ["this-machine"]
agent.model @chat id "small-chat"
agent.model @same id "small-chat"
agent.model @big id "big" url "https://example.org/v1" secret "k"
agent.model @encoder id "small-encoder"
agent.model @unused id "unused"
agent.documents @corpus source "documents" class @confidential
agent.tool_server @time stdio ["server"] {pass_environment = ["TZ"]}
agent.tool @now on @time named "get_current_time" effects <reads = [@clock], writes = []> schema "{}"
agent.tool @set on @time named "set" effects <reads = [], writes = [@clock]>
agent.tool @file named "file" effects <reads = [], writes = [@crm]>
agent.tool @unknown named "unknown"

// CHECK: task.resource @clock
// CHECK: task.data_class @confidential zones ["this-machine"]
// CHECK: task.tool @now named "get_current_time" server "time" command ["server"] {input_schema = "{}", pass_environment = ["TZ"]}
// CHECK: task.tool @unknown named "unknown"

// One service for two names of one model; none for a model that nobody asks.
// CHECK-DAG: task.service @chat decoder model "small-chat"
// CHECK-DAG: task.service @encoder encoder model "small-encoder"
// CHECK-DAG: task.service @big endpoint model "big" {endpoint = #task.endpoint<url = "https://example.org/v1", model = "big", secret = "k">}
// CHECK-DAG: task.artefact @corpus.encoder index {data_class = @confidential, documents = "documents", embedder = @encoder}
// CHECK-NOT: task.service @same
// CHECK-NOT: task.service @unused

// CHECK-LABEL: task.graph @rag("question" %question: !agent.text) -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json)
agent.graph @rag("question" %question: !agent.text)
    -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json) {
  // CHECK: %[[ZONE:.*]] = task.constant "constant.0" value "UTC" : !agent.text
  %zone = agent.constant "UTC" : !agent.text
  // CHECK: %[[M:.*]] = task.render "rewrite.prompt" system "Be brief." template "Rewrite: {{.*}}" ("question" = %question : !agent.text) {node = "rewrite", timeout_ms = 900 : i64} : !agent.message
  // CHECK: %[[T:.*]] = task.tokenize "rewrite.tokenize" @chat %[[M]]
  // CHECK: %[[KV:.*]] = task.prefill "rewrite.prefill" @chat %[[T]]
  // CHECK: %[[S:.*]] = task.decode "rewrite.decode" @chat %[[KV]] max_tokens 32 seed_key "rewrite"
  // CHECK: %[[REWRITE:.*]] = task.detokenize "rewrite.text" @chat %[[S]] {{.*}} : !agent.stream<!agent.tokens> -> !agent.text
  %rewrite = agent.generate "rewrite" @chat("question" = %question : !agent.text)
    system "Be brief." prompt "Rewrite: {{question}}" max_tokens 32 {timeout_ms = 900 : i64} : !agent.text
  // CHECK: %[[T0:.*]] = task.tokenize "search.tokenize" @encoder %question {data_classes = [@confidential], node = "search"} : !agent.text
  // CHECK: %[[E0:.*]] = task.embed "search.embed" @encoder %[[T0]]
  // CHECK: %[[T1:.*]] = task.tokenize "search.tokenize.1" @encoder %[[REWRITE]]
  // CHECK: %[[E1:.*]] = task.embed "search.embed.1" @encoder %[[T1]]
  // CHECK: %[[P:.*]] = task.search "search" @corpus.encoder top_k 3 ("question" = %[[E0]] : !agent.embedding, "rewrite.1" = %[[E1]] : !agent.embedding) {data_classes = [@confidential]}
  %passages = agent.retrieve "search" @corpus by @encoder top_k 3
    question %question : !agent.text rewrites(%rewrite : !agent.text)
  // CHECK: %[[NOW:.*]] = task.tool_call "clock" @now("zone" = %[[ZONE]] : !agent.text) -> !agent.json effects <reads = [@clock], writes = []>
  // CHECK-NOT: after
  // CHECK-SAME: {{$}}
  %now = agent.tool_call "clock" @now("zone" = %zone : !agent.text) -> ("time": !agent.json)
  // CHECK: task.render "answer.prompt"
  // CHECK: task.decode "answer.decode" @chat %{{.*}} max_tokens 64 temperature 5.000000e-01 seed_key "a" {data_classes = [@confidential], node = "answer"}
  // CHECK: %[[A:.*]] = task.detokenize "answer.text" @chat {{.*}} -> !agent.stream<!agent.text>
  %answer = agent.generate "answer" @same("p" = %passages : !agent.json, "n" = %now : !agent.json)
    prompt "{{p}} {{n}}" max_tokens 64 temperature 0.5 sample_key "a" : !agent.stream<!agent.text>
  // CHECK: %[[C:.*]] = task.attribute "cite" @encoder text %[[A]] : !agent.stream<!agent.text> passages %[[P]] : !agent.json threshold 5.000000e-01 {data_classes = [@confidential]}
  %cites = agent.attribute "cite" @encoder answer %answer : !agent.stream<!agent.text>
    passages %passages : !agent.json threshold 0.5
  // CHECK: task.require "r0" "ttft" max 8.000000e+02 "ms" at "p95" node "answer" on (first %[[A]] : !agent.stream<!agent.text>)
  agent.require "r0" "ttft" max 800.0 "ms" at "p95" node "answer" on (first %answer : !agent.stream<!agent.text>)
  // CHECK: task.require "r1" "jurisdiction" min 1.000000e+00 "" allow ["eu"]
  agent.require "r1" "jurisdiction" min 1.0 "" allow ["eu"]
  // CHECK: task.objective minimize "cost"
  agent.objective minimize "cost"
  // CHECK: task.output %[[A]], %[[C]]
  agent.output %answer, %cites : !agent.stream<!agent.text>, !agent.json
}

// An endpoint takes whole requests; a release ends a class.
// CHECK-LABEL: task.graph private @endpoint
agent.graph private @endpoint("q" %q: !agent.text class @confidential) -> ("a": !agent.text) {
  // CHECK: %[[M:.*]] = task.render "endpoint/ask.prompt" template "{{.*}}" ("q" = %q : !agent.text) {node = "ask"} : !agent.message
  // CHECK: task.generate "endpoint/ask" @big %[[M]] : !agent.message max_tokens 8 seed_key "endpoint/ask" {node = "ask"} -> !agent.text
  %free = agent.declassify "free" %q : !agent.text reason "agreed"
  %a = agent.generate "ask" @big("q" = %free : !agent.text) prompt "{{q}}" max_tokens 8 : !agent.text
  agent.output %a : !agent.text
}

// Order: readers of one resource are free, writers wait; what is unknown waits
// for all; edges that follow from others are left out.
// CHECK-LABEL: task.graph private @order
agent.graph private @order("q" %q: !agent.text) -> () {
  // CHECK: task.tool_call "order/r1"
  // CHECK-NOT: after
  // CHECK-SAME: {{$}}
  %0 = agent.tool_call "r1" @now("q" = %q : !agent.text) -> ("t": !agent.json)
  // CHECK: task.tool_call "order/r2"
  // CHECK-NOT: after
  // CHECK-SAME: {{$}}
  %1 = agent.tool_call "r2" @now("q" = %q : !agent.text) -> ("t": !agent.json)
  // CHECK: task.tool_call "order/w1" {{.*}} {after = ["order/r1", "order/r2"], node = "w1"}
  %2 = agent.tool_call "w1" @set("q" = %q : !agent.text) -> ("t": !agent.json)
  // Both state their effects, which do not meet: free.
  // CHECK: task.tool_call "order/w2"
  // CHECK-NOT: after
  // CHECK-SAME: {node = "w2"}
  %3 = agent.tool_call "w2" @file("q" = %q : !agent.text) -> ("t": !agent.json)
  // CHECK: task.tool_call "order/u" @unknown() -> !agent.json {after = ["order/w1", "order/w2"], node = "u"}
  %4 = agent.tool_call "u" @unknown() -> ("t": !agent.json)
  // CHECK: task.render "order/g.prompt"
  // CHECK: task.generate "order/g"
  %5 = agent.generate "g" @big("q" = %q : !agent.text) prompt "{{q}}" max_tokens 8 : !agent.text
  // A writer does not run ahead of a generation that may fail.
  // CHECK: task.tool_call "order/w3" {{.*}} {after = ["order/u", "order/g"], node = "w3"}
  %6 = agent.tool_call "w3" @file("q" = %q : !agent.text) -> ("t": !agent.json)
  // Data orders already.
  // CHECK: task.tool_call "order/w4" @file("t" = %{{.*}} : !agent.json) -> !agent.json effects <reads = [], writes = [@crm]> {node = "w4"}
  %7 = agent.tool_call "w4" @file("t" = %6 : !agent.json) -> ("t": !agent.json)
  // CHECK: task.render "order/sure.question"
  // CHECK: task.ask "order/sure" %{{.*}} {after = ["order/w4"], node = "sure"} : !agent.text
  %8 = agent.ask "sure" prompt "Sure?"() : !agent.text
  agent.output
}

// CHECK-LABEL: task.graph private @control(
agent.graph private @control("items" %items: !agent.list<!agent.text>, "mood" %mood: !agent.text)
    -> ("all": !agent.list<!agent.text>, "reply": !agent.text, "json": !agent.json) {
  // CHECK: task.branch "control/which" on %mood : !agent.text ("value" = %mood : !agent.text) cases ["angry", "default"] graphs [@control.which.angry, @control.which.default] default "default" -> ("result": !agent.text)
  %reply = agent.route "which" branch on %mood : !agent.text -> (!agent.text)
  case "angry" {
    %sorry = agent.constant "Sorry." : !agent.text
    agent.yield %sorry : !agent.text
  }
  default {
    agent.yield %mood : !agent.text
  }
  // CHECK: task.map "control/each" @control.each over ["item"] ("item" = %items : !agent.list<!agent.text>, "value" = %mood : !agent.text) parallel 2 -> ("result": !agent.list<!agent.text>)
  %all = agent.map "each" max_parallel 2 (%item: !agent.text) in (%items : !agent.list<!agent.text>)
      -> (!agent.list<!agent.text>) {
    %line = agent.render "line" "{{i}} {{m}}"("i" = %item : !agent.text, "m" = %mood : !agent.text)
    agent.yield %line : !agent.text
  }
  // CHECK: task.call "control/sub" @endpoint("q" = %mood : !agent.text) -> ("a": !agent.text)
  %sub = agent.call "sub" @endpoint("q" = %mood : !agent.text) -> ("a": !agent.text)
  // JSON that gathers text becomes a list, which may stand where JSON is wanted.
  // CHECK: %[[JSON:.*]] = task.map "control/json" @control.json over ["item"] ("item" = %items : !agent.list<!agent.text>) parallel 0 -> ("result": !agent.list<!agent.text>)
  %json = agent.map "json" (%item: !agent.text) in (%items : !agent.list<!agent.text>) -> (!agent.json) {
    agent.yield %item : !agent.text
  }
  // CHECK: task.output %{{.*}}, %{{.*}}, %[[JSON]] : !agent.list<!agent.text>, !agent.text, !agent.list<!agent.text>
  agent.output %all, %reply, %json : !agent.list<!agent.text>, !agent.text, !agent.json
}
// CHECK-LABEL: task.graph private @control.which.angry("value" %value: !agent.text) -> ("result": !agent.text)
// CHECK: task.constant "control/constant.0" value "Sorry."
// CHECK-LABEL: task.graph private @control.which.default("value" %value: !agent.text) -> ("result": !agent.text)
// CHECK-NEXT: task.output %value
// CHECK-LABEL: task.graph private @control.each("item" %item: !agent.text, "value" %value: !agent.text)
// CHECK: task.render "control/line" {{.*}}("i" = %item : !agent.text, "m" = %value : !agent.text)
