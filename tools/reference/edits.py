#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/edits/cases: whole edits as diffusers' FluxKontextPipeline makes them.

Run with a python3 that has diffusers, transformers, torch and Pillow installed:

    python3 tools/reference/edits.py [NAME…]      all cases, or only those named
    python3 tools/reference/edits.py --precision  also in float64: how much of the tolerances
                                                  float32 itself takes

Every edit runs in float32 on the CPU with the weights as from_pretrained gives them. Edits with
one reference run through the pipeline as well and must agree with the loop below to the last bit;
several references are something the pipeline cannot do, so that the loop (the same modules, own
position ids) is the reference there.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from diffusers import FluxKontextPipeline
from diffusers.pipelines.flux import pipeline_flux_kontext as kontext

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
sys.path += [str(ROOT / "tests" / "engine" / "model"), str(ROOT / "tools" / "reference")]
import make_model  # noqa: E402
import loras  # noqa: E402
from numerics import kontext_size, working_size  # noqa: E402

LONG = ("Make the photo warm and bright with autumn colours, remove the red hat of the person on the left, add a "
        "black dog and a white cat in front of the old house, " * 8)

# inputs: (file, crop box) of a public domain photo, see INPUTS. Everything else is what the case's
# command line says; "size" is match, auto or WxH.
INPUTS = {
    "square": ("astronaut", (80, 20, 176, 116)), "portrait": ("chelsea", (60, 60, 140, 172)),
    "wide": ("coffee", (40, 60, 168, 108)), "odd": ("chelsea", (100, 70, 201, 147)),
    "smallest": ("coffee", (100, 100, 116, 116)), "strip": ("astronaut", (90, 40, 123, 57)),
    "large": ("coffee", (16, 40, 246, 200)), "tall": ("astronaut", (100, 30, 148, 126)),
}
CASES = {
    "demo-one-step": ("demo", ["square"], "Make the photo black and white", {"steps": 1}),
    "demo-portrait": ("demo", ["portrait"], "Add a vignette", {"steps": 4, "seed": 7}),
    "demo-auto": ("demo", ["large"], "Make it night", {"steps": 3, "size": "auto", "bf16": True}),
    "demo-odd": ("demo", ["odd"], "tint the photo red, please", {"steps": 4, "guidance": 7.0}),
    "demo-strength-0": ("demo", ["wide"], "Make it snow", {"steps": 4, "guidance": 0.0, "bf16": True}),
    "demo-two-references": ("demo", ["wide", "tall"], "Make it look like autumn", {"steps": 4}),
    "demo-long-prompt": ("demo", ["square"], LONG, {"steps": 2}),
    "demo-true-cfg": ("demo", ["square"], "Give the photo a sepia tone",
                      {"steps": 4, "negative": "Make it rain", "true_cfg": 2.5}),
    "demo-28-steps": ("demo", ["tall"], "Swap red and blue", {"steps": 28, "seed": 4294967295, "bf16": True}),
    "heads-32-one-step": ("heads-32", ["square"], "make the sky green", {"steps": 1, "guidance": 2.5}),
    "heads-32-odd": ("heads-32", ["odd"], "replace the cat with a dog", {"steps": 4, "guidance": 3.5}),
    "heads-32-auto": ("heads-32", ["large"], "Remove the person.", {"steps": 28, "size": "auto", "guidance": 2.5}),
    "heads-32-exact": ("heads-32", ["wide"], "add a HAT!", {"steps": 2, "size": "64x48", "guidance": 1.0}),
    "heads-32-offset": ("heads-32", ["wide", "tall", "square"], "add the dog of the second picture",
                        {"steps": 4, "guidance": 2.5}),
    "heads-32-index": ("heads-32", ["tall", "square"], "add the dog of the second picture",
                       {"steps": 4, "guidance": 2.5, "multi_ref": "index"}),
    "heads-32-empty-negative": ("heads-32", ["strip"], "", {"steps": 4, "negative": "", "true_cfg": 4.0,
                                                            "guidance": 2.5}),
    "heads-32-long-prompt": ("heads-32", ["smallest"], LONG, {"steps": 1, "guidance": 2.5}),
    "heads-64-one-step": ("heads-64", ["smallest"], "winter, \u00e9t\u00e9 & \U0001f327", {"steps": 1}),
    "heads-64-portrait": ("heads-64", ["portrait"], "make the house old", {"steps": 28, "seed": 123456789012}),
    "heads-64-two-auto": ("heads-64", ["large", "portrait"], "snow in the garden", {"steps": 4, "size": "auto"}),
    "heads-128-one-step": ("heads-128", ["wide"], "a painting of the ocean", {"steps": 1, "guidance": 2.5}),
    "heads-128-square": ("heads-128", ["square"], "turn it into a watercolour",
                         {"steps": 4, "guidance": 2.5, "bf16": True}),
    "heads-128-true-cfg": ("heads-128", ["strip"], "warm light", {"steps": 4, "negative": "cold", "true_cfg": 1.5,
                                                                 "guidance": 0.0}),
    "files-one-step": ("files", ["wide"], "make the car red", {"steps": 1, "guidance": 2.5}),
    "files-strip": ("files", ["strip"], "add snow", {"steps": 4, "guidance": 3.5, "bf16": True}),
    "sharp-one-step": ("sharp", ["square"], "bright morning in the mountain", {"steps": 1, "guidance": 2.5}),
    "sharp-tall": ("sharp", ["tall"], "dark  street\tat\nnight", {"steps": 4, "guidance": 7.0, "noise": True}),
    "sharp-28-steps": ("sharp", ["strip"], "smile", {"steps": 28, "guidance": 2.5}),
    # LoRAs (tools/reference/loras.py), with their strengths.
    "lora-kohya": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("kohya", 1.0)]}),
    "lora-kohya-sparse": ("heads-32", ["smallest"], "make the sky green",
                          {"steps": 1, "loras": [("kohya-sparse", 0.75)]}),
    "lora-comfy": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("comfy", -0.5)]}),
    "lora-fal": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("fal", 0.5)]}),
    "lora-xlabs": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("xlabs", 1.25)]}),
    "lora-onetrainer": ("heads-32", ["smallest"], "make the sky green",
                        {"steps": 1, "loras": [("onetrainer", 1.0)]}),
    "lora-diffusers": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("diffusers", 0.8)]}),
    "lora-t5": ("heads-32", ["smallest"], "make the sky green", {"steps": 1, "loras": [("t5", 1.0)]}),
    "lora-several": ("heads-32", ["smallest"], "make the sky green",
                     {"steps": 4, "loras": [("kohya", 0.6), ("diffusers", -0.4), ("onetrainer", 0.3)]}),
    # Conditioned on latents of an earlier edit with these words, instead of on the first picture encoded: on all
    # of them, or on those of some tokens.
    "carry-all": ("demo", ["square"], "Make it snow", {"steps": 4, "carry": ("Make it night", "all")}),
    "carry-some": ("demo", ["portrait"], "Add a vignette", {"steps": 4, "carry": ("Tint the photo blue", "some"),
                                                           "bf16": True}),
    "carry-two-references": ("heads-32", ["tall", "strip"], "add the dog of the second picture",
                             {"steps": 2, "carry": ("add snow", "some")}),
}

# Relative L2 distances and PSNR in dB (docs/testing.md): by how an edit is made.
TOLERANCES = {
    "one-step": {"embeddings": 3e-5, "reference": 2e-4, "velocity": 5e-5, "latents": 5e-5, "psnr": 75},
    "plain": {"embeddings": 2e-4, "reference": 2e-4, "velocity": 2e-4, "latents": 1e-3, "psnr": 55},
    "resized": {"embeddings": 2e-4, "reference": 1e-2, "velocity": 1e-2, "latents": 1e-2, "psnr": 45},
}


def write_inputs():
    (DATA / "edits" / "inputs").mkdir(parents=True, exist_ok=True)
    for name, (photo, box) in INPUTS.items():
        picture = Image.open(DATA / "demo-golden" / f"input-{photo}.png").convert("RGB").crop(box)
        picture.save(DATA / "edits" / "inputs" / f"{name}.png", optimize=True)


def load_pipeline(folder):
    pipe = FluxKontextPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    for part in ("transformer", "vae", "text_encoder", "text_encoder_2"):
        loaded = getattr(pipe, part).state_dict()
        stored = {}
        for file in pathlib.Path(folder, part).glob("*.safetensors"):
            stored.update(load_file(file))
        for name, tensor in stored.items():
            found = loaded.get(name, loaded.get("text_model." + name, loaded.get(name.removeprefix("text_model."))))
            assert found is not None and torch.equal(found, tensor.float()), f"{part}: {name} was not loaded"
        named = {name.removeprefix("text_model.") for name in stored}
        for name in loaded:
            known = name.removeprefix("text_model.") in named or name.endswith(("position_ids", "embed_tokens.weight"))
            assert known, f"{part}: {name} is not in the file"
    return pipe


def reference_size(size, manifest, picture):
    """(width, height) that a reference is brought to."""
    if size == "match":
        return tuple(max(side // 16 * 16, 16) for side in picture.size)
    pixels = manifest.get("working_pixels", 0) if size == "auto" else 0
    return working_size(pixels, *picture.size) if pixels else kontext_size(*picture.size)


def position_ids(sizes, multi_ref):
    """Rows of (axis 0, y, x), in tokens: the target, then each reference where the rule puts it."""
    rows, total_height, total_width = [], 0, 0
    for number, (width, height) in enumerate(sizes):
        height, width = height // 16, width // 16
        top = left = 0
        if number > 0 and multi_ref == "offset":
            if height + total_height > width + total_width:
                left = total_width
            else:
                top = total_height
            total_height = max(total_height, height + top)
            total_width = max(total_width, width + left)
        axis = number if multi_ref == "index" else min(number, 1)
        rows += [(axis, y + top, x + left) for y in range(height) for x in range(width)]
    return torch.tensor(rows, dtype=torch.float32)


class Edit:
    """One edit in the loop below; `dtype` is float64 for --precision."""

    def __init__(self, pipe, options, manifest, pictures, prompt, dtype=torch.float32):
        self.pipe, self.options, self.prompt, self.dtype = pipe, options, prompt, dtype
        self.tokens = manifest.get("t5_tokens", 512)
        self.size = options.get("size", "match")
        self.reference_sizes = [reference_size(self.size, manifest, picture) for picture in pictures]
        self.resized = any(picture.size != size for picture, size in zip(pictures, self.reference_sizes))
        self.pictures = [pipe.image_processor.resize(picture, height, width)
                         for picture, (width, height) in zip(pictures, self.reference_sizes)]
        exact = "x" in self.size
        self.width, self.height = map(int, self.size.split("x")) if exact else self.reference_sizes[0]
        self.carried = self.carry_tokens = None
        if "carry" in options:
            words, which = options["carry"]
            earlier = {**options, "steps": 2, "seed": 5}
            del earlier["carry"]
            self.carried = Edit(pipe, earlier, manifest, pictures, words, dtype).run()["latents"]
            tokens = range(len(self.carried))  # neither rows nor columns, and not symmetric
            self.carry_tokens = torch.tensor([which == "all" or number * 7 % 5 < 3 for number in tokens])

    def encode_text(self, text):
        embeds, pooled, ids = self.pipe.encode_prompt(prompt=text, prompt_2=None, max_sequence_length=self.tokens)
        return embeds.to(self.dtype), pooled.to(self.dtype), ids

    def encode_references(self):
        packed = []
        for picture in self.pictures:
            pixels = self.pipe.image_processor.preprocess(picture).to(self.dtype)
            latents = self.pipe._encode_vae_image(pixels, None)
            packed.append(self.pipe._pack_latents(latents, 1, 16, *latents.shape[2:]))
        if self.carried is not None:
            packed[0][0, self.carry_tokens] = self.carried[self.carry_tokens]
        return torch.cat(packed, dim=1)

    def noise(self):
        generator = torch.Generator("cpu").manual_seed(self.options.get("seed", 1) & 0xFFFFFFFF)
        if self.options.get("noise"):  # not a seed's: it has to be read from the file
            generator.manual_seed(987654321)
        shape = (1, 16, self.height // 8, self.width // 8)
        return self.pipe._pack_latents(torch.randn(shape, generator=generator), 1, 16, *shape[2:])

    def predict(self, latents, references, text, timestep, ids):
        flux = self.pipe.transformer
        guidance = torch.full([1], self.guidance, dtype=torch.float32) if flux.config.guidance_embeds else None
        return flux(hidden_states=torch.cat([latents, references], dim=1), timestep=timestep.expand(1) / 1000,
                    guidance=guidance, pooled_projections=text[1], encoder_hidden_states=text[0], txt_ids=text[2],
                    img_ids=ids, return_dict=False)[0][:, :latents.shape[1]]

    def schedule(self, tokens):
        scheduler, steps = self.pipe.scheduler, self.options["steps"]
        settings = scheduler.config
        mu = kontext.calculate_shift(tokens, settings.get("base_image_seq_len", 256),
                                     settings.get("max_image_seq_len", 4096), settings.get("base_shift", 0.5),
                                     settings.get("max_shift", 1.15))
        kontext.retrieve_timesteps(scheduler, steps, "cpu", sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
        return scheduler.timesteps, scheduler.sigmas

    @torch.no_grad()
    def run(self):
        self.guidance = self.options.get("guidance", 2.5)
        negative = self.options.get("negative") if self.options.get("true_cfg", 1.0) > 1 else None
        text = self.encode_text(self.prompt)
        negative_text = self.encode_text(negative) if negative is not None else None
        references, noise = self.encode_references(), self.noise()
        ids = position_ids([(self.width, self.height), *self.reference_sizes],
                           self.options.get("multi_ref", "offset")).to(self.dtype)
        latents, velocity_0 = noise.to(self.dtype), None
        timesteps, sigmas = self.schedule(latents.shape[1])
        for i, timestep in enumerate(timesteps):
            velocity = self.predict(latents, references, text, timestep.to(self.dtype), ids)
            velocity_0 = velocity if i == 0 else velocity_0
            if negative_text:
                other = self.predict(latents, references, negative_text, timestep.to(self.dtype), ids)
                velocity = other + self.options["true_cfg"] * (velocity - other)
            latents = latents + (sigmas[i + 1] - sigmas[i]) * velocity
        image = self.decode(latents)
        tokenize = dict(padding="max_length", truncation=True, return_tensors="pt")
        return {"t5_ids": self.pipe.tokenizer_2(self.prompt, max_length=self.tokens, **tokenize).input_ids[0].int(),
                "clip_ids": self.pipe.tokenizer(self.prompt, max_length=77, **tokenize).input_ids[0].int(),
                "t5_embeds": text[0][0], "clip_pooled": text[1][0], "reference_latents": references[0],
                "noise": noise[0], "velocity_0": velocity_0[0], "latents": latents[0], "image": image,
                "sigmas": sigmas}

    def decode(self, latents):
        config = self.pipe.vae.config
        unpacked = self.pipe._unpack_latents(latents, self.height, self.width, 8)
        decoded = self.pipe.vae.decode(unpacked / config.scaling_factor + config.shift_factor, return_dict=False)[0]
        return (decoded / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0)

    @torch.no_grad()
    def run_pipeline(self):
        """The image from FluxKontextPipeline itself, for one reference. Latents in the place of a picture it takes as
        they are."""
        image = self.pictures[0]
        if self.carried is not None:
            image = self.pipe._unpack_latents(self.encode_references(), self.height, self.width, 8)
        return torch.from_numpy(self.pipe(
            image=image, prompt=self.prompt, negative_prompt=self.options.get("negative"),
            true_cfg_scale=self.options.get("true_cfg", 1.0), height=self.height, width=self.width,
            max_area=self.height * self.width, _auto_resize="x" in self.size, latents=self.noise(),
            num_inference_steps=self.options["steps"], guidance_scale=self.guidance,
            max_sequence_length=self.tokens, output_type="np").images[0])


def command_line(name, edit, inputs):
    """Arguments of `espalier-cli edit`, or what only tests/engine/model/worker_edit.py knows; {data} is tests/data."""
    options, prompt = edit.options, edit.prompt
    arguments = [f"{{data}}/edits/inputs/{name}.png" for name in inputs] + ["-p", prompt]
    arguments += ["--seed", str(options.get("seed", 1)), "--steps", str(options["steps"])]
    arguments += ["--guidance", str(options.get("guidance", 2.5)), "--size", options.get("size", "match")]
    if "negative" in options:
        arguments += ["--negative-prompt", options["negative"], "--true-cfg", str(options["true_cfg"])]
    if "multi_ref" in options:
        arguments += ["--multi-ref", options["multi_ref"]]
    if edit.carried is not None:
        bits = "".join("1" if carried else "0" for carried in edit.carry_tokens)
        digits = "".join(f"{int(bits[i:i + 4].ljust(4, '0'), 2):x}" for i in range(0, len(bits), 4))
        arguments += ["--carry", f"{{data}}/edits/cases/{name}/carry.safetensors", "--carry-tokens", digits]
        arguments += ["--carry-size", f"{edit.reference_sizes[0][0]}x{edit.reference_sizes[0][1]}"]
    for lora, strength in options.get("loras", []):
        arguments += ["--lora", f"{{data}}/loras/{lora}.safetensors:{strength}"]
    if options.get("noise"):
        arguments += ["--noise", f"{{data}}/edits/cases/{name}/case.safetensors"]
    return arguments


def relative(found, wanted):
    return ((found.double() - wanted.double()).norm() / wanted.double().norm()).item()


def psnr(found, wanted):
    error = (found.double() - wanted.double()).square().mean().item()
    return 999.0 if error == 0 else -10 * np.log10(error)


def describe(name, result):
    flat = result["image"].flatten()
    cut = ((flat <= 0) | (flat >= 1)).float().mean().item()
    print(f"{name}: image {tuple(result['image'].shape)} mean {flat.mean():.2f} std {flat.std():.2f} cut {cut:.0%}, "
          f"velocity std {result['velocity_0'].std():.2f}, references std {result['reference_latents'].std():.2f}, "
          f"latents std {result['latents'].std():.2f}")
    assert flat.std() > 0.03 and cut < 0.5, "a flat or clipped picture tests little"


def check_precision(folder, case, manifest, pictures, result):
    pipe = load_pipeline(folder)
    for part in (pipe.transformer, pipe.vae, pipe.text_encoder, pipe.text_encoder_2):
        part.double()
    exact = Edit(pipe, case[3], manifest, pictures, case[2], torch.float64).run()
    figures = {key: relative(result[key], exact[key])
               for key in ("t5_embeds", "clip_pooled", "reference_latents", "velocity_0", "latents")}
    print("   float32 against float64: " + ", ".join(f"{key} {value:.1e}" for key, value in figures.items()) +
          f", image {psnr(result['image'], exact['image']):.0f} dB")


def write_case(name, models, pipes, precision):
    case = CASES[name]
    model, inputs, prompt, options = case
    folder = ROOT / "data" / "models" / "demo" if model == "demo" else make_model.make(model, models)
    if model not in pipes:
        pipes.clear()
        pipes[model] = load_pipeline(folder)
    manifest_path = pathlib.Path(folder, "espalier.json")
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    pictures = [Image.open(DATA / "edits" / "inputs" / f"{picture}.png") for picture in inputs]
    if options.get("loras"):
        loras.apply(pipes[model], options["loras"])
    edit = Edit(pipes[model], options, manifest, pictures, prompt)
    result = edit.run()
    describe(name, result)
    if len(inputs) == 1:
        assert torch.equal(edit.run_pipeline(), result["image"]), "the loop is not what the pipeline does"
    if precision:
        check_precision(folder, case, manifest, pictures, result)

    if options.get("loras"):
        pipes.clear()
    kind = "resized" if edit.resized else "one-step" if options["steps"] == 1 else "plain"
    target = DATA / "edits" / "cases" / name
    target.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in result.items()}, target / "case.safetensors")
    if edit.carried is not None:
        save_file({"latents": edit.carried.contiguous()}, target / "carry.safetensors")
    description = {"model": model, "arguments": command_line(name, edit, inputs),
                   "tolerance": kind, "tolerances": TOLERANCES[kind]}
    if options.get("bf16"):
        description["bf16_psnr"] = 35
    if model != "demo":
        description["model_sha256"] = make_model.digest(folder)
    (target / "case.json").write_text(json.dumps(description, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--precision", action="store_true")
    parsed = parser.parse_args()
    write_inputs()
    loaded = {}
    with tempfile.TemporaryDirectory() as scratch:
        for wanted in parsed.names or CASES:
            write_case(wanted, scratch, loaded, parsed.precision)
