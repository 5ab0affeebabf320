# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/formats: every number format in a GGUF file, and what it means in f32.

    python tools/reference/formats.py [FOLDER]

Needs gguf, numpy, safetensors, torch. formats.gguf is written by the gguf package's own writer and
has one tensor per type, named after it, of blocks that are quantised where the package can and
random where it cannot, and more ("X.random") that are random bytes, scales that are NaN included.
formats.safetensors has the same numbers by the package's dequantize() as F32 (in the bits that
numpy gives; a NaN's are not compared), and of the two fp8 formats all 256 values by torch.
quantised.safetensors has some numbers and what gguf and torch narrow them to.
"""

import os
import sys

import gguf
import numpy
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

Type = gguf.GGMLQuantizationType
BLOCKS = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K, Type.Q4_K,
          Type.Q5_K, Type.Q6_K, Type.IQ4_NL, Type.IQ4_XS]
# Where the f16 scales of a block lie.
SCALES = {Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2),
          Type.Q6_K: (208,), Type.IQ4_NL: (0,), Type.IQ4_XS: (0,)}


def sane_blocks(kind, rows, blocks, rng):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    try:
        numbers = rng.standard_normal((rows, blocks * elements)).astype(numpy.float32)
        return gguf.quants.quantize(numbers, kind)
    except NotImplementedError:
        data = rng.integers(0, 256, (rows * blocks, size), dtype=numpy.uint8)
        for at in SCALES[kind]:
            scale = (rng.standard_normal((rows * blocks, 1)) * 0.01).astype(numpy.float16)
            data[:, at:at + 2] = scale.view(numpy.uint8)
        return data.reshape(rows, blocks * size)


def write_quantised(path):
    rng = numpy.random.default_rng(8)
    numbers = (rng.standard_normal(4096) * 0.02).astype(numpy.float32)
    numbers[:64] = 0
    numbers[64:128] *= numpy.float32(1e-5)
    numbers[128:192] *= 1000
    numbers[200:216] = numpy.arange(16) / 512 + 1 / 1024
    wide = torch.from_numpy(numbers)
    tensors = {'numbers': wide, 'F8_E4M3': wide.to(torch.float8_e4m3fn),
               'F16': wide.to(torch.float16), 'BF16': wide.to(torch.bfloat16)}
    # As I32, for whoever reads it knows no bytes.
    blocks = gguf.quants.quantize(numbers, Type.Q8_0)
    tensors['Q8_0'] = torch.from_numpy(numpy.ascontiguousarray(blocks)).view(torch.int32)
    save_torch_file(tensors, path)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(__file__), '..', '..', 'tests', 'data', 'formats')
    os.makedirs(folder, exist_ok=True)
    rng = numpy.random.default_rng(7)
    meant = {}
    writer = gguf.GGUFWriter(os.path.join(folder, 'formats.gguf'), 'flux')
    writer.add_uint8('test.uint8', 200)
    writer.add_int8('test.int8', -100)
    writer.add_uint16('test.uint16', 60000)
    writer.add_int16('test.int16', -30000)
    writer.add_uint32('test.uint32', 4000000000)
    writer.add_int32('test.int32', -2000000000)
    writer.add_uint64('test.uint64', 1 << 63)
    writer.add_int64('test.int64', -(1 << 62))
    writer.add_float32('test.float32', 0.15625)
    writer.add_float64('test.float64', 1e300)
    writer.add_bool('test.bool', True)
    writer.add_string('test.string', 'Grüße')
    writer.add_array('test.strings', ['a', '', 'Ω'])
    writer.add_array('test.numbers', [3, -2, 1])
    writer.add_array('comfy.gguf.orig_shape.F16', [2, 2, 3])

    def add(name, data, kind, numbers):
        writer.add_tensor(name, data, raw_dtype=kind)
        meant[name] = numpy.ascontiguousarray(numbers, dtype=numpy.float32)

    numbers = rng.standard_normal((3, 5)).astype(numpy.float32)
    add('F32', numbers, Type.F32, numbers)
    half = rng.standard_normal((4, 3)).astype(numpy.float16)
    add('F16', half, Type.F16, gguf.quants.dequantize(half, Type.F16).reshape(2, 2, 3))
    for kind in [Type.BF16] + BLOCKS:
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        rows, blocks = (2, 3) if elements < 256 else (2, 1)
        data = sane_blocks(kind, rows, blocks, rng)
        add(kind.name, data, kind, gguf.quants.dequantize(data, kind))
        count = 16 if elements < 256 else 4
        data = rng.integers(0, 256, (count, size), dtype=numpy.uint8)
        with numpy.errstate(all='ignore'):
            add(kind.name + '.random', data, kind, gguf.quants.dequantize(data, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    every = torch.arange(256, dtype=torch.uint8)
    for name, kind in [('F8_E4M3', torch.float8_e4m3fn), ('F8_E5M2', torch.float8_e5m2)]:
        meant[name] = every.view(kind).to(torch.float32).numpy()
    save_file(meant, os.path.join(folder, 'formats.safetensors'))
    write_quantised(os.path.join(folder, 'quantised.safetensors'))


if __name__ == '__main__':
    main()
