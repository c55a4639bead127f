"""Writes vocabularies.jsonl: random texts and the ids that llama.cpp's
llama-tokenize (b11434) gives them, without a begin token, special tokens
parsed.

Usage: make_vocabulary_cases.py LLAMA_TOKENIZE VOCABULARIES > vocabularies.jsonl
VOCABULARIES is a folder with the ggml-vocab-*.gguf of llama.cpp's models/.

Letters later than Unicode 14 and texts that llama.cpp takes for end tokens
though the vocabulary has them as plain ones (Qwen 2's "</s>") are left out:
there Hetagon differs on purpose (docs/models.md).
"""
import json
import os
import random
import subprocess
import sys
import tempfile

NAMES = ["gpt-2", "llama-bpe", "llama-spm", "qwen2"]
PARTS = [
    "'s", "'S", "'t", "'RE", "'ve", "'m", "'LL", "'d", "'\u017f", "Hello", " World",
    "unbelievably", " the", "123", "4567", "0", " 7", "3.14", " ", "  ", "   ", "\t",
    "\n", "\r\n", "\r", "\n\n", " \n", "\n ", "\u00a0", "\u3000", "\u200b", "\u180e",
    "\u2028", "\u0085", "\v", "\f", ".", "...", "!!", "?", ", ", "==", "->", "//", "#",
    "$", "+", "|", "`", "_", "caf\u00e9", "a\u0308", "\u4e2d\u6587", "\u65e5\u672c",
    "\ud55c\uad6d\uc5b4", "\u0e44\u0e17\u0e22", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u0939\u093f\u0928\u094d\u0926\u0940", "\U0001f44d", "\U0001f468\u200d\U0001f469",
    "\U0001f1fa\U0001f1f8", "\u2167", "\u00bd", "\u0663", "\uff11\uff12", "\u0301",
    "\u200d", "\ufeff", "<s>", "<|im_start|>", "<|endoftext|>", "<|begin_of_text|>",
    "<unk>", "<0x41>", "\u2581", "\ufffd", "\u212a", "\u0130", "\u00df", "\x01", "\x1b",
    "\x7f",
]
RANGES = [(0x20, 0x7E)] * 6 + [
    (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A),
    (0x900, 0x97F), (0xE01, 0xE3A), (0x2000, 0x206F), (0x2100, 0x218B), (0x2460, 0x24FF),
    (0x3041, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFFDC),
    (0x1F300, 0x1F64F), (0x1D400, 0x1D454), (0x20000, 0x2A6DF), (0xE000, 0xE0FF),
]


def random_text(rng):
    parts = []
    for _ in range(rng.choice([1, 2, 3, 5, 8, 13])):
        kind = rng.random()
        if kind < 0.6:
            parts.append(rng.choice(PARTS))
        elif kind < 0.9:
            low, high = rng.choice(RANGES)
            parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 4))))
        else:
            parts.append(rng.choice(PARTS) * rng.randint(2, 6))
    return "".join(parts)


def main():
    tokenize, folder = sys.argv[1:]
    rng = random.Random(11434)
    with tempfile.TemporaryDirectory() as temporary:
        path = os.path.join(temporary, "text")
        for name in NAMES:
            for _ in range(60):
                text = random_text(rng)
                with open(path, "wb") as file:
                    file.write(text.encode())
                printed = subprocess.run(
                    [tokenize, "-m", f"{folder}/ggml-vocab-{name}.gguf", "--ids", "--no-bos",
                     "--log-disable", "-f", path],
                    check=True, capture_output=True, text=True).stdout
                print(json.dumps({"vocabulary": name, "text": text, "ids": json.loads(printed)}))


main()
