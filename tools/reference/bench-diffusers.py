#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other half of tests/bench/bench-edit.py: the same edit with diffusers, timed.

Run with a python3 that has diffusers installed:

    bench-diffusers.py MODEL PHOTO OUTPUT float32|bfloat16 THREADS SIZE STEPS WARM-EDITS [T5-TOKENS]

Prints {"event": "saved"} when the first edit lies in OUTPUT (the caller times that from the start
of the process), then {"event": "warm", …} for every further edit: its seconds as `edit`, those of a
step as `step` (`step_processor`: the processor's), of the autoencoder as `encode` and `decode`.
"""

import json
import sys
import time

import torch
from PIL import Image

from diffusers import FluxKontextPipeline


def main():
    model, photo, output, dtype, threads, size, steps, warm_edits, *tokens = sys.argv[1:]
    size, steps = int(size), int(steps)
    torch.set_num_threads(int(threads))
    pipe = FluxKontextPipeline.from_pretrained(model, torch_dtype=getattr(torch, dtype))
    pipe.set_progress_bar_config(disable=True)
    picture = Image.open(photo).convert("RGB")
    ends = []

    def step_ended(_pipe, _step, _timestep, tensors):
        ends.append((time.perf_counter(), time.process_time()))
        return tensors

    parts = {}

    def timed(name, function):
        def run(*arguments, **keywords):
            begin = time.perf_counter()
            result = function(*arguments, **keywords)
            parts[name] = time.perf_counter() - begin
            return result
        return run

    pipe.vae.encode, pipe.vae.decode = timed("encode", pipe.vae.encode), timed("decode", pipe.vae.decode)

    def edit():
        ends.clear()
        begin = time.perf_counter()
        result = pipe(image=picture, prompt="Make it look like golden hour", height=size, width=size,
                      max_area=size * size, _auto_resize=False, num_inference_steps=steps, guidance_scale=2.5,
                      max_sequence_length=int(tokens[0]) if tokens else 64, generator=torch.Generator("cpu").manual_seed(1),
                      callback_on_step_end=step_ended).images[0]
        return result, time.perf_counter() - begin

    edit()[0].save(output)
    print(json.dumps({"event": "saved"}), flush=True)
    for _ in range(int(warm_edits)):
        seconds = edit()[1]
        step, processor = ((last - first) / (len(ends) - 1) for first, last in zip(ends[0], ends[-1]))
        print(json.dumps({"event": "warm", "step": step, "step_processor": processor, "edit": seconds, **parts}),
              flush=True)


if __name__ == "__main__":
    main()
