// The task dialect itself, and the classes its operations derive from.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKBASE_TD
#define HETAGON_DIALECTS_TASK_IR_TASKBASE_TD

include "dialects/Agent/IR/AgentTypes.td"
include "dialects/Task/IR/TaskInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Task_Dialect : Dialect {
  let name = "task";
  let cppNamespace = "::hetagon::task";
  let summary = "what has to be done, what it takes, and where it is put";
  let description = [{
    Graphs of steps that mirror the plan's, the services that steps ask, the
    machines there are, and scenarios that place one on the other.
  }];
  let dependentDialects = ["::hetagon::agent::AgentDialect"];
  let extraClassDeclaration = "void registerAttributes();";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class Task_Op<string mnemonic, list<Trait> traits = []>
    : Op<Task_Dialect, mnemonic, traits>;

class Task_Symbol<string mnemonic, list<Trait> traits = []>
    : Task_Op<mnemonic, !listconcat([Symbol], traits)>;

// A step. MLIR is told nothing of its effects, so that no general
// transformation drops, merges or moves it.
class Task_Step<string mnemonic, list<Trait> traits = []>
    : Task_Op<mnemonic,
              !listconcat([DeclareOpInterfaceMethods<Task_StepOpInterface>,
                           DeclareOpInterfaceMethods<SymbolUserOpInterface>],
                          traits)>;

def Task_KvType : TypeDef<Task_Dialect, "Kv"> {
  let mnemonic = "kv";
  let summary = "the keys and values of one sequence in a service's cache";
  let description = [{
    A handle. Appending yields a new one; a fork shares pages until one side
    writes.
  }];
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKBASE_TD
