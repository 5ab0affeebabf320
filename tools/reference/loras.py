#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/loras: small LoRAs for the model heads-32, named as each trainer names them.

Run with a python3 that has diffusers, transformers, peft, torch and safetensors installed:

    python3 tools/reference/loras.py              the files; then make the edits with them:
    python3 tools/reference/edits.py lora-…       (edits.py loads them through apply() below)

What a file means is diffusers' word: it converts the names of kohya, ComfyUI, fal, XLabs and
OneTrainer itself. Its converters know the widths of FLUX.1 alone, so these are replaced by those of
the small model; and some converted names lack the "transformer." without which they are dropped.
The T5 encoder's LoRA, which diffusers does not load, is merged by hand.
"""

import inspect
import json
import pathlib
import re

import torch
from safetensors.torch import load_file, save_file

from diffusers import FluxKontextPipeline
from diffusers.loaders import lora_conversion_utils, lora_pipeline

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "loras"
DIM, JOINT, POOLED = 64, 48, 40  # heads-32
DOUBLE, SINGLE = 2, 3
CLIP_FF, T5_INNER, T5_FF = 96, 48, 80

# Black Forest Labs' modules: (name, in, out).
STREAM = [("{}_attn.qkv", DIM, 3 * DIM), ("{}_attn.proj", DIM, DIM), ("{}_mlp.0", DIM, 4 * DIM),
          ("{}_mlp.2", 4 * DIM, DIM), ("{}_mod.lin", DIM, 6 * DIM)]
BLOCKS = [(f"double_blocks.{i}." + name.format(stream), inputs, outputs)
          for i in range(DOUBLE) for stream in ("img", "txt") for name, inputs, outputs in STREAM]
BLOCKS += [(f"single_blocks.{i}.{name}", inputs, outputs) for i in range(SINGLE)
           for name, inputs, outputs in (("linear1", DIM, 7 * DIM), ("linear2", 5 * DIM, DIM),
                                         ("modulation.lin", DIM, 3 * DIM))]
ENDS = [("img_in", 64, DIM), ("txt_in", JOINT, DIM), ("time_in.in_layer", 256, DIM), ("time_in.out_layer", DIM, DIM),
        ("vector_in.in_layer", POOLED, DIM), ("vector_in.out_layer", DIM, DIM), ("guidance_in.in_layer", 256, DIM),
        ("guidance_in.out_layer", DIM, DIM), ("final_layer.linear", DIM, 64),
        ("final_layer.adaLN_modulation.1", DIM, 2 * DIM)]
CLIP = [(f"text_model.encoder.layers.{i}.{name}", inputs, outputs) for i in range(2)
        for name, inputs, outputs in (("self_attn.q_proj", POOLED, POOLED), ("self_attn.v_proj", POOLED, POOLED),
                                      ("self_attn.out_proj", POOLED, POOLED), ("mlp.fc1", POOLED, CLIP_FF),
                                      ("mlp.fc2", CLIP_FF, POOLED))]
T5 = [(f"encoder.block.{i}.layer.{name}", inputs, outputs) for i in range(2)
      for name, inputs, outputs in (("0.SelfAttention.q", JOINT, T5_INNER), ("0.SelfAttention.o", T5_INNER, JOINT),
                                    ("1.DenseReluDense.wi_0", JOINT, T5_FF), ("1.DenseReluDense.wo", T5_FF, JOINT))]
XLABS = {"double": [("processor.qkv_lora1", DIM, 3 * DIM), ("processor.qkv_lora2", DIM, 3 * DIM),
                    ("processor.proj_lora1", DIM, DIM), ("processor.proj_lora2", DIM, DIM)],
         "single": [("processor.qkv_lora", DIM, 3 * DIM), ("processor.proj_lora", 5 * DIM, DIM)]}


class Maker:
    def __init__(self, seed, dtype):
        self.generator, self.dtype, self.tensors = torch.Generator().manual_seed(seed), dtype, {}

    def matrices(self, rank, inputs, outputs):
        """Strong enough to be seen: each about half as large as the weights."""
        down = torch.randn(rank, inputs, generator=self.generator) / inputs ** 0.5
        up = torch.randn(outputs, rank, generator=self.generator) / rank ** 0.5 * 0.5
        return down.to(self.dtype), up.to(self.dtype)

    def add(self, name, rank, inputs, outputs, down=".lora_A.weight", up=".lora_B.weight", alpha=None):
        self.tensors[name + down], self.tensors[name + up] = self.matrices(rank, inputs, outputs)
        if alpha is not None:
            self.tensors[name + ".alpha"] = torch.tensor(float(alpha), dtype=self.dtype)

    def save(self, name, metadata=None):
        save_file(self.tensors, FOLDER / f"{name}.safetensors", metadata)


KOHYA = {"down": ".lora_down.weight", "up": ".lora_up.weight"}


def make_kohya():
    maker = Maker(1, torch.bfloat16)
    for number, (name, inputs, outputs) in enumerate(BLOCKS + ENDS):
        rank = 2 + number % 3
        # diffusers forgets the alpha of the final layer.
        alpha = rank if "final_layer" in name else (1, 2, 8)[number % 3]
        maker.add("lora_unet_" + name.replace(".", "_"), rank, inputs, outputs, **KOHYA, alpha=alpha)
    for name, inputs, outputs in CLIP:
        maker.add("lora_te1_" + name.replace(".", "_"), 2, inputs, outputs, **KOHYA, alpha=1)
    maker.save("kohya")
    # A qkv that was trained in three: its up is sparse, one third of the rank for each part.
    maker = Maker(2, torch.float16)
    for i in range(DOUBLE):
        name = f"lora_unet_double_blocks_{i}_img_attn_qkv"
        maker.add(name, 6, DIM, 3 * DIM, **KOHYA, alpha=3)
        up = maker.tensors[name + ".lora_up.weight"]
        for part in range(3):
            for other in range(3):
                if part != other:
                    up[part * DIM:(part + 1) * DIM, other * 2:other * 2 + 2] = 0
    maker.save("kohya-sparse")


def make_comfy():
    maker = Maker(3, torch.float32)
    for name, inputs, outputs in BLOCKS[::3] + ENDS[:2]:
        maker.add("diffusion_model." + name, 2, inputs, outputs, **KOHYA)  # no alpha
    for name, inputs, outputs in CLIP:
        maker.add("text_encoders.clip_l.transformer." + name, 2, inputs, outputs, **KOHYA)
    maker.save("comfy")


def make_fal():
    maker = Maker(4, torch.bfloat16)
    for name, inputs, outputs in BLOCKS + [("final_layer.linear", DIM, 64)]:
        maker.add("base_model.model." + name, 3, inputs, outputs)
    maker.save("fal")


def make_xlabs():
    maker = Maker(5, torch.bfloat16)
    for kind, count in (("double", DOUBLE), ("single", SINGLE)):
        for i in range(count):
            for name, inputs, outputs in XLABS[kind]:
                maker.add(f"{kind}_blocks.{i}.{name}", 2, inputs, outputs, ".down.weight", ".up.weight")
    maker.save("xlabs")


def make_onetrainer():
    """diffusers' names, split q, k and v, in kohya's form."""
    maker = Maker(6, torch.bfloat16)
    for i in range(DOUBLE):
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out_0", "to_add_out"):
            maker.add(f"lora_transformer_transformer_blocks_{i}_attn_{name}", 2, DIM, DIM, **KOHYA, alpha=1)
    for i in range(SINGLE):
        for name in ("to_q", "to_k", "to_v"):
            maker.add(f"lora_transformer_single_transformer_blocks_{i}_attn_{name}", 2, DIM, DIM, **KOHYA, alpha=1)
    maker.add("lora_transformer_norm_out_linear", 2, DIM, 2 * DIM, **KOHYA, alpha=2)
    maker.add("lora_transformer_x_embedder", 2, 64, DIM, **KOHYA, alpha=2)
    maker.save("onetrainer")


def make_diffusers(pipe):
    """As diffusers itself saves what PEFT trained: with the configuration in the file's header."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict
    modules = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "proj_mlp", "proj_out", "net.0.proj", "net.2",
               "norm1.linear", "norm.linear", "norm_out.linear", "x_embedder", "timestep_embedder.linear_1"]
    torch.manual_seed(7)
    layers, metadata = {}, {}
    for part, config in (("transformer", LoraConfig(r=4, lora_alpha=6, init_lora_weights=False, target_modules=modules,
                                                    alpha_pattern={"transformer_blocks.0.attn.to_q": 1, "proj_mlp": 16},
                                                    rank_pattern={"x_embedder": 2})),
                         ("text_encoder", LoraConfig(r=2, lora_alpha=3, init_lora_weights=False, use_rslora=True,
                                                     target_modules=["q_proj", "fc1", "out_proj"]))):
        model = getattr(pipe, part)
        model.add_adapter(config, "making")
        layers[part] = {name: tensor.to(torch.bfloat16).contiguous() * 2
                        for name, tensor in get_peft_model_state_dict(model, adapter_name="making").items()}
        metadata[part] = config.to_dict()
    FluxKontextPipeline.save_lora_weights(FOLDER, layers["transformer"], layers["text_encoder"],
                                          weight_name="diffusers.safetensors",
                                          transformer_lora_adapter_metadata=metadata["transformer"],
                                          text_encoder_lora_adapter_metadata=metadata["text_encoder"])


def make_t5():
    maker = Maker(8, torch.float16)
    for number, (name, inputs, outputs) in enumerate(T5):
        maker.add("lora_te3_" + name.replace(".", "_"), 3, inputs, outputs, **KOHYA, alpha=2 + number % 2)
    maker.save("t5")


# --- Loading ---------------------------------------------------------------------------------------


def small_converters():
    """diffusers' converters with the small model's widths and depths for FLUX.1's."""
    if hasattr(lora_pipeline, "made_small"):
        return
    lora_pipeline.made_small = True
    for name in ("_convert_kohya_flux_lora_to_diffusers", "_convert_fal_kontext_lora_to_diffusers"):
        source = inspect.getsource(getattr(lora_conversion_utils, name))
        for old, new in (("12288", str(4 * DIM)), ("3072", str(DIM)), ("num_layers = 19", f"num_layers = {DOUBLE}"),
                         ("num_single_layers = 38", f"num_single_layers = {SINGLE}")):
            source = re.sub(rf"\b{old}\b", new, source)
        exec(source, lora_conversion_utils.__dict__)  # pylint: disable=exec-used
        setattr(lora_pipeline, name, getattr(lora_conversion_utils, name))


def merge_t5(pipe, path, strength):
    tensors, modules = load_file(path), dict(pipe.text_encoder_2.named_modules())
    for name, _, _ in T5:
        base = "lora_te3_" + name.replace(".", "_")
        down, up = tensors[base + ".lora_down.weight"].float(), tensors[base + ".lora_up.weight"].float()
        weight = modules[name].weight
        weight.data += strength * tensors[base + ".alpha"].item() / down.shape[0] * (up @ down)


def apply(pipe, loras):
    """Loads [(name, strength)] into the pipeline, which is of no use for anything else then."""
    small_converters()
    adapters = {}
    for name, strength in loras:
        path = FOLDER / f"{name}.safetensors"
        if name == "t5":
            merge_t5(pipe, path, strength)
            continue
        if name == "diffusers":
            pipe.load_lora_weights(str(path), adapter_name=name)
        else:
            # In float32 from the start: it would round each matrix once more, times its alpha.
            state = pipe.lora_state_dict({key: value.float() for key, value in load_file(path).items()})
            state = state[0] if isinstance(state, tuple) else state
            state = {key if key.startswith(("transformer.", "text_encoder.")) else "transformer." + key: value
                     for key, value in state.items()}
            pipe.load_lora_weights(state, adapter_name=name)
        adapters[name] = strength
    if adapters:
        pipe.set_adapters(list(adapters), list(adapters.values()))
    for part in (pipe.transformer, pipe.text_encoder):
        part.float()


if __name__ == "__main__":
    import sys
    import tempfile
    sys.path.append(str(FOLDER.parents[1] / "engine" / "model"))
    import make_model
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in (make_kohya, make_comfy, make_fal, make_xlabs, make_onetrainer, make_t5):
        make()
    with tempfile.TemporaryDirectory() as scratch:
        make_diffusers(FluxKontextPipeline.from_pretrained(make_model.make("heads-32", scratch),
                                                           torch_dtype=torch.float32))
    print(json.dumps({path.name: path.stat().st_size for path in sorted(FOLDER.glob("*"))}, indent=2))
