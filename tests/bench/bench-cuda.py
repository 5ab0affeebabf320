#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a machine with an NVIDIA card can tell about Espalier on it, as one report.

    bench-cuda.py --build FOLDER [--report FILE] [--models FOLDER] [--parts LIST] [--steps 28] [--size 1024]
                  [--repeats 5] [--blocks 19,38] [--vram 4,6,8,12,16] [--small]

Parts, in this order:

    card       name, driver, clocks, memory
    tests      every test that runs on the emulated card, on this one
    sanitizer  the operations' tests under compute-sanitizer: memcheck, racecheck, synccheck
    quality    the demo model's picture in f32, bf16 and fp8 against the processor's f32
    ops        time, TFLOP/s and share of the peak of each operation; own products beside cuBLASLt
    edits      whole edits with a model of the full size and random weights: median, stages, step caching
    sweep      the same picture with several seeds at once
    memory     the same with the card's memory limited
    cold       from starting the process to the end of the first step, files in the system's cache

The model (24 GB in bf16, 7 GB in Q4_K, 10 GB of text encoder) is made once in --models. Without a card
it says so and ends with 0. --small tries all of it out, also on the emulated card, which must be there then: the
demo model, few steps.
A figure is no test: only tests, the sanitizer and quality can fail.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench_pictures import psnr, read_ppm, write_ppm  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "models" / "demo"
PROMPT = "Make it look like golden hour"
PARTS = ("card", "tests", "sanitizer", "quality", "ops", "edits", "sweep", "memory", "cold")
LEAST_QUALITY = {"f32": 60, "bf16": 40, "fp8": 33}  # dB, issue 8
STEP_CACHE = 0.1
GIB = 1 << 30


class Worker:
    """One espalier-engine."""

    def __init__(self, engine):
        environment = {**os.environ, "ESPALIER_CACHE_DIR": ""}
        self.process = subprocess.Popen([str(engine)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.number = 0

    def ask(self, **fields):
        """The answer's last event, and when each step ended."""
        self.number += 1
        self.process.stdin.write(json.dumps({"id": self.number, **fields}) + "\n")
        self.process.stdin.flush()
        moments = []
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "progress":
                if event["stage"] == "sample":
                    moments.append(time.perf_counter())
            elif event["type"] not in ("preview", "hello"):
                return event, moments
        return {"type": "error", "message": f"the engine ended with status {self.process.wait()}"}, moments

    def batch(self, count, **fields):
        """`count` edits that differ by their seeds; seconds of all."""
        self.number += 1
        begin, left = time.perf_counter(), count
        batch = [{"id": f"{self.number}-{seed}", "seed": seed} for seed in range(2, count + 1)]
        self.process.stdin.write(json.dumps({"id": self.number, **fields, "seed": 1, "batch": batch}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "error":
                return None, event["message"]
            left -= event["type"] == "result"
            if left == 0:
                return time.perf_counter() - begin, None
        return None, f"the engine ended with status {self.process.wait()}"

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Report:
    def __init__(self, path):
        self.file, self.failures = open(path, "w", encoding="utf-8") if path else None, []

    def say(self, text=""):
        print(text, flush=True)
        if self.file:
            print(text, file=self.file, flush=True)

    def fail(self, text):
        self.failures.append(text)
        self.say(f"**Failed:** {text}")

    def table(self, head, rows):
        self.say("| " + " | ".join(head) + " |")
        self.say("| " + " | ".join("---" for _ in head) + " |")
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")
        self.say()


def run(command, timeout=None, **environment):
    """Exit status and what was said, both streams together."""
    try:
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False, timeout=timeout,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return 124, f"still running after {timeout} s"


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.build = pathlib.Path(options.build).resolve()
        self.engine = self.build / "src" / "engine" / "worker" / "espalier-engine"
        self.bench = self.build / "tests" / "bench"
        self.report = Report(options.report)
        self.size = 64 if options.small else options.size
        self.steps = 2 if options.small else options.steps
        self.repeats = 1 if options.small else options.repeats
        self.card = None
        self.photo = scratch / "photo.ppm"
        write_ppm(self.photo, self.size)

    # --- What there is ---------------------------------------------------------------------------

    def find_card(self):
        worker = Worker(self.engine)
        description, _ = worker.ask(type="describe")
        worker.end()
        for device in description.get("devices", []):
            if device["id"].startswith("cuda:") and device["usable"]:
                self.card = device
                self.kernels = description.get("cuda_kernels", "")
                return True
        reasons = [device["description"] for device in description.get("devices", [])
                   if device["id"].startswith("cuda")]
        print(f"No card that can be used: {'; '.join(reasons) or 'the engine names none'}.")
        return False

    def part_card(self):
        card, say = self.card, self.report.say
        say(f"- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC")
        say(f"- Card: {card['name']}, sm_{card['capability']}, {card['memory'] / GIB:.1f} GiB "
            f"({card['free'] / GIB:.1f} free), driver for CUDA {card['driver'] // 1000}.{card['driver'] % 1000 // 10}")
        say(f"- Kernels: {self.kernels}")
        if shutil.which("nvidia-smi"):
            fields = ["driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit",
                      "pcie.link.gen.current", "pcie.link.width.current", "temperature.gpu"]
            status, text = run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"])
            if status == 0:
                for name, value in zip(fields, text.splitlines()[0].split(",")):
                    say(f"- {name}: {value.strip()}")
        say()

    # --- Right -----------------------------------------------------------------------------------

    def card_tests(self):
        """Tests that name the emulated card, to be run without it: (name, command, environment)."""
        _, text = run(["meson", "introspect", "--tests", self.build])
        for test in json.loads(text[text.index("["):]):
            driver = test["env"].get("ESPALIER_CUDA_DRIVER", "")
            if driver.endswith(".so") and not any(word in test["name"] for word in ("emulator", "clock", "driver")):
                yield test["name"], test["cmd"], {name: value for name, value in test["env"].items()
                                                  if not name.startswith(("CUEMU", "ESPALIER_CUDA_DRIVER"))}

    def part_tests(self):
        seen, rows = set(), []
        for name, command, environment in self.card_tests():
            if str(command) in seen or (self.options.small and len(seen) == 1):
                continue
            seen.add(str(command))
            begin = time.perf_counter()
            status, text = run(command, timeout=300, **environment)
            good = status == 0 and "not ok" not in text
            rows.append((name, "passes" if good else "**fails**", f"{time.perf_counter() - begin:.1f} s"))
            if not good:
                self.report.fail(f"{name}: " + " / ".join(line for line in text.splitlines()
                                                           if line.startswith(("not ok", "#")))[:600])
        self.report.table(("test", "on this card", "time"), rows)

    def part_sanitizer(self):
        tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if not os.path.exists(tool):
            self.report.say("compute-sanitizer was not found.\n")
            return
        rows = []
        for name, command, environment in self.card_tests():
            if "-ops-" not in name or name in [row[0] for row in rows]:
                continue
            cells = [name]
            for kind in ("memcheck", "racecheck", "synccheck"):
                status, text = run([tool, "--tool", kind, "--error-exitcode", "9", *command], timeout=600, **environment)
                cells.append({0: "clean", 9: "**errors**", 124: "too slow"}.get(status, f"status {status}"))
                if status == 9:
                    self.report.fail(f"{kind} of {name}: " + text[-600:])
            rows.append(tuple(cells))
            if self.options.small:
                break
        self.report.table(("test", "memcheck", "racecheck", "synccheck"), rows)

    def demo_edit(self, **fields):
        worker = Worker(self.engine)
        event, _ = worker.ask(type="edit", model=str(DEMO), images=[str(self.photo)], prompt=PROMPT, seed=1,
                              steps=self.steps if self.options.small else 8, size="match", **fields)
        picture = read_ppm(event["path"]) if event["type"] == "result" else None
        worker.end()
        return event, picture

    def part_quality(self):
        write_ppm(self.photo, 64 if self.options.small else 256)
        event, exact = self.demo_edit(device="cpu", dtype="f32")
        rows = []
        for dtype in ("f32", "bf16", "fp8"):
            if dtype == "fp8" and not self.card["fp8"]:
                continue
            event, picture = self.demo_edit(device=self.card["id"], dtype=dtype)
            if picture is None or event["device"] == "cpu":
                self.report.fail(f"{dtype}: {event.get('message') or event.get('notice')}")
                continue
            quality = psnr(picture, exact)
            rows.append((dtype, f"{quality:.1f} dB", f"{LEAST_QUALITY[dtype]} dB"))
            if quality < LEAST_QUALITY[dtype]:
                self.report.fail(f"{dtype} is {quality:.1f} dB from the processor's f32")
        self.report.table(("demo model in", "against the processor's f32", "at least"), rows)
        write_ppm(self.photo, self.size)

    # --- Fast ------------------------------------------------------------------------------------

    def part_ops(self):
        small = ["--scale", "64", "--seconds", "0.01", "norm"] if self.options.small else []
        for dtype in ("auto", "f32") if self.options.small else ("auto", "fp8", "f32"):
            if dtype == "fp8" and not self.card["fp8"]:
                continue
            status, text = run([self.bench / "bench-cuda", "--dtype", dtype, *small])
            if status != 0:
                self.report.fail(text.strip())
                continue
            head, *lines = map(json.loads, text.splitlines())
            self.report.say(f"{head['card']}: {head['multiprocessors']} multiprocessors, {head['clock_mhz']} MHz, peak "
                            f"{head['peak_tflops']} TFLOP/s, in fp8 {head['peak_fp8_tflops']}\n")
            self.report.table(("operation", "ms", "TFLOP/s", "of peak", "GB/s"), [
                (line["operation"], line.get("ms", line.get("error")), line.get("tflops", ""),
                 f"{100 * line['share']:.0f} %" if "share" in line else "", line.get("gb_per_s", ""))
                for line in lines])
        if not self.options.small:
            status, text = run([self.bench / "bench-cuda-ops"])
            self.report.say("Own products and attention beside cuBLASLt:\n\n```\n" + text.rstrip() + "\n```\n")

    def model(self, kind):
        """The model's fields for an edit: of the full size in bf16 or Q4_K, made when it is not there."""
        if self.options.small:
            return {"model": str(DEMO)}
        folder = pathlib.Path(self.options.models) / f"wide-{'-'.join(map(str, self.options.blocks))}"
        doubles, singles = map(str, self.options.blocks)
        blocks = ["--double", doubles, "--single", singles]
        maker = self.bench / "wide-model"
        whole, single = folder / "diffusers", folder / "q4_k"
        if not (whole / ".made").exists():
            run_or_end([maker, "--names", "diffusers", "--type", "bf16", "--t5-layers", "24", "--clip-layers", "12",
                        "--t5-tokens", "512", *blocks, "--tokenizers", DEMO, whole])
            (whole / ".made").touch()
        if kind == "bf16":
            return {"model": str(whole)}
        if not (single / ".made").exists():
            run_or_end([maker, "--names", "single", "--type", "q4_k", "--parts", "transformer", *blocks, single])
            (single / ".made").touch()
        return {"model": str(whole), "components": {"transformer": str(single / "flux.gguf")}}

    def fields(self, kind, **more):
        return {"type": "edit", "images": [str(self.photo)], "prompt": PROMPT, "seed": 1, "steps": self.steps,
                "size": f"{self.size}x{self.size}", "device": self.card["id"], "latents": False, "disk_cache": False,
                **self.model(kind), **more}

    def edits(self, what, kind, repeats, **more):
        """One worker, one edit to warm up, `repeats` timed ones with prompts of their own, so that nothing of an
        edit was computed before."""
        worker, times, event = Worker(self.engine), [], {}
        for number in range(repeats + 1):
            begin = time.perf_counter()
            event, moments = worker.ask(**{**self.fields(kind, **more), "prompt": f"{PROMPT}, version {number}"})
            if event["type"] != "result":
                self.report.say(f"{what}: {event['message']}\n")
                worker.end()
                return None
            times.append(time.perf_counter() - begin)
        worker.end()
        if event.get("notice"):
            self.report.say(f"{what}: {event['notice']}\n")
        steps = [b - a for a, b in zip(moments, moments[1:])]
        stages = event["timings"]
        return {"what": what, "median": statistics.median(times[1:] or times), "least": min(times[1:] or times),
                "first": times[0], "step": statistics.median(steps) if steps else math.nan, "stages": stages,
                "computed": event["computed_steps"], "memory": (event.get("memory") or "").splitlines(), "peak": event["peak_memory"]}

    def show_edits(self, found):
        self.report.table(("edit", "median s", "least s", "first s", "step s", "text", "encode", "sample", "decode",
                           "steps computed"),
                          [(each["what"], f"{each['median']:.2f}", f"{each['least']:.2f}", f"{each['first']:.2f}",
                            f"{each['step']:.3f}", *(f"{each['stages'][stage]:.2f}"
                                                     for stage in ("text", "encode", "sample", "decode")),
                            f"{each['computed']} of {self.steps}") for each in found if each])

    def part_edits(self):
        wanted = [("bf16", {"dtype": "bf16"}), (f"bf16, step cache {STEP_CACHE}",
                                                {"dtype": "bf16", "step_cache": STEP_CACHE})]
        if self.card["fp8"]:
            wanted += [("fp8", {"dtype": "fp8"}), (f"fp8, step cache {STEP_CACHE}",
                                                   {"dtype": "fp8", "step_cache": STEP_CACHE})]
        if not self.card["bf16"]:
            wanted = [("f16", {"dtype": "auto"})]
        self.show_edits([self.edits(what, "bf16", self.repeats, **more) for what, more in wanted])

    def part_sweep(self):
        rows = []
        for count in (1, 2, 4):
            worker = Worker(self.engine)
            worker.ask(**self.fields("bf16"))
            seconds, message = worker.batch(count, **self.fields("bf16"))
            worker.end()
            rows.append((count, f"{seconds:.2f}" if seconds else message, f"{seconds / count:.2f}" if seconds else ""))
        self.report.table(("seeds at once", "s", "s an edit"), rows)

    def part_memory(self):
        found = []
        limits = [1] if self.options.small else self.options.vram
        for kind in ("bf16",) if self.options.small else ("bf16", "q4_k"):
            for limit in limits:
                if limit * GIB > self.card["memory"]:
                    continue
                found.append(self.edits(f"{kind}, {limit} GiB", kind, 1, vram=limit))
                for line in (found[-1] or {}).get("memory", []):
                    self.report.say(f"    {line}")
                self.report.say()
        self.show_edits(found)

    def part_cold(self):
        begin = time.perf_counter()
        worker = Worker(self.engine)
        event, moments = worker.ask(**self.fields("bf16"))
        worker.end()
        if event["type"] != "result" or len(moments) < 2:
            self.report.say(f"No answer: {event.get('message')}\n")
            return
        self.report.say(f"{moments[0] - begin:.2f} s from starting the process to the first step's beginning, "
                        f"{moments[1] - begin:.2f} s to its end.\n")

    def run(self):
        if not self.find_card():
            return 1 if self.options.small else 0
        self.report.say(f"# Espalier on {self.card['name']}\n")
        for part in self.options.parts:
            self.report.say(f"## {part.capitalize()}\n")
            getattr(self, "part_" + part)()
        if self.report.failures:
            self.report.say(f"{len(self.report.failures)} failed.")
        return 1 if self.report.failures else 0


def run_or_end(command):
    pathlib.Path(command[-1]).mkdir(parents=True, exist_ok=True)
    print("Making " + str(command[-1]), file=sys.stderr, flush=True)
    status, text = run(command)
    if status != 0:
        sys.exit(f"{command[0]}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

    def numbers(text):
        return tuple(map(int, text.split(",")))

    parser.add_argument("--build", required=True)
    parser.add_argument("--report")
    parser.add_argument("--models", default=os.path.join(cache, "espalier", "bench"))
    parser.add_argument("--parts", default=PARTS, type=lambda text: text.split(","))
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--blocks", default=(19, 38), type=numbers)
    parser.add_argument("--vram", default=(4, 6, 8, 12, 16), type=numbers)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    if not set(options.parts) <= set(PARTS):
        parser.error("--parts: of " + ",".join(PARTS))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(Bench(options, pathlib.Path(scratch)).run())


if __name__ == "__main__":
    main()
