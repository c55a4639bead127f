// Enumerations of the nn dialect; all print as words.
#ifndef HETAGON_DIALECTS_NN_ATTRS_TD
#define HETAGON_DIALECTS_NN_ATTRS_TD

include "mlir/IR/EnumAttr.td"
include "dialects/Nn/IR/NnDialect.td"

class Nn_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hetagon::nn";
  let genSpecializedAttr = 0;
}
class Nn_EnumAttr<Nn_Enum info, string mnemonic>
    : EnumAttr<Nn_Dialect, info, mnemonic> {
  let assemblyFormat = "$value";
}

// What a program does, which fixes its arguments and results.
def Nn_ProgramKind : Nn_Enum<"ProgramKind", "protocol of a program", [
  I32EnumAttrCase<"Decoder", 0, "decoder">,
  I32EnumAttrCase<"Encoder", 1, "encoder">]>;
def Nn_ProgramKindAttr : Nn_EnumAttr<Nn_ProgramKind, "program_kind">;

def Nn_ActivationKind : Nn_Enum<"ActivationKind", "element-wise function", [
  I32EnumAttrCase<"Silu", 0, "silu">,
  I32EnumAttrCase<"Gelu", 1, "gelu">,
  I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">,
  I32EnumAttrCase<"Relu", 3, "relu">]>;
def Nn_ActivationKindAttr : Nn_EnumAttr<Nn_ActivationKind, "activation_kind">;

// Which two columns of a head are rotated together.
def Nn_RopePairing : Nn_Enum<"RopePairing", "columns rotated together", [
  I32EnumAttrCase<"Interleaved", 0, "interleaved">,
  I32EnumAttrCase<"Half", 1, "half">]>;
def Nn_RopePairingAttr : Nn_EnumAttr<Nn_RopePairing, "rope_pairing">;

def Nn_PoolKind : Nn_Enum<"PoolKind", "how rows become one", [
  I32EnumAttrCase<"Mean", 0, "mean">,
  I32EnumAttrCase<"First", 1, "first">]>;
def Nn_PoolKindAttr : Nn_EnumAttr<Nn_PoolKind, "pool_kind">;

// Block formats of GGUF.
def Nn_QuantFormat : Nn_Enum<"QuantFormat", "block format", [
  I32EnumAttrCase<"Q4_0", 0, "q4_0">,
  I32EnumAttrCase<"Q4_1", 1, "q4_1">,
  I32EnumAttrCase<"Q8_0", 2, "q8_0">,
  I32EnumAttrCase<"Q4_K", 3, "q4_k">,
  I32EnumAttrCase<"Q6_K", 4, "q6_k">]>;

#endif // HETAGON_DIALECTS_NN_ATTRS_TD
