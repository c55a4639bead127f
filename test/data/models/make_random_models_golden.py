#!/usr/bin/env python3
"""Writes random-models.jsonl: what llama.cpp (b11434, one thread, KV cache in
F32, no flash attention) generates greedily from the models that
make_random_models.py makes, every tensor expanded to F32.

Usage: make_random_models_golden.py LLAMA_SERVER > random-models.jsonl
"""
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from make_random_models import MODELS

PORT = 18431
# Longer than the original context of the scaled models, so that it matters.
PROMPT = [(i * 37 + i * i * 11 + 5) % 256 for i in range(100)]


def ask(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def golden(server, model):
    process = subprocess.Popen(
        [server, "-m", str(model), "--port", str(PORT), "-t", "1", "-tb", "1", "-c", "512", "-np", "1", "-fa", "off",
         "-ctk", "f32", "-ctv", "f32", "--no-warmup", "--no-context-shift"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                ask("/health")
                break
            except OSError:
                time.sleep(0.1)
        answer = ask("/completion", {
            "prompt": PROMPT, "n_predict": 16, "temperature": 0, "n_probs": 5, "ignore_eos": True, "cache_prompt": False,
            "return_tokens": True, "samplers": ["temperature"],
        })
    finally:
        process.terminate()
        process.wait()
    first = answer["completion_probabilities"][0]["top_logprobs"]
    return {"tokens": answer["tokens"], "top": [[one["id"], round(one["logprob"], 5)] for one in first]}


def main():
    make = [sys.executable, str(Path(__file__).with_name("make_random_models.py"))]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*make, f"{folder}/quantised"], check=True)
        subprocess.run([*make, f"{folder}/plain", "--plain"], check=True)
        for name in MODELS:
            digest = hashlib.sha256(Path(f"{folder}/quantised/{name}.gguf").read_bytes()).hexdigest()
            line = {"model": name, "sha256": digest, "prompt": PROMPT}
            print(json.dumps({**line, **golden(sys.argv[1], f"{folder}/plain/{name}.gguf")}), flush=True)


main()
