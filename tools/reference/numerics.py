#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/numerics: what PyTorch, Pillow and diffusers give for the engine's numerics.

Run with a python3 that has diffusers, torch and Pillow (13 or later) installed. On x86-64 the noise must come
from a machine with AVX2 or better: PyTorch's plain path differs from it by 2e-6.
Each file says on its first lines what its columns are.
"""

import json
import pathlib
import random
import tempfile

import numpy as np
import PIL
import torch
from PIL import Image

from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux import pipeline_flux_kontext as kontext

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "numerics"


def write_randn():
    """Every value of short draws; every 97th of long ones."""
    lines = ["# torch.randn on the CPU generator, float32: seed count index value"]
    for seed in (0, 1, 42, 123456789, 2**31, 2**32 - 1):
        for count in (1, 2, 3, 7, 15, 16, 17, 31, 32, 100, 640, 4096, 65536 + 5):
            generator = torch.Generator("cpu").manual_seed(seed)
            values = torch.randn(count, generator=generator)
            step = 1 if count <= 32 else 1499 if count > 10000 else 97
            picked = sorted(set(range(0, count, step)) | set(range(max(count - 20, 0), count)))
            lines += [f"{seed} {count} {i} {values[i].item():.9g}" for i in picked]
    (OUT / "randn.txt").write_text("\n".join(lines) + "\n")


def test_picture(width, height):
    """The picture that test-lanczos.c makes too: noise, hard edges and slopes."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.uint64)
    mixed = (x * np.uint64(2654435761) + y * np.uint64(40503) + c * np.uint64(974711)) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(15)
    mixed = (mixed * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    noise = (mixed >> np.uint64(13)) & np.uint64(255)
    slope = (x * np.uint64(5) + y * np.uint64(3) + c * np.uint64(60)) & np.uint64(255)
    edge = (((x // np.uint64(7) + y // np.uint64(5) + c) & np.uint64(1)) * np.uint64(255))
    kind = (x // np.uint64(16) + y // np.uint64(16)) % np.uint64(3)
    return np.where(kind == 0, noise, np.where(kind == 1, slope, edge)).astype(np.uint8)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def write_lanczos():
    lines = [f"# Pillow {PIL.__version__} Image.resize (LANCZOS) of test_picture: source w h, target w h, FNV-1a of the bytes"]
    rng = random.Random(3)
    cases = [(64, 64, 64, 64), (64, 48, 64, 32), (64, 48, 32, 48), (1, 1, 5, 7), (5, 7, 1, 1), (3, 200, 200, 3),
             (2, 2, 16, 16), (500, 16, 16, 16), (16, 500, 16, 16), (300, 200, 256, 256), (97, 131, 96, 128),
             (96, 128, 97, 131), (1000, 20, 40, 20), (20, 1000, 20, 40), (3000, 40, 160, 16), (40, 3000, 16, 160),
             (640, 427, 304, 208), (640, 427, 1248, 832), (33, 17, 672, 48), (1, 300, 64, 64), (300, 1, 64, 64)]
    # Around the border where Pillow changes the order of its passes, then anything.
    cases += [(150, 140, 150 - k, 140 - 2 * k + e) for k in (1, 7, 30) for e in (-1, 0, 1)]
    cases += [tuple(rng.randint(1, 160) for _ in range(4)) for _ in range(120)]
    for sw, sh, dw, dh in cases:
        picture = Image.fromarray(test_picture(sw, sh)).resize((dw, dh), Image.Resampling.LANCZOS)
        lines.append(f"{sw} {sh} {dw} {dh} {fnv1a(picture.tobytes()):016x}")
    (OUT / "lanczos.txt").write_text("\n".join(lines) + "\n")


def kontext_size(width, height):
    """The size that FluxKontextPipeline.__call__ chooses with _auto_resize."""
    width, height = max(width // 16 * 16, 16), max(height // 16 * 16, 16)
    aspect = width / height
    _, w, h = min((abs(aspect - w / h), w, h) for w, h in kontext.PREFERRED_KONTEXT_RESOLUTIONS)
    return w, h


def working_size(pixels, width, height, cache={}):
    """The rule for a manifest's working_pixels, written down independently of the engine."""
    if pixels not in cache:
        sides = range(16, 8193, 16)
        every = [(w, h) for w in sides for h in sides if w * h <= pixels * 2 + 65536]
        near = [s for s in every if abs(s[0] * s[1] - pixels) * 8 <= pixels]
        if not near:
            best = min(abs(w * h - pixels) for w, h in every)
            near = [(w, h) for w, h in every if abs(w * h - pixels) == best]
        cache[pixels] = near
    aspect = width / height
    return min(cache[pixels], key=lambda s: (abs(aspect - s[0] / s[1]), abs(s[0] * s[1] - pixels), s[0]))


def write_sizes():
    lines = ["# preferred sizes: working_pixels, source w h, chosen w h (working_pixels 0: FluxKontextPipeline's)"]
    rng = random.Random(4)
    sources = [(1024, 1024), (16, 16), (17, 31), (30000, 16), (16, 30000), (1, 1), (640, 480), (480, 640),
               (4032, 3024), (6000, 4000), (451, 300), (1568, 672), (1000, 1001)]
    sources += [(rng.randint(1, 5000), rng.randint(1, 5000)) for _ in range(150)]
    # Half way between two neighbouring sizes, as near as whole pixels come: where ties would be.
    sizes = kontext.PREFERRED_KONTEXT_RESOLUTIONS
    for (a, b), (c, d) in zip(sizes, sizes[1:]):
        aspect = (a / b + c / d) / 2
        sources += [(round(aspect * h) // 16 * 16, h) for h in (1600, 3200, 8000)]
    for width, height in sources:
        lines.append("0 %d %d %d %d" % (width, height, *kontext_size(width, height)))
    for pixels in (65536, 256, 300, 147456, 1 << 20, 4096):
        for width, height in sources[:60]:
            lines.append("%d %d %d %d %d" % (pixels, width, height, *working_size(pixels, width, height)))
    (OUT / "sizes.txt").write_text("\n".join(lines) + "\n")


def pipeline_sigmas(config, tokens, steps):
    """Section 5 of FluxKontextPipeline.__call__."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "scheduler_config.json")
        path.write_text(json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler", **config}))
        scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder)
    sigmas = np.linspace(1.0, 1 / steps, steps)
    mu = kontext.calculate_shift(tokens, scheduler.config.get("base_image_seq_len", 256),
                                 scheduler.config.get("max_image_seq_len", 4096),
                                 scheduler.config.get("base_shift", 0.5), scheduler.config.get("max_shift", 1.15))
    kontext.retrieve_timesteps(scheduler, steps, "cpu", sigmas=sigmas, mu=mu)
    return scheduler.sigmas, scheduler.timesteps / 1000


def write_sigmas():
    lines = ["# the pipeline's sigmas: a config in JSON, then lines of tokens, steps, first timestep / 1000, sigmas"]
    flux = {"base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 4096, "max_shift": 1.15,
            "num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": True}
    configs = [flux, {}, {"use_dynamic_shifting": True}, {"shift": 3}, {"shift": 0.4, "shift_terminal": 0.1},
               {**flux, "base_shift": 0.3, "max_shift": 2.0, "max_image_seq_len": 1024},
               {**flux, "time_shift_type": "linear"}, {**flux, "shift_terminal": 0.02},
               {**flux, "use_karras_sigmas": True}, {**flux, "use_exponential_sigmas": True},
               {**flux, "invert_sigmas": True}, {**flux, "num_train_timesteps": 500}, {**flux, "shift_terminal": None}]
    for number, config in enumerate(configs):
        lines.append(json.dumps(config))
        every = list(range(1, 101)) if number == 0 else [1, 2, 4, 7, 28, 50, 100]
        for steps in every:
            for tokens in ((256, 4096) if number == 0 and steps > 30 else (16, 256, 777, 4096, 8160)):
                if config.get("shift_terminal") and steps == 1:
                    continue  # 0 / 0 in the reference
                if number == 0 and steps > 30 and tokens == 256 and steps % 2:
                    continue
                sigmas, timesteps = pipeline_sigmas(config, tokens, steps)
                values = " ".join(f"{v:.9g}" for v in sigmas.tolist())
                lines.append(f"{tokens} {steps} {timesteps[0].item():.9g} {values}")
    (OUT / "sigmas.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    write_randn()
    write_lanczos()
    write_sizes()
    write_sigmas()
