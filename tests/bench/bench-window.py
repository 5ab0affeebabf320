#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times the window: its start, a large document in it, many turns, and sweeps.

    bench-window.py --build FOLDER [--starts N] [--nodes N] [--megabytes N] [--turns N] [--cells N] [PART…]

PART is start, document, turns, mask or sweep; all by default. It runs on a screen of its own
(tests/app/with-display.sh), drawn by the processor.

    start      from starting the process to its first frame, warm, beside an empty window of the
               toolkit, which nothing made with it can beat; they take turns
    document   a document of many nodes and gigabytes in the real window: opening, scrolling,
               zooming, find, deleting a thousand nodes and undoing that, a photo of 24 megapixels,
               publishing the file. "gap" is the longest time for which the main loop answered
               nothing, "work" the part of it that the processor was at work for it: on a busy
               machine only the latter tells something
    turns      with the demo model, one step each, and the memory on the way
    mask       painting on the mask of a photo of 24 megapixels, seen whole and in its full size
    sweep      N × N cells with a backend that has its pictures at once: while they are made, then
               scrolling and zooming the grid

Beside each number stands what is aimed at.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_DISPLAY = ROOT / "tests" / "app" / "with-display.sh"
INSIDE = "ESPALIER_BENCH_INSIDE"  # set where there is a screen already

FRAME = 1000 / 60
AIMS = {
    "start": 500,
    "open.read": 300,
    "open.frame": 300,
    **{name + ".frame.median": FRAME
       for name in ("pan", "scroll", "scroll-thumbnails", "scroll-dots", "zoom")},
    **{name + ".work": FRAME
       for name in ("pan", "scroll", "scroll-thumbnails", "scroll-dots", "zoom", "add-turn", "finish-turn",
                    "import", "publish", "delete", "undo")},
    "run.frame.worst": 50,
    **{f"mask.{name}.frame.95%": FRAME * 1.5 for name in ("fit", "full-size")},
    **{f"mask.{name}.work": FRAME for name in ("fit", "full-size")},
    **{f"mask.{name}.seen": 200 for name in ("fit", "full-size")},
    "scroll-small.frame.median": FRAME,
    "scroll-small.work": FRAME,
}
UNITS = {"memory": "MB", "textures": "MB", "cards": "", "n": "", "nodes": ""}


def show(name, value):
    unit = next((UNITS[part] for part in name.split(".") if part in UNITS), "ms")
    aim = AIMS.get(name)
    note = "" if aim is None else f"   aim: below {aim:.0f} {unit}" + ("" if value < aim else ", MISSED")
    print(f"  {name:34} {value:10.1f} {unit:2}{note}", flush=True)


def first_frame(command, word):
    """Milliseconds until the command says the word; then it is ended."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=os.environ | {"ESPALIER_PRINT_FIRST_FRAME": "1"}) as process:
        line = process.stdout.readline()
        took = (time.monotonic() - start) * 1000
        process.terminate()
        process.stdout.read()
    if word not in line:
        sys.exit(f"bench-window.py: {command[0]} did not come up")
    return took


def bench_start(options, bench):
    empty, ours = [], []
    for i in range(options.starts + 1):
        times = (first_frame([bench, "empty"], "first frame"),
                 first_frame([str(options.build / "src/app/window/espalier"), "--new-window"], "first frame"))
        if i > 0:  # the first is not warm
            empty.append(times[0])
            ours.append(times[1])
    print(f"Start to the first frame, {options.starts} each, minimum and median:")
    print(f"  an empty window                    {min(empty):10.1f} ms {statistics.median(empty):10.1f} ms")
    print(f"  Espalier                           {min(ours):10.1f} ms {statistics.median(ours):10.1f} ms")
    print(f"  ratio of the medians               {statistics.median(ours) / statistics.median(empty):10.2f}")
    show("start", statistics.median(ours))


def run(command, limit):
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit)
    if process.returncode != 0:
        sys.exit(f"bench-window.py: {' '.join(command)}: status {process.returncode}")
    for line in process.stdout.splitlines():
        name, _, value = line.partition("\t")
        if value:
            show(name, float(value))


def bench_document(options, bench):
    with tempfile.TemporaryDirectory(prefix="espalier-bench-", dir=options.folder) as folder:
        path = os.path.join(folder, "large.espalier")
        print(f"A document of {options.nodes} nodes and {options.megabytes} MB:", flush=True)
        subprocess.run([bench, "make", path, str(options.nodes),
                        str(options.megabytes * 1000000 // options.nodes)], check=True)
        run([bench, "document", path], 600)


def bench_turns(options, bench):
    print(f"{options.turns} turns with the demo model, 256×256, one step:", flush=True)
    run([bench, "turns", str(options.turns)], 3600)


def bench_sweep(options, bench):
    print(f"A sweep of {options.cells} × {options.cells} cells of 512×512 pixels:", flush=True)
    run([bench.replace("bench-window", "bench-grid"), str(options.cells)], 600)


def bench_mask(options, bench):
    print("The mask of a photo of 24 megapixels, 120 movements of the brush:", flush=True)
    run([bench.replace("bench-window", "bench-mask")], 600)


PARTS = {"start": bench_start, "document": bench_document, "turns": bench_turns, "mask": bench_mask,
         "sweep": bench_sweep}


def main():
    parser = argparse.ArgumentParser(description="Times the window.")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--folder", default=os.environ.get("TMPDIR"), help="for the large document")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    options = parser.parse_args()
    options.build = options.build.resolve()

    if INSIDE not in os.environ:
        environment = os.environ | {
            INSIDE: "1",
            "GSETTINGS_SCHEMA_DIR": str(options.build / "data" / "settings"),
            "ESPALIER_ENGINE": str(options.build / "src/engine/worker/espalier-engine"),
            "ESPALIER_DATA_DIR": str(ROOT / "data"),
        }
        sys.exit(subprocess.run([str(WITH_DISPLAY), sys.executable, __file__, *sys.argv[1:]],
                                env=environment).returncode)
    bench = str(options.build / "tests" / "bench" / "bench-window")
    for part in options.parts or PARTS:
        PARTS[part](options, bench)


if __name__ == "__main__":
    main()
