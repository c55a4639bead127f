// What flows between the nodes of a workflow.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTTYPES_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTTYPES_TD

include "dialects/Agent/IR/AgentBase.td"

class Agent_Type<string cppName, string keyword, string text>
    : TypeDef<Agent_Dialect, cppName> {
  let mnemonic = keyword;
  let summary = text;
}

def Agent_TextType : Agent_Type<"Text", "text", "UTF-8 text">;
def Agent_MessageType
    : Agent_Type<"Message", "message", "messages of a conversation, each with a role">;
def Agent_JsonType
    : Agent_Type<"Json", "json", "any JSON value: object, array, number, boolean, text, null">;
def Agent_EmbeddingType
    : Agent_Type<"Embedding", "embedding", "a vector that stands for a text">;
def Agent_TensorType
    : Agent_Type<"Tensor", "tensor", "numbers of any shape that no language model reads">;
def Agent_TokensType
    : Agent_Type<"Tokens", "tokens", "token numbers of one vocabulary">;
def Agent_AudioType : Agent_Type<"Audio", "audio", "sampled sound">;
def Agent_ImageType : Agent_Type<"Image", "image", "one picture">;

def Agent_ListType : Agent_Type<"List", "list", "values of one type, in order"> {
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
  let builders = [TypeBuilderWithInferredContext<(ins "::mlir::Type":$elementType), [{
    return $_get(elementType.getContext(), elementType);
  }]>];
  let genVerifyDecl = 1;
}

def Agent_StreamType : Agent_Type<"Stream", "stream", "a value that arrives in pieces"> {
  let description = [{
    A stream of text is read by whoever needs text: the reader waits for the
    end unless it can work on pieces. The first piece, the last, and the gaps
    between are the events of which requirements speak.
  }];
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
  let builders = [TypeBuilderWithInferredContext<(ins "::mlir::Type":$elementType), [{
    return $_get(elementType.getContext(), elementType);
  }]>];
  let genVerifyDecl = 1;
}

def Agent_Value : Type<CPred<"::hetagon::agent::isValueType($_self)">,
                       "a value of the agent dialect">;
def Agent_Readable : Type<CPred<"::hetagon::agent::isReadable($_self)">,
                          "text, message, json, or a stream of text">;
def Agent_Iterable : Type<CPred<"::llvm::isa<::hetagon::agent::ListType, "
                                "::hetagon::agent::JsonType>($_self)">,
                          "a list, or JSON that holds an array">;

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTTYPES_TD
