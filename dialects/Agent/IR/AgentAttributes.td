// Words and small records that nodes carry.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTATTRIBUTES_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTATTRIBUTES_TD

include "dialects/Agent/IR/AgentBase.td"

class Agent_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hetagon::agent";
  let genSpecializedAttr = 0;
}
class Agent_EnumAttr<EnumAttrInfo info, string keyword>
    : EnumAttr<Agent_Dialect, info, keyword> {
  let assemblyFormat = "$value";
}

def Agent_Transport : Agent_Enum<"Transport", "how a tool server is reached", [
  I32EnumAttrCase<"Stdio", 0, "stdio">,
]>;
def Agent_TransportAttr : Agent_EnumAttr<Agent_Transport, "transport">;

def Agent_RouteKind : Agent_Enum<"RouteKind", "what a route chooses", [
  I32EnumAttrCase<"Branch", 0, "branch">,
  I32EnumAttrCase<"Model", 1, "model">,
  I32EnumAttrCase<"Expert", 2, "expert">,
  I32EnumAttrCase<"Agent", 3, "agent">,
]>;
def Agent_RouteKindAttr : Agent_EnumAttr<Agent_RouteKind, "route_kind">;

def Agent_Event : Agent_Enum<"Event", "a moment in a value's life", [
  I32EnumAttrCase<"First", 0, "first">,
  I32EnumAttrCase<"Last", 1, "last">,
  I32EnumAttrCase<"Gap", 2, "gap">,
]>;
def Agent_EventAttr : Agent_EnumAttr<Agent_Event, "event">;

def Agent_Bound : Agent_Enum<"Bound", "the side on which a limit lies", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"Min", 1, "min">,
]>;
def Agent_BoundAttr : Agent_EnumAttr<Agent_Bound, "bound">;

def Agent_Goal : Agent_Enum<"Goal", "the direction of an objective", [
  I32EnumAttrCase<"Minimize", 0, "minimize">,
  I32EnumAttrCase<"Maximize", 1, "maximize">,
]>;
def Agent_GoalAttr : Agent_EnumAttr<Agent_Goal, "goal">;

def Agent_EffectsAttr : AttrDef<Agent_Dialect, "Effects"> {
  let mnemonic = "effects";
  let summary = "the resources that a node reads and writes";
  let description = [{
    A statement that the user trusts. Resources are symbols
    (`agent.resource @crm`); `@world` needs no declaration and conflicts with
    every other resource. An empty record says that there are no effects.

    ```mlir
    #agent.effects<reads = [@calendar], writes = [@crm]>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::FlatSymbolRefAttr">:$reads,
    ArrayRefParameter<"::mlir::FlatSymbolRefAttr">:$writes);
  let assemblyFormat = [{
    `<` `reads` `=` custom<SymbolList>($reads) `,`
        `writes` `=` custom<SymbolList>($writes) `>`
  }];
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTATTRIBUTES_TD
