#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/edits/formats.safetensors: the first velocity and the final latents of an edit with the model
"files" in every number format (tests/engine/model/make_formats.py), by diffusers with the numbers that the gguf
package and torch read from those files, in float32.

    python3 tools/reference/model-formats.py [NAME…]            writes all, or only those named anew
    python3 tools/reference/model-formats.py --check ENGINE [NAME…]
                                                    runs the worker ENGINE instead and prints how far it is

Needs diffusers, transformers, torch, gguf, Pillow.
"""

import json
import pathlib
import struct
import sys
import tempfile

import gguf
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import edits

sys.path.insert(0, str(edits.ROOT / "tests" / "engine" / "model"))
import make_formats  # noqa: E402
import make_model  # noqa: E402
import make_variants  # noqa: E402
import worker_edit  # noqa: E402

GOLDEN = edits.DATA / "edits" / "formats.safetensors"
CASE = "files-one-step"
TYPES = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "BF16": torch.bfloat16, "F16": torch.float16,
         "F32": torch.float32}


def widen(dtype, shape, data):
    if dtype in TYPES:
        return torch.frombuffer(bytearray(data), dtype=TYPES[dtype]).reshape(shape).float()
    kind = gguf.GGMLQuantizationType[dtype]
    rows = np.frombuffer(data, dtype=np.uint8).reshape(shape[0], -1)
    return torch.from_numpy(np.ascontiguousarray(gguf.quants.dequantize(rows, kind))).reshape(shape)


def numbers_of(tensors, convention):
    """Name → float32, of a component in the naming it is stored in; scales applied."""
    if convention.startswith("fp8-"):
        make_formats.scales(tensors, convention)
    side = (".scale_weight", ".scale_input", ".weight_scale", ".input_scale", ".comfy_quant")
    out = {}
    for name, tensor in tensors.items():
        if name.endswith(side) or name == "scaled_fp8":
            continue
        out[name] = widen(*tensor)
        layer = name.removesuffix(".weight")
        for scale in (layer + ".scale_weight", layer + ".weight_scale"):
            if scale in tensors:
                out[name] = out[name] * struct.unpack("<f", tensors[scale][2])[0]
    return out


def to_diffusers(numbers, width):
    """BFL → diffusers, with torch."""
    out = {}
    double = {"img_mod.lin": "norm1.linear", "txt_mod.lin": "norm1_context.linear", "img_attn.proj": "attn.to_out.0",
              "txt_attn.proj": "attn.to_add_out", "img_mlp.0": "ff.net.0.proj", "img_mlp.2": "ff.net.2",
              "txt_mlp.0": "ff_context.net.0.proj", "txt_mlp.2": "ff_context.net.2"}
    plain = {"img_in": "x_embedder", "txt_in": "context_embedder", "final_layer.linear": "proj_out"}
    for new, old in (("time_in", "timestep"), ("vector_in", "text"), ("guidance_in", "guidance")):
        plain[new + ".in_layer"] = f"time_text_embed.{old}_embedder.linear_1"
        plain[new + ".out_layer"] = f"time_text_embed.{old}_embedder.linear_2"
    for name, tensor in numbers.items():
        stem, kind = name.rsplit(".", 1)
        parts = stem.split(".")
        inner = ".".join(parts[2:])
        if stem in plain:
            out[f"{plain[stem]}.{kind}"] = tensor
        elif parts[0] == "final_layer":
            shift, scale = tensor.chunk(2)
            out[f"norm_out.linear.{kind}"] = torch.cat([scale, shift])
        elif parts[0] == "double_blocks":
            head = f"transformer_blocks.{parts[1]}."
            if inner in double:
                out[f"{head}{double[inner]}.{kind}"] = tensor
            elif inner.endswith("qkv"):
                keys = ("to_q", "to_k", "to_v") if inner.startswith("img") else ("add_q_proj", "add_k_proj",
                                                                               "add_v_proj")
                for key, part in zip(keys, tensor.chunk(3)):
                    out[f"{head}attn.{key}.{kind}"] = part
            else:
                added = "" if inner.startswith("img") else "added_"
                out[f"{head}attn.norm_{added}{'q' if 'query' in inner else 'k'}.weight"] = tensor
        else:
            head = f"single_transformer_blocks.{parts[1]}."
            if inner == "linear1":
                keys = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
                for key, part in zip(keys, tensor.split([width, width, width, tensor.shape[0] - 3 * width])):
                    out[f"{head}{key}.{kind}"] = part
            elif inner in ("linear2", "modulation.lin"):
                out[f"{head}{'proj_out' if inner == 'linear2' else 'norm.linear'}.{kind}"] = tensor
            else:
                out[f"{head}attn.norm_{'q' if 'query' in inner else 'k'}.weight"] = tensor
    return out


def llama_names(t5):
    """The transformers name of each of llama.cpp's."""
    marked = {name: ("F32", (1,), name.encode()) for name in t5}
    return {new: tensor[2].decode() for new, tensor in make_variants.llama_t5(marked).items()}


def load_numbers(pipe, model, name):
    """Puts the numbers of the variant into the pipeline's modules."""
    is_gguf = name in make_formats.BLOCKS or name == "mixed"
    dtype = name if is_gguf or name in make_formats.FLOAT8 else "scaled"
    flux = make_variants.bfl_transformer(make_variants.read_part(model, "transformer"))
    numbers = to_diffusers(numbers_of(make_formats.convert(flux, dtype), name), pipe.transformer.inner_dim)
    missing, extra = pipe.transformer.load_state_dict(numbers, strict=False)
    assert not missing and not extra, (missing, extra)

    t5 = make_variants.read_part(model, "text_encoder_2")
    stored = make_variants.llama_t5(t5) if is_gguf else t5
    numbers = numbers_of(make_formats.convert(stored, dtype), name)
    if is_gguf:
        names = llama_names(t5)
        numbers = {names[key]: tensor for key, tensor in numbers.items()}
    numbers["encoder.embed_tokens.weight"] = numbers["shared.weight"]
    loaded = set(pipe.text_encoder_2.state_dict())
    missing, extra = pipe.text_encoder_2.load_state_dict({k: v for k, v in numbers.items() if k in loaded},
                                                         strict=False)
    assert not missing and not extra, (missing, extra)


def reference(pipe, model, name):
    load_numbers(pipe, model, name)
    _, inputs, prompt, options = edits.CASES[CASE]
    pictures = [Image.open(edits.DATA / "edits" / "inputs" / f"{picture}.png") for picture in inputs]
    return edits.Edit(pipe, options, {}, pictures, prompt).run()


def distance(found, wanted):
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())


def check(engine, model, name, result):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        found, components = make_variants.make(f"format-{name}", model, scratch)
        arguments = json.loads((edits.DATA / "edits" / "cases" / CASE / "case.json").read_text())["arguments"]
        line = f"{name:14}"
        for dtype in ("f32", "bf16"):
            dump = scratch / f"{dtype}.safetensors"
            words = [word.replace("{data}", str(edits.DATA)) for word in arguments]
            words += ["--model", found, "--dtype", dtype, "--device", "cpu", "--dump", str(dump)]
            worked, text = worker_edit.edit(engine, words, scratch)
            assert worked, f"{name}: {text}"
            ours = load_file(dump)
            line += (f"  {dtype}: t5 {distance(ours['t5_embeds'], result['t5_embeds']):.1e} velocity "
                     f"{distance(ours['velocity_0'], result['velocity_0']):.1e} image "
                     f"{-10 * float(((ours['image'] - result['image']) ** 2).mean().log10()):.0f} dB")
        print(line, flush=True)


def main():
    arguments = sys.argv[1:]
    engine = arguments[1] if arguments[:1] == ["--check"] else None
    names = arguments[2 if engine else 0:] or make_formats.FORMATS
    golden = load_file(GOLDEN) if GOLDEN.exists() else {}
    with tempfile.TemporaryDirectory() as models:
        model = make_model.make("files", models)
        pipe = edits.load_pipeline(model)
        for name in names:
            result = reference(pipe, model, name)
            if engine:
                check(engine, model, name, result)
                continue
            for key in ("velocity_0", "latents"):
                golden[f"{name}.{key}"] = result[key].contiguous()
            print(f"{name}: velocity std {float(result['velocity_0'].std()):.2f}", flush=True)
    if not engine:
        save_file(golden, GOLDEN)


if __name__ == "__main__":
    main()
