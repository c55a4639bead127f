// Text that is known or put together without a model.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTTEXT_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTTEXT_TD

include "dialects/Agent/IR/AgentTypes.td"

def Agent_ConstantOp : Agent_Op<"constant", [ConstantLike, Pure]> {
  let summary = "a known value";
  let description = [{
    For `!agent.json`, and for lists, `value` is JSON text.

    ```mlir
    %zone = agent.constant "Europe/Berlin" : !agent.text
    %all = agent.constant "[\"a\", \"b\"]" : !agent.list<!agent.text>
    ```
  }];
  let arguments = (ins StrAttr:$value);
  let results = (outs AnyTypeOf<[Agent_TextType, Agent_JsonType,
                                 Agent_ListType]>:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasFolder = 1;
}

def Agent_RenderOp : Agent_Node<"render", [NoMemoryEffect]> {
  let summary = "fill a template";
  let description = [{
    `{{name}}` in the template stands for the input of that name; every input
    occurs. JSON inputs appear as their text, JSON strings by their content.

    ```mlir
    %text = agent.render "greeting" "Dear {{name}}"("name" = %n : !agent.text)
    ```
  }];
  let arguments = (ins StrAttr:$node, StrAttr:$text_template,
                       Variadic<Agent_Readable>:$inputs,
                       StrArrayAttr:$input_names);
  let results = (outs Agent_TextType:$result);
  let assemblyFormat = [{
    $node $text_template
    `` custom<NamedOperands>($inputs, type($inputs), $input_names) attr-dict
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTTEXT_TD
