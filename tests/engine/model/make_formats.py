# SPDX-License-Identifier: MIT
"""The random-weight model "files" in every number format: variants "format-…" of make_variants.py.

The numbers are others than the model's: random blocks with scales that make sense, the same bytes on every machine.
tests/data/edits/formats.safetensors (tools/reference/model-formats.py) has what diffusers makes of them.
"""

import json
import math
import random
import struct
import zlib


def half(value):
    return struct.pack("<e", value)


def blocks_q(size, d, minimum=None):
    """Blocks of d, perhaps a minimum of `minimum`·d, and then random bytes."""
    head = half(d) + (half(minimum * d) if minimum is not None else b"")
    return lambda rng: head + rng.randbytes(size - len(head))


def blocks_tail(size, d, minimum=None):
    """The same with the scales at the end, as Q2_K, Q3_K and Q6_K have them."""
    tail = half(d) + (half(minimum * d) if minimum is not None else b"")
    return lambda rng: rng.randbytes(size - len(tail)) + tail


# Elements and bytes of a block; the deviation of its numbers when d is 1; how it is made.
BLOCKS = {
    "Q4_0": (32, 18, 4.6, blocks_q, None), "Q4_1": (32, 20, 4.6, blocks_q, -7.5),
    "Q5_0": (32, 22, 9.2, blocks_q, None), "Q5_1": (32, 24, 9.2, blocks_q, -15.5),
    "Q8_0": (32, 34, 74, blocks_q, None), "Q2_K": (256, 84, 13.9, blocks_tail, 1.5),
    "Q3_K": (256, 110, 43, blocks_tail, None), "Q4_K": (256, 144, 258, blocks_q, 7.5),
    "Q5_K": (256, 176, 527, blocks_q, 15.5), "Q6_K": (256, 210, 1368, blocks_tail, None),
    "IQ4_NL": (32, 18, 70, blocks_q, None), "IQ4_XS": (256, 136, 1295, blocks_q, None),
}
FLOAT8 = {"F8_E4M3": [sign | low for sign in (0, 128) for low in range(40)],
          "F8_E5M2": [sign | exponent << 2 | low for sign in (0, 128) for exponent in range(8, 12) for low in range(4)]}
FINITE = bytes(byte for byte in range(256) if byte & 127 != 127)  # of E4M3: of deviation 105

FORMATS = [*BLOCKS, *FLOAT8, "fp8-legacy", "fp8-current", "fp8-metadata", "mixed"]


def quantised(name, shape, dtype):
    """(format, shape, bytes) of random numbers with a deviation of 1/√inputs."""
    rng = random.Random(zlib.crc32(f"{dtype} {name}".encode()))
    count, deviation = math.prod(shape), 1 / math.sqrt(shape[1])
    if dtype in FLOAT8:
        return dtype, shape, bytes(rng.choices(FLOAT8[dtype], k=count))
    if dtype == "scaled":
        return "F8_E4M3", shape, bytes(rng.choices(FINITE, k=count))
    elements, size, unit, kind, minimum = BLOCKS[dtype]
    block = kind(size, deviation / unit, minimum)
    return dtype, shape, b"".join(block(rng) for _ in range(count // elements))


def is_large(name, tensor):
    return (len(tensor[1]) == 2 and tensor[1][0] * tensor[1][1] >= 16384
            and ("blocks." in name or "blk." in name or "block." in name or "token_embd" in name))


def convert(tensors, dtype):
    """All large matrices anew; vectors as F32, as GGUF files have them."""
    kinds, out = list(BLOCKS), {}
    for number, (name, tensor) in enumerate(tensors.items()):
        if is_large(name, tensor):
            out[name] = quantised(name, tensor[1], kinds[number % len(kinds)] if dtype == "mixed" else dtype)
        elif len(tensor[1]) == 1 and tensor[0] == "BF16":
            wide = bytearray(2 * len(tensor[2]))
            wide[2::4], wide[3::4] = tensor[2][0::2], tensor[2][1::2]
            out[name] = "F32", tensor[1], bytes(wide)
        else:
            out[name] = tensor
    return out


def scales(tensors, convention):
    """Adds the side tensors of scaled fp8. Returns the header's metadata."""
    layers = {}
    for name in [name for name, tensor in tensors.items() if tensor[0] == "F8_E4M3"]:
        layer, inputs = name.removesuffix(".weight"), tensors[name][1][1]
        scale = struct.pack("<f", 1 / math.sqrt(inputs) / 105)
        if convention == "fp8-legacy":
            tensors[layer + ".scale_weight"] = "F32", (), scale
            tensors[layer + ".scale_input"] = "F32", (), struct.pack("<f", 1)
            continue
        tensors[layer + ".weight_scale"] = "F32", (), scale
        tensors[layer + ".input_scale"] = "F32", (), struct.pack("<f", 0.5)
        layers[layer] = {"format": "float8_e4m3fn"}
        if convention == "fp8-current":
            text = json.dumps(layers[layer]).encode()
            tensors[layer + ".comfy_quant"] = "U8", (len(text),), text
    if convention == "fp8-legacy":
        tensors["scaled_fp8"] = "F8_E4M3", (0,), b""
    return {"_quantization_metadata": json.dumps({"layers": layers})} if convention == "fp8-metadata" else {}
