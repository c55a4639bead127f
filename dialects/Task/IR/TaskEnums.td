// The words of the task dialect, apart so that tablegen emits no other's.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKENUMS_TD
#define HETAGON_DIALECTS_TASK_IR_TASKENUMS_TD

include "mlir/IR/EnumAttr.td"

class Task_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hetagon::task";
  let genSpecializedAttr = 0;
}

def Task_ServiceKind : Task_Enum<"ServiceKind", "what a service does", [
  I32EnumAttrCase<"Decoder", 0, "decoder">,
  I32EnumAttrCase<"Encoder", 1, "encoder">,
  I32EnumAttrCase<"Endpoint", 2, "endpoint">,
]>;

def Task_ArtefactKind : Task_Enum<"ArtefactKind", "what a file holds", [
  I32EnumAttrCase<"Weights", 0, "weights">,
  I32EnumAttrCase<"Tokenizer", 1, "tokenizer">,
  I32EnumAttrCase<"Index", 2, "index">,
  I32EnumAttrCase<"Documents", 3, "documents">,
  I32EnumAttrCase<"Other", 4, "other">,
]>;

def Task_Rung : Task_Enum<"Rung", "how a number came to be known", [
  I32EnumAttrCase<"Unknown", 0, "unknown">,
  I32EnumAttrCase<"Analytic", 1, "analytic">,
  I32EnumAttrCase<"Calibrated", 2, "calibrated">,
  I32EnumAttrCase<"Profiled", 3, "profiled">,
  I32EnumAttrCase<"Measured", 4, "measured">,
]>;

#endif // HETAGON_DIALECTS_TASK_IR_TASKENUMS_TD
