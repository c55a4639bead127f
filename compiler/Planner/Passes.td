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
               "NODE=DEVICE: run the node there and nowhere else">,
    ListOption<"forbidden", "forbid", "std::string",
               "a device that nothing may run on">,
  ];
}

#endif // HETAGON_COMPILER_PLANNER_PASSES_TD
