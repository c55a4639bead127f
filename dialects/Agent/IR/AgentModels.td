// Nodes that ask a model: generate, embed, transcribe, speak, and the bounded
// agent.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTMODELS_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTMODELS_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Agent/IR/AgentTypes.td"

def Agent_GenerateOp : Agent_Node<"generate", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "let a language model write";
  let description = [{
    `system` and `prompt` are templates: `{{name}}` stands for the input of that
    name. An input that no template mentions is a conversation that precedes
    the prompt, and must be a message.

    Temperature 0 (the default) takes the likeliest token each time; `top_k 0`
    and `top_p 1` keep all. Sampling is explicit: the seed comes from the run's
    seed, the node's path, the iteration and `sample_key`, so equal prompts
    with sampling are different nodes, which nothing merges.

    ```mlir
    %answer = agent.generate "answer" @chat("question" = %q : !agent.text)
      system "Be brief." prompt "{{question}}"
      max_tokens 64 temperature 0.7 top_p 0.9 sample_key "a"
      : !agent.stream<!agent.text>
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$model,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       OptionalAttr<StrAttr>:$system, StrAttr:$prompt,
                       I64Attr:$max_tokens,
                       DefaultValuedOptionalAttr<F64Attr, "0.0">:$temperature,
                       DefaultValuedOptionalAttr<I64Attr, "0">:$top_k,
                       DefaultValuedOptionalAttr<F64Attr, "1.0">:$top_p,
                       DefaultValuedOptionalAttr<StrAttr, "\"\"">:$sample_key,
                       OptionalAttr<StrAttr>:$output_schema,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_JsonType,
                                 Agent_StreamType]>:$result);
  let assemblyFormat = [{
    $node $model `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    (`system` $system^)? `prompt` $prompt `max_tokens` $max_tokens
    (`temperature` $temperature^)? (`top_k` $top_k^)? (`top_p` $top_p^)?
    (`sample_key` $sample_key^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// Whether the result depends on the seed.
    bool isSampled() { return getTemperature().convertToDouble() > 0.0; }
  }];
}

def Agent_EmbedOp : Agent_Node<"embed", [
    NoMemoryEffect, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the vector that stands for a text";
  let description = [{
    ```mlir
    %v = agent.embed "vector" @encoder %text : !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$model,
                       Agent_Readable:$text, OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Agent_EmbeddingType:$result);
  let assemblyFormat = "$node $model $text attr-dict `:` type($text)";
}

def Agent_TranscribeOp : Agent_Node<"transcribe", [
    NoMemoryEffect, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "speech to text";
  let description = [{
    ```mlir
    %text = agent.transcribe "hear" @ears %sound : !agent.audio -> !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$model,
                       AnyTypeOf<[Agent_AudioType, Agent_StreamType]>:$audio,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_StreamType]>:$result);
  let assemblyFormat = [{
    $node $model $audio attr-dict `:` type($audio) `->` type($result)
  }];
}

def Agent_SpeakOp : Agent_Node<"speak", [
    NoMemoryEffect, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "text to speech";
  let description = [{
    ```mlir
    %sound = agent.speak "say" @voice %text : !agent.text -> !agent.audio
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$model,
                       Agent_Readable:$text, OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs AnyTypeOf<[Agent_AudioType, Agent_StreamType]>:$result);
  let assemblyFormat = [{
    $node $model $text attr-dict `:` type($text) `->` type($result)
  }];
}

def Agent_AgentOp : Agent_Node<"agent", [
    Agent_Effects, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a model that calls tools until it is done";
  let description = [{
    The set of tools is closed and the number of steps bounded, so that its cost
    and its effects are. The effects are those of all its tools.

    ```mlir
    %r = agent.agent "operator" @chat("task" = %task : !agent.text)
      instructions "Solve {{task}}." tools [@now, @lookup] max_steps 8
      -> ("reply": !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$node, FlatSymbolRefAttr:$model,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       StrAttr:$instructions,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "tools">:$tools,
                       I64Attr:$max_steps, StrArrayAttr:$output_names,
                       OptionalAttr<I64Attr>:$timeout_ms,
                       OptionalAttr<I64Attr>:$retries);
  let results = (outs Variadic<Agent_Value>:$outputs);
  let assemblyFormat = [{
    $node $model `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `instructions` $instructions `tools` $tools `max_steps` $max_steps
    `->` custom<NamedResults>(type($outputs), $output_names) attr-dict
  }];
  let hasVerifier = 1;
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTMODELS_TD
