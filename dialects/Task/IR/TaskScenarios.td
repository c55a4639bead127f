// What is demanded, and how a scenario answers: placements with their reasons.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKSCENARIOS_TD
#define HETAGON_DIALECTS_TASK_IR_TASKSCENARIOS_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Task/IR/TaskAttributes.td"

def Task_RequireOp : Task_Op<"require"> {
  let summary = "a demand on what the workflow does, with what is expected";
  let description = [{
    `agent.require` after decomposition; `id` is the same. `predicted` is filled
    in by the planner.

    ```mlir
    task.require "r0" "ttft" max 800.0 "ms" at "p95" node "answer"
      on (first %answer : !agent.stream<!agent.text>)
    ```
  }];
  let arguments = (ins StrAttr:$id, StrAttr:$metric, Agent_BoundAttr:$bound,
                       F64Attr:$limit, StrAttr:$unit,
                       OptionalAttr<StrAttr>:$at, UnitAttr:$soft,
                       DefaultValuedOptionalAttr<F64Attr, "1.0">:$weight,
                       OptionalAttr<StrAttr>:$node,
                       OptionalAttr<StrArrayAttr>:$allow,
                       TypedArrayAttrBase<Agent_EventAttr, "events">:$events,
                       Variadic<Agent_Value>:$values,
                       OptionalAttr<Task_PredictionAttr>:$predicted);
  let assemblyFormat = [{
    $id $metric `` $bound $limit $unit (`at` $at^)? (`soft` $soft^)?
    (`weight` $weight^)? (`node` $node^)? (`allow` $allow^)?
    custom<Events>($events, $values, type($values))
    (`predicted` $predicted^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Task_ObjectiveOp : Task_Op<"objective"> {
  let summary = "what to prefer among plans that meet every hard demand";
  let description = [{
    ```mlir
    task.objective minimize "cost"
    ```
  }];
  let arguments = (ins Agent_GoalAttr:$goal, StrAttr:$metric);
  let assemblyFormat = "`` $goal $metric attr-dict";
}

def Task_ScenarioOp : Task_Symbol<"scenario", [
    SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "one way to place everything";
  let description = [{
    The first scenario of a module is the primary one. `trigger` says when
    another takes over.

    ```mlir
    task.scenario @primary {
      task.place "answer" on "cpu" why "the default for decoders"
        rejected ["vulkan:0: its backend does not run decoders"]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$trigger,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`trigger` $trigger^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Task_PlaceOp : Task_Op<"place", [HasParent<"ScenarioOp">]> {
  let summary = "where a step runs, and why there";
  let description = [{
    `rejected` lists the alternatives, each with what excluded it.

    ```mlir
    task.place "answer" on "cpu" why "pinned by the user" rejected []
    ```
  }];
  let arguments = (ins StrAttr:$step, StrAttr:$device, StrAttr:$why,
                       StrArrayAttr:$rejected);
  let assemblyFormat = [{
    $step `on` $device `why` $why `rejected` $rejected attr-dict
  }];
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKSCENARIOS_TD
