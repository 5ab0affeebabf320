# SPDX-License-Identifier: MIT
"""Makes small models with random weights, the same bytes on every machine.

The models have the layout and the tensors of FLUX.1 Kontext [dev], but other widths, depths and
number formats than the model that is shipped. They are made where they are needed instead of being
stored: only the standard library is used, and random.Random's integers are the same everywhere.

    python3 make_model.py NAME FOLDER     makes FOLDER/NAME unless it is there; prints its path
    python3 make_model.py --list
"""

import array
import hashlib
import json
import math
import os
import pathlib
import random
import shutil
import struct
import sys
import tempfile
import zlib

TOKENIZERS = pathlib.Path(__file__).resolve().parents[2] / "data" / "edits" / "tokenizers"
CLIP_VOCABULARY = len(json.loads((TOKENIZERS / "tokenizer" / "vocab.json").read_text()))
T5_VOCABULARY = 416  # 300 pieces and T5's 100 extra ids, rounded up as T5's is

FLUX_SCHEDULER = {"base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 4096, "max_shift": 1.15,
                  "num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": True}

# formats: of transformer, VAE, CLIP, T5. qk: scale of the learned query and key norms; attention
# logits reach about 4 qk².
MODELS = {
    "heads-32": {
        "seed": 1, "formats": ("BF16", "F16", "BF16", "BF16"), "scheduler": FLUX_SCHEDULER,
        "transformer": {"heads": 2, "head_dim": 32, "axes": (8, 12, 12), "double": 2, "single": 3, "guidance": True,
                        "qk": 1.5},
        "vae": {"channels": (16, 16, 32, 32), "groups": 8, "layers": 1, "scale": 0.3611, "shift": 0.1159},
        "t5": {"width": 48, "d_kv": 16, "heads": 3, "ff": 80, "layers": 2},
        "clip": {"width": 40, "heads": 4, "ff": 96, "layers": 2, "eos": None},
        "manifest": {"t5_tokens": 96, "working_pixels": 4096, "default_steps": 3, "default_guidance": 1.5},
    },
    "heads-64": {
        "seed": 2, "formats": ("F32", "F32", "F32", "F32"), "scheduler": {**FLUX_SCHEDULER, "max_shift": 2.0},
        "transformer": {"heads": 3, "head_dim": 64, "axes": (16, 24, 24), "double": 1, "single": 4,
                        "guidance": False, "qk": 1.2},
        "vae": {"channels": (8, 16, 24, 48), "groups": 4, "layers": 2, "scale": 0.9, "shift": -0.2},
        "t5": {"width": 64, "d_kv": 8, "heads": 6, "ff": 100, "layers": 3},
        "clip": {"width": 64, "heads": 2, "ff": 128, "layers": 3, "eos": 2},
        "manifest": {"t5_tokens": 512, "working_pixels": 9216},
    },
    "heads-128": {
        "seed": 3, "formats": ("BF16", "F32", "F16", "F16"), "scheduler": FLUX_SCHEDULER, "shards": 3,
        "transformer": {"heads": 2, "head_dim": 128, "axes": (16, 56, 56), "double": 3, "single": 0,
                        "guidance": True, "qk": 1.3},
        "vae": {"channels": (32, 32, 64, 96), "groups": 32, "layers": 2, "scale": 0.3611, "shift": 0.1159},
        "t5": {"width": 72, "d_kv": 24, "heads": 2, "ff": 64, "layers": 2},
        "clip": {"width": 48, "heads": 3, "ff": 64, "layers": 1, "eos": None},
        "manifest": None,
    },
    # What single files can say: heads of 128 and 64, 32 groups, FLUX's factors. 256 columns: whole
    # blocks of every format.
    "files": {
        "seed": 5, "formats": ("BF16", "F32", "F16", "BF16"), "scheduler": FLUX_SCHEDULER,
        "transformer": {"heads": 2, "head_dim": 128, "axes": (16, 56, 56), "double": 2, "single": 3,
                        "guidance": True, "qk": 1.3},
        "vae": {"channels": (32, 32, 64, 64), "groups": 32, "layers": 2, "scale": 0.3611, "shift": 0.1159},
        "t5": {"width": 256, "d_kv": 32, "heads": 8, "ff": 512, "layers": 2},
        "clip": {"width": 128, "heads": 2, "ff": 256, "layers": 2, "eos": None},
        "manifest": None,
    },
    "sharp": {
        "seed": 4, "formats": ("F16", "BF16", "F32", "BF16"), "scheduler": {"shift": 3.0}, "shards": 2,
        "transformer": {"heads": 4, "head_dim": 32, "axes": (4, 14, 14), "double": 1, "single": 2, "guidance": True,
                        "qk": 3.0},
        "vae": {"channels": (16, 32, 32, 64), "groups": 16, "layers": 1, "scale": 1.5, "shift": 0.0},
        "t5": {"width": 32, "d_kv": 32, "heads": 2, "ff": 64, "layers": 1},
        "clip": {"width": 32, "heads": 1, "ff": 64, "layers": 2, "eos": None},
        "manifest": {"t5_tokens": 128, "working_pixels": 16384},
    },
}


def linear(name, outputs, inputs, gain=1.0, bias=0.1):
    yield name + ".weight", (outputs, inputs), gain * math.sqrt(3 / inputs), 0.0
    if bias:
        yield name + ".bias", (outputs,), bias, 0.0


def conv(name, outputs, inputs, size, gain=1.0):
    yield name + ".weight", (outputs, inputs, size, size), gain * math.sqrt(3 / (inputs * size * size)), 0.0
    yield name + ".bias", (outputs,), 0.1, 0.0


def norm(name, width, bias=True, center=1.0):
    yield name + ".weight", (width,), 0.2 * center, center
    if bias:
        yield name + ".bias", (width,), 0.2, 0.0


def transformer_tensors(spec, joint, pooled):
    dim, head, qk = spec["heads"] * spec["head_dim"], spec["head_dim"], spec["qk"]
    yield from linear("x_embedder", dim, 64)
    yield from linear("context_embedder", dim, joint)
    embedders = [("timestep", 256), ("text", pooled)] + ([("guidance", 256)] if spec["guidance"] else [])
    for name, width in embedders:
        yield from linear(f"time_text_embed.{name}_embedder.linear_1", dim, width, 1.4)
        yield from linear(f"time_text_embed.{name}_embedder.linear_2", dim, dim, 1.4)
    for i in range(spec["double"]):
        block = f"transformer_blocks.{i}."
        yield from linear(block + "norm1.linear", 6 * dim, dim, 0.7)
        yield from linear(block + "norm1_context.linear", 6 * dim, dim, 0.7)
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"):
            yield from linear(f"{block}attn.{name}", dim, dim)
        for name in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
            yield from norm(f"{block}attn.{name}", head, bias=False, center=qk)
        for name in ("ff", "ff_context"):
            yield from linear(f"{block}{name}.net.0.proj", 4 * dim, dim)
            yield from linear(f"{block}{name}.net.2", dim, 4 * dim)
    for i in range(spec["single"]):
        block = f"single_transformer_blocks.{i}."
        yield from linear(block + "norm.linear", 3 * dim, dim, 0.7)
        for name in ("to_q", "to_k", "to_v"):
            yield from linear(f"{block}attn.{name}", dim, dim)
        for name in ("norm_q", "norm_k"):
            yield from norm(f"{block}attn.{name}", head, bias=False, center=qk)
        yield from linear(block + "proj_mlp", 4 * dim, dim)
        yield from linear(block + "proj_out", dim, 5 * dim)
    yield from linear("norm_out.linear", 2 * dim, dim, 0.7)
    yield from linear("proj_out", 64, dim)


def resnet(name, outputs, inputs):
    yield from norm(name + ".norm1", inputs)
    yield from conv(name + ".conv1", outputs, inputs, 3)
    yield from norm(name + ".norm2", outputs)
    yield from conv(name + ".conv2", outputs, outputs, 3)
    if inputs != outputs:
        yield from conv(name + ".conv_shortcut", outputs, inputs, 1)


def middle(name, width):
    yield from resnet(name + ".resnets.0", width, width)
    yield from norm(name + ".attentions.0.group_norm", width)
    for part, gain in (("to_q", 1.5), ("to_k", 1.5), ("to_v", 1.0), ("to_out.0", 1.0)):
        yield from linear(f"{name}.attentions.0.{part}", width, width, gain)
    yield from resnet(name + ".resnets.1", width, width)


def vae_tensors(spec):
    channels, layers = spec["channels"], spec["layers"]
    yield from conv("encoder.conv_in", channels[0], 3, 3)
    inputs = channels[0]
    for i, outputs in enumerate(channels):
        for j in range(layers):
            yield from resnet(f"encoder.down_blocks.{i}.resnets.{j}", outputs, inputs)
            inputs = outputs
        if i + 1 < len(channels):
            yield from conv(f"encoder.down_blocks.{i}.downsamplers.0.conv", outputs, outputs, 3)
    yield from middle("encoder.mid_block", inputs)
    yield from norm("encoder.conv_norm_out", inputs)
    yield from conv("encoder.conv_out", 32, inputs, 3)
    yield from conv("decoder.conv_in", inputs, 16, 3)
    yield from middle("decoder.mid_block", inputs)
    for i, outputs in enumerate(reversed(channels)):
        for j in range(layers + 1):
            yield from resnet(f"decoder.up_blocks.{i}.resnets.{j}", outputs, inputs)
            inputs = outputs
        if i + 1 < len(channels):
            yield from conv(f"decoder.up_blocks.{i}.upsamplers.0.conv", outputs, outputs, 3)
    yield from norm("decoder.conv_norm_out", inputs)
    yield from conv("decoder.conv_out", 3, inputs, 3, 0.5)


def clip_tensors(spec):
    width = spec["width"]
    yield "text_model.embeddings.token_embedding.weight", (CLIP_VOCABULARY, width), 0.8, 0.0
    yield "text_model.embeddings.position_embedding.weight", (77, width), 0.4, 0.0
    for i in range(spec["layers"]):
        layer = f"text_model.encoder.layers.{i}."
        yield from norm(layer + "layer_norm1", width)
        for name, gain in (("q_proj", 1.5), ("k_proj", 1.5), ("v_proj", 1.0), ("out_proj", 1.0)):
            yield from linear(f"{layer}self_attn.{name}", width, width, gain)
        yield from norm(layer + "layer_norm2", width)
        yield from linear(layer + "mlp.fc1", spec["ff"], width)
        yield from linear(layer + "mlp.fc2", width, spec["ff"])
    yield from norm("text_model.final_layer_norm", width)


def t5_tensors(spec):
    width, inner = spec["width"], spec["heads"] * spec["d_kv"]
    yield "shared.weight", (T5_VOCABULARY, width), 1.7, 0.0
    for i in range(spec["layers"]):
        block = f"encoder.block.{i}.layer."
        # T5 does not divide by √d_kv: the queries and keys are smaller instead.
        gain = 1.2 / spec["d_kv"] ** 0.25
        for name, factor in (("q", gain), ("k", gain), ("v", 1.0)):
            yield from linear(f"{block}0.SelfAttention.{name}", inner, width, factor, bias=0)
        yield from linear(block + "0.SelfAttention.o", width, inner, 0.8, bias=0)
        if i == 0:
            yield block + "0.SelfAttention.relative_attention_bias.weight", (32, spec["heads"]), 1.5, 0.0
        yield from norm(block + "0.layer_norm", width, bias=False)
        for name in ("wi_0", "wi_1"):
            yield from linear(f"{block}1.DenseReluDense.{name}", spec["ff"], width, bias=0)
        yield from linear(block + "1.DenseReluDense.wo", width, spec["ff"], bias=0)
        yield from norm(block + "1.layer_norm", width, bias=False)
    yield from norm("encoder.final_layer_norm", width, bias=False)


def tensor_bytes(seed, name, shape, amplitude, center, number_format):
    """Uniform numbers in center ± amplitude. bf16 is cut, not rounded: it only has to be random."""
    count = math.prod(shape)
    numbers = array.array("h", random.Random(seed * 2**32 + zlib.crc32(name.encode())).randbytes(2 * count))
    if sys.byteorder == "big":
        numbers.byteswap()
    step = amplitude / 32768
    values = [(number + 0.5) * step + center for number in numbers]
    if number_format == "F16":
        return struct.pack(f"<{count}e", *values)
    raw = struct.pack(f"<{count}f", *values)
    if number_format == "F32":
        return raw
    halves = bytearray(2 * count)
    halves[0::2], halves[1::2] = raw[2::4], raw[3::4]
    return bytes(halves)


def write_safetensors(path, tensors):
    """tensors: (name, format, shape, bytes) in file order."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, number_format, shape, data in tensors:
        header[name] = {"dtype": number_format, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, data in tensors:
            file.write(data)


def write_weights(folder, stem, seed, number_format, tensors, shards):
    made = [(name, number_format, shape, tensor_bytes(seed, name, shape, amplitude, center, number_format))
            for name, shape, amplitude, center in tensors]
    if shards < 2:
        write_safetensors(folder / f"{stem}.safetensors", made)
        return
    places = {}
    for shard in range(shards):
        name = f"{stem}-{shard + 1:05}-of-{shards:05}.safetensors"
        part = made[shard::shards]
        write_safetensors(folder / name, part)
        places.update((tensor[0], name) for tensor in part)
    index = {"metadata": {"total_size": sum(len(tensor[3]) for tensor in made)},
             "weight_map": dict(sorted(places.items()))}
    (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def configs(spec):
    """The JSON file of every sub-folder."""
    flux, vae, t5, clip = spec["transformer"], spec["vae"], spec["t5"], spec["clip"]
    end = CLIP_VOCABULARY - 1
    return {
        "model_index.json": {
            "_class_name": "FluxKontextPipeline", "_diffusers_version": "0.42.1",
            "feature_extractor": [None, None], "image_encoder": [None, None],
            "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "T5TokenizerFast"],
            "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderKL"]},
        "scheduler/scheduler_config.json": {"_class_name": "FlowMatchEulerDiscreteScheduler", **spec["scheduler"]},
        "transformer/config.json": {
            "_class_name": "FluxTransformer2DModel", "attention_head_dim": flux["head_dim"],
            "axes_dims_rope": list(flux["axes"]), "guidance_embeds": flux["guidance"], "in_channels": 64,
            "joint_attention_dim": t5["width"], "num_attention_heads": flux["heads"], "num_layers": flux["double"],
            "num_single_layers": flux["single"], "out_channels": None, "patch_size": 1,
            "pooled_projection_dim": clip["width"]},
        "vae/config.json": {
            "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": list(vae["channels"]),
            "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
            "in_channels": 3, "out_channels": 3, "latent_channels": 16, "layers_per_block": vae["layers"],
            "mid_block_add_attention": True, "norm_num_groups": vae["groups"], "sample_size": 256,
            "scaling_factor": vae["scale"], "shift_factor": vae["shift"], "force_upcast": True,
            "use_post_quant_conv": False, "use_quant_conv": False},
        "text_encoder/config.json": {
            "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "vocab_size": CLIP_VOCABULARY,
            "hidden_size": clip["width"], "intermediate_size": clip["ff"], "num_attention_heads": clip["heads"],
            "num_hidden_layers": clip["layers"], "projection_dim": clip["width"], "max_position_embeddings": 77,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05, "bos_token_id": 0 if clip["eos"] else end - 1,
            "pad_token_id": 1 if clip["eos"] else end, "eos_token_id": clip["eos"] or end},
        "text_encoder_2/config.json": {
            "architectures": ["T5EncoderModel"], "model_type": "t5", "vocab_size": T5_VOCABULARY,
            "d_model": t5["width"], "d_kv": t5["d_kv"], "num_heads": t5["heads"], "d_ff": t5["ff"],
            "num_layers": t5["layers"], "num_decoder_layers": t5["layers"], "feed_forward_proj": "gated-gelu",
            "dense_act_fn": "gelu_new", "is_gated_act": True, "layer_norm_epsilon": 1e-06, "pad_token_id": 0,
            "eos_token_id": 1, "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128,
            "is_encoder_decoder": False, "tie_word_embeddings": False},
    }


def write_model(name, folder):
    spec = MODELS[name]
    files = configs(spec)
    if spec["manifest"]:
        files["espalier.json"] = {"id": name, "name": f"Random weights {name}", **spec["manifest"]}
    for path, contents in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(contents, indent=2) + "\n")
    for tokenizer in ("tokenizer", "tokenizer_2"):
        shutil.copytree(TOKENIZERS / tokenizer, folder / tokenizer)
    shards = spec.get("shards", 1)
    parts = (("transformer", "diffusion_pytorch_model", shards,
              transformer_tensors(spec["transformer"], spec["t5"]["width"], spec["clip"]["width"])),
             ("vae", "diffusion_pytorch_model", 1, vae_tensors(spec["vae"])),
             ("text_encoder", "model", 1, clip_tensors(spec["clip"])),
             ("text_encoder_2", "model", shards, t5_tensors(spec["t5"])))
    for (part, stem, count, tensors), number_format in zip(parts, spec["formats"]):
        write_weights(folder / part, stem, spec["seed"], number_format, tensors, count)


def digest(folder):
    """SHA-256 over all weights: tells a wrong model from a wrong engine."""
    total = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).glob("*/*.safetensors")):
        total.update(path.read_bytes())
    return total.hexdigest()


def make(name, folder):
    """Returns folder/name, making it if it is not there; safe when several do so at once."""
    target = pathlib.Path(folder, name)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        made = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            write_model(name, made)
            os.rename(made, target)
        except OSError:
            shutil.rmtree(made)
            if not target.exists():
                raise
    return target


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(MODELS))
    elif len(sys.argv) == 3 and sys.argv[1] in MODELS:
        print(make(sys.argv[1], sys.argv[2]))
    else:
        sys.exit(__doc__)
