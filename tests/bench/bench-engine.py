#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times edits with a model of FLUX.1 Kontext's true widths and random weights, side by side in one run:
our engine in four number formats, diffusers, and another engine that you name.

    bench-engine.py --build FOLDER [--python PYTHON] [--against COMMAND] [--formats f32,bf16,q8_0,q4_k]
                    [--blocks 2,4] [--size 256] [--steps 4] [--repeats 3] [--threads N] [--level LEVEL]
                    [--models FOLDER] [--no-step-cache]

The model has 2 double and 4 single blocks unless said, and 256 text tokens: at 256 x 256 with one
reference 768 tokens and 1.09 TFLOP a step. Its files, the same numbers in every format, are made once in
--models (~/.cache/espalier/bench; about 10 GB with --against).

PYTHON is one that can import diffusers. COMMAND is run by the shell with these words replaced:
{model} the transformer alone (BFL names, safetensors or GGUF), {vae} the autoencoder (LDM names), {image},
{prompt}, {output} (a PNG file), {steps}, {threads}, {size}, {seed}, {format}. For stable-diffusion.cpp:

    --against 'sd-cli -M img_gen --diffusion-model {model} --vae {vae} -r {image} -p {prompt} -o {output}
               --steps {steps} -W {size} -H {size} -t {threads} -s {seed} --cfg-scale 1 --rng cpu'

It is timed with two numbers of steps, whose difference is the time of a step: loading, encoding and
decoding fall out. With --against-step PATTERN, a regular expression with one group, the step's seconds are
taken from what it prints instead (the least of all matches).

All sides get the same numbers, picture, size, steps and threads and take turns within every repeat, so
that a busy machine slows them all. Reported are minimum and median by the clock, and the processor's time
(minimum), which a busy machine disturbs less; ratios are between minima of the latter. PSNR is that of the
decoded picture against the same side's own f32. No figure is a test: nothing fails for being slow.
"""

import argparse
import json
import math
import os
import pathlib
import re
import resource
import shlex
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench_pictures import picture_rows, psnr, read_ppm  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMPT = "Make it look like golden hour"
FORMATS = ("f32", "bf16", "fp8", "q8_0", "q4_k")
# Which of the processor's units each format is to be measured by.
UNITS = {"f32": ("f32",), "bf16": ("amx_bf16", "bf16", "f32"), "fp8": ("amx_bf16", "bf16", "f32"),
         "q8_0": ("amx_s8", "s8"), "q4_k": ("amx_s8", "s8")}
TEXT_TOKENS = 256
SEED = 1
TICKS = os.sysconf("SC_CLK_TCK")


def step_flops(doubles, singles, size, all_rows=True):
    """Operations of one step: two for each weight and token, and the attention's two products. Whoever does
    not need `all_rows` of the last block computes no MLP and no output there but for the target's."""
    pictures = 2 * (size // 16) ** 2
    tokens, width = TEXT_TOKENS + pictures, 3072
    target = pictures // 2
    weights = doubles * tokens * 12 * width ** 2 + singles * tokens * 12 * width ** 2
    if singles > 0 and not all_rows:
        weights -= (tokens - target) * 9 * width ** 2
    attention = (doubles + singles) * 2 * tokens ** 2 * width
    return 2 * weights + 2 * attention


def read_png(path):
    """Width, height and the RGB bytes of an 8-bit picture."""
    data = pathlib.Path(path).read_bytes()
    position, packed = 8, b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        position += 12 + length
    channels = {2: 3, 6: 4}.get(colour)
    if depth != 8 or channels is None:
        raise ValueError(f"{path}: no 8-bit RGB picture")
    raw, stride, rows = zlib.decompress(packed), width * channels, []
    before = bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = row[x - channels] if x >= channels else 0
            above, corner = before[x], before[x - channels] if x >= channels else 0
            if kind == 1:
                row[x] = (row[x] + left) & 255
            elif kind == 2:
                row[x] = (row[x] + above) & 255
            elif kind == 3:
                row[x] = (row[x] + (left + above) // 2) & 255
            elif kind == 4:
                guess = left + above - corner
                nearest = min((abs(guess - left), 0, left), (abs(guess - above), 1, above),
                              (abs(guess - corner), 2, corner))[2]
                row[x] = (row[x] + nearest) & 255
        rows.append(bytes(row))
        before = row
    pixels = b"".join(rows)
    return pixels if channels == 3 else bytes(v for i, v in enumerate(pixels) if i % 4 != 3)


def write_pictures(folder, size):
    """A soft pattern with some detail, as PNG and PPM."""
    rows = picture_rows(size)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    (folder / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
                                    + chunk(b"IEND", b""))
    (folder / "in.ppm").write_bytes(b"P6\n%d %d\n255\n" % (size, size) + b"".join(rows))


class Models:
    """The model's files, made when they are first asked for."""

    def __init__(self, options):
        self.maker = pathlib.Path(options.build) / "tests" / "bench" / "wide-model"
        doubles, singles = options.blocks
        self.blocks = ["--double", str(doubles), "--single", str(singles)]
        self.folder = pathlib.Path(options.models) / f"wide-{doubles}-{singles}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def make(self, wanted, *arguments):
        if not wanted.exists():
            subprocess.run([str(self.maker), "--tokenizers", str(ROOT / "data" / "models" / "demo"), *self.blocks,
                            *map(str, arguments)], check=True)
        return wanted

    def whole(self, number_format="bf16"):
        """A complete folder in diffusers' layout."""
        folder = self.folder / number_format
        self.make(folder / "transformer" / "config.json", "--type", number_format, folder)
        return folder

    def single(self, number_format):
        """The transformer as one file with BFL's names."""
        folder = self.folder / f"single-{number_format}"
        suffix = "gguf" if number_format.startswith("q") else "safetensors"
        return self.make(folder / f"flux.{suffix}", "--names", "single", "--type", number_format, "--parts",
                         "transformer", folder)

    def autoencoder(self):
        folder = self.folder / "single-vae"
        return self.make(folder / "ae.safetensors", "--names", "single", "--parts", "vae", folder)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Worker:
    """Our engine, as the program starts it."""

    def __init__(self, bench):
        engine = pathlib.Path(bench.options.build) / "src" / "engine" / "worker" / "espalier-engine"
        self.process = subprocess.Popen([str(engine)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=bench.environment)

    def edit(self, **fields):
        """The result, and (clock, processor) at the end of each step."""
        pid, moments = self.process.pid, []
        self.process.stdin.write(json.dumps({"type": "edit", "id": 1, **fields}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "progress" and event["stage"] == "sample" and event["step"] == len(moments):
                moments.append((time.perf_counter(), processor_seconds(pid)))
            if event["type"] == "result":
                return event, moments
            if event["type"] == "error":
                sys.exit(f"espalier-engine: {event['message']}")
        sys.exit("espalier-engine ended")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.models = options, folder, Models(options)
        processors = sorted(os.sched_getaffinity(0))
        self.threads = options.threads or len(processors)
        os.sched_setaffinity(0, processors[:self.threads])
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "ESPALIER_CACHE_DIR": "",
                            "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "2000")}
        if options.level:
            self.environment["ESPALIER_CPU_LEVEL"] = options.level
            isa = {"avx512": "AVX512_CORE_BF16", "avx512bf16": "AVX512_CORE_BF16", "avx2": "AVX2",
                   "avxvnni": "AVX2_VNNI"}.get(options.level)
            if isa:
                self.environment["ONEDNN_MAX_CPU_ISA"] = isa
        self.peaks = json.loads(subprocess.run([str(pathlib.Path(options.build) / "tests" / "bench" / "bench-peak"),
                                                str(self.threads)], stdout=subprocess.PIPE, check=True).stdout)
        if options.level and options.level != "amx":
            self.peaks = {name: value for name, value in self.peaks.items() if not name.startswith("amx")}
        self.times, self.pictures = {}, {}

    def add(self, number_format, side, what, clock, processor=None):
        self.times.setdefault((number_format, side, what), []).append((clock, processor))

    def ours(self, number_format):
        steps = self.options.steps
        fields = {"model": str(self.models.whole("f32" if number_format == "f32" else "bf16")),
                  "images": [str(self.folder / "in.ppm")], "prompt": PROMPT, "size": "match", "steps": steps,
                  "guidance": 2.5, "seed": SEED, "dtype": "f32" if number_format == "f32" else "bf16",
                  "device": "cpu", "threads": self.threads}
        if number_format not in ("f32", "bf16"):
            fields["components"] = {"transformer": str(self.models.single(number_format))}
        worker = Worker(self)
        begin = time.perf_counter()
        event, moments = worker.edit(**fields)
        self.pictures[number_format, "ours"] = read_ppm(event["path"])
        worker.end()
        steps_of = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(moments, moments[1:])]
        for clock, processor in steps_of[1:]:
            self.add(number_format, "ours", "step", clock, processor)
        self.add(number_format, "ours", "first step", *steps_of[0])
        self.add(number_format, "ours", "until its end", moments[1][0] - begin)
        for stage in ("text", "encode", "load", "decode"):
            self.add(number_format, "ours", stage, event["timings"][stage])
        self.add(number_format, "ours", "peak MB", event["peak_memory"] / 1e6)

    def theirs(self, number_format):
        """diffusers, which has f32 and bf16 only."""
        output = self.folder / "diffusers.png"
        script = ROOT / "tools" / "reference" / "bench-diffusers.py"
        process = subprocess.Popen([self.options.python, str(script), str(self.models.whole(number_format)),
                                    str(self.folder / "in.png"), str(output),
                                    {"f32": "float32", "bf16": "bfloat16"}[number_format], str(self.threads),
                                    str(self.options.size), str(self.options.steps), "1", str(TEXT_TOKENS)],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment)
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "saved":
                self.pictures[number_format, "diffusers"] = read_png(output)
            else:
                self.add(number_format, "diffusers", "step", event["step"], event.get("step_processor"))
                for stage in ("encode", "decode"):
                    if event.get(stage):
                        self.add(number_format, "diffusers", stage, event[stage])
        if process.wait() != 0:
            sys.exit(f"{self.options.python} bench-diffusers.py ended with status {process.returncode}")

    def run_against(self, number_format, steps):
        output = self.folder / "against.png"
        words = {"model": self.models.single(number_format), "vae": self.models.autoencoder(),
                 "image": self.folder / "in.png", "prompt": PROMPT, "output": output, "steps": steps,
                 "threads": self.threads, "size": self.options.size, "seed": SEED, "format": number_format}
        command = self.options.against
        for word, value in words.items():
            command = command.replace("{" + word + "}", shlex.quote(str(value)))
        output.unlink(missing_ok=True)
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        process = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", check=False)
        clock, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode != 0:
            sys.exit(f"--against ended with status {process.returncode}: {command}\n{process.stdout[-2000:]}")
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return clock, processor, process.stdout, output

    def against(self, number_format):
        few, many = 1, 1 + self.options.steps
        clock_few, processor_few, _, _ = self.run_against(number_format, few)
        clock, processor, text, _ = self.run_against(number_format, many)
        step = (clock - clock_few) / (many - few)
        if self.options.against_step:
            found = [float(match) for match in re.findall(self.options.against_step, text)]
            if not found:
                sys.exit(f"--against-step: nothing in what --against printed fits:\n{text[-2000:]}")
            step = min(found)
        self.add(number_format, "against", "step", step, (processor - processor_few) / (many - few))
        self.add(number_format, "against", "all but steps", clock_few - step)
        # The picture that is compared has as many steps as ours.
        output = self.run_against(number_format, self.options.steps)[3]
        if output.exists():
            self.pictures[number_format, "against"] = read_png(output)

    def run(self):
        for repeat in range(self.options.repeats):
            for number_format in self.options.formats:
                print(f"  {repeat + 1}/{self.options.repeats} {number_format}", file=sys.stderr, flush=True)
                self.ours(number_format)
                if self.options.python and number_format in ("f32", "bf16"):
                    self.theirs(number_format)
                if self.options.against:
                    self.against(number_format)

    def cell(self, number_format, side, what):
        values = self.times.get((number_format, side, what))
        if not values:
            return "-"
        clocks = [clock for clock, _ in values]
        return f"{min(clocks):.2f} / {statistics.median(clocks):.2f}"

    def least(self, number_format, side, what, index):
        values = [value[index] for value in self.times.get((number_format, side, what), []) if value[index]]
        return min(values) if values else None

    def report(self):
        options = self.options
        sides = ["ours"] + (["diffusers"] if options.python else []) + (["against"] if options.against else [])
        flops = step_flops(*options.blocks, options.size)
        print(f"{options.blocks[0]} double + {options.blocks[1]} single blocks, {options.size} x {options.size} with a "
              f"reference, {flops / 1e12:.2f} TFLOP a step, {options.steps} steps, {self.threads} threads, "
              f"{options.repeats} repeats{', level ' + options.level if options.level else ''}")
        print("peaks on registers, GFLOP/s: " + ", ".join(f"{name} {value:.0f}" for name, value in self.peaks.items()))
        print("seconds: minimum / median by the clock; the processor's: minimum\n")
        print(f"{'':6}{'':15}" + "".join(f"{side:>18}" for side in sides)
              + "".join(f"{side + ' : ours':>18}" for side in sides[1:]))
        for number_format in options.formats:
            for what in ("step", "first step", "until its end", "text", "encode", "load", "decode", "all but steps",
                         "peak MB"):
                cells = [self.cell(number_format, side, what) for side in sides]
                if set(cells) == {"-"}:
                    continue
                ratios = []
                for side in sides[1:]:
                    a, b = self.least(number_format, side, what, 0), self.least(number_format, "ours", what, 0)
                    ratios.append(f"{a / b:.2f}" if a and b and what != "peak MB" else "-")
                print(f"{number_format:6}{what:15}" + "".join(f"{c:>18}" for c in cells)
                      + "".join(f"{r:>18}" for r in ratios))
            self.report_step(number_format, sides)
            print()
        if not options.python:
            print("No Python with diffusers was given (--python).")
        if not options.against:
            print("No other engine was given (--against; see --help).")

    def report_step(self, number_format, sides):
        processors = [self.least(number_format, side, "step", 1) for side in sides]
        print(f"{number_format:6}{'processor':15}" + "".join(f"{p:>18.2f}" if p else f"{'-':>18}" for p in processors)
              + "".join(f"{p / processors[0]:>18.2f}" if p and processors[0] else f"{'-':>18}" for p in processors[1:]))
        unit = next(unit for unit in UNITS[number_format] if unit in self.peaks)
        shares = []
        for side, p in zip(sides, processors):
            # All threads' processor time is that of one step on one thread.
            flops = step_flops(*self.options.blocks, self.options.size, side != "ours")
            share = flops / (p / self.threads) / (self.peaks[unit] * 1e9) if p else None
            shares.append(f"{100 * share:.0f} % of {unit}" if share else "-")
        print(f"{number_format:6}{'of peak':15}" + "".join(f"{share:>18}" for share in shares))
        if "f32" in self.options.formats and number_format != "f32":
            values = [psnr(self.pictures.get((number_format, side)), self.pictures.get(("f32", side))) for side in sides]
            print(f"{number_format:6}{'PSNR to f32':15}"
                  + "".join(f"{v:>15.1f} dB" if v is not None else f"{'-':>18}" for v in values))

    def step_cache(self):
        """What leaving out steps costs and gains: the demo model, whose pictures are pictures."""
        steps, folder = 28, self.folder / "cache"
        folder.mkdir()
        write_pictures(folder, 256)
        worker = Worker(self)
        fields = {"model": str(ROOT / "data" / "models" / "demo"), "images": [str(folder / "in.ppm")], "prompt": PROMPT,
                  "size": "match", "steps": steps, "guidance": 2.5, "seed": SEED, "device": "cpu",
                  "threads": self.threads, "dtype": "f32"}
        worker.edit(**fields)
        print(f"\nStep caching, demo model, 256 x 256, {steps} steps, f32")
        print(f"{'threshold':>10}{'computed':>10}{'all steps, processor s':>25}{'speed':>8}{'PSNR to exact':>16}")
        exact, exact_seconds = None, 0
        for threshold in (0, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5):
            best = math.inf
            for _ in range(max(1, self.options.repeats)):
                event, moments = worker.edit(**fields, step_cache=threshold)
                best = min(best, moments[-1][1] - moments[0][1])
                pixels = read_ppm(event["path"])
            if exact is None:
                exact, exact_seconds = pixels, best
            quality = psnr(pixels, exact)
            print(f"{threshold:>10}{event['computed_steps']:>10}{best:>25.2f}{exact_seconds / best:>7.2f}x"
                  f"{'exact' if quality == math.inf else f'{quality:.1f} dB':>16}")
        worker.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser.add_argument("--build", required=True)
    parser.add_argument("--python")
    parser.add_argument("--against")
    parser.add_argument("--against-step")
    parser.add_argument("--formats", default="f32,bf16,q8_0,q4_k", type=lambda text: text.split(","))
    parser.add_argument("--blocks", default=(2, 4), type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--level", choices=["baseline", "avx2", "avxvnni", "avx512", "avx512bf16", "amx"])
    parser.add_argument("--models", default=os.path.join(cache, "espalier", "bench"))
    parser.add_argument("--no-step-cache", action="store_true")
    options = parser.parse_args()
    if not set(options.formats) <= set(FORMATS) or options.steps < 2 or len(options.blocks) != 2:
        parser.error("--formats: of " + ",".join(FORMATS) + "; --steps: at least 2; --blocks: two numbers")
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(pathlib.Path(folder), options.size)
        bench = Bench(options, pathlib.Path(folder))
        bench.run()
        bench.report()
        if not options.no_step_cache:
            bench.step_cache()


if __name__ == "__main__":
    main()
