// A tiny decoder in GGUF for tests, with switches for what a test wants to
// differ.
#ifndef HETAGON_TEST_FRONTEND_MODELS_TINYDECODER_H
#define HETAGON_TEST_FRONTEND_MODELS_TINYDECODER_H

#include "test/runtime/models/GgufBuilder.h"

namespace hetagon::test {

/// Two layers, hidden 64, 4 heads of 16 over 2 KV heads, ffn 96, 6 tokens.
struct TinyDecoder {
  std::string architecture = "llama";
  bool qkvBias = false, headNorms = false, separateHead = false;
  std::string skippedTensor;   ///< left out
  std::string misshapedTensor; ///< gets one row more
  std::string pre = "smollm";
  std::string tokenizer = "gpt2";

  GgufBuilder builder() const {
    GgufBuilder b;
    const std::string a = architecture + ".";
    b.text("general.architecture", architecture);
    b.text("general.name", "Tiny");
    b.u32(a + "block_count", 2);
    b.u32(a + "embedding_length", 64);
    b.u32(a + "feed_forward_length", 96);
    b.u32(a + "attention.head_count", 4);
    b.u32(a + "attention.head_count_kv", 2);
    b.u32(a + "context_length", 128);
    b.f32(a + "attention.layer_norm_rms_epsilon", 1e-5f);
    b.text("tokenizer.ggml.model", tokenizer);
    if (!pre.empty())
      b.text("tokenizer.ggml.pre", pre);
    b.texts("tokenizer.ggml.tokens",
            {"<unk>", "<|im_start|>", "<|im_end|>", "a", "b", "ab"});
    b.ints("tokenizer.ggml.token_type", {2, 3, 3, 1, 1, 1});
    b.u32("tokenizer.ggml.bos_token_id", 1);
    b.u32("tokenizer.ggml.eos_token_id", 0);
    add(b, "token_embd.weight", {64, 6});
    add(b, "output_norm.weight", {64});
    if (separateHead)
      add(b, "output.weight", {64, 6});
    for (int i = 0; i < 2; ++i) {
      std::string block = "blk." + std::to_string(i) + ".";
      add(b, block + "attn_norm.weight", {64});
      add(b, block + "attn_q.weight", {64, 64});
      add(b, block + "attn_k.weight", {64, 32});
      add(b, block + "attn_v.weight", {64, 32});
      add(b, block + "attn_output.weight", {64, 64});
      add(b, block + "ffn_norm.weight", {64});
      add(b, block + "ffn_gate.weight", {64, 96});
      add(b, block + "ffn_up.weight", {64, 96});
      add(b, block + "ffn_down.weight", {96, 64});
      if (qkvBias) {
        add(b, block + "attn_q.bias", {64});
        add(b, block + "attn_k.bias", {32});
        add(b, block + "attn_v.bias", {32});
      }
      if (headNorms) {
        add(b, block + "attn_q_norm.weight", {16});
        add(b, block + "attn_k_norm.weight", {16});
      }
    }
    return b;
  }

  /// Matrices as q8_0, vectors as f32, all zero.
  void add(GgufBuilder &b, const std::string &name,
           std::vector<uint64_t> dims) const {
    if (name == skippedTensor)
      return;
    if (name == misshapedTensor)
      dims.back() += 1;
    if (dims.size() == 1)
      b.tensor(name, 0, dims, Bytes(dims[0] * 4));
    else
      b.tensor(name, 8, dims, Bytes(dims[0] / 32 * 34 * dims[1]));
  }
};

} // namespace hetagon::test

#endif // HETAGON_TEST_FRONTEND_MODELS_TINYDECODER_H
