#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times whole edits with the demo model: our engine, and diffusers beside it.

    bench-edit.py --build FOLDER [--python PYTHON] [--threads N] [--repeats N] [--steps N] [--size N]

PYTHON is one that can import diffusers; without it only our own times are taken, and it says so.
Both sides get the same model, picture, size, steps, processors and thread count, in f32 and bf16.
They take turns within every repeat, so that a busy machine slows both. Reported are minimum and
median; ratios are between minima ("3.0x": ours needs a third).

    whole command   from starting the process to the saved picture and the end of the process
    warm edit       a further edit in a process that has the model open
    step            one denoising step of a warm edit
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "data" / "models" / "demo"
WARM_EDITS = 3
FORMATS = {"f32": "float32", "bf16": "bfloat16"}


def picture_rows(size):
    """A soft pattern; what is on a picture does not change the time."""
    for y in range(size):
        yield bytes(value for x in range(size)
                    for value in ((x * 255) // size, (y * 255) // size, ((x // 16 + y // 16) % 2) * 120 + 60))


def write_pictures(folder, size):
    rows = list(picture_rows(size))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    (folder / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
                                    + chunk(b"IEND", b""))
    (folder / "in.ppm").write_bytes(b"P6\n%d %d\n255\n" % (size, size) + b"".join(rows))


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.times = options, folder, {}
        processors = sorted(os.sched_getaffinity(0))
        self.threads = options.threads or len(processors)
        os.sched_setaffinity(0, processors[:self.threads])
        build = pathlib.Path(options.build)
        self.cli = build / "src" / "cli" / "espalier-cli"
        self.engine = build / "src" / "engine" / "worker" / "espalier-engine"
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "ESPALIER_ENGINE": str(self.engine),
                            "ESPALIER_DATA_DIR": str(ROOT / "data"), "ESPALIER_CACHE_DIR": ""}

    def add(self, side, number_format, what, seconds):
        self.times.setdefault((number_format, what), {}).setdefault(side, []).append(seconds)

    def start(self, command):
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True, env=self.environment)

    def our_command(self, number_format):
        command = [self.cli, "edit", self.folder / "in.png", "-p", "Make it look like golden hour", "-o",
                   self.folder / "ours.png", "--model", MODEL, "--size", "match", "--steps", self.options.steps,
                   "--guidance", "2.5", "--seed", "1", "--dtype", number_format, "--device", "cpu", "--quiet"]
        begin = time.perf_counter()
        process = self.start(command)
        process.communicate()
        if process.returncode != 0:
            sys.exit(f"espalier-cli edit ended with status {process.returncode}")
        self.add("ours", number_format, "whole command", time.perf_counter() - begin)

    def our_warm_edits(self, number_format):
        process = self.start([self.engine])
        request = {"type": "edit", "model": str(MODEL), "images": [str(self.folder / "in.ppm")],
                   "prompt": "Make it look like golden hour", "size": "match", "steps": self.options.steps,
                   "guidance": 2.5, "seed": 1, "dtype": number_format, "device": "cpu", "threads": self.threads}
        for number in range(1 + WARM_EDITS):
            process.stdin.write(json.dumps({**request, "id": number + 1}) + "\n")
            process.stdin.flush()
            begin = time.perf_counter()
            for line in process.stdout:
                event = json.loads(line)
                if event["type"] in ("result", "error"):
                    break
            if event["type"] != "result":
                sys.exit(f"espalier-engine: {event}")
            if number > 0:
                self.add("ours", number_format, "warm edit", time.perf_counter() - begin)
                self.add("ours", number_format, "step", event["timings"]["sample"] / self.options.steps)
        process.stdin.close()
        process.wait()

    def their_edits(self, number_format):
        begin = time.perf_counter()
        process = self.start([self.options.python, ROOT / "tools" / "reference" / "bench-diffusers.py", MODEL,
                              self.folder / "in.png", self.folder / "theirs.png", FORMATS[number_format],
                              self.threads, self.options.size, self.options.steps, WARM_EDITS])
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "saved":
                self.add("theirs", number_format, "whole command", time.perf_counter() - begin)
            else:
                self.add("theirs", number_format, "warm edit", event["edit"])
                self.add("theirs", number_format, "step", event["step"])
        if process.wait() != 0:
            sys.exit(f"{self.options.python} bench-diffusers.py ended with status {process.returncode}")

    def run(self):
        for _ in range(self.options.repeats):
            for number_format in FORMATS:
                self.our_command(number_format)
                self.our_warm_edits(number_format)
                if self.options.python:
                    self.their_edits(number_format)

    def report(self):
        size, steps = self.options.size, self.options.steps
        print(f"demo model, {size} x {size}, {steps} steps, {self.threads} threads, {self.options.repeats} repeats; "
              "milliseconds, minimum / median")
        print(f"{'':6}{'':15}{'ours':>20}{'diffusers':>20}{'ratio':>9}")
        for (number_format, what), sides in sorted(self.times.items(), reverse=True):
            cells = {side: f"{min(values) * 1e3:.1f} / {statistics.median(values) * 1e3:.1f}"
                     for side, values in sides.items()}
            ratio = f"{min(sides['theirs']) / min(sides['ours']):.2f}x" if "theirs" in sides else "-"
            print(f"{number_format:6}{what:15}{cells['ours']:>20}{cells.get('theirs', '-'):>20}{ratio:>9}")
        if not self.options.python:
            print("No Python with diffusers was given (--python): only our own times.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--python")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(pathlib.Path(folder), options.size)
        bench = Bench(options, pathlib.Path(folder))
        bench.run()
        bench.report()


if __name__ == "__main__":
    main()
