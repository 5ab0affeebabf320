#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times a sweep of three guidances by three seeds with the demo model, beside nine single edits.

    bench-sweep.py --build FOLDER [--threads N] [--repeats N] [--steps N] [--size N]

    nine commands   espalier-cli edit nine times: each starts a worker and opens the model
    nine edits      one worker that has the model open; nothing can be shared, because each edit has
                    another photo and other words
    one by one      the sweep in one worker, a request for each cell: photo, words and modulations
                    are computed once
    sweep           the same as the window makes it: one request for the seeds of each guidance

"one by one" and "sweep" contain the worker's start. All take turns within every repeat, so that a
busy machine slows all of them; reported are minimum and median of the seconds by the clock and of
the processor's time of all threads, and how many times the sweep's that is (minima). The pictures made together must be those made one by one.
"""

import argparse
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODEL = ROOT / "data" / "models" / "demo"
GUIDANCES = (1, 2.5, 4)
SEEDS = (1, 2, 3)
WORDS = "Make it look like golden hour"
KINDS = ("nine commands", "nine edits", "one by one", "sweep")


def load_bench_edit():
    """The benchmark of single edits, for its pictures."""
    loader = importlib.machinery.SourceFileLoader("bench_edit", str(HERE / "bench-edit.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_edit", loader))
    loader.exec_module(module)
    return module


class Worker:
    def __init__(self, engine, environment):
        self.process = subprocess.Popen([engine], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.number = 0

    def edit(self, request, seeds):
        """The results for all seeds, made by one request."""
        identifiers = range(self.number, self.number + len(seeds))
        self.number += len(seeds)
        batch = [{"id": i, "seed": seed} for i, seed in zip(identifiers[1:], seeds[1:])]
        self.process.stdin.write(json.dumps({"type": "edit", "id": identifiers[0], "model": str(MODEL), **request,
                                             "seed": seeds[0], **({"batch": batch} if batch else {})}) + "\n")
        self.process.stdin.flush()
        results = {}
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "error":
                sys.exit(f"espalier-engine: {event}")
            if event["type"] == "result":
                results[event["id"]] = event
            if len(results) == len(seeds):
                return [results[i] for i in identifiers]
        sys.exit("espalier-engine ended")

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def children_seconds():
    """Processor time of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.times = {}
        self.shared = set()
        processors = sorted(os.sched_getaffinity(0))
        self.threads = options.threads or len(processors)
        os.sched_setaffinity(0, processors[:self.threads])
        build = pathlib.Path(options.build)
        self.cli = build / "src" / "cli" / "espalier-cli"
        self.engine = build / "src" / "engine" / "worker" / "espalier-engine"
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "ESPALIER_ENGINE": str(self.engine),
                            "ESPALIER_DATA_DIR": str(ROOT / "data"), "ESPALIER_CACHE_DIR": ""}
        load_bench_edit().write_pictures(self.folder, options.size)
        photo = (self.folder / "in.ppm").read_bytes()
        for number in range(9):
            (self.folder / f"{number}.ppm").write_bytes(photo[:-1] + bytes([number]))

    def request(self, number_format, guidance):
        return {"images": [str(self.folder / "in.ppm")], "prompt": WORDS, "size": "match", "steps": self.options.steps,
                "guidance": guidance, "dtype": number_format, "device": "cpu", "threads": self.threads}

    def nine_commands(self, number_format):
        for guidance in GUIDANCES:
            for seed in SEEDS:
                out = self.folder / "out.png"
                command = [self.cli, "edit", self.folder / "in.png", "-p", WORDS, "-o", out, "--model", MODEL, "--size",
                           "match", "--steps", self.options.steps, "--guidance", guidance, "--seed", seed, "--dtype",
                           number_format, "--threads", self.threads, "--device", "cpu", "--quiet"]
                status = subprocess.run([str(part) for part in command], env=self.environment, check=False).returncode
                if status != 0:
                    sys.exit(f"espalier-cli edit ended with status {status}")

    def nine_edits(self, number_format):
        worker = Worker(self.engine, self.environment)
        worker.edit(self.request(number_format, 2.5), [1])
        begin, work = time.perf_counter(), worker.processor_seconds()
        for number in range(9):
            request = self.request(number_format, GUIDANCES[number // 3])
            request.update(images=[str(self.folder / f"{number}.ppm")], prompt=WORDS + " " * (number + 1))
            result, = worker.edit(request, [SEEDS[number % 3]])
            if result["reused"]:
                sys.exit(f"something was shared that should not have been: {result['reused']}")
        self.add("nine edits", number_format, time.perf_counter() - begin, worker.processor_seconds() - work)
        worker.end()

    def sweep(self, number_format, together):
        """Digests of the pictures, in the same order each time."""
        worker = Worker(self.engine, self.environment)
        digests = []
        for guidance in GUIDANCES:
            groups = [SEEDS] if together else [[seed] for seed in SEEDS]
            for seeds in groups:
                for result in worker.edit(self.request(number_format, guidance), list(seeds)):
                    digests.append(hashlib.sha256(pathlib.Path(result["path"]).read_bytes()).hexdigest())
                    if together:
                        self.shared.add((number_format, result["shared"]))
        worker.end()
        return digests

    def add(self, kind, number_format, seconds, work):
        self.times.setdefault((number_format, kind), []).append((seconds, work))

    def run(self):
        for _ in range(self.options.repeats):
            for number_format in ("f32", "bf16"):
                digests = []
                self.nine_edits(number_format)
                for kind, make in (("nine commands", lambda: self.nine_commands(number_format)),
                                   ("one by one", lambda: digests.append(self.sweep(number_format, False))),
                                   ("sweep", lambda: digests.append(self.sweep(number_format, True)))):
                    begin, work = time.perf_counter(), children_seconds()
                    make()
                    self.add(kind, number_format, time.perf_counter() - begin, children_seconds() - work)
                if digests[0] != digests[1] or len(set(digests[0])) != 9:
                    sys.exit("the sweep's pictures are not those of single edits")

    def report(self):
        size, steps = self.options.size, self.options.steps
        print(f"3 guidances x 3 seeds, demo model, {size} x {size}, {steps} steps, {self.threads} threads, "
              f"{self.options.repeats} repeats; minimum / median")
        for column, what in enumerate(("seconds by the clock", "seconds of the processor")):
            print(f"{what:25}" + "".join(f"{number_format:>15}{'ratio':>8}" for number_format in ("f32", "bf16")))
            for kind in KINDS:
                cells = ""
                for number_format in ("f32", "bf16"):
                    values = [pair[column] for pair in self.times[number_format, kind]]
                    best = min(pair[column] for pair in self.times[number_format, "sweep"])
                    cells += f"{f'{min(values):.2f} / {statistics.median(values):.2f}':>15}{min(values) / best:>7.2f}x"
                print(f"  {kind:23}{cells}")
        for number_format in ("f32", "bf16"):
            together = sorted(n for name, n in self.shared if name == number_format)
            print(f"{number_format}: {' or '.join(map(str, together))} of 3 seeds went through the transformer together")
        print("The sweep's pictures are the single edits', byte for byte.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        bench.run()
        bench.report()


if __name__ == "__main__":
    main()
