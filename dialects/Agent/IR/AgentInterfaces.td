// The interface of every operation that is a node of the user's.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTINTERFACES_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTINTERFACES_TD

include "mlir/IR/OpBase.td"

def Agent_NodeOpInterface : OpInterface<"NodeOpInterface"> {
  let cppNamespace = "::hetagon::agent";
  let description = [{
    A node of the user's workflow: it has a name that is unique in its graph
    (nested regions included).
  }];
  let methods = [
    InterfaceMethod<"The user's name for the node.", "::llvm::StringRef",
                    "getNode">,
  ];
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTINTERFACES_TD
