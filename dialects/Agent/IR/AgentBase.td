// The agent dialect itself, and the classes its operations derive from.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTBASE_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTBASE_TD

include "dialects/Agent/IR/AgentInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Agent_Dialect : Dialect {
  let name = "agent";
  let cppNamespace = "::hetagon::agent";
  let summary = "what the user meant: the nodes, data and demands of a workflow";
  let description = [{
    A workflow is a set of graphs. A graph's operations are the user's nodes:
    each has a name that is unique in the graph, and keeps it through every
    later stage, because requirements, traces and pins speak of it. Values are
    what flows between nodes. Nothing here names a device.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

class Agent_Op<string mnemonic, list<Trait> traits = []>
    : Op<Agent_Dialect, mnemonic, traits>;

// A node: its first attribute is the user's name for it.
class Agent_Node<string mnemonic, list<Trait> traits = []>
    : Agent_Op<mnemonic,
               !listconcat([DeclareOpInterfaceMethods<Agent_NodeOpInterface>],
                           traits)>;

// Effects that depend on attributes and symbols; defined in Effects.cpp.
def Agent_Effects : DeclareOpInterfaceMethods<MemoryEffectsOpInterface>;

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTBASE_TD
