#!/usr/bin/env python3
"""Random blocks of each element format and their values in F32 as PyPI gguf expands them.

Writes NAME.blocks and NAME.f32 (raw, little-endian) beside itself or into the folder given; a second argument seeds the
generator. The committed files are those of seed 1, made with gguf 0.19.0 and numpy 2.4.6. Half of the scales are random
bit patterns, so that subnormal, huge and infinite ones occur (NaN scales are made infinite: which NaN comes out of a sum of
two is the processor's choice).
"""
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

# Where each format keeps its half-precision scales within a block.
SCALES = {T.F16: [0], T.BF16: [], T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q4_K: [0, 2], T.Q6_K: [208]}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x3C00]


def blocks_of(kind, count, rng):
    _, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in SCALES[kind]:
        scales = rng.normal(0, 0.1, count).astype(np.float16).view(np.uint16)
        wild = rng.random(count) < 0.5
        scales[wild] = rng.integers(0, 1 << 16, wild.sum()).astype(np.uint16)
        nan = ((scales & 0x7C00) == 0x7C00) & ((scales & 0x3FF) != 0)
        scales[nan] &= 0xFC00
        scales[: len(EXTREMES)] = rng.permutation(np.array(EXTREMES, dtype=np.uint16))
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for kind in SCALES:
        per_block, _ = GGML_QUANT_SIZES[kind]
        blocks = blocks_of(kind, max(16, 4096 // per_block), rng)
        with np.errstate(all="ignore"):
            values = dequantize(blocks.reshape(1, -1), kind).astype(np.float32)
        name = kind.name.lower()
        (folder / f"{name}.blocks").write_bytes(blocks.tobytes())
        (folder / f"{name}.f32").write_bytes(np.ascontiguousarray(values).tobytes())


if __name__ == "__main__":
    main()
