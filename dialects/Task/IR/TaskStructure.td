// Step graphs and the steps that run other graphs.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKSTRUCTURE_TD
#define HETAGON_DIALECTS_TASK_IR_TASKSTRUCTURE_TD

include "dialects/Task/IR/TaskAttributes.td"

def Task_GraphOp : Task_Op<"graph", [
    Symbol, IsolatedFromAbove, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a step graph";
  let description = [{
    Acyclic: values and `after` point back only. The public graph is the flow;
    the bodies of branches and maps are private ones.

    ```mlir
    task.graph @rag("question" %question: !agent.text) -> ("answer": !agent.text) {
      %p = task.render "answer.prompt" template "{{question}}"
        ("question" = %question : !agent.text) : !agent.message
      ...
      task.output %text : !agent.text
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       StrArrayAttr:$input_names, StrArrayAttr:$output_names,
                       TypeArrayAttr:$output_types);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::StringAttr":$name,
    "::mlir::ArrayAttr":$inputNames, "::mlir::TypeRange":$inputTypes,
    "::mlir::ArrayAttr":$outputNames, "::mlir::TypeRange":$outputTypes,
    "bool":$isPrivate)>];
  let extraClassDeclaration = [{
    ::mlir::Block &getEntry() { return getBody().front(); }
    ::mlir::Block::BlockArgListType getInputs() { return getEntry().getArguments(); }
  }];
}

def Task_OutputOp : Task_Op<"output", [Pure, Terminator, HasParent<"GraphOp">]> {
  let summary = "what a graph hands back";
  let description = [{
    ```mlir
    task.output %answer : !agent.text
    ```
  }];
  let arguments = (ins Variadic<Agent_Value>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Task_CallOp : Task_Step<"call"> {
  let summary = "run another graph";
  let description = [{
    ```mlir
    %s = task.call "summary" @summarise("text" = %t : !agent.text)
      -> ("summary": !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$callee,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $step $callee `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `->` custom<NamedResults>(type($outputs), $output_names) attr-dict
  }];
}

def Task_BranchOp : Task_Step<"branch"> {
  let summary = "run the graph whose case fits the selector";
  let description = [{
    One graph a case, all with the same inputs and outputs. `default` is the
    case that runs when none fits; without it that is an error.

    ```mlir
    %r = task.branch "which" on %mood : !agent.text
      ("name" = %name : !agent.text) cases ["angry", "other"]
      graphs [@which.angry, @which.other] default "other"
      -> ("reply": !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$step,
                       AnyTypeOf<[Agent_TextType, Agent_JsonType]>:$selector,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       StrArrayAttr:$cases,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "graphs">:$graphs,
                       OptionalAttr<StrAttr>:$default_case,
                       StrArrayAttr:$output_names);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $step `on` $selector `:` type($selector)
    custom<NamedOperands>($inputs, type($inputs), $input_names)
    `cases` $cases `graphs` $graphs (`default` $default_case^)?
    `->` custom<NamedResults>(type($outputs), $output_names) attr-dict
  }];
  let hasVerifier = 1;
}

def Task_MapOp : Task_Step<"map"> {
  let summary = "run a graph for each element of lists, in parallel";
  let description = [{
    `over` names the inputs that are lists and run in step; the others go to
    every trip whole. `parallel` bounds how many trips run at once, 0 does not.

    ```mlir
    %all = task.map "each" @each.body over ["item"]
      ("item" = %list : !agent.list<!agent.text>) parallel 0
      -> ("reply": !agent.list<!agent.text>)
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$body, StrArrayAttr:$over,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       I64Attr:$parallel, StrArrayAttr:$output_names);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $step $body `over` $over
    custom<NamedOperands>($inputs, type($inputs), $input_names)
    `parallel` $parallel
    `->` custom<NamedResults>(type($outputs), $output_names) attr-dict
  }];
  let hasVerifier = 1;
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKSTRUCTURE_TD
