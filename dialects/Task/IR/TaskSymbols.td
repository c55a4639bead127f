// What steps refer to: services, artefacts, tools, resources, data classes.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKSYMBOLS_TD
#define HETAGON_DIALECTS_TASK_IR_TASKSYMBOLS_TD

include "dialects/Task/IR/TaskAttributes.td"

def Task_ResourceOp : Task_Symbol<"resource"> {
  let summary = "something outside the workflow that steps read or write";
  let description = [{
    ```mlir
    task.resource @crm
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name attr-dict";
}

def Task_DataClassOp : Task_Symbol<"data_class"> {
  let summary = "a class of data and the zones it may be in";
  let description = [{
    No zones means that the class may be anywhere.

    ```mlir
    task.data_class @confidential zones ["this-machine"]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$zones,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `zones` $zones attr-dict";
}

def Task_ArtefactOp : Task_Symbol<"artefact"> {
  let summary = "a file that the plan needs but does not hold";
  let description = [{
    The symbol is the artefact's id in the plan. Digest and size are there once
    the file has been seen; a plan cannot be emitted without them. `source` is
    a hint for people, never an absolute path. An index says what it is built
    from (`documents`) and by which service (`embedder`).

    ```mlir
    task.artefact @"chat.weights" weights {sha256 = "00...", size = 1 : i64}
    task.artefact @"corpus.index" index
      {documents = "documents", embedder = @encoder}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Task_ArtefactKindAttr:$kind,
                       OptionalAttr<StrAttr>:$sha256,
                       OptionalAttr<I64Attr>:$size,
                       OptionalAttr<StrAttr>:$source,
                       OptionalAttr<FlatSymbolRefAttr>:$data_class,
                       OptionalAttr<StrAttr>:$documents,
                       OptionalAttr<FlatSymbolRefAttr>:$embedder,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `` $kind attr-dict";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name,
                                 "ArtefactKind":$kind), [{
    auto &properties = $_state.getOrAddProperties<Properties>();
    properties.sym_name = $_builder.getStringAttr(name);
    properties.kind = ArtefactKindAttr::get($_builder.getContext(), kind);
  }]>];
}

def Task_ServiceOp : Task_Symbol<"service", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "an instance of a model that steps ask";
  let description = [{
    AgentToTask makes one for each model; `model` is the user's identifier. What
    is known of the model's files is filled in when they are read: artefact,
    program (an `nn.func`), tokenizer, sizes; or, in `missing`, why there are
    none that could be used here: such a model can only be asked elsewhere.
    `device` is set when a scenario is applied; a service that is wanted on two
    devices becomes two then.

    ```mlir
    task.service @chat decoder model "small-chat"
      {program = @chat.step, artefact = @"chat.weights", device = "cpu",
       kv = #task.kv_cache<layers = 30, kv_heads = 3, head_dim = 64,
                           page_tokens = 32, format = "f32">}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Task_ServiceKindAttr:$kind,
                       StrAttr:$model,
                       OptionalAttr<FlatSymbolRefAttr>:$artefact,
                       OptionalAttr<FlatSymbolRefAttr>:$program,
                       OptionalAttr<Task_TokenizerAttr>:$tokenizer,
                       OptionalAttr<Task_KvCacheAttr>:$kv,
                       OptionalAttr<Task_EndpointAttr>:$endpoint,
                       OptionalAttr<I64Attr>:$context_tokens,
                       OptionalAttr<I64Attr>:$max_rows,
                       OptionalAttr<I64Attr>:$vocabulary,
                       OptionalAttr<I64Attr>:$embedding_size,
                       OptionalAttr<I64Attr>:$parameters,
                       OptionalAttr<I64Attr>:$weight_bytes,
                       OptionalAttr<StrAttr>:$missing,
                       OptionalAttr<StrAttr>:$device,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `` $kind `model` $model attr-dict";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name,
                                 "ServiceKind":$kind,
                                 "::llvm::StringRef":$model), [{
    auto &properties = $_state.getOrAddProperties<Properties>();
    properties.sym_name = $_builder.getStringAttr(name);
    properties.kind = ServiceKindAttr::get($_builder.getContext(), kind);
    properties.model = $_builder.getStringAttr(model);
  }]>];
}

def Task_ToolOp : Task_Symbol<"tool"> {
  let summary = "a tool and the program that offers it";
  let description = [{
    Tools with one `server` share one process. A tool without command is built
    into the runtime.

    ```mlir
    task.tool @now named "get_current_time" server "time"
      command ["mcp-server-time"] {pass_environment = ["TZ"]}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$tool_name,
                       OptionalAttr<StrAttr>:$server,
                       OptionalAttr<StrArrayAttr>:$command,
                       OptionalAttr<DictionaryAttr>:$environment,
                       OptionalAttr<StrArrayAttr>:$pass_environment,
                       OptionalAttr<DictionaryAttr>:$secrets,
                       OptionalAttr<StrAttr>:$input_schema,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = [{
    $sym_name `named` $tool_name (`server` $server^)? (`command` $command^)?
    attr-dict
  }];
  let hasVerifier = 1;
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKSYMBOLS_TD
