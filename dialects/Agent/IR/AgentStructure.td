// Graphs, their outputs, and calls between them.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTSTRUCTURE_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTSTRUCTURE_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Agent/IR/AgentTypes.td"

def Agent_GraphOp : Agent_Op<"graph", [
    Symbol, IsolatedFromAbove, SingleBlock,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a workflow, or a part of one that others call";
  let description = [{
    The block arguments are the inputs, `agent.output` names the outputs. The
    public graph of a module is the workflow, private ones are its sub-graphs.
    Order of operations is a topological order, not an order in time: nodes run
    in parallel unless data or conflicting effects order them.

    ```mlir
    agent.graph @rag("question" %question: !agent.text)
        -> ("answer": !agent.stream<!agent.text>) {
      %answer = agent.generate "answer" @chat("question" = %question : !agent.text)
        prompt "{{question}}" max_tokens 64 : !agent.stream<!agent.text>
      agent.output %answer : !agent.stream<!agent.text>
    }
    ```

    An input whose data belongs to a class says so:
    `("question" %question: !agent.text class @confidential)`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       StrArrayAttr:$input_names,
                       OptionalAttr<DictionaryAttr>:$input_classes,
                       StrArrayAttr:$output_names,
                       TypeArrayAttr:$output_types);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins
    "::llvm::StringRef":$name, "::llvm::ArrayRef<::llvm::StringRef>":$inputNames,
    "::mlir::TypeRange":$inputTypes,
    "::llvm::ArrayRef<::llvm::StringRef>":$outputNames,
    "::mlir::TypeRange":$outputTypes, CArg<"bool", "false">:$isPrivate)>];
  let extraClassDeclaration = [{
    ::mlir::Block &getEntry() { return getBody().front(); }
    ::mlir::Block::BlockArgListType getInputs() { return getEntry().getArguments(); }
    /// The class of input `index`, null when none is stated.
    ::mlir::FlatSymbolRefAttr getInputClass(unsigned index);
  }];
}

def Agent_OutputOp : Agent_Op<"output", [Terminator, HasParent<"GraphOp">]> {
  let summary = "what a graph hands back, in the order of its outputs";
  let description = [{
    ```mlir
    agent.output %answer, %citations : !agent.text, !agent.json
    ```
  }];
  let arguments = (ins Variadic<Agent_Value>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{}]>];
}

def Agent_YieldOp : Agent_Op<"yield", [
    Pure, Terminator, ParentOneOf<["RouteOp", "MapOp"]>]> {
  let summary = "what one case of a route, or one trip of a map, comes to";
  let description = [{
    ```mlir
    agent.yield %reply : !agent.text
    ```
  }];
  let arguments = (ins Variadic<Agent_Value>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{}]>];
}

def Agent_CallOp : Agent_Node<"call", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a sub-graph";
  let description = [{
    The names and types of inputs and outputs are the callee's, in its order.
    Calls may not form a cycle. The effects are the callee's.

    ```mlir
    %r = agent.call "summary" @summarise("text" = %t : !agent.text)
      -> ("summary": !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$callee,
                       Variadic<Agent_Value>:$inputs,
                       StrArrayAttr:$input_names, StrArrayAttr:$output_names);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $node $callee `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `->` custom<NamedResults>(type($outputs), $output_names) attr-dict
  }];
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTSTRUCTURE_TD
