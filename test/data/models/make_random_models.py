#!/usr/bin/env python3
"""Small decoders with random weights, one for each family, rotary scaling and
element format that Hetagon reads: NAME.gguf for each NAME in MODELS.

Usage: make_random_models.py FOLDER [--plain]
--plain expands every tensor to F32: the file on which llama.cpp computes what
random-models.jsonl holds, since its own quantised products round activations.

numpy's RandomState is frozen, so the files are the same everywhere (gguf
0.19.0); random-models.jsonl has their digests.
"""
import argparse
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFWriter
from gguf.quants import dequantize, quantize

LAYERS, HEADS, KV_HEADS, HEAD, WIDE, CONTEXT, VOCABULARY = 2, 4, 2, 64, 512, 512, 259

# arch, hidden, formats of attention / feed-forward / embedding, further switches
MODELS = {
    "llama-plain": ("llama", 256, T.F32, T.F32, T.F32, {"head": T.F32}),
    "llama-linear": ("llama", 256, T.Q8_0, T.Q4_0, T.Q8_0, {"scaling": "linear"}),
    "llama-yarn": ("llama", 256, T.Q4_0, T.Q4_1, T.F16, {"scaling": "yarn", "head": T.Q8_0}),
    "llama-factors": ("llama", 256, T.Q4_K, T.Q6_K, T.Q6_K, {"factors": True, "head": T.Q6_K}),
    "qwen2-tied": ("qwen2", 256, T.Q4_1, T.Q8_0, T.Q4_K, {"bias": True}),
    "qwen2-yarn": ("qwen2", 256, T.F16, T.BF16, T.Q4_0, {"bias": True, "scaling": "yarn", "head": T.Q4_1}),
    "qwen3-norms": ("qwen3", 512, T.Q6_K, T.Q4_K, T.Q8_0, {"norms": True, "head": T.F32}),
}


def scaled_blocks(kind, shape, spread, rng):
    """Random blocks of a K format, their values spread as asked."""
    elements, size = GGML_QUANT_SIZES[kind]
    count = shape[0] * shape[1] // elements
    blocks = rng.randint(0, 256, (count, size)).astype(np.uint8)

    def put(offset, values):
        blocks[:, offset : offset + 2] = np.asarray(values, np.float16).reshape(-1, 1).view(np.uint8)

    steps = spread * (1 + 0.2 * rng.rand(count))
    if kind == T.Q4_K:  # scale * 6 bits * 4 bits - least * 6 bits
        put(0, steps / 190)
        put(2, steps / 190 * 7.5)
    else:  # Q6_K: scale * 8 bits * 6 bits, both signed
        put(208, steps / 1360)
    return blocks.reshape(shape[0], -1)


class Model:
    def __init__(self, path, name, number, plain):
        arch, self.hidden, attention, feed, embedding, switches = MODELS[name]
        self.plain = plain
        self.rng = np.random.RandomState(1000 + number)
        self.writer = writer = GGUFWriter(str(path), arch)
        self.metadata(name, switches)
        matrix, vector = self.matrix, self.vector
        keys, queries = KV_HEADS * HEAD, HEADS * HEAD
        # As a head, the embedding must not favour the last token too much.
        matrix("token_embd", VOCABULARY, self.hidden, embedding, 1.0 if "head" in switches else 1.5 / self.hidden**0.5)
        vector("output_norm.weight", self.hidden, 1, 0.1)
        if "head" in switches:
            matrix("output", VOCABULARY, self.hidden, switches["head"], 3 / self.hidden**0.5)
        if switches.get("factors"):
            writer.add_tensor("rope_freqs.weight", np.linspace(1, 8, HEAD // 2, dtype=np.float32))
        for layer in range(LAYERS):
            block = f"blk.{layer}."
            vector(block + "attn_norm.weight", self.hidden, 1, 0.1)
            vector(block + "ffn_norm.weight", self.hidden, 1, 0.1)
            for part, rows, columns, kind in [
                ("attn_q", queries, self.hidden, attention),
                ("attn_k", keys, self.hidden, attention),
                ("attn_v", keys, self.hidden, attention),
                ("attn_output", self.hidden, queries, attention),
                ("ffn_gate", WIDE, self.hidden, feed),
                ("ffn_up", WIDE, self.hidden, feed),
                ("ffn_down", self.hidden, WIDE, feed),
            ]:
                # Sharp attention, so that a wrong rotation shows.
                sharp = 2.0 if part in ("attn_q", "attn_k") else 1.0
                matrix(block + part, rows, columns, kind, sharp / columns**0.5)
            if switches.get("bias"):
                for part, size in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)]:
                    vector(f"{block}{part}.bias", size, 0, 0.5)
            if switches.get("norms"):
                vector(block + "attn_q_norm.weight", HEAD, 1.5, 0.3)
                vector(block + "attn_k_norm.weight", HEAD, 1.5, 0.3)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def metadata(self, name, switches):
        w = self.writer
        w.add_name(name)
        w.add_block_count(LAYERS)
        w.add_embedding_length(self.hidden)
        w.add_feed_forward_length(WIDE)
        w.add_head_count(HEADS)
        w.add_head_count_kv(KV_HEADS)
        w.add_key_length(HEAD)
        w.add_value_length(HEAD)
        w.add_rope_dimension_count(HEAD)
        w.add_rope_freq_base(10000.0 if w.arch == "llama" else 1000000.0)
        w.add_context_length(CONTEXT)
        w.add_layer_norm_rms_eps(1e-5)
        if "scaling" in switches:
            w.add_string(f"{w.arch}.rope.scaling.type", switches["scaling"])
            w.add_rope_scaling_factor(4.0)
            w.add_rope_scaling_orig_ctx_len(CONTEXT // 8)
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("qwen2" if w.arch.startswith("qwen") else "llama-bpe")
        # Whole characters only: llama-server reports no others one by one.
        w.add_token_list(["<|begin|>", "<|im_end|>", "t", "0"] + [f"t{i}" for i in range(VOCABULARY - 4)])
        w.add_token_types([3, 3] + [1] * (VOCABULARY - 2))
        w.add_token_merges(["t 0"])
        w.add_bos_token_id(0)
        w.add_eos_token_id(1)
        w.add_add_bos_token(False)

    def vector(self, name, size, mean, spread):
        self.writer.add_tensor(name, (mean + spread * self.rng.randn(size)).astype(np.float32))

    def matrix(self, name, rows, columns, kind, spread):
        if kind in (T.Q4_K, T.Q6_K):
            data = scaled_blocks(kind, (rows, columns), spread, self.rng)
        else:
            data = quantize((spread * self.rng.randn(rows, columns)).astype(np.float32), kind)
        if self.plain:
            data, kind = dequantize(data, kind).astype(np.float32), T.F32
        self.writer.add_tensor(name + ".weight", data, raw_dtype=kind)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(MODELS):
        Model(arguments.folder / f"{name}.gguf", name, number, arguments.plain)


if __name__ == "__main__":
    main()
