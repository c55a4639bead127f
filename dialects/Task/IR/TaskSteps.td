// The steps that do the work.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKSTEPS_TD
#define HETAGON_DIALECTS_TASK_IR_TASKSTEPS_TD

include "dialects/Agent/IR/AgentAttributes.td"
include "dialects/Task/IR/TaskAttributes.td"

def Task_TokenStream
    : Type<CPred<"::hetagon::task::isTokenStream($_self)">, "a stream of tokens">,
      BuildableType<"::hetagon::agent::StreamType::get("
                    "::hetagon::agent::TokensType::get($_builder.getContext()))">;

// The parameters of sampling, the same for decode and generate.
defvar samplingArguments = (ins
  I64Attr:$max_tokens,
  DefaultValuedOptionalAttr<F64Attr, "0.0">:$temperature,
  DefaultValuedOptionalAttr<I64Attr, "0">:$top_k,
  DefaultValuedOptionalAttr<F64Attr, "1.0">:$top_p,
  DefaultValuedOptionalAttr<StrAttr, "\"\"">:$seed_key);

def Task_ConstantOp : Task_Step<"constant"> {
  let summary = "a known value";
  let description = [{
    Text itself, or JSON for other types.

    ```mlir
    %zone = task.constant "zone" value "UTC" : !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$step, StrAttr:$value);
  let results = (outs Agent_Value:$result);
  let assemblyFormat = "$step `value` $value attr-dict `:` type($result)";
}

def Task_RenderOp : Task_Step<"render"> {
  let summary = "fill a template, into text or into messages";
  let description = [{
    `{{name}}` stands for the input of that name. `system` becomes a message of
    its own, before the template's, whose role is `user`.

    ```mlir
    %m = task.render "answer.prompt" system "Be brief." template "{{q}}"
      ("q" = %q : !agent.text) : !agent.message
    ```
  }];
  let arguments = (ins StrAttr:$step, OptionalAttr<StrAttr>:$system,
                       StrAttr:$text_template, Variadic<Agent_Value>:$inputs,
                       StrArrayAttr:$input_names);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_MessageType]>:$result);
  let assemblyFormat = [{
    $step (`system` $system^)? `template` $text_template
    custom<NamedOperands>($inputs, type($inputs), $input_names) attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
}

def Task_TokenizeOp : Task_Step<"tokenize"> {
  let summary = "text to token numbers of a service's vocabulary";
  let description = [{
    Messages go through the service's chat template first.

    ```mlir
    %t = task.tokenize "answer.tokenize" @chat %m : !agent.message
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$service,
                       Agent_Readable:$text);
  let results = (outs Agent_TokensType:$tokens);
  let assemblyFormat = "$step $service $text attr-dict `:` type($text)";
}

def Task_PrefillOp : Task_Step<"prefill"> {
  let summary = "let a decoder read tokens into its cache";
  let description = [{
    ```mlir
    %kv = task.prefill "answer.prefill" @chat %t
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$service,
                       Agent_TokensType:$tokens);
  let results = (outs Task_KvType:$kv);
  let assemblyFormat = "$step $service $tokens attr-dict";
}

def Task_DecodeOp : Task_Step<"decode"> {
  let summary = "let a decoder write, one token at a time";
  let description = [{
    Ends at a stop token or after `max_tokens`. The service's scheduler, not the
    graph, decides which requests share a batch.

    ```mlir
    %s = task.decode "answer.decode" @chat %kv max_tokens 64 temperature 0.7
      seed_key "a"
    ```
  }];
  let arguments = !con((ins StrAttr:$step, FlatSymbolRefAttr:$service,
                            Task_KvType:$kv), samplingArguments);
  let results = (outs Task_TokenStream:$tokens);
  let assemblyFormat = [{
    $step $service $kv `max_tokens` $max_tokens
    (`temperature` $temperature^)? (`top_k` $top_k^)? (`top_p` $top_p^)?
    (`seed_key` $seed_key^)? attr-dict
  }];
}

def Task_DetokenizeOp : Task_Step<"detokenize"> {
  let summary = "token numbers back to text";
  let description = [{
    A stream stays one where the result is a stream.

    ```mlir
    %text = task.detokenize "answer.text" @chat
      %s : !agent.stream<!agent.tokens> -> !agent.stream<!agent.text>
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$service,
                       AnyTypeOf<[Agent_TokensType, Task_TokenStream]>:$tokens);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_StreamType]>:$text);
  let assemblyFormat = [{
    $step $service $tokens attr-dict `:` type($tokens) `->` type($text)
  }];
}

def Task_GenerateOp : Task_Step<"generate"> {
  let summary = "one request to a decoder or endpoint: read, then write";
  let description = [{
    What `task-fuse-requests` makes of tokenize, prefill, decode and detokenize
    once placement is known: the plan's step. It is also what a service that
    takes whole requests (an endpoint) offers.

    ```mlir
    %a = task.generate "answer" @chat %m : !agent.message max_tokens 64
      -> !agent.stream<!agent.text>
    ```
  }];
  let arguments = !con((ins StrAttr:$step, FlatSymbolRefAttr:$service,
                            AnyTypeOf<[Agent_TextType, Agent_MessageType,
                                       Agent_TokensType]>:$prompt),
                       samplingArguments);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_StreamType]>:$text);
  let assemblyFormat = [{
    $step $service $prompt `:` type($prompt) `max_tokens` $max_tokens
    (`temperature` $temperature^)? (`top_k` $top_k^)? (`top_p` $top_p^)?
    (`seed_key` $seed_key^)? attr-dict `->` type($text)
  }];
}

def Task_EmbedOp : Task_Step<"embed"> {
  let summary = "the vector that stands for a text";
  let description = [{
    ```mlir
    %e = task.embed "search.embed" @encoder %t : !agent.tokens
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$service,
                       AnyTypeOf<[Agent_TokensType, Agent_TextType,
                                  Agent_MessageType, Agent_JsonType,
                                  Agent_StreamType]>:$text);
  let results = (outs Agent_EmbeddingType:$embedding);
  let assemblyFormat = "$step $service $text attr-dict `:` type($text)";
}

def Task_SearchOp : Task_Step<"search"> {
  let summary = "the passages of an index nearest to vectors";
  let description = [{
    What several vectors find is merged by similarity.

    ```mlir
    %p = task.search "search" @"corpus.index" top_k 3
      ("question" = %e : !agent.embedding)
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$index, I64Attr:$top_k,
                       OptionalAttr<F64Attr>:$threshold,
                       Variadic<Agent_EmbeddingType>:$inputs,
                       StrArrayAttr:$input_names);
  let results = (outs Agent_JsonType:$passages);
  let assemblyFormat = [{
    $step $index `top_k` $top_k (`threshold` $threshold^)?
    custom<NamedOperands>($inputs, type($inputs), $input_names) attr-dict
  }];
  let hasVerifier = 1;
}

def Task_AttributeOp : Task_Step<"attribute"> {
  let summary = "the passages on which a text rests";
  let description = [{
    ```mlir
    %c = task.attribute "cite" @encoder text %a : !agent.text
      passages %p : !agent.json threshold 0.55
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$service,
                       Agent_Readable:$text, Agent_JsonType:$passages,
                       F64Attr:$threshold);
  let results = (outs Agent_JsonType:$citations);
  let assemblyFormat = [{
    $step $service `text` $text `:` type($text)
    `passages` $passages `:` type($passages) `threshold` $threshold attr-dict
  }];
}

def Task_ToolCallOp : Task_Step<"tool_call"> {
  let summary = "call a tool";
  let description = [{
    Without `effects` it reads and writes `@world`. What it has to wait for
    stands in `after`.

    ```mlir
    %r = task.tool_call "clock" @now("timezone" = %z : !agent.text)
      -> !agent.json effects <reads = [@clock], writes = []>
    ```
  }];
  let arguments = (ins StrAttr:$step, FlatSymbolRefAttr:$tool,
                       Variadic<Agent_Value>:$inputs, StrArrayAttr:$input_names,
                       OptionalAttr<Agent_EffectsAttr>:$effects);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_JsonType]>:$result);
  let assemblyFormat = [{
    $step $tool `` custom<NamedOperands>($inputs, type($inputs), $input_names)
    `->` type($result) (`effects` $effects^)? attr-dict
  }];
}

def Task_AskOp : Task_Step<"ask"> {
  let summary = "ask a person";
  let description = [{
    ```mlir
    %a = task.ask "confirm" %question : !agent.text
    ```
  }];
  let arguments = (ins StrAttr:$step, Agent_Readable:$question);
  let results = (outs Agent_TextType:$answer);
  let assemblyFormat = "$step $question attr-dict `:` type($question)";
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKSTEPS_TD
