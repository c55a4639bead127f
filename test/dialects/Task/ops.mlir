// RUN: hetagon-opt %s | hetagon-opt | FileCheck %s
// RUN: hetagon-opt --mlir-print-op-generic %s | hetagon-opt | FileCheck %s

// CHECK: task.system {
task.system {
  // CHECK-NEXT: task.device "cpu" backend "cpu" zone "this-machine" trust "own"
  // CHECK-SAME: rung = #task.rung<analytic>
  task.device "cpu" backend "cpu" zone "this-machine" trust "own"
    {architecture = "x86_64-v4", memory_bytes = 8589934592 : i64,
     operations_per_second = 1.0e11 : f64, bytes_per_second = 2.0e10 : f64, rung = #task.rung<analytic>}
  // CHECK-NEXT: task.device "remote" backend "remote" zone "eu" trust "contract"
  // CHECK-SAME: endpoint = #task.endpoint<url = "https://example.org/v1", model = "m", secret = "k", price_per_million_input = 1.000000e-01 : f64>
  task.device "remote" backend "remote" zone "eu" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m", secret = "k",
                               price_per_million_input = 0.1 : f64>}
  // CHECK-NEXT: task.link "cpu" to "remote" bytes_per_second 1.000000e+07 latency_ns 2000000
  task.link "cpu" to "remote" bytes_per_second 1.0e7 latency_ns 2000000
  // CHECK-NEXT: task.profile "cpu" of "w" <tokens = [1, 512], first = [2.000000e+06, 1.500000e+08], each = [2.000000e+06, 3.000000e+06]>
  task.profile "cpu" of "w" <tokens = [1, 512], first = [2.0e6, 1.5e8], each = [2.0e6, 3.0e6]>
}

// CHECK: task.resource @clock
task.resource @clock
// CHECK: task.data_class @confidential zones ["this-machine"]
task.data_class @confidential zones ["this-machine"]
// CHECK: task.artefact @chat.weights weights {sha256 = "{{0+}}", size = 17 : i64, source = "a wheel"}
task.artefact @chat.weights weights
  {sha256 = "0000000000000000000000000000000000000000000000000000000000000000", size = 17 : i64, source = "a wheel"}
// CHECK: task.artefact @corpus.index index {data_class = @confidential, documents = "documents", embedder = @encoder}
task.artefact @corpus.index index {documents = "documents", embedder = @encoder, data_class = @confidential}

nn.func @chat.step(%tokens: tensor<?xi32>) -> (%out: tensor<?xi32>) {
  nn.return %tokens : tensor<?xi32>
}

// CHECK: task.service @chat decoder model "small-chat"
// CHECK-SAME: kv = #task.kv_cache<layers = 30, kv_heads = 3, head_dim = 64, page_tokens = 32, format = "f32">
// CHECK-SAME: tokenizer = #task.tokenizer<artefact = @chat.weights, algorithm = "byte-bpe", split_patterns = ["\\p{N}"], chat_template = "t", add_bos = true, stop_tokens = [2]>
task.service @chat decoder model "small-chat"
  {program = @chat.step, artefact = @chat.weights, device = "cpu", context_tokens = 2048 : i64,
   kv = #task.kv_cache<layers = 30, kv_heads = 3, head_dim = 64, page_tokens = 32, format = "f32">,
   tokenizer = #task.tokenizer<artefact = @chat.weights, algorithm = "byte-bpe", split_patterns = ["\\p{N}"],
                               chat_template = "t", add_bos = true, stop_tokens = [2]>}
// CHECK: task.service @encoder encoder model "small-encoder"
task.service @encoder encoder model "small-encoder"
// CHECK: task.service @big endpoint model "big"
task.service @big endpoint model "big"

// CHECK: task.tool @now named "get_current_time" server "time" command ["mcp-server-time"] {pass_environment = ["TZ"]}
task.tool @now named "get_current_time" server "time" command ["mcp-server-time"] {pass_environment = ["TZ"]}

// CHECK-LABEL: task.graph @rag("question" %question: !agent.text) -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json)
task.graph @rag("question" %question: !agent.text)
    -> ("answer": !agent.stream<!agent.text>, "citations": !agent.json) {
  // CHECK: %[[ZONE:.*]] = task.constant "zone" value "UTC" : !agent.text
  %zone = task.constant "zone" value "UTC" : !agent.text
  // CHECK: %[[T:.*]] = task.tokenize "search.tokenize" @encoder %question {data_classes = [@confidential], node = "search"} : !agent.text
  %t = task.tokenize "search.tokenize" @encoder %question {data_classes = [@confidential], node = "search"} : !agent.text
  // CHECK: task.embed "search.embed" @encoder %[[T]] : !agent.tokens
  %e = task.embed "search.embed" @encoder %t : !agent.tokens
  // CHECK: task.search "search" @corpus.index top_k 3 ("question" = %{{.*}} : !agent.embedding)
  %p = task.search "search" @corpus.index top_k 3 ("question" = %e : !agent.embedding)
  // CHECK: task.tool_call "clock" @now("timezone" = %[[ZONE]] : !agent.text) -> !agent.json effects <reads = [@clock], writes = []> {after = ["search"], retries = 1 : i64, timeout_ms = 500 : i64}
  %now = task.tool_call "clock" @now("timezone" = %zone : !agent.text) -> !agent.json
    effects <reads = [@clock], writes = []> {after = ["search"], timeout_ms = 500 : i64, retries = 1 : i64}
  // CHECK: task.render "answer.prompt" system "Be brief." template "{{.*}}" ("now" = %{{.*}} : !agent.json, "q" = %question : !agent.text) : !agent.message
  %m = task.render "answer.prompt" system "Be brief." template "{{now}} {{q}}"
    ("now" = %now : !agent.json, "q" = %question : !agent.text) : !agent.message
  %at = task.tokenize "answer.tokenize" @chat %m : !agent.message
  // CHECK: %[[KV:.*]] = task.prefill "answer.prefill" @chat %{{.*}} {cost = #task.cost<operations = [#task.work<"matmul" "q4_1" : <"2 flop * input_tokens * 134515008">>], bytes_read = <"83886080 byte">, latency = <"2000 ns">>}
  %kv = task.prefill "answer.prefill" @chat %at
    {cost = #task.cost<operations = [#task.work<"matmul" "q4_1" : <"2 flop * input_tokens*134515008">>],
                       bytes_read = <"80 MiB">, latency = <"2 us">>}
  // CHECK: task.decode "answer.decode" @chat %[[KV]] max_tokens 64 temperature 5.000000e-01 top_k 40 top_p 2.500000e-01 seed_key "a"
  %s = task.decode "answer.decode" @chat %kv max_tokens 64 temperature 0.5 top_k 40 top_p 0.25 seed_key "a"
  // CHECK: task.detokenize "answer.text" @chat %{{.*}} : !agent.stream<!agent.tokens> -> !agent.stream<!agent.text>
  %a = task.detokenize "answer.text" @chat %s : !agent.stream<!agent.tokens> -> !agent.stream<!agent.text>
  // CHECK: task.generate "whole" @big %{{.*}} : !agent.message max_tokens 64 -> !agent.stream<!agent.text>
  %g = task.generate "whole" @big %m : !agent.message max_tokens 64 -> !agent.stream<!agent.text>
  // CHECK: task.attribute "cite" @encoder text %{{.*}} : !agent.stream<!agent.text> passages %{{.*}} : !agent.json threshold 5.500000e-01
  %c = task.attribute "cite" @encoder text %a : !agent.stream<!agent.text> passages %p : !agent.json threshold 0.55
  // CHECK: task.require "r0" "ttft" max 8.000000e+02 "ms" at "p95" soft weight 2.000000e+00 node "answer" on (first %{{.*}} : !agent.stream<!agent.text>) predicted <value = 1.200000e+02 : f64, unit = "ms", rung = analytic, basis = "roofline">
  task.require "r0" "ttft" max 800.0 "ms" at "p95" soft weight 2.0 node "answer"
    on (first %a : !agent.stream<!agent.text>)
    predicted <value = 120.0 : f64, unit = "ms", rung = analytic, basis = "roofline">
  // CHECK: task.objective minimize "cost"
  task.objective minimize "cost"
  task.output %a, %c : !agent.stream<!agent.text>, !agent.json
}

// CHECK-LABEL: task.graph private @body
task.graph private @body("item" %item: !agent.text) -> ("reply": !agent.text) {
  // CHECK: task.ask "confirm" %item : !agent.text
  %r = task.ask "confirm" %item : !agent.text
  task.output %r : !agent.text
}

// CHECK-LABEL: task.graph @control
task.graph @control("list" %list: !agent.list<!agent.text>, "mood" %mood: !agent.text)
    -> ("all": !agent.list<!agent.text>) {
  // CHECK: task.map "each" @body over ["item"] ("item" = %list : !agent.list<!agent.text>) parallel 0 -> ("reply": !agent.list<!agent.text>)
  %all = task.map "each" @body over ["item"] ("item" = %list : !agent.list<!agent.text>) parallel 0
    -> ("reply": !agent.list<!agent.text>)
  // CHECK: task.branch "which" on %mood : !agent.text ("item" = %mood : !agent.text) cases ["angry", "other"] graphs [@body, @body] default "other" -> ("reply": !agent.text)
  %r = task.branch "which" on %mood : !agent.text ("item" = %mood : !agent.text)
    cases ["angry", "other"] graphs [@body, @body] default "other" -> ("reply": !agent.text)
  // CHECK: task.call "again" @body("item" = %{{.*}} : !agent.text) -> ("reply": !agent.text)
  %s = task.call "again" @body("item" = %r : !agent.text) -> ("reply": !agent.text)
  task.output %all : !agent.list<!agent.text>
}

// CHECK: task.scenario @primary trigger "always" {
task.scenario @primary trigger "always" {
  // CHECK-NEXT: task.place "answer" on "cpu" why "the default" rejected ["remote: farther"]
  task.place "answer" on "cpu" why "the default" rejected ["remote: farther"]
}
