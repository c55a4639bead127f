// The pass that asks a planner.
#ifndef HETAGON_COMPILER_PLANNER_PASSES_TD
#define HETAGON_COMPILER_PLANNER_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlaceTasks : Pass<"place-tasks", "::mlir::ModuleOp"> {
  let summary = "find the primary scenario";
  let description = [{
    Gathers the requests that steps make of services, asks the planner, and
    writes what it says as `task.scenario @primary`. The steps of one node that
    ask one service go together. Steps that ask no service run in the runtime
    itself and are not placed.

    Before:
    ```mlir
    task.system { task.device "cpu" backend "cpu" zone "here" trust "own" }
    ...
      %1 = task.embed "a" @encoder %0 : !agent.text
    ```
    After, in addition:
    ```mlir
    task.scenario @primary {
      task.place "a" on "cpu" why "..." rejected []
    }
    ```
  }];
  let options = [
    ListOption<"pins", "pin", "std::string",
               "NODE=DEVICE: run the node, or all requests to the model "
               "of that name, there and nowhere else">,
    ListOption<"forbidden", "forbid", "std::string",
               "a device that nothing may run on">,
  ];
}

def PredictRequirements : Pass<"predict-requirements", "::mlir::ModuleOp"> {
  let summary = "say what is expected of each requirement, and how that is known";
  let description = [{
    The time of a request comes from its service's profile, where it has one,
    else it is the roofline of its costs on its device: the larger of operations
    over speed and bytes over bandwidth, plus fixed latency. It is known only
    where the device's figures, the step's costs and all sizes are; otherwise
    the prediction is `unknown` and its basis says what is missing. Its rung is
    that of the least trustworthy part. Sizes are the step's `task.sizes`, or
    the module's, for example
    `{input_tokens = 200 : i64, output_tokens = 64 : i64}`; without them,
    `output_tokens` is what the request allows at most. A demand on a node
    counts the node's own time, one on the flow the longest way to the value.

    Before:
    ```mlir
    task.require "r0" "latency" max 1.0 "s" node "a" on (last %a : !agent.text)
    ```
    After:
    ```mlir
    task.require "r0" "latency" max 1.0 "s" node "a" on (last %a : !agent.text)
      predicted <unit = "s", rung = unknown, basis = "nobody knows the speed of cpu">
    ```
  }];
}

#endif // HETAGON_COMPILER_PLANNER_PASSES_TD
