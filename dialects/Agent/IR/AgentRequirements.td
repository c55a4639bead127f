// What the user demands of a workflow, and where data may go.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTREQUIREMENTS_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTREQUIREMENTS_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Agent/IR/AgentTypes.td"

def Agent_RequireOp : Agent_Op<"require", [Agent_Effects]> {
  let summary = "a demand on what the workflow does";
  let description = [{
    `id` names the demand through all stages; a check after each stage proves
    that it is still there. `node` narrows it to one node; without it the whole
    graph is meant. `on` lists the values whose events are measured: the first
    piece, the last piece, the gap between pieces. `at` is a percentile or
    "max"; without it the limit holds for every run. A soft demand may be
    missed, at a price of `weight`. Metrics that are words (a jurisdiction, a
    licence) list in `allow` those that will do. The unit of a pure number is
    empty.

    ```mlir
    agent.require "r0" "ttft" max 800.0 "ms" at "p95"
      on (first %answer : !agent.stream<!agent.text>)
    agent.require "r1" "energy" max 30.0 "J" soft weight 2.0 node "answer"
    ```
  }];
  let arguments = (ins StrAttr:$id, StrAttr:$metric, Agent_BoundAttr:$bound,
                       F64Attr:$limit, StrAttr:$unit,
                       OptionalAttr<StrAttr>:$at, UnitAttr:$soft,
                       DefaultValuedOptionalAttr<F64Attr, "1.0">:$weight,
                       OptionalAttr<StrAttr>:$node,
                       OptionalAttr<StrArrayAttr>:$allow,
                       TypedArrayAttrBase<Agent_EventAttr, "events">:$events,
                       Variadic<Agent_Value>:$values);
  let assemblyFormat = [{
    $id $metric `` $bound $limit $unit (`at` $at^)? (`soft` $soft^)?
    (`weight` $weight^)? (`node` $node^)? (`allow` $allow^)?
    custom<Events>($events, $values, type($values)) attr-dict
  }];
  let hasVerifier = 1;
}

def Agent_ObjectiveOp : Agent_Op<"objective", [Agent_Effects]> {
  let summary = "what to prefer among the plans that meet every hard demand";
  let description = [{
    ```mlir
    agent.objective minimize "cost"
    ```
  }];
  let arguments = (ins Agent_GoalAttr:$goal, StrAttr:$metric);
  let assemblyFormat = "`` $goal $metric attr-dict";
}

def Agent_DeclassifyOp : Agent_Node<"declassify", [
    Agent_Effects, AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the user's word that a value may leave its class";
  let description = [{
    Without `to` the result belongs to no class. The reason is for whoever reviews the workflow.

    ```mlir
    %public = agent.declassify "release" %text : !agent.text
      to @public reason "approved by legal"
    ```
  }];
  let arguments = (ins StrAttr:$node, Agent_Value:$value,
                       OptionalAttr<FlatSymbolRefAttr>:$to, StrAttr:$reason);
  let results = (outs Agent_Value:$result);
  let assemblyFormat = [{
    $node $value `:` type($value) (`to` $to^)? `reason` $reason attr-dict
  }];
  let hasVerifier = 1;
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTREQUIREMENTS_TD
