// Nodes that reach outside the models: retrieval, tools, other agents, people,
// observations, and checks on what came out.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTTOOLS_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTTOOLS_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Agent/IR/AgentTypes.td"

def Agent_RetrieveOp : Agent_Node<"retrieve", [
    NoMemoryEffect, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the passages of a document set nearest to a question";
  let description = [{
    The question and its rewrites are each embedded and searched for; what they
    find is merged by similarity. The result is a JSON array of passages, best
    first, each with id, source, text and score.

    ```mlir
    %passages = agent.retrieve "search" @corpus by @encoder top_k 3
      question %question : !agent.text rewrites(%rewrite : !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$documents,
                       FlatSymbolRefAttr:$embedding_model, I64Attr:$top_k,
                       Agent_Readable:$question,
                       Variadic<Agent_Readable>:$rewrites,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Agent_JsonType:$passages);
  let assemblyFormat = [{
    $node $documents `by` $embedding_model `top_k` $top_k
    `question` $question `:` type($question)
    (`rewrites` `(` $rewrites^ `:` type($rewrites) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Agent_ToolCallOp : Agent_Node<"tool_call", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "call a tool with named arguments";
  let description = [{
    Effects stated here win over those of the tool; without either the call
    reads and writes `@world`.

    ```mlir
    %now = agent.tool_call "clock" @now("timezone" = %zone : !agent.text)
      -> ("time": !agent.json) effects <reads = [@clock], writes = []>
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$tool,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names,
                       OptionalAttr<Agent_EffectsAttr>:$effects,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $node $tool `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `->` custom<NamedResults>(type($outputs), $output_names)
    (`effects` $effects^)? attr-dict
  }];
}

def Agent_RemoteAgentOp : Agent_Node<"remote_agent", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "hand a task to an agent that somebody else runs";
  let description = [{
    `protocol` is the wire's name ("a2a"). Like a tool, it reads and writes
    `@world` unless effects are stated.

    ```mlir
    %r = agent.remote_agent "travel" "a2a" at "https://example.org/agent"
      ("task" = %task : !agent.text) -> ("reply": !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$node, StrAttr:$protocol, StrAttr:$url,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names,
                       OptionalAttr<Agent_EffectsAttr>:$effects,
                       OptionalAttr<StrAttr>:$secret,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $node $protocol `at` $url
    `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `->` custom<NamedResults>(type($outputs), $output_names)
    (`effects` $effects^)? attr-dict
  }];
}

def Agent_AskOp : Agent_Node<"ask", [Agent_Effects]> {
  let summary = "ask a person";
  let description = [{
    The prompt is a template. A question is an effect on the world: it is never
    asked ahead of a step that may fail, nor twice.

    ```mlir
    %ok = agent.ask "confirm" prompt "Send {{mail}}?"("mail" = %m : !agent.text)
      : !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$node, StrAttr:$prompt,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       OptionalAttr<I64Attr>:$timeout_ms);
  let results = (outs Agent_Value:$reply);
  let assemblyFormat = [{
    $node `prompt` $prompt
    `` custom<NamedOperands>($inputs, type($inputs), $input_names) attr-dict
    `:` type($reply)
  }];
  let hasVerifier = 1;
}

def Agent_ObserveOp : Agent_Node<"observe", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "keep a value in an observation store";
  let description = [{
    The store is a resource, so that who reads it is ordered after this.

    ```mlir
    agent.observe "note" into @notes %text : !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$store,
                       Agent_Value:$value);
  let assemblyFormat = "$node `into` $store $value attr-dict `:` type($value)";
}

def Agent_VerifyOp : Agent_Node<"verify", [NoMemoryEffect]> {
  let summary = "check a value against a JSON schema";
  let description = [{
    The result is a JSON object with `valid` and the list of `faults`; what to
    do about it is for a route to say.

    ```mlir
    %verdict = agent.verify "shape" %json : !agent.json schema "{}"
    ```
  }];
  let arguments = (ins StrAttr:$node, Agent_Readable:$value, StrAttr:$schema);
  let results = (outs Agent_JsonType:$verdict);
  let assemblyFormat = "$node $value `:` type($value) `schema` $schema attr-dict";
}

def Agent_AttributeOp : Agent_Node<"attribute", [
    NoMemoryEffect, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the passages on which an answer rests";
  let description = [{
    Each sentence of the answer is compared with each passage; passages at or
    above the threshold of cosine similarity are the citations, a JSON array.

    ```mlir
    %cites = agent.attribute "cite" @encoder answer %answer : !agent.text
      passages %passages : !agent.json threshold 0.55
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$embedding_model,
                       Agent_Readable:$answer, Agent_JsonType:$passages,
                       F64Attr:$threshold, OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Agent_JsonType:$citations);
  let assemblyFormat = [{
    $node $embedding_model `answer` $answer `:` type($answer)
    `passages` $passages `:` type($passages) `threshold` $threshold attr-dict
  }];
  let hasVerifier = 1;
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTTOOLS_TD
