// RUN: hetagon-opt %s --agent-to-task | FileCheck %s

agent.data_class @secret zones ["here"]
agent.data_class @internal zones ["here", "eu"]
agent.data_class @public zones []
agent.model @e id "e"
agent.documents @plain source "d"
agent.documents @files source "d" class @internal

// CHECK-LABEL: task.graph @flow
agent.graph @flow("s" %s: !agent.text class @secret, "p" %p: !agent.text,
                  "list" %list: !agent.list<!agent.text> class @internal) -> () {
  // CHECK: task.render "clean" template
  // CHECK-NOT: data_classes
  // CHECK-SAME: {{: !agent.text$}}
  %clean = agent.render "clean" "{{p}}"("p" = %p : !agent.text)
  // CHECK: task.search "plain"
  // CHECK-NOT: data_classes
  // CHECK-SAME: {{$}}
  %plain = agent.retrieve "plain" @plain by @e top_k 1 question %clean : !agent.text
  // Documents give their class, and values that meet have both.
  // CHECK: task.search "files" {{.*}} {data_classes = [@internal]}
  %files = agent.retrieve "files" @files by @e top_k 1 question %clean : !agent.text
  // CHECK: task.render "both" {{.*}} {data_classes = [@internal, @secret]}
  %both = agent.render "both" "{{s}}{{f}}"("s" = %s : !agent.text, "f" = %files : !agent.json)
  // Only the user's word ends a class.
  // CHECK: task.embed "released" {{.*}} {data_classes = [@public]}
  %free = agent.declassify "free" %both : !agent.text to @public reason "agreed"
  %v = agent.embed "released" @e %free : !agent.text
  // What decides is read by what it decides.
  // CHECK: task.branch "which" {{.*}} {data_classes = [@secret]}
  %r = agent.route "which" branch on %s : !agent.text -> (!agent.text)
  default {
    agent.yield %p : !agent.text
  }
  // CHECK: task.render "after" {{.*}} {data_classes = [@secret]}
  %after = agent.render "after" "{{r}}"("r" = %r : !agent.text)
  // CHECK: task.map "each" {{.*}} {data_classes = [@internal]}
  %all = agent.map "each" (%i: !agent.text) in (%list : !agent.list<!agent.text>) -> (!agent.list<!agent.text>) {
    %line = agent.render "line" "{{i}}!"("i" = %i : !agent.text)
    agent.yield %line : !agent.text
  }
  // Classes go through calls, into and out of them.
  // CHECK: task.call "call" {{.*}} {data_classes = [@secret]}
  %c = agent.call "call" @sub("t" = %s : !agent.text) -> ("u": !agent.text)
  // CHECK: task.render "end" {{.*}} {data_classes = [@secret]}
  %end = agent.render "end" "{{c}}"("c" = %c : !agent.text)
  agent.output
}
// CHECK: task.graph private @flow.each
// CHECK: task.render "line" {{.*}} {data_classes = [@internal]}
// CHECK: task.graph private @sub
// CHECK: task.render "sub/echo" {{.*}} {data_classes = [@secret], node = "echo"}
agent.graph private @sub("t" %t: !agent.text) -> ("u": !agent.text) {
  %echo = agent.render "echo" "{{t}}"("t" = %t : !agent.text)
  agent.output %echo : !agent.text
}
