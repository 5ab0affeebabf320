# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the first inputs of the fuzz targets (tests/engine/fuzz) into FOLDER/TARGET/.

    python3 tools/reference/fuzz-seeds.py FOLDER

Needs nothing but Python. What libFuzzer finds on top of them is kept in tests/data/fuzz.
"""

import json
import os
import struct
import sys


def number(value, size):
    return value.to_bytes(size, 'little', signed=value < 0)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value), 8) + value


def gguf(values, tensors, data=bytes(64)):
    """All but the first four bytes of a GGUF file."""
    out = number(3, 4) + number(len(tensors), 8) + number(len(values), 8)
    for key, kind, value in values:
        out += text(key) + number(kind, 4) + value
    for name, extents, kind, offset in tensors:
        out += text(name) + number(len(extents), 4) + b''.join(number(e, 8) for e in extents)
        out += number(kind, 4) + number(offset, 8)
    return out + bytes(-(4 + len(out)) % 32) + data


def array(kind, items):
    return number(kind, 4) + number(len(items), 8) + b''.join(items)


PIECES = [('<pad>', 0.0, 3), ('</s>', 0.0, 3), ('<unk>', 0.0, 2), ('\u2581', -2.0, 1),
          ('a', -3.0, 1), ('s', -3.5, 1), ('\u2581sky', -4.0, 1), ('ky', -4.5, 1), ('[x]', -5.0, 4)]
# A trie of one unit, whose replacements are "x" and "".
CHARSMAP = number(8, 4) + bytes(8) + b'x\0\0'


def t5_values():
    return [('tokenizer.ggml.model', 8, text('t5')),
            ('tokenizer.ggml.tokens', 9, array(8, [text(p[0]) for p in PIECES])),
            ('tokenizer.ggml.scores', 9, array(6, [struct.pack('<f', p[1]) for p in PIECES])),
            ('tokenizer.ggml.token_type', 9, array(5, [number(p[2], 4) for p in PIECES])),
            ('tokenizer.ggml.eos_token_id', 4, number(1, 4))]


def field(tag, wire, value):
    return bytes([tag << 3 | wire]) + (bytes([len(value)]) + value if wire == 2 else value)


def sentencepiece():
    out = b''
    for piece, score, kind in PIECES:
        out += field(1, 2, field(1, 2, piece.encode()) + field(2, 5, struct.pack('<f', score))
                     + field(3, 0, bytes([kind])))
    return out + field(2, 2, field(3, 0, b'\x01')) + field(3, 2, field(2, 2, CHARSMAP))


def inputs():
    tensor = {'dtype': 'F32', 'shape': [2, 2], 'data_offsets': [0, 16]}
    yield 'safetensors', json.dumps({'__metadata__': {'format': 'pt'}, 'x': tensor}).encode()
    for kind, size in [('F8_E4M3', 1), ('F8_E5M2', 1), ('BF16', 2), ('I64', 8), ('F16', 2)]:
        yield 'safetensors', json.dumps({'a.weight': {
            'dtype': kind, 'shape': [2, 3], 'data_offsets': [8, 8 + 6 * size]}}).encode()
    yield 'safetensors', json.dumps({
        'scaled_fp8': {'dtype': 'F8_E4M3', 'shape': [2], 'data_offsets': [30, 32]},
        'a.weight': {'dtype': 'F8_E4M3', 'shape': [4], 'data_offsets': [8, 12]},
        'a.scale_weight': {'dtype': 'F32', 'shape': [], 'data_offsets': [0, 4]}}).encode()
    yield 'safetensors', json.dumps({
        '__metadata__': {'_quantization_metadata': json.dumps(
            {'layers': {'a': {'format': 'float8_e4m3fn'}}})},
        'a.weight': {'dtype': 'F8_E4M3', 'shape': [4], 'data_offsets': [8, 12]},
        'a.weight_scale': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}}).encode()
    yield 'safetensors', json.dumps({
        'a.comfy_quant': {'dtype': 'U8', 'shape': [4], 'data_offsets': [8, 12]}}).encode()

    scalars = [number(1, size) for size in (1, 1, 2, 2, 4, 4, 4, 1)]
    values = [(f'k{i}', i, value) for i, value in enumerate(scalars)]
    values += [('general.architecture', 8, text('flux')), ('list', 9, array(8, [text('a')])),
               ('deep', 9, array(9, [array(4, [number(1, 4)])])), ('u64', 10, number(1, 8)),
               ('i64', 11, number(-1, 8)), ('f64', 12, bytes(8)),
               ('general.alignment', 4, number(32, 4)),
               ('comfy.gguf.orig_shape.a', 9, array(5, [number(2, 4), number(2, 4)]))]
    yield 'gguf', gguf(values, [('a', [4], 0, 0), ('b', [32], 8, 32)], bytes(66))
    yield 'gguf', gguf([], [('b', [256, 1], 12, 0)], bytes(144))
    yield 'gguf', gguf([], [(f't{kind}', [256], kind, 512 * i) for i, kind in
                            enumerate([2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 30, 27])],
                       bytes(512 * 13 + 2048))
    yield 'gguf', gguf(t5_values(), [])
    yield 'gguf', number(2, 4) + bytes(16)

    yield 'json', b'{"a": 1, "b": 0.5, "c": true, "d": "x", "e": [1, 2], "f": null, "g": {}}'
    yield 'json', json.dumps({'id': 'x', 'name': 'X', 'kind': 'demo', 't5_tokens': 64,
                              'working_pixels': 65536, 'default_guidance': 2.5,
                              'instructions': ['a'], 'components': {'vae': 'v'}}).encode()
    yield 'json', b'{"\\u00e9": "\\ud83d\\ude00", "a": [[[[1e5, -0, 1E-2]]]]}'

    tokenizer = {'added_tokens': [{'id': 0, 'content': '<pad>', 'special': True}],
                 'normalizer': {'type': 'Sequence', 'normalizers': [
                     {'type': 'Precompiled', 'precompiled_charsmap': 'CAAAAAAAAAAAAAAAeAAA'}]},
                 'pre_tokenizer': {'type': 'Metaspace'},
                 'model': {'type': 'Unigram', 'unk_id': 2, 'vocab': [p[:2] for p in PIECES]}}
    yield 't5-tokenizer', b'\0' + json.dumps(tokenizer).encode()
    yield 't5-tokenizer', b'\1' + sentencepiece()
    yield 't5-tokenizer', b'\2' + gguf(t5_values(), [])
    yield 't5-tokenizer', b'\2' + gguf(
        t5_values() + [('tokenizer.ggml.precompiled_charsmap', 9,
                        array(0, [bytes([b]) for b in CHARSMAP]))], [])

    vocabulary = {'s': 0, 'k': 1, 'y</w>': 2, 'sk': 3, 'sky</w>': 4, '<|startoftext|>': 5,
                  '<|endoftext|>': 6, '1</w>': 7, '!</w>': 8}
    merges = ['s k', 'sk y</w>']
    yield 'clip-tokenizer', b'\1' + json.dumps(vocabulary).encode() + b'\0#version: 0.2\n' + \
        '\n'.join(merges).encode() + b'\n'
    yield 'clip-tokenizer', b'\0' + json.dumps({
        'added_tokens': [{'id': 5, 'content': '<|startoftext|>', 'special': True},
                         {'id': 6, 'content': '<|endoftext|>', 'special': True}],
        'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'Lowercase'}]},
        'pre_tokenizer': {'type': 'ByteLevel'},
        'model': {'type': 'BPE', 'unk_token': '<|endoftext|>', 'end_of_word_suffix': '</w>',
                  'vocab': vocabulary, 'merges': merges}}).encode()


    # A digit says the shape; fuzz-component-names.c has them.
    yield 'component-names', b'0' + b'\n'.join([
        b'2double_blocks.0.img_attn.qkv.weight', b'4double_blocks.0.img_attn.qkv.bias',
        b'3single_blocks.0.linear1.weight', b'5final_layer.adaLN_modulation.1.weight',
        b'4double_blocks.0.img_attn.norm.query_norm.scale', b'5img_in.weight'])
    yield 'component-names', b'0' + b'\n'.join([
        b'2model.diffusion_model.double_blocks.1.txt_attn.qkv.weight',
        b'3model.diffusion_model.single_blocks.3.linear1.weight',
        b'2first_stage_model.decoder.mid.attn_1.q.weight',
        b'5text_encoders.clip_l.transformer.text_model.embeddings.token_embedding.weight'])
    yield 'component-names', b'1' + b'\n'.join([
        b'2text_model.encoder.layers.0.self_attn.q_proj.weight',
        b'4text_model.final_layer_norm.weight', b'2transformer.resblocks.0.attn.in_proj_weight'])
    yield 'component-names', b'2' + b'\n'.join([
        b'2token_embd.weight', b'5enc.blk.0.attn_q.weight', b'4enc.output_norm.weight',
        b'2encoder.block.0.layer.0.SelfAttention.q.weight', b'2shared.weight'])
    yield 'component-names', b'3' + b'\n'.join([
        b'7decoder.mid.attn_1.q.weight', b'4decoder.norm_out.weight', b'7encoder.conv_in.weight',
        b'7decoder.up.0.block.0.nin_shortcut.weight', b'4decoder.up.3.upsample.conv.bias'])
    yield 'component-names', b'0' + b'\n'.join([
        b'2transformer_blocks.0.attn.to_q.weight', b'2transformer_blocks.0.attn.to_qkv.weight',
        b'2proj_out.weight', b'5norm_out.linear.weight', b'2lora_unet_x.lora_down.weight'])

    yield from loras()


# Of fuzz-lora.c: number formats and shapes by their place in its tables.
F16, BF16, F32, FP8, I64 = range(5)
SHAPES = ['[4,192]', '[192,4]', '[1,192]', '[192,1]', '[576,4]', '[1344,4]', '[768,4]', '[4,768]', '[4,960]',
          '[384,4]', '[1152,4]', '[4,128]', '[128,4]', '[256,4]', '[4,256]', '[64,4]', '[]', '[1]']


def lora_line(name, kind, shape):
    # Letters that a person can read, whose remainders the target takes.
    letter = next(c for c in range(65, 91) if c % 5 == kind)
    place = next(c for c in range(78, 126) if c % 26 == SHAPES.index(shape))
    return bytes([letter, place]) + name.encode()


def loras():
    def lines(how, tensors, metadata=None):
        first = [b'=' + json.dumps(metadata).encode()] if metadata else []
        return bytes([how]) + b'\n'.join(first + [lora_line(*tensor) for tensor in tensors])

    def both(module, down, up, wide=('lora_A.weight', 'lora_B.weight'), kind=BF16):
        return [(f'{module}.{wide[0]}', kind, down), (f'{module}.{wide[1]}', kind, up)]

    kohya = ('lora_down.weight', 'lora_up.weight')
    single = 'single_transformer_blocks.0.'
    yield 'lora', lines(1, both('transformer.transformer_blocks.0.attn.to_q', '[4,192]', '[192,4]')
                        + both(f'transformer.{single}proj_out', '[4,960]', '[192,4]', kind=F16),
                        {'transformer.lora_alpha': 8, 'transformer.use_rslora': True,
                         'transformer.alpha_pattern': {'^to_q': 2}})
    yield 'lora', lines(1, both('lora_unet_double_blocks_0_img_attn_qkv', '[4,192]', '[576,4]', kohya)
                        + [('lora_unet_double_blocks_0_img_attn_qkv.alpha', F32, '[]')]
                        + both('lora_unet_single_blocks_0_linear1', '[4,192]', '[1344,4]', kohya)
                        + both('lora_te1_text_model_encoder_layers_0_mlp_fc1', '[4,128]', '[256,4]', kohya))
    yield 'lora', lines(17, both('diffusion_model.final_layer.adaLN_modulation.1', '[4,192]', '[384,4]', kind=F32)
                        + both('diffusion_model.double_blocks.0.img_mod.lin', '[4,192]', '[1152,4]', kind=FP8))
    yield 'lora', lines(9, both('base_model.model.single_blocks.0.linear2', '[4,960]', '[192,4]'))
    yield 'lora', lines(1, [('double_blocks.0.processor.qkv_lora1.down.weight', F16, '[4,192]'),
                            ('double_blocks.0.processor.qkv_lora1.up.weight', F16, '[576,4]')])
    yield 'lora', lines(5, both('transformer.x_embedder', '[4,192]', '[192,4]')
                        + both('transformer.transformer_blocks.0.ff.net.2', '[4,768]', '[192,4]')
                        + [('transformer.transformer_blocks.0.attn.to_k.dora_scale', F32, '[1]'),
                           ('transformer.proj_out.lora_B.weight', F16, '[64,4]')])
    yield 'lora', lines(1, both('text_encoder_2.encoder.block.0.layer.1.DenseReluDense.wo', '[4,256]', '[128,4]')
                        + [('text_encoder_2.encoder.block.0.layer.1.DenseReluDense.wo.alpha', I64, '[]')])
    yield 'lora', lines(1, both('transformer_blocks.0.attn.to_q', '[1,192]', '[192,1]')
                        + both('lora_unet_transformer_blocks_0_attn_to_q', '[1,192]', '[192,1]', kohya))
    config = {'peft_type': 'LORA', 'r': 4, 'lora_alpha': 16, 'alpha_pattern': {'to_out\\.0': 3.5}}
    beside = lines(3, both('base_model.model.transformer_blocks.0.attn.to_out.0', '[4,192]', '[192,4]'))
    yield 'lora', beside[:1] + json.dumps(config).encode() + b'\0' + beside[1:]
    header = json.dumps({'proj_out.lora_A.weight': {'dtype': 'F16', 'shape': [1, 192], 'data_offsets': [0, 384]},
                         'proj_out.lora_B.weight': {'dtype': 'F16', 'shape': [64, 1], 'data_offsets': [384, 512]}})
    yield 'lora', b'\0' + number(len(header), 8) + header.encode() + b'\x12\x38' * 256
    # A GGUF file.
    yield 'lora', b'\0GGUF' + gguf([], [('proj_out.lora_A.weight', [192, 1], 1, 0),
                                       ('proj_out.lora_B.weight', [1, 64], 1, 384)], b'\x12\x38' * 256)


def main():
    count = {}
    for target, data in inputs():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        count[target] = count.get(target, 0) + 1
        with open(os.path.join(folder, f'seed-{count[target]:02d}'), 'wb') as file:
            file.write(data)


if __name__ == '__main__':
    main()
