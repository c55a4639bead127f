// RUN: hetagon-opt %s --place-tasks --verify-placement | FileCheck %s
// RUN: hetagon-opt %s --place-tasks="pin=answer=remote,cite=vulkan:0" | FileCheck %s --check-prefix=PIN
// RUN: hetagon-opt %s --place-tasks="pin=encoder=vulkan:0" --debug-only=place-tasks 2>&1 | FileCheck %s --check-prefix=MODEL
// RUN: not hetagon-opt %s --place-tasks="pin=answer=moon" 2>&1 | FileCheck %s --check-prefix=MOON
// RUN: not hetagon-opt %s --place-tasks="pin=nobody=cpu" 2>&1 | FileCheck %s --check-prefix=NOBODY
// RUN: not hetagon-opt %s --place-tasks="pin=answer=remote forbid=remote" 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not hetagon-opt %s --place-tasks="pin=answer=remote,answer=cpu" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not hetagon-opt %s --place-tasks="pin=answer" 2>&1 | FileCheck %s --check-prefix=READ
// RUN: not hetagon-opt %s --place-tasks="forbid=moon" 2>&1 | FileCheck %s --check-prefix=FORBID
// RUN: not hetagon-opt %s --place-tasks="pin=secret=remote" 2>&1 | FileCheck %s --check-prefix=ZONE
// RUN: not hetagon-opt %s --place-tasks="forbid=cpu,vulkan:0" 2>&1 | FileCheck %s --check-prefix=NONE

// MODEL: place-tasks: 1 steps of 'secret' on 'vulkan:0': pinned by the user
// MODEL: place-tasks: 1 steps of 'cite' on 'vulkan:0': pinned by the user
// MODEL: place-tasks: 4 steps of 'answer' on 'cpu': the first device
// MODEL: task.place "secret" on "vulkan:0"

// MOON: error: cannot pin 'answer' to 'moon': there is no such device; there are: cpu, vulkan:0, remote
// NOBODY: error: cannot pin 'nobody': neither a node that asks a model nor a model; nodes that do: secret, cite, answer, away
// BOTH: error: 'answer' is pinned to 'remote', which is forbidden; take one of the two back
// TWICE: error: 'answer' is pinned to both 'remote' and 'cpu'
// READ: error: cannot read the pin 'answer'; it is NODE=DEVICE
// FORBID: error: cannot forbid 'moon': there is no such device
// ZONE: error: no device can take 'secret'; cpu, vulkan:0: not where the user pinned it; remote: data of class 'confidential' may not be in its zone 'far'
// NONE: error: no device can take 'secret'; cpu, vulkan:0: forbidden by the user; remote: data of class 'confidential' may not be in its zone 'far'

task.system {
  task.device "cpu" backend "cpu" zone "this-machine" trust "own"
  task.device "vulkan:0" backend "vulkan" zone "this-machine" trust "own"
  task.device "remote" backend "remote" zone "far" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
}
task.data_class @confidential zones ["this-machine"]
task.data_class @open zones []
task.service @chat decoder model "chat"
task.service @encoder encoder model "encoder"
task.service @big endpoint model "big" {endpoint = #task.endpoint<url = "https://example.org/v1", model = "big">}

task.graph @flow("q" %q: !agent.message, "p" %p: !agent.json) -> () {
  %s = task.embed "secret" @encoder %q {data_classes = [@confidential, @open]} : !agent.message
  %c = task.attribute "cite" @encoder text %q : !agent.message passages %p : !agent.json threshold 0.5
  %t = task.tokenize "answer.tokenize" @chat %q {node = "answer"} : !agent.message
  %kv = task.prefill "answer.prefill" @chat %t {node = "answer"}
  %d = task.decode "answer.decode" @chat %kv max_tokens 8 {node = "answer"}
  %a = task.detokenize "answer.text" @chat %d {node = "answer"} : !agent.stream<!agent.tokens> -> !agent.text
  %b = task.generate "away" @big %q : !agent.message max_tokens 8 -> !agent.text
  %free = task.render "free" template "x" () : !agent.text
  task.output
}

// CHECK: task.scenario @primary {
// CHECK-NEXT: task.place "secret" on "cpu" why "the first device of those that may take it" rejected ["remote: data of class 'confidential' may not be in its zone 'far'", "vulkan:0: 'cpu' comes first in the order of devices"]
// CHECK-NEXT: task.place "cite" on "cpu"
// CHECK-NEXT: task.place "answer.tokenize" on "cpu" why "the first device of those that may take it" rejected ["remote: an endpoint; used when pinned", "vulkan:0: 'cpu' comes first in the order of devices"]
// CHECK-NEXT: task.place "answer.prefill" on "cpu"
// CHECK-NEXT: task.place "answer.decode" on "cpu"
// CHECK-NEXT: task.place "answer.text" on "cpu"
// CHECK-NEXT: task.place "away" on "remote" why "the model 'big' is asked over the network" rejected ["cpu: the model 'big' has no files here", "vulkan:0: the model 'big' has no files here"]
// CHECK-NEXT: }

// PIN: task.place "secret" on "cpu"
// PIN-NEXT: task.place "cite" on "vulkan:0" why "pinned by the user" rejected ["cpu: not where the user pinned it", "remote: not where the user pinned it"]
// PIN-NEXT: task.place "answer.tokenize" on "remote" why "pinned by the user"
// PIN-NEXT: task.place "answer.prefill" on "remote" why "pinned by the user"
