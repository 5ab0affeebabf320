#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a machine with an NVIDIA card can tell about Espalier on it, as one report.

    bench-cuda.py --build FOLDER [PART…] [--report FILE] [--models FOLDER] [--steps 28] [--size 1024]
                  [--repeats 5] [--blocks 19,38] [--vram 4,6,8,12,16] [--minutes N] [--small]

Parts, in this order; all of them unless some are named:

    card       name, driver, clocks, memory
    quality    the demo model's picture in f32, bf16 and fp8 against the processor's f32
    ops        time, TFLOP/s and share of the peak of each operation; own products beside cuBLASLt
    tests      every test that runs on the emulated card, on this one
    edits      whole edits with a model of the full size and random weights: median, stages, step caching
    cold       from starting the process to the end of the first step, files in the system's cache
    sweep      the same picture with several seeds, one by one and at once
    memory     the same with the card's memory limited
    sanitizer  the operations' tests under compute-sanitizer: memcheck, synccheck, racecheck

A part that fails does not keep the others from being measured, and the report is written as it comes. On an H100 all of
it takes about 20 minutes, two of them for making the model (24 GB in bf16, 7 GB in Q4_K, 10 GB of text encoder), once, in
--models. With --minutes no part is begun later than that. Without a card it says so and ends with 0. --small tries all
of it out, also on the emulated card, which must be there then: the demo model, few steps.
A figure is no test: only tests, the sanitizer, quality and parts that break can fail.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench_pictures import psnr, read_ppm, write_ppm  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "models" / "demo"
PROMPT = "Make it look like golden hour"
# With about how many seconds each takes on an H100 with 16 cores, for those who plan.
PARTS = {"card": 5, "quality": 15, "ops": 120, "tests": 60, "edits": 210, "cold": 40, "sweep": 120, "memory": 300,
         "sanitizer": 180}
MAKING = 120  # seconds, the model, once
LEAST_QUALITY = {"f32": 60, "bf16": 40, "fp8": 33}  # dB, issue 8
AIMS = {"bf16": 6.5, "fp8": 4.5}  # seconds an edit on an H100 or H200, issue 8
AIM_CACHED = 3.0
AIM_COLD = 5.0
STEP_CACHE = 0.1
# TFLOP/s that the best published attention reaches (head dim 128, bf16, no mask): FlashAttention-3's paper for H100,
# FlashAttention-2's for A100.
BEST_ATTENTION = {90: 740, 80: 230}
GIB = 1 << 30
SILENCE = 300  # seconds without a word from the engine: it hangs


class Worker:
    """One espalier-engine."""

    def __init__(self, engine, **environment):
        self.process = subprocess.Popen([str(engine)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "ESPALIER_CACHE_DIR": "", **environment})
        self.number = 0
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def read(self):
        for line in self.process.stdout:
            self.lines.put((time.perf_counter(), line))
        self.lines.put((time.perf_counter(), None))

    def send(self, fields):
        self.number += 1
        try:
            self.process.stdin.write(json.dumps({"id": self.number, **fields}) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # what became of it is told by event()

    def event(self):
        """The next one, and when it came."""
        try:
            when, line = self.lines.get(timeout=SILENCE)
        except queue.Empty:
            self.process.kill()
            return time.perf_counter(), {"type": "error", "message": f"the engine said nothing for {SILENCE} s"}
        if line is None:
            return when, {"type": "error", "message": f"the engine ended with status {self.process.wait()}"}
        return when, json.loads(line)

    def ask(self, **fields):
        """The answer's last event, and when each step ended."""
        self.send(fields)
        moments = []
        while True:
            when, event = self.event()
            if event["type"] == "progress":
                if event["stage"] == "sample":
                    moments.append(when)
            elif event["type"] not in ("preview", "hello"):
                return event, moments

    def batch(self, seeds, **fields):
        """Edits that differ by their seeds: seconds of all, how many went together, what went wrong."""
        begin, left, together = time.perf_counter(), len(seeds), 1
        self.send({**fields, "seed": seeds[0], "batch": [{"id": f"{self.number}-{seed}", "seed": seed}
                                                         for seed in seeds[1:]]})
        while left > 0:
            when, event = self.event()
            if event["type"] == "error":
                return None, together, event["message"]
            if event["type"] == "result":
                left -= 1
                together = max(together, event.get("shared", 1))
        return when - begin, together, None


class Report:
    def __init__(self, path):
        self.file, self.failures = open(path, "w", encoding="utf-8") if path else None, []

    def say(self, text=""):
        print(text, flush=True)
        if self.file:
            print(text, file=self.file, flush=True)

    def fail(self, text):
        self.failures.append(text)
        self.say(f"**Failed:** {text}\n")

    def table(self, head, rows):
        if not rows:
            return
        self.say("| " + " | ".join(head) + " |")
        self.say("| " + " | ".join("---" for _ in head) + " |")
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")
        self.say()


class Missing(Exception):
    """Something that a part needs is not there: no failure of the program."""


def run(command, timeout=None, **environment):
    """Exit status and what was said, both streams together."""
    try:
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False, timeout=timeout,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return 124, f"still running after {timeout:.0f} s"
    except OSError as error:
        return 127, str(error)


class Watch:
    """The card's clock, power and memory while a part runs, as nvidia-smi tells them each second."""
    FIELDS = ("clocks.sm", "power.draw", "temperature.gpu", "memory.used")

    def __enter__(self):
        self.samples, self.process = [], None
        if shutil.which("nvidia-smi"):
            self.process = subprocess.Popen(
                ["nvidia-smi", f"--query-gpu={','.join(self.FIELDS)}", "--format=csv,noheader,nounits", "-l", "1",
                 "-i", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.process.stdout:
            try:
                self.samples.append([float(value) for value in line.split(",")])
            except ValueError:
                pass  # "[N/A]": the card does not tell

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()

    def words(self):
        if not self.samples:
            return ""
        clock, power, heat, memory = zip(*self.samples)
        return (f"; clock {statistics.median(clock):.0f} MHz ({min(clock):.0f} to {max(clock):.0f}), at most "
                f"{max(power):.0f} W, {max(heat):.0f} °C, {max(memory) / 1024:.1f} GiB of the card in use")


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch, self.begin = options, scratch, time.perf_counter()
        self.build = pathlib.Path(options.build).resolve()
        self.engine = self.build / "src" / "engine" / "worker" / "espalier-engine"
        self.bench = self.build / "tests" / "bench"
        self.report = Report(options.report)
        self.size = 64 if options.small else options.size
        self.steps = 3 if options.small else options.steps
        self.repeats = 1 if options.small else options.repeats
        self.card, self.kernels, self.environment = None, "", {}
        self.photo = scratch / "photo.ppm"
        write_ppm(self.photo, self.size)

    def worker(self, **environment):
        return Worker(self.engine, **environment)

    # --- What there is ---------------------------------------------------------------------------

    def find_card(self):
        with self.worker() as worker:
            description, _ = worker.ask(type="describe")
        for device in description.get("devices", []):
            if device["id"].startswith("cuda:") and device["usable"]:
                self.card = device
                self.kernels = description.get("cuda_kernels", "")
                return True
        reasons = [device["description"] for device in description.get("devices", [])
                   if device["id"].startswith("cuda")]
        print(f"No card that can be used: {'; '.join(reasons) or description.get('message', 'the engine names none')}.")
        return False

    def part_card(self):
        card, say = self.card, self.report.say
        _, commit = run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
        say(f"- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"
            + (f", commit {commit.strip()}" if len(commit.strip()) < 20 else ""))
        say(f"- Card: {card['name']}, sm_{card['capability']}, {card['memory'] / GIB:.1f} GiB "
            f"({card['free'] / GIB:.1f} free), driver for CUDA {card['driver'] // 1000}.{card['driver'] % 1000 // 10}")
        say(f"- Kernels: {self.kernels}")
        say(f"- Computer: {os.cpu_count()} processors, "
            f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.0f} GiB of memory")
        if shutil.which("nvidia-smi"):
            fields = ["driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit",
                      "pcie.link.gen.current", "pcie.link.width.current", "temperature.gpu"]
            status, text = run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader", "-i", "0"], 60)
            if status == 0 and text.strip():
                for name, value in zip(fields, text.splitlines()[0].split(",")):
                    say(f"- {name}: {value.strip()}")
        else:
            say("- nvidia-smi was not found: nothing is said of clocks and power.")
        say()

    # --- Right -----------------------------------------------------------------------------------

    def card_tests(self):
        """Tests that name the emulated card, to be run without it: (name, command, environment), each command once."""
        info = self.build / "meson-info"
        here = json.loads((info / "meson-info.json").read_text())["directories"]
        text = (info / "intro-tests.json").read_text()
        # The build may have been carried to another place.
        text = text.replace(here["build"], str(self.build)).replace(here["source"], str(ROOT))
        seen = set()
        for test in json.loads(text):
            driver = test["env"].get("ESPALIER_CUDA_DRIVER", "")
            if (not driver.endswith(".so") or str(test["cmd"]) in seen
                    or any(word in test["name"] for word in ("emulator", "clock", "driver", "check", "bench", "core-", "cli-"))):
                continue
            seen.add(str(test["cmd"]))
            yield test["name"], test["cmd"], {name: value for name, value in test["env"].items()
                                              if not name.startswith(("CUEMU", "ESPALIER_CUDA_DRIVER"))}

    def part_tests(self):
        rows = []
        for name, command, environment in self.card_tests():
            begin = time.perf_counter()
            status, text = run(command, timeout=120, **environment)
            lines = text.splitlines()
            good = status in (0, 77) and not any(line.startswith("not ok") for line in lines)
            rows.append((name, "passes" if good and status == 0 else "skipped" if good else "**fails**",
                         f"{time.perf_counter() - begin:.1f} s"))
            if not good:
                wrong = [line for line in lines if line.startswith(("not ok", "#"))] or lines[-5:]
                self.report.fail(f"{name}, status {status}: " + " / ".join(wrong)[:600])
            if self.options.small and len(rows) == 2:
                break
        self.report.table(("test", "on this card", "time"), rows)

    def part_sanitizer(self):
        tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if not os.path.exists(tool):
            raise Missing("compute-sanitizer was not found; it comes with the CUDA toolkit")
        tests = [test for test in self.card_tests() if test[0].startswith(("engine-ops-cuda-", "engine-convolutions-"))]
        tests = tests[:1] if self.options.small else tests
        cells = {name: [] for name, _, _ in tests}
        end = time.perf_counter() + (10 if self.options.small else PARTS["sanitizer"])
        # What finds most first; racecheck takes the longest by far.
        for kind in ("memcheck", "synccheck", "racecheck"):
            for name, command, environment in tests:
                left = end - time.perf_counter()
                if left < 5:
                    cells[name].append("no time left")
                    continue
                status, text = run([tool, "--tool", kind, "--error-exitcode", "9", *command], timeout=min(left, 120),
                                   **environment)
                cells[name].append({0: "clean", 9: "**errors**", 124: "too slow"}.get(status, f"status {status}"))
                if status == 9:
                    self.report.fail(f"{kind} of {name}: " + " / ".join(
                        line for line in text.splitlines() if line.startswith("========="))[:800])
        self.report.table(("test", "memcheck", "synccheck", "racecheck"), [(name, *cells[name]) for name in cells])

    def demo_edit(self, **fields):
        with self.worker() as worker:
            event, _ = worker.ask(type="edit", model=str(DEMO), images=[str(self.photo)], prompt=PROMPT, seed=1,
                                  steps=self.steps if self.options.small else 8, size="match", **fields)
            return event, read_ppm(event["path"]) if event["type"] == "result" else None

    def part_quality(self):
        write_ppm(self.photo, 64 if self.options.small else 256)
        event, exact = self.demo_edit(device="cpu", dtype="f32")
        if exact is None:
            raise RuntimeError(event.get("message", "no picture from the processor"))
        rows = []
        for dtype in ("f32", "bf16", "fp8"):
            if dtype == "fp8" and not self.card["fp8"]:
                continue
            event, picture = self.demo_edit(device=self.card["id"], dtype=dtype)
            if picture is None or event["device"] == "cpu":
                self.report.fail(f"{dtype}: {event.get('message') or event.get('notice')}")
                continue
            quality = psnr(picture, exact)
            rows.append((dtype, "every byte the same" if quality == math.inf else f"{quality:.1f} dB",
                         f"{LEAST_QUALITY[dtype]} dB", event.get("notice") or ""))
            if quality < LEAST_QUALITY[dtype]:
                self.report.fail(f"{dtype} is {quality:.1f} dB from the processor's f32")
        self.report.table(("demo model in", "against the processor's f32", "at least", "notice"), rows)
        write_ppm(self.photo, self.size)

    # --- Fast ------------------------------------------------------------------------------------

    def part_ops(self):
        small = ["--scale", "64", "--seconds", "0.01", "norm"] if self.options.small else []
        for dtype in ("auto", "f32") if self.options.small else ("auto", "fp8", "f32"):
            if dtype == "fp8" and not self.card["fp8"]:
                continue
            status, text = run([self.bench / "bench-cuda", "--dtype", dtype, *small], 300)
            lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            if lines:
                head = lines.pop(0)
                self.report.say(f"{head['card']}, `--dtype {dtype}`: {head['multiprocessors']} multiprocessors, "
                                f"{head['clock_mhz']} MHz at most, peak {head['peak_tflops']} TFLOP/s, in fp8 "
                                f"{head['peak_fp8_tflops']}\n")
            self.report.table(("operation", "ms", "TFLOP/s", "of peak", "GB/s"), [
                (line["operation"], line.get("ms", line.get("error")), line.get("tflops", ""),
                 f"{100 * line['share']:.0f} %" if "share" in line else "", line.get("gb_per_s", ""))
                for line in lines])
            if status != 0 or any("error" in line for line in lines):
                self.report.fail(f"bench-cuda --dtype {dtype}, status {status}: " + " / ".join(
                    [line["error"] for line in lines if "error" in line] or text.splitlines()[-3:]))
        self.beside_cublaslt()

    def beside_cublaslt(self):
        """Products and attention at the model's shapes by each way."""
        status, text = run([self.bench / "bench-cuda-ops", *(["--quick", "--repeat", "1"] if self.options.small else [])], 300)
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        if status != 0 or not lines:
            self.report.fail(f"bench-cuda-ops, status {status}: " + " / ".join(text.splitlines()[-3:]))

        def rate(line, way):
            return f"{line['flops'] / line['us'][way] * 1e-6:.1f}" if way in line["us"] else "–"

        products, ratios = [line for line in lines if "product" in line], []
        for line in products:
            if "cublaslt" in line["us"] and "own" in line["us"] and line["rows"] > 8:
                ratios.append(line["us"]["cublaslt"] / line["us"]["own"])
        self.report.table(("product", "rows × in → out", "own µs", "own", "without wgmma", "cuBLASLt, TFLOP/s", "own of cuBLASLt",
                           "own of peak", "results apart: plain, cuBLASLt"), [
            (line["product"], f"{line['rows']} × {line['in']} → {line['out']}", line["us"].get("own", "fails"),
             rate(line, "own"), rate(line, "plain"), rate(line, "cublaslt"),
             f"{100 * line['us']['cublaslt'] / line['us']['own']:.0f} %" if {"cublaslt", "own"} <= set(line["us"]) else "",
             f"{100e6 * line['flops'] / line['us']['own'] / line['peak']:.0f} %" if line["peak"] and "own" in line["us"] else "",
             ", ".join(f"{value:.0e}" for value in line["apart"].values())) for line in products])
        if ratios:
            self.report.say(f"Own products reach {100 * min(ratios):.0f} to {100 * max(ratios):.0f} %, in the geometric mean "
                            f"{100 * statistics.geometric_mean(ratios):.0f} %, of cuBLASLt's rate; the aim is 85 %.\n")
        elif products:
            self.report.say("cuBLASLt was not found, so there is no ratio to it.\n")
        best = BEST_ATTENTION.get(self.card["capability"])
        self.report.table(("attention, 24 heads of 128", "rows", "µs", "TFLOP/s", "of peak", "of the best published"), [
            (line["attention"], line["rows"], line["us"], f"{line['flops'] / line['us'] * 1e-6:.0f}",
             f"{100e6 * line['flops'] / line['us'] / line['peak']:.0f} %" if line["peak"] else "",
             f"{100e-6 * line['flops'] / line['us'] / best:.0f} % of {best} TFLOP/s (aim 60 %)" if best else "")
            for line in lines if "attention" in line])

    # --- The model of the full size --------------------------------------------------------------

    def make_models(self):
        """Makes what is not there yet of the full size, in bf16 and Q4_K, all files at the same time; its folder."""
        doubles, singles = self.options.blocks
        folder = pathlib.Path(self.options.models) / f"wide-{doubles}-{singles}"
        whole, single = folder / "diffusers", folder / "q4_k"
        blocks = ["--double", str(doubles), "--single", str(singles)]
        size = 340e6 * doubles + 141.6e6 * singles
        full = ["--names", "diffusers", "--type", "bf16", "--t5-layers", "24", "--clip-layers", "12", "--t5-tokens", "512",
                "--tokenizers", str(DEMO), *blocks]
        wanted = [("transformer", whole, full + ["--parts", "transformer"], 2 * size),
                  ("text", whole, full + ["--parts", "t5,clip,vae"], 10.2e9),
                  ("q4_k", single, ["--names", "single", "--type", "q4_k", "--parts", "transformer", *blocks], 0.5625 * size)]
        missing = [each for each in wanted if not (folder / f".made-{each[0]}").exists()]
        if not missing:
            return folder
        whole.mkdir(parents=True, exist_ok=True)
        single.mkdir(parents=True, exist_ok=True)
        room, need = shutil.disk_usage(folder).free, 1.03 * sum(each[3] for each in missing) + 1e9
        if room < need:
            raise Missing(f"the model of the full size needs {need / 1e9:.0f} GB of disk, and {folder} has {room / 1e9:.0f}; "
                          "--models names another folder, --blocks fewer blocks")
        begin = time.perf_counter()
        running = [(name, subprocess.Popen([str(self.bench / "wide-model"), *arguments, str(into)],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
                   for name, into, arguments, _ in missing]
        for name, process in running:
            text = process.communicate()[1]
            if process.returncode != 0:
                for _, other in running:
                    other.kill()
                raise RuntimeError(f"making the model ({name}): {text.strip()[-400:]}")
            (folder / f".made-{name}").touch()
        self.report.say(f"The model was made in {folder} in {time.perf_counter() - begin:.0f} s; it stays there "
                        f"({need / 1e9:.0f} GB).\n")
        return folder

    def model(self, kind):
        """The model's fields for an edit: of the full size in bf16 or Q4_K, made when it is not there."""
        if self.options.small:
            return {"model": str(DEMO)}
        folder = self.make_models()
        fields = {"model": str(folder / "diffusers")}
        if kind == "q4_k":
            fields["components"] = {"transformer": str(folder / "q4_k" / "flux.gguf")}
        return fields

    def fields(self, kind, **more):
        # An exact size has references brought to Kontext's own, 1 MP: too much for the emulated card.
        size = "match" if self.options.small else f"{self.size}x{self.size}"
        return {"type": "edit", "images": [str(self.photo)], "prompt": PROMPT, "seed": 1, "steps": self.steps,
                "size": size, "device": self.card["id"], "latents": False, "disk_cache": False,
                **self.model(kind), **more}

    def edits(self, what, kind, repeats, **more):
        """One worker, one edit to warm up, `repeats` timed ones with words and photos of their own, so that nothing of
        an edit was computed before; None when it failed."""
        times, event, moments = [], {}, []
        fields = self.fields(kind, **more)
        fields["images"] = [str(self.scratch / "changing.ppm")]
        pixels = bytearray(self.photo.read_bytes())
        with self.worker() as worker:
            for number in range(repeats + 1):
                pixels[-1] = number
                pathlib.Path(fields["images"][0]).write_bytes(pixels)
                begin = time.perf_counter()
                event, moments = worker.ask(**{**fields, "prompt": f"{PROMPT}, version {number}"})
                if event["type"] != "result":
                    self.report.fail(f"{what}: {event.get('message', event)}")
                    return None
                times.append(time.perf_counter() - begin)
        if event.get("notice"):
            self.report.say(f"{what}: {event['notice']}\n")
        if event.get("device") == "cpu":
            self.report.fail(f"{what}: computed on the processor")
        steps = [b - a for a, b in zip(moments, moments[1:])]
        return {"what": what, "median": statistics.median(times[1:] or times), "least": min(times[1:] or times),
                "first": times[0], "step": statistics.median(steps) if steps else math.nan, "stages": event["timings"],
                "computed": event["computed_steps"], "memory": (event.get("memory") or "").splitlines(),
                "host": event["peak_memory"]}

    def show_edits(self, found):
        stages = ("load", "text", "encode", "sample", "decode")
        self.report.table(("edit", "median s", "least s", "first s", "step s", *stages, "steps computed", "host memory"),
                          [(each["what"], f"{each['median']:.2f}", f"{each['least']:.2f}", f"{each['first']:.2f}",
                            f"{each['step']:.3f}", *(f"{each['stages'].get(stage, 0):.2f}" for stage in stages),
                            f"{each['computed']} of {self.steps}", f"{each['host'] / GIB:.1f} GiB") for each in found if each])

    def part_edits(self):
        wanted = []
        for dtype in ("bf16", "fp8") if self.card["bf16"] else ("auto",):
            if dtype != "fp8" or self.card["fp8"]:
                wanted += [(dtype, {"dtype": dtype}), (f"{dtype}, step cache {STEP_CACHE}",
                                                       {"dtype": dtype, "step_cache": STEP_CACHE})]
        found = []
        for what, more in wanted:
            found.append(self.edits(what, "bf16", self.repeats, **more))
            for line in (found[-1] or {}).get("memory", []) if more == wanted[0][1] else []:
                self.report.say(f"    {line}")
        self.report.say()
        self.show_edits(found)
        if self.card["capability"] == 90 and not self.options.small and self.size == 1024 and self.steps == 28:
            for each in filter(None, found):
                aim = AIM_CACHED if "cache" in each["what"] else AIMS.get(each["what"])
                if aim:
                    self.report.say(f"- {each['what']}: {each['median']:.2f} s, the aim is {aim} s: "
                                    + ("reached" if each["median"] <= aim else "**missed**"))
            self.report.say()

    def part_sweep(self):
        """Seeds one by one and in one request, with words and photo known in both."""
        rows = []
        for side in (self.size,) if self.options.small else (self.size, self.size // 2):
            write_ppm(self.photo, side)
            with self.worker() as worker:
                fields = {**self.fields("bf16"), "size": "match"}
                event, _ = worker.ask(**{**fields, "seed": 100})
                if event["type"] != "result":
                    raise RuntimeError(event.get("message", str(event)))
                for count in (1, 2) if self.options.small else (1, 2, 4):
                    begin = time.perf_counter()
                    for seed in range(count):
                        event, _ = worker.ask(**{**fields, "seed": 200 + seed})
                    single = time.perf_counter() - begin
                    seconds, together, message = worker.batch(list(range(300, 300 + count)), **fields)
                    if seconds is None:
                        self.report.fail(f"{count} seeds of {side} × {side}: {message}")
                        break
                    rows.append((f"{side} × {side}", count, f"{single:.2f}", f"{seconds:.2f}", together,
                                 f"{seconds / count:.2f}", f"{single / seconds:.2f}"))
        write_ppm(self.photo, self.size)
        self.report.table(("picture", "seeds", "one by one, s", "at once, s", "in a pass", "s an edit", "gain"), rows)

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
        """A new process each time; the first one may still read the disk."""
        rows = []
        with tempfile.TemporaryDirectory() as cache:
            for what, environment, fields in (
                    ("files perhaps on the disk", {}, {}), ("files in the system's cache", {}, {}),
                    ("words and photo seen before", {"ESPALIER_CACHE_DIR": cache}, {"disk_cache": True}),
                    ("the same again", {"ESPALIER_CACHE_DIR": cache}, {"disk_cache": True})):
                fields = self.fields("bf16", **fields)  # which may make the model
                begin = time.perf_counter()
                with self.worker(**environment) as worker:
                    event, moments = worker.ask(**fields)
                if event["type"] != "result" or len(moments) < 2:
                    raise RuntimeError(event.get("message", str(event)))
                rows.append((what, f"{moments[0] - begin:.2f}", f"{moments[1] - begin:.2f}",
                             *(f"{event['timings'].get(stage, 0):.2f}" for stage in ("load", "text", "encode"))))
        self.report.table(("cold start", "s to the first step's beginning", "s to its end", "load", "text", "encode"), rows)
        if not self.options.small:
            self.report.say(f"The aim is {AIM_COLD:.0f} s to the first step from a warm cache.\n")

    # --- All of it -------------------------------------------------------------------------------

    def run_part(self, part):
        self.report.say(f"## {part.capitalize()}\n")
        begin = time.perf_counter()
        with Watch() as watch:
            try:
                getattr(self, "part_" + part)()
            except Missing as missing:
                self.report.say(f"Left out: {missing}.\n")
            except Exception as error:  # pylint: disable=broad-except
                traceback.print_exc()
                self.report.fail(f"{part} broke: {type(error).__name__}: {error}")
        self.report.say(f"({part}: {time.perf_counter() - begin:.0f} s{watch.words()})\n")

    def run(self):
        if not self.find_card():
            return 1 if self.options.small else 0
        self.report.say(f"# Espalier on {self.card['name']}\n")
        planned = sum(PARTS[part] for part in self.options.parts)
        if not self.options.small:
            making = MAKING if {"edits", "cold", "sweep", "memory"} & set(self.options.parts) else 0
            print(f"On an H100 this takes about {(planned + making) / 60:.0f} minutes.\n", flush=True)
        for part in self.options.parts:
            if self.options.minutes and time.perf_counter() - self.begin > 60 * self.options.minutes:
                self.report.say(f"## {part.capitalize()}\n\nNot begun: {self.options.minutes} minutes are over.\n")
            else:
                self.run_part(part)
        self.report.say(f"{len(self.report.failures)} failed." if self.report.failures else "Nothing failed.")
        return 1 if self.report.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

    def numbers(text):
        return tuple(map(int, text.split(",")))

    parser.add_argument("parts", nargs="*", metavar="PART", help="of " + ", ".join(PARTS))
    parser.add_argument("--build", required=True)
    parser.add_argument("--report")
    parser.add_argument("--models", default=os.path.join(cache, "espalier", "bench"))
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--blocks", default=(19, 38), type=numbers)
    parser.add_argument("--vram", default=(4, 6, 8, 12, 16), type=numbers)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    options.parts = options.parts or list(PARTS)
    if not set(options.parts) <= set(PARTS):
        parser.error("parts are " + ", ".join(PARTS))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(Bench(options, pathlib.Path(scratch)).run())


if __name__ == "__main__":
    main()
