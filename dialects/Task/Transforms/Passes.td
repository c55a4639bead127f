// Passes that stay within the task dialect.
#ifndef HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_TD
#define HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ApplyScenario : Pass<"task-apply-scenario", "::mlir::ModuleOp"> {
  let summary = "give each service the device that the scenario chose";
  let description = [{
    The first scenario of the module decides. A service whose steps were placed
    on several devices becomes one service for each, named
    `service.device`; on a device that is an endpoint it becomes an endpoint.

    Before:
    ```mlir
    task.service @chat decoder model "m"
    ...
      %3 = task.decode "a.decode" @chat %2 max_tokens 8 {node = "a"}
    ...
    task.scenario @primary {
      task.place "a.decode" on "cpu" why "..." rejected []
    }
    ```
    After:
    ```mlir
    task.service @chat decoder model "m" {device = "cpu"}
    ```
  }];
}

def FuseRequests : Pass<"task-fuse-requests", "::mlir::ModuleOp"> {
  let summary = "fold the steps of one request to one service into one step";
  let description = [{
    Tokenize, prefill, decode and detokenize of one service, on one device in
    every scenario, each read by the next alone, become `task.generate`; tokenize and embed become
    `task.embed` of the text. The runtime's scheduler batches such requests. The
    step takes the user's node's name; `after`, requirements and placements
    follow.

    Before:
    ```mlir
    %1 = task.tokenize "a.tokenize" @chat %0 {node = "a"} : !agent.message
    %2 = task.prefill "a.prefill" @chat %1 {node = "a"}
    %3 = task.decode "a.decode" @chat %2 max_tokens 8 {node = "a"}
    %4 = task.detokenize "a.text" @chat %3 {node = "a"}
      : !agent.stream<!agent.tokens> -> !agent.text
    ```
    After:
    ```mlir
    %4 = task.generate "a" @chat %0 : !agent.message max_tokens 8 -> !agent.text
    ```
  }];
}

#endif // HETAGON_DIALECTS_TASK_TRANSFORMS_PASSES_TD
