// The machines: devices and the links between them.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKSYSTEM_TD
#define HETAGON_DIALECTS_TASK_IR_TASKSYSTEM_TD

include "dialects/Task/IR/TaskAttributes.td"

def Task_SystemOp : Task_Op<"system", [
    SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "the devices at hand, and what is known of them";
  let description = [{
    ```mlir
    task.system {
      task.device "cpu" backend "cpu" zone "this-machine" trust "own"
        {architecture = "x86_64-v4", memory_bytes = 8589934592 : i64}
      task.device "remote" backend "remote" zone "eu" trust "contract"
        {endpoint = #task.endpoint<url = "https://example.org/v1", model = "m">}
      task.link "cpu" to "remote" bytes_per_second 1.0e7 latency_ns 2000000
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Task_DeviceOp : Task_Op<"device", [HasParent<"SystemOp">]> {
  let summary = "a device that steps and services can be placed on";
  let description = [{
    `backend` names the backend that drives it; `architecture` is the device
    half's own word for what executables must be made for. Figures of speed are
    there only where they are known; `rung` says how.

    ```mlir
    task.device "cpu" backend "cpu" zone "this-machine" trust "own"
      {architecture = "x86_64-v4", memory_bytes = 8589934592 : i64,
       operations_per_second = 1.0e11 : f64, bytes_per_second = 2.0e10 : f64,
       rung = #task.rung<analytic>}
    ```
  }];
  let arguments = (ins StrAttr:$id, StrAttr:$backend, StrAttr:$zone,
                       StrAttr:$trust, OptionalAttr<StrAttr>:$architecture,
                       OptionalAttr<I64Attr>:$memory_bytes,
                       OptionalAttr<F64Attr>:$operations_per_second,
                       OptionalAttr<F64Attr>:$bytes_per_second,
                       OptionalAttr<Task_RungAttr>:$rung,
                       OptionalAttr<Task_EndpointAttr>:$endpoint,
                       OptionalAttr<StrAttr>:$config);
  let assemblyFormat = [{
    $id `backend` $backend `zone` $zone `trust` $trust attr-dict
  }];
  let hasVerifier = 1;
}

def Task_LinkOp : Task_Op<"link", [HasParent<"SystemOp">]> {
  let summary = "a way for bytes from one device to another";
  let description = [{
    ```mlir
    task.link "cpu" to "vulkan:0" bytes_per_second 8.0e9 latency_ns 200000
    ```
  }];
  let arguments = (ins StrAttr:$from, StrAttr:$to, F64Attr:$bytes_per_second,
                       I64Attr:$latency_ns);
  let assemblyFormat = [{
    $from `to` $to `bytes_per_second` $bytes_per_second
    `latency_ns` $latency_ns attr-dict
  }];
  let hasVerifier = 1;
}

def Task_ProfileOp : Task_Op<"profile", [HasParent<"SystemOp">]> {
  let summary = "what a model takes on a device, as it was measured";
  let description = [{
    The model is known by the id of its weights' artefact; that is no use of the
    symbol, so that an artefact which nothing else needs can go.

    ```mlir
    task.profile "cpu" of "chat.weights"
      <tokens = [1, 512], first = [2.0e6, 1.5e8], each = [2.0e6, 3.0e6]>
    ```
  }];
  let arguments = (ins StrAttr:$device, StrAttr:$weights,
                       Task_ProfileAttr:$times);
  let assemblyFormat = "$device `of` $weights $times attr-dict";
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKSYSTEM_TD
