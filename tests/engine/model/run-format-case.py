#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Edits with the model "files" in the given number formats against diffusers' with the same numbers. Prints TAP.

    run-format-case.py --engine PROGRAM --models FOLDER FORMAT…

The formats are those of make_formats.py; tests/data/edits/formats.safetensors has what diffusers makes of them
(tools/reference/model-formats.py).
"""

import argparse
import json
import math
import pathlib
import struct
import sys
import tempfile

import make_model
import make_variants
import worker_edit

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
CASE = DATA / "edits" / "cases" / "files-one-step" / "case.json"
LIMIT = 1e-4  # in f32; diffusers' own sums differ by 1e-5


def numbers(tensor):
    assert tensor[0] == "F32", tensor[0]
    return struct.unpack(f"<{len(tensor[2]) // 4}f", tensor[2])


def distance(found, wanted):
    """Relative L2 distance."""
    found, wanted = numbers(found), numbers(wanted)
    if len(found) != len(wanted):
        return math.inf
    return math.dist(found, wanted) / math.hypot(*wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--models", required=True)
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
            arguments += ["--model", model, "--dtype", "f32", "--device", "cpu", "--dump", str(scratch / "dump")]
            ok, text = worker_edit.edit(options.engine, arguments, scratch)
            if ok:
                found = make_variants.read_safetensors(scratch / "dump")
                far = [distance(found[key], golden[f"{name}.{key}"]) for key in ("velocity_0", "latents")]
                ok, text = max(far) <= LIMIT, "rel. L2 of velocity %.1e, latents %.1e" % tuple(far)
        failures += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {name}: {text}", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
