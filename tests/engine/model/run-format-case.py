#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Edits with the model "files" in the given number formats against diffusers' with the same numbers. Prints TAP.

    run-format-case.py --engine PROGRAM --models FOLDER [--device NAME] FORMAT…

In f32, and in bf16 on each level of instructions that this machine runs; on a graphics card in bf16. The formats are those of
make_formats.py; tests/data/edits/formats.safetensors has what diffusers makes of them (tools/reference/model-formats.py).
"""

import argparse
import json
import math
import os
import pathlib
import struct
import sys
import tempfile

import make_model
import make_variants
import worker_edit

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
CASE = DATA / "edits" / "cases" / "files-one-step" / "case.json"
LIMITS = {"f32": {"velocity_0": 1e-4, "latents": 1e-4},  # diffusers' own sums differ by 1e-5
          "bf16": {"velocity_0": 1e-2}}
LEVELS = [None, "avx512", "avx512bf16", "avx2", "baseline"]  # of $ESPALIER_CPU_LEVEL; None is the best
MISSING = "cannot run the"  # of the message where the processor has no such level


def numbers(tensor):
    assert tensor[0] == "F32", tensor[0]
    return struct.unpack(f"<{len(tensor[2]) // 4}f", tensor[2])


def distance(found, wanted):
    """Relative L2 distance."""
    found, wanted = numbers(found), numbers(wanted)
    if len(found) != len(wanted):
        return math.inf
    return math.dist(found, wanted) / math.hypot(*wanted)


def check(engine, arguments, dtype, level, golden, scratch):
    """Returns (good, text for people); None where this machine has no such level."""
    os.environ.pop("ESPALIER_CPU_LEVEL", None)
    if level:
        os.environ["ESPALIER_CPU_LEVEL"] = level
    os.environ["ESPALIER_CACHE_DIR"] = str(scratch / f"cache-{level}")  # what one level keeps is not another's
    dump = scratch / "dump"
    worked, text = worker_edit.edit(engine, [*arguments, "--dtype", dtype, "--dump", str(dump)], scratch)
    if not worked:
        return None if level and MISSING in text else (False, text)
    found = make_variants.read_safetensors(dump)
    far = {key: distance(found[key], golden[key]) for key in LIMITS[dtype]}
    text = ", ".join(f"{key} {value:.1e}" for key, value in far.items())
    return all(far[key] <= limit for key, limit in LIMITS[dtype].items()), f"{dtype} {level or 'best'}: {text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("formats", nargs="+")
    options = parser.parse_args()
    case = json.loads(CASE.read_text())
    folder = make_model.make(case["model"], options.models)
    golden = make_variants.read_safetensors(DATA / "edits" / "formats.safetensors")
    failures = 0
    print(f"1..{len(options.formats)}", flush=True)
    for number, name in enumerate(options.formats, 1):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            model, _ = make_variants.make(f"format-{name}", folder, scratch)
            arguments = [word.replace("{data}", str(DATA)) for word in case["arguments"]]
            arguments += ["--model", model, "--device", options.device]
            wanted = {key: golden[f"{name}.{key}"] for key in ("velocity_0", "latents")}
            levels = LEVELS if options.device == "cpu" else [None]
            runs = ([("f32", None)] if options.device == "cpu" else []) + [("bf16", level) for level in levels]
            results = [check(options.engine, arguments, dtype, level, wanted, scratch) for dtype, level in runs]
        results = [result for result in results if result is not None]
        good = all(result[0] for result in results)
        failures += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}: {'; '.join(text for _, text in results)}", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
