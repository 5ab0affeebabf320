#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place in the worker that asks for memory has none, once: each request ends in one answer, and the next one works.

    test-engine-allocations.py [--all] [--case NAME] [--verbose]

The real worker runs with libfail-allocations.so in front of its malloc (). A place is told by the calls that lead there.
For each of them the request is made once more, and the place's first allocation fails (with --all its last one, too; what another
request came by in the same way is not asked again). Then

- the request has one answer: an error of the kind `memory`, or what it gives when what failed was not needed;
- nothing that was opened or mapped for it stays, and no file that nobody was told of;
- the next request works, and gives the same bytes as before (asked after every few).

Without --all (or FAULTS=all) some of the places are tried, others in each case. What ends by itself when memory is out, and is not
ours, is left out by name (ENDS).
"""

import argparse
import hashlib
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import allocations

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/engine/model"))
import make_model  # noqa: E402
import make_variants  # noqa: E402

DEMO = str(ROOT / "data/models/demo")
PATIENCE = 240  # seconds for an answer
SAMPLE = 12  # places of a case, without --all
AGAIN = 150  # attempts until a worker is ended, so that its leaks are told of

# What ends the process when it has no memory, by design: whose it is, and why it is not asked.
ENDS = {
    "libgomp.so": "GCC's OpenMP runtime: a team of threads that cannot be made ends the process",
    "ld-linux": "the dynamic linker, of a thread's own variables",
    "libpthread": "a thread's stack",
    "libgcc_s": "the unwinder, while an exception is on its way",
    "libdnnl": "oneDNN: writes into what it was not given, or throws through itself",
    "libstdc++": "oneDNN's containers, the same",
}

# Who may end the process when what it asked for itself is not there: jansson 2.14 takes a text whose last letter it lost for whole
# and reads and writes beyond it, or finds that by an assertion (load.c, lex_scan_string ()).
MAY_END = "libjansson"


class Worker:
    """A worker with its events in a queue."""

    def __init__(self, page, tmp):
        environment = page.environment(dict(os.environ, TMPDIR=str(tmp), OMP_NUM_THREADS="1",
                                            ESPALIER_CUDA_DRIVER="none"))
        self.log = open(tmp / "stderr", "w+b")
        self.process = subprocess.Popen([os.environ["ESPALIER_ENGINE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, env=environment)
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.spool = pathlib.Path(self.ask({"type": "hello", "id": "hello"})[0]["spool"])

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def ask(self, request):
        """The answers of a request: one, and one for each further edit of it."""
        wanted = {request["id"], *(part["id"] for part in request.get("batch", []))}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answers = []
        while wanted:
            event = self.events.get(timeout=PATIENCE)
            assert event is not None, f"the worker ended: {self.process.wait(PATIENCE)}\n{self.said()}"
            if event["type"] in ("progress", "preview"):
                assert event["id"] in wanted, f"{event} after the answer"
                continue
            answers.append(event)
            # A line that cannot be read has no id; nothing else may be without one.
            assert event["id"] in wanted or event["id"] is None and event["code"] == "memory", event
            wanted = wanted - {event["id"]} if event["id"] is not None else set()
        return answers

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-8000:]

    def held(self):
        """Open files, and files that are mapped."""
        place = pathlib.Path("/proc") / str(self.process.pid)
        files = sorted(os.readlink(entry) for entry in (place / "fd").iterdir())
        maps = {line.split(maxsplit=5)[5] for line in (place / "maps").read_text().splitlines()
                if line.count(" ") > 5 and line.rstrip().endswith((".safetensors", ".gguf", ".ppm"))}
        return files, maps

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        assert status == 0, f"exit status {status}\n{self.said()}"
        assert not self.spool.exists(), "the spool is still there"


def photo(path, width=48, height=32):
    pixels = bytes((x * 5 + y * 3 + c * 40) % 256 for y in range(height) for x in range(width) for c in range(3))
    path.write_bytes(f"P6\n{width} {height}\n255\n".encode() + pixels)
    return str(path)


def cases(folder):
    """Name → request without its id. Pictures are edited in their own size, the smallest that goes nearly all ways. With an exact size
    (`-large`) they are brought to a megapixel first, which takes up to two hundred times as long: of these only those places are
    asked that the small ones do not have (strips, tiles, resampling), and only with --all."""
    small = photo(folder / "small.ppm", 32, 32)
    odd = photo(folder / "odd.ppm")
    loras = [str(ROOT / "tests/data/loras" / name) for name in ("kohya.safetensors", "diffusers.safetensors")]
    lora_model = make_model.make("heads-32", folder / "models")
    files = make_model.make("files", folder / "models")
    made = {name: json.loads(subprocess.run(
        [sys.executable, make_variants.__file__, name, files, folder / "variants"], check=True, capture_output=True,
        text=True).stdout) for name in ("gguf", "all-in-one", "sharded", "format-Q4_K", "format-fp8-current")}

    def edit(**fields):
        return dict(dict(type="edit", model=DEMO, images=[small], prompt="Make it snow", size="match", steps=1, seed=1, threads=1),
                    **fields)

    def everything(**fields):
        return edit(images=[odd, small], previews=True, true_cfg=2, negative_prompt="rain", vae_tiling="on", dtype="bf16",
                    batch=[{"id": "b", "seed": 2}], **fields)

    def adapted(**fields):
        return dict(edit(loras=[{"path": path, "strength": 0.5} for path in loras], lora_partial=True, **fields), model=str(lora_model))

    def variant(name, **fields):
        fields["components"] = made[name].get("components", {})
        return dict(edit(**fields), model=made[name].get("model") or str(files))

    return {
        "edit": edit(previews=True),
        "edit-everything": everything(),
        "edit-dump": edit(dump=str(folder / "dump.safetensors")),
        "edit-cached": edit(disk_cache=True),
        "lora": adapted(),
        "gguf": variant("gguf"),
        "all-in-one": variant("all-in-one"),
        "sharded": variant("sharded"),
        "q4": variant("format-Q4_K", dtype="bf16"),
        "fp8": variant("format-fp8-current", dtype="bf16"),
        "load": dict(type="load", model=DEMO),
        "describe": dict(type="describe", model=DEMO),
        "describe-nothing": dict(type="describe"),
        "tokenize": dict(type="tokenize", model=DEMO, texts=["Make it snow", "für \U0001f600 immer", ""]),
        "inspect": dict(type="inspect", model=DEMO),
        "inspect-gguf": dict(type="inspect", model=made["gguf"].get("model") or made["gguf"]["components"]["transformer"]),
        "inspect-lora": dict(type="inspect", model=loras[0]),
        "convert-gguf": dict(type="convert", input=str(files / "transformer"), output=str(folder / "out.gguf"), format="q8_0"),
        "convert-safetensors": dict(type="convert", input=str(files / "transformer"), output=str(folder / "out.safetensors"), format="fp8"),
        "cache": dict(type="cache"),
        "edit-large": edit(size="32x32", previews=True),
        "edit-everything-large": everything(size="48x32"),
        "lora-large": adapted(size="32x32"),
        "q4-large": variant("format-Q4_K", dtype="bf16", size="32x32"),
    }


# What differs from one run to the next.
VARIABLE = ("seconds", "timings", "peak_memory", "path", "latents", "id", "memory", "estimate", "cache", "devices", "carried", "reused")


def essence(answers):
    """What must be the same whenever the request is made: the pictures by their bytes. That a card was not used because memory was
    out may be said besides."""
    told = []
    for answer in sorted(answers, key=lambda event: str(event["id"])):
        told.append({key: value for key, value in answer.items() if key not in VARIABLE and (key != "notice" or "memory" not in (value or ""))})
        told[-1].setdefault("notice", None)
        if answer["type"] == "result":
            told.append([hashlib.sha256(pathlib.Path(answer[key]).read_bytes()).hexdigest() for key in ("path", "latents") if answer[key]])
        elif answer["type"] == "converted":
            told.append(hashlib.sha256(pathlib.Path(answer["path"]).read_bytes()).hexdigest())
    return told


class Trial:
    """One case: its request again and again, with one place after the other that has no memory."""

    def __init__(self, name, request, page, tmp, carried=False):
        self.name, self.request, self.page, self.tmp = name, request, page, tmp
        self.number = self.attempts = 0
        self.worker = None

    def fresh(self):
        if self.worker is not None:
            self.worker.end()
        self.page.off()
        self.worker = Worker(self.page, self.tmp)
        self.forget()

    def forget(self):
        """The model that is open is closed: what is asked for next starts with its files."""
        self.worker.ask({"type": "load", "id": "forget", "model": "/nonexistent"})

    def ask(self, arm=None):
        self.number += 1
        request = dict(self.request, id=f"{self.name}-{self.number}")
        if arm:
            arm()
        answers = self.worker.ask(request)
        self.page.off()
        return answers

    def tidy(self, answers, held):
        """What the attempt has left behind; takes away what it may leave."""
        told = {pathlib.Path(answer[key]).name for answer in answers for key in ("path", "latents")
                if answer["type"] == "result" and answer[key]}
        self.forget()  # whatever was on its way has been done by then
        left = {path.name for path in self.worker.spool.iterdir()}
        stray = {name for name in left - told if not name.startswith("preview-")}
        for path in self.worker.spool.iterdir():
            path.unlink()
        now = self.worker.held()
        assert not stray, f"files that nobody was told of: {stray}"
        assert now[1] <= held[1], f"still mapped: {now[1] - held[1]}"
        assert len(now[0]) <= len(held[0]), f"still open: {set(now[0]) - set(held[0])}, {len(now[0])} against {len(held[0])}"
        strays = [path.name for path in self.tmp.parent.glob(".*.tmp*")] + [path.name for path in self.tmp.parent.glob("out.*-*")]
        assert not strays, f"stray files: {strays}"

    def places(self):
        """Records twice, the second time with everything that is set up once set up."""
        self.fresh()
        self.expected = essence(self.ask())
        self.forget()
        answers = self.ask(self.page.record)
        sites = self.page.sites()
        assert essence(answers) == self.expected, f'the second time: {answers}, not {self.expected}'
        for path in self.worker.spool.iterdir():
            path.unlink()
        self.forget()
        self.held = self.worker.held()
        return sites

    def attempt(self, site, moment):
        """Returns what came of it: 'memory', 'worked' or 'unreached'."""
        self.attempts += 1
        if self.worker is None or self.attempts % AGAIN == 0:
            self.fresh()
            self.ask()
            self.forget()
            for path in self.worker.spool.iterdir():
                path.unlink()
            self.held = self.worker.held()
        answers = self.ask(lambda: self.page.fail(site.number, moment))
        struck = self.page.struck
        codes = {answer.get("code") for answer in answers if answer["type"] == "error"}
        assert codes <= {"memory"}, [answer for answer in answers if answer["type"] == "error"]
        for answer in answers:
            assert answer["type"] != "error" or answer["message"], answer
        if not codes:
            assert essence(answers) == self.expected, f"another result: {answers}"
        self.tidy(answers, self.held)
        return "unreached" if not struck else "memory" if codes else "worked"

    def drop(self):
        """After a worker that ended: what it could not clear away is no fault, and the next one is fresh."""
        self.worker.process.kill()
        self.worker.process.wait()
        for path in self.tmp.glob("espalier-*"):
            shutil.rmtree(path, ignore_errors=True)
        self.worker = None
        self.attempts = -1

    def still_works(self):
        answers = self.ask()
        assert essence(answers) == self.expected, f"afterwards: {answers}"
        for path in self.worker.spool.iterdir():
            path.unlink()
        self.forget()


def run_case(trial, everything, known, verbose):
    """Of places in `known` nothing is asked; those that were tried are put there."""
    sites = trial.places()
    ours = [site for site in sites if not any(site.asker.startswith(name) for name in ENDS)]
    new = [site for site in ours if site.calls not in known]
    tried = new if everything else new[::max(1, len(new) // SAMPLE)]
    known.update(site.calls for site in tried)
    moments = [(site, moment) for site in tried for moment in sorted({1, site.count} if everything else {1})]
    count = {"memory": 0, "worked": 0, "unreached": 0, "ended": 0}
    failures = []
    files = {path.name: str(path) for path in [pathlib.Path(os.environ["ESPALIER_ENGINE"])]}
    for number, (site, moment) in enumerate(moments):
        try:
            count[trial.attempt(site, moment)] += 1
            if number % (4 if everything else 8) == 3:
                trial.still_works()
        except (AssertionError, queue.Empty, BrokenPipeError, KeyError) as wrong:
            if "the worker ended" in str(wrong) and any(name.startswith(MAY_END) for name, _ in site.calls[:2]):
                count["ended"] += 1
                trial.drop()
                continue
            where = allocations.describe(site, {**files, "program": files.get("espalier-engine")})
            failures.append(f"{where}\n{moment} of {site.count}: {type(wrong).__name__} {wrong}")
            print("# " + failures[-1].replace("\n", "\n#   "), flush=True)
            trial.drop()
        if verbose:
            print(f"# {number} of {len(moments)}", flush=True)
    try:
        if trial.worker is not None:
            trial.worker.end()
    except AssertionError as wrong:
        failures.append(str(wrong))
        print("# " + str(wrong).replace("\n", "\n#   "), flush=True)
    return sites, ours, moments, count, failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", default=os.environ.get("FAULTS") == "all")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this request (again for more)")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="allocations-") as folder:
        folder = pathlib.Path(folder)
        known = cases(folder)
        unknown = set(options.case or []) - set(known)
        if unknown:
            parser.error(f"--case: {', '.join(sorted(unknown))}: not one of {', '.join(known)}")
        chosen = {name: request for name, request in known.items()
                  if (name in options.case if options.case else options.all or not name.endswith("-large"))}
        tried = set()
        print(f"1..{len(chosen)}", flush=True)
        for number, (name, request) in enumerate(chosen.items(), 1):
            tmp = folder / name
            tmp.mkdir()
            page = allocations.Allocations(folder / f"{name}.page", os.environ["FAIL_ALLOCATIONS_LIBRARY"])
            os.environ["ESPALIER_CACHE_DIR"] = str(tmp / "cache") if name == "edit-cached" else ""
            start = time.monotonic()
            sites, ours, moments, count, failures = run_case(Trial(name, request, page, tmp), options.all, tried, options.verbose)
            print(f"# {name}: {len(sites)} places, {len(sites) - len(ours)} left out, {len(moments)} failures: "
                  f"{count['memory']} told, {count['worked']} done without, {count['unreached']} not reached, {count['ended']} ended by a library; "
                  f"{time.monotonic() - start:.0f} s")
            print(f"{'not ok' if failures else 'ok'} {number} - {name}", flush=True)
            failed += bool(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
