// RUN: hetagon-opt %s --split-input-file --verify-placement --verify-diagnostics

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.service @e encoder model "e" {device = "cpu"}
task.graph @flow("q" %q: !agent.text) -> () {
  %a = task.embed "a" @e %q : !agent.text
  %r = task.render "free" template "x" () : !agent.text
  task.output
}
task.scenario @primary {
  task.place "a" on "cpu" why "w" rejected []
}

// -----

// expected-error @below {{has no devices or no scenario; nothing is placed}}
module {
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.service @e encoder model "e"
task.graph @flow("q" %q: !agent.text) -> () {
  // expected-error @below {{step 'a' is not placed by scenario "primary"}}
  %a = task.embed "a" @e %q : !agent.text
  task.output
}
// expected-note @below {{the scenario is here}}
task.scenario @primary {
  // expected-error @below {{places 'b', which is no step that asks a service}}
  task.place "b" on "cpu" why "w" rejected []
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.service @e encoder model "e"
task.graph @flow("q" %q: !agent.text) -> () {
  %a = task.embed "a" @e %q : !agent.text
  task.output
}
task.scenario @primary {
  // expected-error @below {{puts 'a' on 'moon', which is not a device}}
  task.place "a" on "moon" why "w" rejected []
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
  task.device "other" backend "cpu" zone "here" trust "own"
}
task.service @e encoder model "e" {device = "other"}
task.graph @flow("q" %q: !agent.text) -> () {
  %a = task.embed "a" @e %q : !agent.text
  task.output
}
task.scenario @primary {
  // expected-error @below {{puts 'a' on 'cpu', but its service is on 'other'}}
  task.place "a" on "cpu" why "w" rejected []
}

// -----

task.system {
  task.device "cpu" backend "cpu" zone "here" trust "own"
}
task.data_class @c zones ["there"]
task.service @e encoder model "e"
task.graph @flow("q" %q: !agent.text) -> () {
  %a = task.embed "a" @e %q {data_classes = [@c]} : !agent.text
  task.output
}
task.scenario @primary {
  // expected-error @below {{puts 'a', which sees data of class 'c', in zone 'here'}}
  task.place "a" on "cpu" why "w" rejected []
}
