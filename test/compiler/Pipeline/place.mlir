// The whole way from a workflow to placed requests, and on to predictions.
// RUN: hetagon-opt %s --hetagon-decompose --hetagon-place="pin=answer=remote" | FileCheck %s
// RUN: hetagon-opt %s --hetagon-decompose --hetagon-place --hetagon-close | FileCheck %s --check-prefix=CLOSE
// RUN: not hetagon-opt %s --hetagon-decompose --hetagon-place="pin=answer=cpu forbid=cpu" 2>&1 | FileCheck %s --check-prefix=FORBID

// FORBID: error: 'answer' is pinned to 'cpu', which is forbidden

task.system {
  task.device "cpu" backend "cpu" zone "this-machine" trust "own"
  task.device "remote" backend "remote" zone "eu" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
}
agent.model @chat id "small-chat"
agent.model @encoder id "small-encoder"
agent.documents @corpus source "documents"
agent.tool @now named "now" effects <reads = [], writes = []>

// CHECK: module attributes {task.requirements = ["r0"]}
// CHECK: task.service @chat decoder model "small-chat" {device = "cpu"}
// CHECK: task.service @chat.remote endpoint model "small-chat" {device = "remote", endpoint = #task.endpoint
// CHECK: task.service @encoder encoder model "small-encoder" {device = "cpu"}
// CHECK: task.artefact @corpus.encoder index

// CHECK: task.graph @rag
// CHECK-NEXT: task.render "rewrite.prompt"
// CHECK-NEXT: task.generate "rewrite" @chat
// CHECK-NEXT: task.embed "search.embed" @encoder %question {node = "search"} : !agent.text
// CHECK-NEXT: task.embed "search.embed.1" @encoder %{{.*}} {node = "search"} : !agent.text
// CHECK-NEXT: task.search "search"
// CHECK-NEXT: task.tool_call "clock"
// CHECK-NEXT: task.render "answer.prompt"
// CHECK-NEXT: task.generate "answer" @chat.remote {{.*}} -> !agent.stream<!agent.text>
// CHECK-NEXT: task.attribute "cite" @encoder
// CHECK-NEXT: task.require "r0" "ttft"
// CHECK-NEXT: task.output
// CHECK: task.scenario @primary {
// CHECK-NEXT: task.place "rewrite" on "cpu"
// CHECK-NEXT: task.place "search.embed" on "cpu"
// CHECK-NEXT: task.place "search.embed.1" on "cpu"
// CHECK-NEXT: task.place "answer" on "remote" why "pinned by the user" rejected ["cpu: not where the user pinned it"]
// CHECK-NEXT: task.place "cite" on "cpu"

// CLOSE: task.require "r0" "ttft" {{.*}} predicted <unit = "ms", rung = unknown, basis = "nobody knows what step
agent.graph @rag("question" %question: !agent.text)
    -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json) {
  %rewrite = agent.generate "rewrite" @chat("question" = %question : !agent.text)
    prompt "Rewrite: {{question}}" max_tokens 32 : !agent.text
  %passages = agent.retrieve "search" @corpus by @encoder top_k 3
    question %question : !agent.text rewrites(%rewrite : !agent.text)
  %now = agent.tool_call "clock" @now() -> ("time": !agent.json)
  %answer = agent.generate "answer" @chat("q" = %question : !agent.text, "p" = %passages : !agent.json,
      "n" = %now : !agent.json) prompt "{{p}} {{n}} {{q}}" max_tokens 64 : !agent.stream<!agent.text>
  %cites = agent.attribute "cite" @encoder answer %answer : !agent.stream<!agent.text>
    passages %passages : !agent.json threshold 0.5
  agent.require "r0" "ttft" max 800.0 "ms" at "p95" on (first %answer : !agent.stream<!agent.text>)
  agent.output %answer, %cites : !agent.stream<!agent.text>, !agent.json
}
