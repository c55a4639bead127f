// What a workflow names: resources, data classes, models, documents and tools.
#ifndef HETAGON_DIALECTS_AGENT_IR_AGENTSYMBOLS_TD
#define HETAGON_DIALECTS_AGENT_IR_AGENTSYMBOLS_TD

include "dialects/Agent/IR/AgentAttributes.td"

class Agent_Symbol<string mnemonic, list<Trait> traits = []>
    : Agent_Op<mnemonic, !listconcat([Symbol], traits)>;

def Agent_ResourceOp : Agent_Symbol<"resource"> {
  let summary = "something outside the workflow that nodes read or write";
  let description = [{
    Two nodes conflict when both touch one resource and at least one writes it.

    ```mlir
    agent.resource @crm
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name attr-dict";
}

def Agent_DataClassOp : Agent_Symbol<"data_class"> {
  let summary = "a class of data and the zones it may be in";
  let description = [{
    Values derived from data of a class belong to it; `agent.declassify` is the
    only way out. No zones means that the class may be anywhere.

    ```mlir
    agent.data_class @confidential zones ["this-machine"]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$zones,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `zones` $zones attr-dict";
}

def Agent_ModelOp : Agent_Symbol<"model"> {
  let summary = "a model, by the identifier under which the user knows it";
  let description = [{
    The identifier is looked up in the user's table of models. A model with a
    `url` is asked over an OpenAI-compatible endpoint; `secret` is the name of
    the secret that holds the key, never the key. Two nodes that name one model
    share one instance of it.

    ```mlir
    agent.model @chat id "SmolLM2-135M-Instruct"
    agent.model @big id "some/model" url "https://example.org/v1" secret "example"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$id,
                       OptionalAttr<StrAttr>:$url,
                       OptionalAttr<StrAttr>:$secret,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = [{
    $sym_name `id` $id (`url` $url^)? (`secret` $secret^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Agent_DocumentsOp
    : Agent_Symbol<"documents", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a set of documents from which passages are retrieved";
  let description = [{
    `source` is a folder or file, relative to the workflow's own file.

    ```mlir
    agent.documents @corpus source "documents" class @confidential
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$source,
                       OptionalAttr<FlatSymbolRefAttr>:$data_class,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = [{
    $sym_name `source` $source (`class` $data_class^)? attr-dict
  }];
}

def Agent_ToolServerOp : Agent_Symbol<"tool_server"> {
  let summary = "a program that offers tools";
  let description = [{
    `command` is the program with its arguments. The server starts with an empty
    environment but for `environment` (literal values), `pass_environment`
    (names taken from the user's own) and `secrets` (variable -> name of a
    secret, never its value).

    ```mlir
    agent.tool_server @time stdio ["mcp-server-time", "--local-timezone=UTC"]
      {pass_environment = ["TZ"], secrets = {API_KEY = "time-key"}}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Agent_TransportAttr:$transport,
                       StrArrayAttr:$command,
                       OptionalAttr<DictionaryAttr>:$environment,
                       OptionalAttr<StrArrayAttr>:$pass_environment,
                       OptionalAttr<DictionaryAttr>:$secrets,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `` $transport $command attr-dict";
  let hasVerifier = 1;
}

def Agent_ToolOp
    : Agent_Symbol<"tool", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a tool that nodes call";
  let description = [{
    A tool lives on a server, or is built into the runtime (no server).
    `tool_name` is the server's own name for it. `effects`, where present, is
    trusted; a tool without it reads and writes `@world`.

    ```mlir
    agent.tool @now on @time named "get_current_time"
      effects <reads = [@clock], writes = []>
      schema "{\"type\": \"object\"}"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<FlatSymbolRefAttr>:$server,
                       StrAttr:$tool_name,
                       OptionalAttr<Agent_EffectsAttr>:$effects,
                       OptionalAttr<StrAttr>:$input_schema,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = [{
    $sym_name (`on` $server^)? `named` $tool_name (`effects` $effects^)?
    (`schema` $input_schema^)? attr-dict
  }];
}

#endif // HETAGON_DIALECTS_AGENT_IR_AGENTSYMBOLS_TD
