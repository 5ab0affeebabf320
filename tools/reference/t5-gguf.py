# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a T5 encoder of a diffusers model folder as one GGUF file, as llama.cpp's converter does.

    python tools/reference/t5-gguf.py MODEL OUT.gguf [TYPE]

TYPE is a type of the gguf package that it can quantise to (Q8_0, F16, BF16, …; default F32). Norms
stay F32, and what TYPE's blocks do not fit. Needs gguf, sentencepiece, safetensors, torch.
"""

import json
import os
import re
import sys

import gguf
import torch
from safetensors.torch import load_file
from sentencepiece import SentencePieceProcessor
from sentencepiece import sentencepiece_model_pb2 as sentencepiece_model

NAMES = [
    (r'^shared\.weight$', 'token_embd.weight'),
    (r'^encoder\.final_layer_norm\.weight$', 'enc.output_norm.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.q\.weight$', r'enc.blk.\1.attn_q.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.k\.weight$', r'enc.blk.\1.attn_k.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.v\.weight$', r'enc.blk.\1.attn_v.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.o\.weight$', r'enc.blk.\1.attn_o.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.relative_attention_bias\.weight$',
     r'enc.blk.\1.attn_rel_b.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.0\.layer_norm\.weight$', r'enc.blk.\1.attn_norm.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_0\.weight$',
     r'enc.blk.\1.ffn_gate.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_1\.weight$',
     r'enc.blk.\1.ffn_up.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\.weight$',
     r'enc.blk.\1.ffn_down.weight'),
    (r'^encoder\.block\.(\d+)\.layer\.1\.layer_norm\.weight$', r'enc.blk.\1.ffn_norm.weight'),
]


def add_tokenizer(writer, path, rows):
    model = sentencepiece_model.ModelProto()
    with open(path, 'rb') as file:
        model.ParseFromString(file.read())
    pieces = SentencePieceProcessor(model_file=path)
    tokens = [f'[PAD{i}]'.encode() for i in range(rows)]
    scores = [-10000.0] * rows
    types = [gguf.TokenType.UNUSED] * rows
    for i in range(min(rows, pieces.vocab_size())):
        tokens[i] = pieces.IdToPiece(i).encode()
        scores[i] = pieces.GetScore(i)
        types[i] = (gguf.TokenType.UNKNOWN if pieces.IsUnknown(i)
                    else gguf.TokenType.CONTROL if pieces.IsControl(i)
                    else gguf.TokenType.UNUSED if pieces.IsUnused(i)
                    else gguf.TokenType.NORMAL)
    writer.add_tokenizer_model('t5')
    writer.add_tokenizer_pre('default')
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_add_space_prefix(model.normalizer_spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(model.normalizer_spec.remove_extra_whitespaces)
    if model.normalizer_spec.precompiled_charsmap:
        writer.add_precompiled_charsmap(model.normalizer_spec.precompiled_charsmap)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    writer.add_pad_token_id(0)


def main():
    folder, out = sys.argv[1:3]
    kind = gguf.GGMLQuantizationType[sys.argv[3] if len(sys.argv) > 3 else 'F32']
    with open(os.path.join(folder, 'text_encoder_2', 'config.json'), encoding='utf-8') as file:
        config = json.load(file)
    tensors = load_file(os.path.join(folder, 'text_encoder_2', 'model.safetensors'))
    writer = gguf.GGUFWriter(out, 't5encoder')
    writer.add_name('T5')
    writer.add_context_length(512)
    writer.add_embedding_length(config['d_model'])
    writer.add_feed_forward_length(config['d_ff'])
    writer.add_block_count(config['num_layers'])
    writer.add_head_count(config['num_heads'])
    writer.add_key_length(config['d_kv'])
    writer.add_value_length(config['d_kv'])
    writer.add_layer_norm_eps(config['layer_norm_epsilon'])
    writer.add_relative_attn_buckets_count(config['relative_attention_num_buckets'])
    writer.add_layer_norm_rms_eps(config['layer_norm_epsilon'])
    add_tokenizer(writer, os.path.join(folder, 'tokenizer_2', 'spiece.model'),
                  config['vocab_size'])
    for name, tensor in tensors.items():
        new = next((re.sub(old, new, name) for old, new in NAMES if re.match(old, name)), None)
        if new is None:
            continue
        data = tensor.to(torch.float32).numpy()
        block = gguf.GGML_QUANT_SIZES[kind][0]
        fits = data.ndim > 1 and 'attn_rel_b' not in new and data.shape[-1] % block == 0
        used = kind if fits else gguf.GGMLQuantizationType.F32
        writer.add_tensor(new, gguf.quants.quantize(data, used), raw_dtype=used)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == '__main__':
    main()
