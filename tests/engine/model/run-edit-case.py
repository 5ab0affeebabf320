#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs one recorded edit and compares every tensor with the reference's. Prints TAP.

    run-edit-case.py (--cli PROGRAM | --engine PROGRAM) --compare PROGRAM --models FOLDER [--variant NAME]
                     [--device NAME] [--vram GIB] [--dtype NAME] [--same-as GIB] [--notice WORDS] CASE-FOLDER

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


def run_edit(tap, options, case, model, dtype, scratch, vram=None, name=None):
    """True when the edit succeeded and left its dump."""
    dump = scratch / f"{name or dtype}.safetensors"
    arguments = [argument.replace("{data}", str(TESTS / "data")) for argument in case["arguments"]]
    arguments += [*model, "--dtype", dtype, "--device", options.device, "--dump", str(dump)]
    arguments += ["--vram", vram] if vram else []
    if options.cli:
        worked, text = run_cli(options.cli, arguments, scratch / f"{dtype}.png")
    else:
        worked, text = worker_edit.edit(options.engine, arguments, scratch, options.notice)
    ok = worked and dump.exists()
    limit = f" in {vram} GiB" if vram else ""
    tap.report(ok, f"{options.case.name} {dtype}: edit{limit}" + ("" if ok else f" ({text})"))
    return ok


def compare(tap, options, dtype, scratch):
    case = {"bf16_psnr": 35, **json.loads((options.case / "case.json").read_text())}
    if dtype == "fp8":
        case["bf16_psnr"] = 33
    (scratch / "case.json").write_text(json.dumps(case))
    command = [options.compare, str(scratch / f"{dtype}.safetensors"), str(options.case / "case.safetensors"),
               str(scratch / "case.json")] + (["bf16"] if dtype != "f32" else [])
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
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--vram")
    parser.add_argument("--dtype", choices=["f32", "bf16", "fp8"])
    parser.add_argument("--same-as", metavar="GIB")
    parser.add_argument("--notice", metavar="WORDS", help="which the edit is to say")
    parser.add_argument("case", type=pathlib.Path)
    options = parser.parse_args()
    os.environ.pop("ESPALIER_MODEL", None)
    case = json.loads((options.case / "case.json").read_text())
    folder = find_model(case, options.models)
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        if options.device != "cpu":  # what the processor once encoded is not to be taken for the card's work
            os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        model = name_model(*(make_variants.make(options.variant, folder, scratch) if options.variant else (folder, {})))
        for dtype in [options.dtype] if options.dtype else ["f32"] + (["bf16"] if "bf16_psnr" in case else []):
            if not run_edit(tap, options, case, model, dtype, scratch, options.vram):
                continue
            compare(tap, options, dtype, scratch)
            if options.same_as and run_edit(tap, options, case, model, dtype, scratch, options.same_as, "other"):
                same = (scratch / "other.safetensors").read_bytes() == (scratch / f"{dtype}.safetensors").read_bytes()
                tap.report(same, f"{options.case.name} {dtype}: the same bytes in {options.same_as} GiB")
    print(f"1..{tap.count}")
    return tap.failures != 0


if __name__ == "__main__":
    sys.exit(main())
