# SPDX-License-Identifier: CC0-1.0
"""Golden values for other implementations of the pipeline: diffusers, float32,
fixed seeds, 256 x 256, 8 steps.

    python golden.py --model model --out golden
"""
import argparse
import json
import os

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import data
from evaluate import load

CASES = [  # photo, prompt, guidance, seed
    ("astronaut.png", "Make the photo black and white", 2.5, 1),
    ("chelsea.png", "please make it look like golden hour, and add a white frame", 2.5, 2),
    ("coffee.png", "Let it snow!", 3.5, 3),
]
STEPS, LENGTH, SIZE = 8, 64, 256


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="model")
    ap.add_argument("--out", default="golden")
    a = ap.parse_args()
    torch.set_num_threads(1)
    os.makedirs(a.out, exist_ok=True)
    pipe = load(a.model)
    index = []
    for i, (photo, prompt, g, seed) in enumerate(CASES):
        src = f"input-{photo}"
        Image.fromarray((data.held_out_image(photo, SIZE) * 255 + .5).astype(np.uint8)).save(f"{a.out}/{src}", optimize=True)
        img = Image.open(f"{a.out}/{src}").convert("RGB")
        calls, steps = [], []
        inner = pipe.transformer.forward

        def spy(**kw):
            out = inner(**kw)
            calls.append((kw, out))
            return out
        pipe.transformer.forward = spy

        def on_step(p, n, t, kw):
            steps.append(kw["latents"].clone())
            return kw
        with torch.no_grad():
            y = pipe(image=img, prompt=prompt, height=SIZE, width=SIZE, max_area=SIZE * SIZE, _auto_resize=False,
                     num_inference_steps=STEPS, guidance_scale=g, max_sequence_length=LENGTH, output_type="pt",
                     generator=torch.Generator().manual_seed(seed), callback_on_step_end=on_step).images
        pipe.transformer.forward = inner
        kw, out = calls[0]
        n = kw["hidden_states"].shape[1] // 2
        ci = pipe.tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        ti = pipe.tokenizer_2(prompt, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt").input_ids
        t = {
            "clip_ids": ci.int(), "t5_ids": ti.int(),
            "clip_pooled": kw["pooled_projections"], "t5_sequence": kw["encoder_hidden_states"],
            "noise": kw["hidden_states"][:, :n], "reference_latents": kw["hidden_states"][:, n:],
            "img_ids": kw["img_ids"], "txt_ids": kw["txt_ids"],
            "sigmas": pipe.scheduler.sigmas.float(), "timesteps": torch.stack([c[0]["timestep"][0] for c in calls]),
            "guidance": kw["guidance"], "first_step_output": out[0],
            "latents_per_step": torch.cat(steps), "final_latents": steps[-1],
            "decoded": y.half(),
        }
        save_file({k: v.contiguous() for k, v in t.items()}, f"{a.out}/case{i + 1}.safetensors")
        Image.fromarray((y[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)).save(f"{a.out}/case{i + 1}.png", optimize=True)
        index.append({"case": i + 1, "input": src, "prompt": prompt, "guidance": g, "seed": seed, "steps": STEPS,
                      "width": SIZE, "height": SIZE, "max_sequence_length": LENGTH, "tensors": f"case{i + 1}.safetensors",
                      "output": f"case{i + 1}.png", "shapes": {k: list(v.shape) for k, v in t.items()}})
        print(prompt, {k: tuple(v.shape) for k, v in t.items()})
    json.dump({"note": "all tensors float32 (decoded: float16, 0..1); packed latents are (1, tokens, 64); "
               "timesteps are what the transformer receives (sigma); img_ids: target tokens, then reference tokens",
               "cases": index}, open(f"{a.out}/index.json", "w"), indent=1)


if __name__ == "__main__":
    main()
