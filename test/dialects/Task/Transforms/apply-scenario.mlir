// RUN: hetagon-opt %s --split-input-file --task-apply-scenario --verify-diagnostics | FileCheck %s

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
  task.device "remote" backend "remote" zone "far" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
}
// CHECK: task.service @chat decoder model "chat" {device = "cpu", kv = #task.kv_cache
// CHECK: task.service @chat.remote endpoint model "chat" {device = "remote", endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
task.service @chat decoder model "chat"
  {kv = #task.kv_cache<layers = 1, kv_heads = 1, head_dim = 1, page_tokens = 1, format = "f32">}
task.graph @flow("q" %q: !agent.message) -> () {
  // CHECK: task.generate "a" @chat %
  %a = task.generate "a" @chat %q : !agent.message max_tokens 8 -> !agent.text
  // CHECK: task.generate "b" @chat.remote %
  %b = task.generate "b" @chat %q : !agent.message max_tokens 8 -> !agent.text
  // CHECK: task.generate "c" @chat %
  %c = task.generate "c" @chat %q : !agent.message max_tokens 8 -> !agent.text
  task.output
}
task.scenario @primary {
  task.place "a" on "cpu" why "w" rejected []
  task.place "b" on "remote" why "w" rejected []
  task.place "c" on "cpu" why "w" rejected []
}

// -----

// A model that is asked elsewhere only needs none of its files.
task.system {
  task.device "away" backend "remote" zone "far" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
}
// CHECK-LABEL: task.device "away"
// CHECK-NOT: task.artefact
// CHECK: task.service @chat endpoint model "chat" {device = "away", endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
// CHECK-NOT: task.artefact
task.artefact @weights weights {sha256 = "0000000000000000000000000000000000000000000000000000000000000000", size = 1 : i64}
task.service @chat decoder model "chat"
  {artefact = @weights, weight_bytes = 1 : i64, max_rows = 4 : i64, context_tokens = 8 : i64}
task.graph @flow("q" %q: !agent.message) -> () {
  %a = task.generate "a" @chat %q : !agent.message max_tokens 8 -> !agent.text
  task.output
}
task.scenario @primary {
  task.place "a" on "away" why "w" rejected []
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.service @chat decoder model "chat"
task.graph @flow("q" %q: !agent.message) -> () {
  // expected-error @below {{the scenario does not place step 'a'}}
  %a = task.generate "a" @chat %q : !agent.message max_tokens 8 -> !agent.text
  task.output
}
task.scenario @primary {
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.service @chat decoder model "chat"
task.graph @flow("q" %q: !agent.message) -> () {
  // expected-error @below {{is placed on 'moon', which is not a device}}
  %a = task.generate "a" @chat %q : !agent.message max_tokens 8 -> !agent.text
  task.output
}
task.scenario @primary {
  task.place "a" on "moon" why "w" rejected []
}

// -----

// expected-error @below {{there is no scenario to apply}}
module {
}
