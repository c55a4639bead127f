// The pass from the agent dialect to the task dialect.
#ifndef HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_TD
#define HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_TD

include "mlir/Pass/PassBase.td"

def AgentToTask : Pass<"agent-to-task", "::mlir::ModuleOp"> {
  let summary = "decompose the user's nodes into steps, services and order";
  let description = [{
    Nodes become granular steps: generate is render, tokenize, prefill, decode,
    detokenize (a stream stays one); retrieve is tokenize, embed, search. Each
    model becomes one service, whoever asks it. Regions of routes and maps are
    outlined into graphs, with the values they see as inputs. The order in which
    the source lists nodes is dropped; `after` keeps what effects need. Data
    classes are computed and written on the steps that see them. Nodes for which
    there is no lowering yet are refused at their location.

    Before:
    ```mlir
    agent.model @chat id "m"
    agent.graph @flow("q" %q: !agent.text) -> ("a": !agent.text) {
      %a = agent.generate "a" @chat("q" = %q : !agent.text) prompt "{{q}}"
        max_tokens 8 : !agent.text
      agent.output %a : !agent.text
    }
    ```
    After:
    ```mlir
    task.service @chat decoder model "m"
    task.graph @flow("q" %q: !agent.text) -> ("a": !agent.text) {
      %0 = task.render "a.prompt" template "{{q}}" ("q" = %q : !agent.text)
        {node = "a"} : !agent.message
      %1 = task.tokenize "a.tokenize" @chat %0 {node = "a"} : !agent.message
      %2 = task.prefill "a.prefill" @chat %1 {node = "a"}
      %3 = task.decode "a.decode" @chat %2 max_tokens 8 seed_key "a" {node = "a"}
      %4 = task.detokenize "a.text" @chat %3 {node = "a"}
        : !agent.stream<!agent.tokens> -> !agent.text
      task.output %4 : !agent.text
    }
    ```
  }];
  let dependentDialects = ["::hetagon::task::TaskDialect"];
}

#endif // HETAGON_COMPILER_CONVERSION_AGENTTOTASK_PASSES_TD
