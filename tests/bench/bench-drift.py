#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How well untouched pixels stay untouched (docs/drift.md).

    bench-drift.py --build FOLDER [--part PART]... [--cases N] [--first N] [--report FILE] [--plots FOLDER]

Parts (all of them without --part):

    cases    edits whose truth is known (drift_cases.py): recall of the mask, unchanged pixels touched, errors of
             shift and scale
    chain    ten turns in a row, by a synthetic model that drifts, and by the demo model: with and without what
             keeps untouched pixels, and with latent carry alone
    global   the demo model's instructions on several photos: is an edit of the whole picture told from others?
    large    24 megapixels: seconds and memory

Needs numpy, scipy, Pillow and scikit-image. Nothing here is a test: it prints figures, and "misses" beside those
that are not as docs/drift.md promises.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image

import bench_plot
import drift_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "models" / "demo"
# Of the demo model's instructions, those that leave most of the picture as it is.
LOCAL = {"Add a white frame", "Keep the photo the same"}
CHANGED = 4  # levels: from here on an edit is seen on plain areas
TURNS = 10


def run(arguments, **more):
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{arguments[0]} {arguments[1]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def load(path):
    return numpy.asarray(Image.open(path).convert("RGB"))


def compose(cli, folder, source, result):
    """(report, picture, mask) of `espalier-cli compose`."""
    out, mask = folder / "out.png", folder / "mask.png"
    report = json.loads(run([cli, "compose", source, result, "-o", out, "--mask-out", mask, "--json"]))
    return report, load(out), numpy.asarray(Image.open(mask).convert("L"))


def psnr(a, b, where=None):
    error = (a.astype(numpy.float64) - b.astype(numpy.float64)) ** 2
    mean = error[where].mean() if where is not None else error.mean()
    return float("inf") if mean == 0 else 10 * numpy.log10(255 ** 2 / mean)


# --- Cases ----------------------------------------------------------------------------------------

def judge(cli, index):
    case = drift_cases.make(index)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        report, out, mask = compose(cli, folder, *drift_cases.save(case, folder))
    difference = case.difference
    changed, same = difference >= CHANGED, difference == 0
    exact = numpy.array_equal(mask > 0, (out != case.source).any(-1))
    corner = max(case.source.shape[:2]) / 2
    return {
        "index": index, "photo": case.photo, "edit": case.edit, "codec": case.codec, "noise": case.noise,
        "global": report["global"], "exact": exact,
        "recall": float((mask[changed] > 0).mean()) if changed.any() else 1.0,
        "touched": float((mask[same] > 0).mean()) if same.any() else 0.0,
        "shift_error": float(numpy.hypot(report["shift"][0] - case.shift[0], report["shift"][1] - case.shift[1])),
        "corner_error": abs(report["scale"] - case.scale) * corner,
    }


def misses(row):
    return (row["recall"] < 0.99 or row["touched"] > 0.03 or row["shift_error"] > 0.1 or row["global"]
            or not row["exact"])


def part_cases(options, _folder):
    indices = range(options.first, options.first + options.cases)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(lambda index: judge(options.cli, index), indices))
    by_edit = collections.defaultdict(list)
    for row in rows:
        by_edit[row["edit"]].append(row)
    print(f"\n{len(rows)} cases: changed pixels found (≥ 99 %), unchanged ones touched (≤ 3 %), "
          "error of the shift (≤ 0.1 px)")
    print(f"{'edit':12} {'n':>4} {'good':>5} {'recall, mean':>13} {'least':>7} {'touched, mean':>14} {'most':>7} "
          f"{'shift, most':>12}")
    for edit, group in [*sorted(by_edit.items()), ("all", rows)]:
        recalls, touched = [row["recall"] for row in group], [row["touched"] for row in group]
        print(f"{edit:12} {len(group):4} {sum(not misses(row) for row in group):5} {numpy.mean(recalls):13.4f} "
              f"{min(recalls):7.4f} {numpy.mean(touched):14.4f} {max(touched):7.4f} "
              f"{max(row['shift_error'] for row in group):9.3f} px")
    for row in filter(misses, rows):
        print(f"  misses: {row['index']:4} {row['photo']:22} {row['edit']:11} {row['codec']:8} recall {row['recall']:.4f} "
              f"touched {row['touched']:.4f} shift {row['shift_error']:.3f} px"
              f"{' taken for global' if row['global'] else ''}{'' if row['exact'] else ' mask is not where it differs'}")
    return rows


# --- Ten turns ------------------------------------------------------------------------------------

def drifting_model(picture, turn):
    """What a model that edits by instruction does to a picture: the edit, and what was not asked for."""
    rng = numpy.random.default_rng(1000 + turn)
    edit = ("disc", "recolour", "text", "texture", "line")[turn % 5]
    edited = numpy.clip(drift_cases.apply_edit(picture.astype(numpy.float32), edit, rng), 0, 255)
    moved = drift_cases.warp(edited, tuple(rng.uniform(-1.5, 1.5, 2)), rng.uniform(0.997, 1.003))
    return drift_cases.degrade(moved, rng, rng.uniform(0.985, 1.015), rng.uniform(-2, 2, 3), 1.0, "JPEG", 90)


def synthetic_chain(cli, folder):
    original = drift_cases.load_photo(drift_cases.photo_paths()["astronaut.png"], 768).astype(numpy.uint8)
    plain, kept, union, curves = original, original, numpy.zeros(original.shape[:2], bool), ([], [])
    exact = True
    for turn in range(TURNS):
        plain = drifting_model(plain, turn)
        for name, picture in (("s.png", kept), ("r.png", drifting_model(kept, turn))):
            Image.fromarray(picture).save(folder / name)
        _, kept, mask = compose(cli, folder, folder / "s.png", folder / "r.png")
        union |= mask > 0
        exact = exact and numpy.array_equal(kept[~union], original[~union])
        curves[0].append((turn + 1, psnr(plain, original, ~union)))
        curves[1].append((turn + 1, psnr(kept, original, ~union)))
    return curves, float(union.mean()), exact


def demo_chain(options, folder):
    """Ten turns of an instruction that asks for no change: whatever changes is drift."""
    photo = ROOT / "data" / "photos" / "cat.png"
    original, curves = load(photo), {}
    for name, settings in (("as it comes", ["--keep-untouched", "off", "--set", "latent_carry=false"]),
                           ("untouched pixels kept", ["--keep-untouched", "auto"]),
                           ("latent carry alone", ["--keep-untouched", "off", "--set", "latent_carry=true"])):
        document = folder / f"{name}.espalier"
        run([options.cli, "new", document, photo])
        points = []
        for turn in range(TURNS):
            run([options.cli, "run", document, "-p", "Keep the photo the same", "--model", DEMO, "--seed", turn,
                 "--quiet", *settings])
            out = folder / "turn.png"
            run([options.cli, "export", document, "-o", out, "--quiet"])
            points.append((turn + 1, psnr(load(out), original)))
        curves[name] = points
    return curves


def print_curves(title, curves):
    print(f"\n{title}")
    for name, points in curves.items():
        print(f"  {name:24} " + " ".join("  exact" if y == float("inf") else f"{y:7.2f}" for _, y in points))


def part_chain(options, folder):
    (plain, kept), share, exact = synthetic_chain(options.cli, folder)
    curves = {"as it comes": plain, "untouched pixels kept": kept}
    print_curves("Ten turns of a model that drifts: PSNR to the original outside of all masks, dB", curves)
    print(f"  all masks together: {share:.0%} of the picture; outside of them every pixel "
          f"{'is the original’s' if exact else 'IS NOT the original’s'}")
    demo = demo_chain(options, folder)
    print_curves("Ten turns of the demo model, “Keep the photo the same”: PSNR to the original, dB", demo)
    if options.plots:
        for name, title, these in (("drift-chain", "Ten edits, one after another", curves),
                                   ("drift-demo", "Ten turns of the demo model that ask for no change", demo)):
            bench_plot.line_chart(options.plots / f"{name}.svg", title, "turn", "PSNR to the original, dB", these, 60)
    return {"synthetic": {name: [y for _, y in points] for name, points in curves.items()},
            "exact": exact, "masked": share,
            "demo": {name: [y for _, y in points] for name, points in demo.items()}}


# --- The whole picture ----------------------------------------------------------------------------

def part_global(options, folder):
    instructions = json.loads((DEMO / "espalier.json").read_text(encoding="utf-8"))["instructions"]
    paths = drift_cases.photo_paths()
    rows = []
    for name in ("cat.png", "coffee.png", "astronaut.png", "chelsea.png"):
        photo = paths[name]
        for instruction in instructions:
            result = folder / "result.png"
            run([options.cli, "edit", "--model", DEMO, "--prompt", instruction, "--seed", "1", "-o", result, "--quiet",
                 photo])
            report, _, mask = compose(options.cli, folder, photo, result)
            rows.append({"photo": name, "instruction": instruction, "global": report["global"],
                         "wanted": instruction not in LOCAL, "masked": float((mask > 0).mean())})
    wanted = [row for row in rows if row["wanted"]]
    print(f"\nEdits of the whole picture told as such: {sum(row['global'] for row in wanted)} of {len(wanted)} "
          f"({sum(row['global'] for row in wanted) / len(wanted):.1%}); others taken for one: "
          f"{sum(row['global'] for row in rows if not row['wanted'])} of {len(rows) - len(wanted)}")
    for row in rows:
        if row["global"] != row["wanted"]:
            print(f"  misses: {row['photo']:14} {row['instruction']} (changed {row['masked']:.0%})")
    return rows


# --- A large photo --------------------------------------------------------------------------------

# Linux counts what a process held before it became another program as that program's own: started from here it would
# be charged with the photos in this one. So a small process starts it, and tells what it took.
STARTER = """
import os, sys, time
begin = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(status, time.monotonic() - begin, usage.ru_maxrss * 1024, file=sys.stderr)
"""


def measured(arguments):
    """(what it printed, seconds by the clock, the most bytes it held) of a process."""
    run = subprocess.run([sys.executable, "-c", STARTER, *map(str, arguments)], capture_output=True, text=True, check=True)
    status, seconds, memory = run.stderr.split()[-3:]
    if int(status):
        sys.exit(f"{arguments[0]} {arguments[1]} failed: {run.stderr}")
    return json.loads(run.stdout), float(seconds), int(memory)


def part_large(options, folder):
    small = drift_cases.load_photo(drift_cases.photo_paths()["coffee.png"], 768)
    rng = numpy.random.default_rng(1)
    photo = numpy.asarray(Image.fromarray(small.astype(numpy.uint8)).resize((6000, 4000), Image.BICUBIC)).astype(numpy.float32)
    photo = numpy.clip(photo + rng.normal(0, 3, photo.shape[:2])[..., None], 0, 255)
    Image.fromarray(photo.astype(numpy.uint8)).save(folder / "large.jpg", quality=95)
    source = load(folder / "large.jpg")
    print("\n24 megapixels: register, find what changed, compose")
    rows = []
    for size in ((1248, 832), (6000, 4000)):
        working = numpy.asarray(Image.fromarray(source).resize(size, Image.LANCZOS)).astype(numpy.float32)
        edited = drift_cases.apply_edit(working, "disc", numpy.random.default_rng(2))
        result = drift_cases.degrade(drift_cases.warp(edited, (1.5, -1.0), 1.002), rng, 1.01, numpy.array([1.0, 0, -1]), 1.0,
                                     "", 0)
        Image.fromarray(result).save(folder / "result.png", compress_level=1)
        report, seconds, memory = measured([options.cli, "compose", folder / "large.jpg", folder / "result.png", "-o",
                                            folder / "out.png", "--mask-out", folder / "mask.png", "--json"])
        rows.append({"result": size, "seconds": report.get("seconds"), "process": seconds, "memory": memory,
                     "changed": report["changed_fraction"]})
        print(f"  result {size[0]:4} × {size[1]:4}: {report.get('seconds')} s by its own clock, {seconds:.1f} s with decoding and "
              f"saving, {memory / 1e6:.0f} MB at most")
    return rows


PARTS = {"cases": part_cases, "chain": part_chain, "global": part_global, "large": part_large}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--cases", type=int, default=2 * len(drift_cases.EDITS) * len(drift_cases.photo_paths()))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--plots", type=pathlib.Path)
    options = parser.parse_args()
    options.cli = options.build.resolve() / "src" / "cli" / "espalier-cli"
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in options.part or PARTS:
            report[part] = PARTS[part](options, pathlib.Path(folder))
    if options.report:
        options.report.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
