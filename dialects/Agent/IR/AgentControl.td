// Control: one route for every kind of choice, the parallel map, the bounded
// loop.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTCONTROL_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTCONTROL_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Agent/IR/AgentTypes.td"

def Agent_RouteOp : Agent_Node<"route", [
    RecursiveMemoryEffects, SingleBlock, NoRegionArguments]> {
  let summary = "run one of several cases";
  let description = [{
    The case equal to the selector's text (JSON strings by their content, other
    JSON values by their text) runs, else the default. All yield the route's
    results. `kind` says what is chosen: a branch, a model, an expert, an
    agent.

    ```mlir
    %reply = agent.route "which" branch on %mood : !agent.text
      -> (!agent.text)
    case "angry" {
      agent.yield %sorry : !agent.text
    }
    default {
      agent.yield %thanks : !agent.text
    }
    ```
  }];
  let arguments = (ins StrAttr:$node, Agent_RouteKindAttr:$kind,
                       AnyTypeOf<[Agent_TextType, Agent_JsonType]>:$selector,
                       StrArrayAttr:$cases);
  let regions = (region SizedRegion<1>:$defaultRegion,
                        VariadicRegion<SizedRegion<1>>:$caseRegions);
  let results = (outs Variadic<Agent_Value>:$results);
  let assemblyFormat = [{
    $node `` $kind `on` $selector `:` type($selector)
    (`->` `(` type($results)^ `)`)? attr-dict-with-keyword
    custom<RouteCases>($cases, $caseRegions, $defaultRegion)
  }];
  let hasVerifier = 1;
}

def Agent_MapOp : Agent_Node<"map", [
    RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "run a body for each element of a list, in parallel";
  let description = [{
    Several lists are walked together and must be equally long. Results keep the
    order of the elements. `max_parallel` bounds how many trips run at once.

    ```mlir
    %replies = agent.map "each" (%item: !agent.text)
        in (%questions : !agent.list<!agent.text>)
        -> (!agent.list<!agent.text>) {
      ...
      agent.yield %reply : !agent.text
    }
    ```
  }];
  let arguments = (ins StrAttr:$node, Variadic<Agent_Iterable>:$lists,
                       OptionalAttr<I64Attr>:$max_parallel);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<Agent_Iterable>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Agent_LoopOp : Agent_Node<"loop", [
    RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "repeat a body, a bounded number of times";
  let description = [{
    The body runs once, and again while `agent.again` is given "true", at most
    `max_trips` times. Carried values enter as block arguments and leave as
    results.

    ```mlir
    %best = agent.loop "refine" max_trips 3 (%draft: !agent.text) = (%first) {
      ...
      agent.again %more : !agent.json carrying %better : !agent.text
    }
    ```
  }];
  let arguments = (ins StrAttr:$node, I64Attr:$max_trips,
                       Variadic<Agent_Value>:$initial);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<Agent_Value>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Agent_AgainOp : Agent_Op<"again", [Pure, Terminator, HasParent<"LoopOp">]> {
  let summary = "whether a loop goes on, and with what";
  let description = [{
    ```mlir
    agent.again %more : !agent.json carrying %better : !agent.text
    ```
  }];
  let arguments = (ins AnyTypeOf<[Agent_TextType, Agent_JsonType]>:$condition,
                       Variadic<Agent_Value>:$values);
  let assemblyFormat = [{
    $condition `:` type($condition)
    (`carrying` $values^ `:` type($values))? attr-dict
  }];
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTCONTROL_TD
