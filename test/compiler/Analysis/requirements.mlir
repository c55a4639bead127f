// RUN: hetagon-opt %s --record-requirements | FileCheck %s
// RUN: hetagon-opt %s --record-requirements --canonicalize --cse --agent-to-task --verify-requirements
// RUN: hetagon-opt %s --record-requirements | sed 's/agent.require "r1".*//' | not hetagon-opt --verify-requirements 2>&1 | FileCheck %s --check-prefix=LOST
// RUN: hetagon-opt %s --record-requirements | sed 's/require "r1"/require "r2"/' | not hetagon-opt --verify-requirements 2>&1 | FileCheck %s --check-prefix=NEW
// RUN: sed 's/require "r1"/require "r0"/' %s | not hetagon-opt --record-requirements 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not hetagon-opt %s --verify-requirements 2>&1 | FileCheck %s --check-prefix=NONE

// CHECK: module attributes {task.requirements = ["r0", "r1"]}
// LOST: error: the requirement "r1" vanished
// NEW: error: the requirement "r1" vanished
// NEW: error: the requirement "r2" is not one of the user's
// TWICE: error: the requirement "r0" is there twice
// TWICE: note: the other is here
// NONE: error: has no list of requirements; run record-requirements before the first stage

agent.graph @flow("q" %q: !agent.text) -> ("a": !agent.text) {
  %a = agent.render "a" "x{{q}}"("q" = %q : !agent.text)
  agent.require "r0" "latency" max 1.0 "s" node "a" on (last %a : !agent.text)
  agent.require "r1" "cost" max 1.0 "usd"
  agent.output %a : !agent.text
}
