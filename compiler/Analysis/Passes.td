// Checks that close the stages of the pipeline.
#ifndef HETAGON_COMPILER_ANALYSIS_PASSES_TD
#define HETAGON_COMPILER_ANALYSIS_PASSES_TD

include "mlir/Pass/PassBase.td"

def RecordRequirements : Pass<"record-requirements", "::mlir::ModuleOp"> {
  let summary = "write down which requirements there are";
  let description = [{
    The list stands on the module, for `verify-requirements` after each stage.

    Before:
    ```mlir
    module {
      agent.graph @g() -> () {
        agent.require "r0" "latency" max 1.0 "s"
        agent.output
      }
    }
    ```
    After:
    ```mlir
    module attributes {task.requirements = ["r0"]} { ... }
    ```
  }];
}

def ReportUnreadNodes : Pass<"report-unread-nodes", "::mlir::ModuleOp"> {
  let summary = "warn about nodes that will not run";
  let description = [{
    A node without effects whose outputs nobody reads is dropped by the first
    canonicalisation. The user is told so, at the node. Changes nothing.

    Before and after, with a warning at "idle":
    ```mlir
    agent.graph @g("q" %q: !agent.text) -> () {
      %0 = agent.render "idle" "{{q}}"("q" = %q : !agent.text)
      agent.output
    }
    ```
  }];
}

def VerifyRequirements : Pass<"verify-requirements", "::mlir::ModuleOp"> {
  let summary = "prove that no requirement vanished, doubled or appeared";
  let description = [{
    Compares the requirements of the module, of either dialect, with the list
    that `record-requirements` left, and fails at what differs. Changes nothing.

    Before and after:
    ```mlir
    module attributes {task.requirements = ["r0"]} {
      task.graph @g() -> () {
        task.require "r0" "latency" max 1.0 "s"
        task.output
      }
    }
    ```
  }];
}

def EstimateCosts : Pass<"estimate-costs", "::mlir::ModuleOp"> {
  let summary = "write on each request what it takes";
  let description = [{
    Adds up the costs of the operations in the program of the service asked, and
    writes them as expressions over the request's `input_tokens` and
    `output_tokens`: a decoder reads its input in submissions of `max_rows` and
    then runs once for each token it writes; each submission reads all weights;
    a position attends to all before it. Requests to endpoints, and steps that
    ask no service, get no cost: nobody knows it.

    Before:
    ```mlir
    %e = task.embed "e" @encoder %q : !agent.text
    ```
    After:
    ```mlir
    %e = task.embed "e" @encoder %q
      {cost = #task.cost<operations = [#task.work<"matmul" "f32" :
         <"2048 flop * input_tokens">>], bytes_read = <"4096 byte">>} : !agent.text
    ```
  }];
}

def VerifyPlacement : Pass<"verify-placement", "::mlir::ModuleOp"> {
  let summary = "prove that every request has a device that may take it";
  let description = [{
    Each scenario places every step that asks a service, on a device there is, in
    a zone where its data may be, and places nothing else. Where services have
    devices already, they are those of the first scenario. Changes nothing.

    Before and after:
    ```mlir
    task.scenario @primary {
      task.place "answer" on "cpu" why "the default" rejected []
    }
    ```
  }];
}

#endif // HETAGON_COMPILER_ANALYSIS_PASSES_TD
