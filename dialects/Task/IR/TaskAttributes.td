// Costs, tokenizers, caches and predictions: the records that steps and
// services carry.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKATTRIBUTES_TD
#define HETAGON_DIALECTS_TASK_IR_TASKATTRIBUTES_TD

include "dialects/Task/IR/TaskBase.td"
include "dialects/Task/IR/TaskEnums.td"

class Task_EnumAttr<EnumAttrInfo info, string keyword>
    : EnumAttr<Task_Dialect, info, keyword> {
  let assemblyFormat = "$value";
}

def Task_ServiceKindAttr : Task_EnumAttr<Task_ServiceKind, "service_kind">;
def Task_ArtefactKindAttr : Task_EnumAttr<Task_ArtefactKind, "artefact_kind">;
// Stands in attribute dictionaries, where only the form with brackets is read.
def Task_RungAttr : Task_EnumAttr<Task_Rung, "rung"> {
  let assemblyFormat = "`<` $value `>`";
}

class Task_Attr<string name, string keyword> : AttrDef<Task_Dialect, name> {
  let mnemonic = keyword;
}

def Task_ExprAttr : Task_Attr<"Expr", "expr"> {
  let summary = "a formula over sizes, with checked units";
  let description = [{
    The language is that of runtime/base/Expr.h, which also evaluates it, for
    the planner, explain and the monitor alike.

    ```mlir
    #task.expr<"2 flop * input_tokens * 134515008">
    ```
  }];
  let parameters = (ins StringRefParameter<"in its printed form">:$text);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The expression; verified to parse.
    ::hetagon::Expr getExpr() const;
  }];
}

def Task_WorkAttr : Task_Attr<"Work", "work"> {
  let summary = "operations of one kind in one number format";
  let description = [{
    ```mlir
    #task.work<"matmul" "q4_1" : "2 flop * input_tokens * 134515008">
    ```
  }];
  let parameters = (ins StringRefParameter<"kind of operation">:$kind,
                        StringRefParameter<"number format">:$format,
                        "ExprAttr":$operations);
  let assemblyFormat = "`<` $kind $format `:` $operations `>`";
}

def Task_CostAttr : Task_Attr<"Cost", "cost"> {
  let summary = "what a step takes, whatever machine it runs on";
  let description = [{
    Operations by kind and number format; bytes read, written, resident while it
    runs, and sent; latency that no hardware shortens. Sizes are those of the
    step: `input_tokens`, `output_tokens`, `trips`. What is absent is zero.

    ```mlir
    #task.cost<operations = [#task.work<"matmul" "q4_1" : <"2 flop * input_tokens">>],
               bytes_read = <"80 MiB">>
    ```
  }];
  let parameters = (ins
    OptionalParameter<"::mlir::ArrayAttr">:$operations,
    OptionalParameter<"ExprAttr">:$bytes_read,
    OptionalParameter<"ExprAttr">:$bytes_written,
    OptionalParameter<"ExprAttr">:$bytes_resident,
    OptionalParameter<"ExprAttr">:$bytes_sent,
    OptionalParameter<"ExprAttr">:$latency);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Task_TokenizerAttr : Task_Attr<"Tokenizer", "tokenizer"> {
  let summary = "how text becomes tokens";
  let description = [{
    The vocabulary is read from the artefact; what the file does not say stands
    here. `options` are the algorithm's switches in words.

    ```mlir
    #task.tokenizer<artefact = @weights, algorithm = "byte-bpe",
                    split_patterns = ["\\p{N}"], add_bos = false,
                    stop_tokens = [2]>
    ```
  }];
  let parameters = (ins
    "::mlir::FlatSymbolRefAttr":$artefact,
    "::mlir::StringAttr":$algorithm,
    OptionalParameter<"::mlir::ArrayAttr">:$split_patterns,
    OptionalParameter<"::mlir::DictionaryAttr">:$options,
    OptionalParameter<"::mlir::StringAttr">:$chat_template,
    DefaultValuedParameter<"bool", "false">:$add_bos,
    OptionalParameter<"::mlir::DenseI64ArrayAttr">:$stop_tokens);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Task_KvCacheAttr : Task_Attr<"KvCache", "kv_cache"> {
  let summary = "the shape of a service's key-value cache";
  let description = [{
    ```mlir
    #task.kv_cache<layers = 30, kv_heads = 3, head_dim = 64, page_tokens = 32,
                   format = "f32">
    ```
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$kv_heads,
                        "int64_t":$head_dim, "int64_t":$page_tokens,
                        StringRefParameter<"element format">:$format);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes of one page: all layers, keys and values.
    int64_t getPageBytes() const;
  }];
}

def Task_ProfileAttr : Task_Attr<"Profile", "profile"> {
  let summary = "measured times of one sequence of tokens";
  let description = [{
    At each count of tokens: nanoseconds until the first token of a decoder, or
    for all of an encoder (`first`), and for one further token (`each`, of
    decoders only). Between the counts time is linear; beyond the last it goes on
    along the last slope.

    ```mlir
    #task.profile<tokens = [1, 512], first = [2.0e6, 1.5e8], each = [2.0e6, 3.0e6]>
    ```
  }];
  let parameters = (ins "::mlir::DenseI64ArrayAttr":$tokens,
                        "::mlir::DenseF64ArrayAttr":$first,
                        OptionalParameter<"::mlir::DenseF64ArrayAttr">:$each);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Nanoseconds from submission to the first token, or the embedding.
    double getFirstNs(double tokens) const;
    /// Nanoseconds for one more token after so many.
    double getEachNs(double tokens) const;
  }];
}

def Task_EndpointAttr : Task_Attr<"Endpoint", "endpoint"> {
  let summary = "where and under which name somebody else runs a model";
  let description = [{
    `secret` is the name of the secret that holds the key. Prices are in dollars
    per million tokens.

    ```mlir
    #task.endpoint<url = "https://example.org/v1", model = "m", secret = "k",
                   price_per_million_input = 0.1 : f64>
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$url, "::mlir::StringAttr":$model,
    OptionalParameter<"::mlir::StringAttr">:$secret,
    OptionalParameter<"::mlir::FloatAttr">:$price_per_million_input,
    OptionalParameter<"::mlir::FloatAttr">:$price_per_million_output);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Task_PredictionAttr : Task_Attr<"Prediction", "prediction"> {
  let summary = "what is expected of a requirement's metric";
  let description = [{
    Without value the rung is `unknown`, and the basis says why.

    ```mlir
    #task.prediction<value = 120.0 : f64, unit = "ms", rung = analytic,
                     basis = "roofline of answer on cpu">
    ```
  }];
  let parameters = (ins
    OptionalParameter<"::mlir::FloatAttr">:$value,
    "::mlir::StringAttr":$unit,
    EnumParameter<Task_Rung>:$rung,
    "::mlir::StringAttr":$basis);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKATTRIBUTES_TD
