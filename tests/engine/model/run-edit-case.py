#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs one recorded edit and compares every tensor with the reference's. Prints TAP.

    run-edit-case.py (--cli PROGRAM | --engine PROGRAM) --compare PROGRAM --models FOLDER [--variant NAME] CASE-FOLDER

The edit goes through espalier-cli, or straight through the worker espalier-engine; random-weight
models are made in FOLDER on demand. A case whose case.json has "bf16_psnr" runs a second time with
--dtype bf16 and compares the image. With --variant the model is one of make_variants.py.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import make_model
import make_variants
import worker_edit

TESTS = pathlib.Path(__file__).resolve().parents[2]
ROOT = TESTS.parent


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def report(self, ok, text):
        self.count += 1
        self.failures += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {text}", flush=True)


def find_model(case, models):
    if case["model"] == "demo":
        return ROOT / "data" / "models" / "demo"
    folder = make_model.make(case["model"], models)
    if make_model.digest(folder) != case["model_sha256"]:
        sys.exit(f"{folder}: the made weights are not those of the reference; remove the folder or make it anew")
    return folder


def run_cli(cli, arguments, output):
    """Returns (worked, text for people), as worker_edit.edit does."""
    command = [cli, "edit", *arguments, "-o", str(output), "--quiet"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode == 0 and output.exists(), done.stderr.strip() or f"exit status {done.returncode}"


def name_model(model, components):
    """As options of the command line."""
    return ((["--model", str(model)] if model else [])
            + [word for name, path in components.items() for word in ("--component", f"{name}={path}")])


def run_edit(tap, options, case, model, dtype, scratch):
    """True when the edit succeeded and left its dump."""
    dump = scratch / f"{dtype}.safetensors"
    arguments = [argument.replace("{data}", str(TESTS / "data")) for argument in case["arguments"]]
    arguments += [*model, "--dtype", dtype, "--device", "cpu", "--dump", str(dump)]
    if options.cli:
        worked, text = run_cli(options.cli, arguments, scratch / f"{dtype}.png")
    else:
        worked, text = worker_edit.edit(options.engine, arguments, scratch)
    ok = worked and dump.exists()
    tap.report(ok, f"{options.case.name} {dtype}: edit" + ("" if ok else f" ({text})"))
    return ok


def compare(tap, options, dtype, scratch):
    command = [options.compare, str(scratch / f"{dtype}.safetensors"), str(options.case / "case.safetensors"),
               str(options.case / "case.json")] + (["bf16"] if dtype == "bf16" else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        result, _, text = line.partition(" - ")
        tap.report(result == "ok", f"{options.case.name} {dtype}: {text}")
    if done.returncode not in (0, 1) or not done.stdout:
        tap.report(False, f"{options.case.name} {dtype}: comparison ({done.stderr.strip()})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--cli")
    way.add_argument("--engine")
    parser.add_argument("--compare", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--variant")
    parser.add_argument("case", type=pathlib.Path)
    options = parser.parse_args()
    os.environ.pop("ESPALIER_MODEL", None)
    case = json.loads((options.case / "case.json").read_text())
    folder = find_model(case, options.models)
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        model = name_model(*(make_variants.make(options.variant, folder, scratch) if options.variant else (folder, {})))
        for dtype in ["f32"] + (["bf16"] if "bf16_psnr" in case else []):
            if run_edit(tap, options, case, model, dtype, scratch):
                compare(tap, options, dtype, scratch)
    print(f"1..{tap.count}")
    return tap.failures != 0


if __name__ == "__main__":
    sys.exit(main())
