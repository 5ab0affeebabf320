#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes until the first step begins, and what is read from the disk for it: with the model's files
out of the system's cache, then with them in it.

    bench-load.py --build FOLDER [--models FOLDER] [--model FOLDER [--component PART=FILE]...] [--size 256]
                  [--threads N] [--steps 1]

Without --model it is the one that bench-engine.py makes (true widths, 2 double and 4 single blocks, Q4_K). Each
file is dropped from the cache (posix_fadvise) and looked for there (mincore): what is left is said. Then one edit
of one step runs in a new process; the times are by the clock from the start of the process to the beginning of
each stage, and what was read is the process's own read_bytes, beside the sizes of the files. Nothing is read
twice where the ratio is at most 1.02; it is below 1 where T5's table of words is only needed in part. The warm
run comes after a plain read of all files; where the system does not keep them all, what is left is said, too.
No figure is a test: nothing fails for being slow.
"""

import argparse
import ctypes
import importlib.util
import json
import mmap
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PAGE = os.sysconf("SC_PAGE_SIZE")
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def engine_bench():
    """bench-engine.py, which makes models and pictures."""
    specification = importlib.util.spec_from_file_location("bench_engine", HERE / "bench-engine.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def resident(path):
    """Bytes of the file that are in the system's cache."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        address = LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"{path}: cannot be mapped")
    pages = ctypes.create_string_buffer((size + PAGE - 1) // PAGE)
    failed = LIBC.mincore(address, size, pages)
    LIBC.munmap(address, size)
    if failed:
        raise OSError(ctypes.get_errno(), f"{path}: mincore failed")
    return min(size, PAGE * sum(byte & 1 for byte in pages.raw))


def drop(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(path):
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 22)
        while file.readinto(buffer):
            pass


def process_figures(pid):
    """Processor seconds, bytes read from the disk, and the most memory so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    io = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return {"processor": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            "read": int(io["read_bytes"]), "peak": int(status["VmHWM"].split()[0]) * 1024}


def run(options, environment, request):
    """[(what begins, clock, processor seconds, bytes read)], and the most memory."""
    begin, moments = time.perf_counter(), []
    process = subprocess.Popen([str(pathlib.Path(options.build) / "src/engine/worker/espalier-engine")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    process.stdin.write(json.dumps({"type": "edit", "id": 1, **request}) + "\n")
    process.stdin.flush()
    seen, figures = set(), None
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == "error":
            sys.exit(f"espalier-engine: {event['message']}")
        name = event["type"] if event["type"] == "result" else (event.get("stage"), event.get("step"))
        if event["type"] in ("progress", "result") and name not in seen:
            seen.add(name)
            figures = process_figures(process.pid)
            moments.append((name, time.perf_counter() - begin, figures["processor"], figures["read"]))
        if event["type"] == "result":
            break
    process.stdin.close()
    process.wait()
    return moments, figures["peak"]


def words_of(name):
    if name == "result":
        return "the picture is there"
    stage, step = name
    return {"text": "opened; text encoders begin", "encode": "the photo's encoding begins",
            "load": "embedders and modulations begin", "decode": "decoding begins"}.get(
                stage, "THE FIRST STEP begins" if step == 0 else f"step {step} is done")


def report(title, files, moments, peak):
    sizes = sum(path.stat().st_size for path in files)
    print(f"\n{title}\n{'':36}{'clock, s':>10}{'processor, s':>14}{'read, MB':>10}")
    for name, clock, processor, read in moments:
        print(f"{words_of(name):36}{clock:10.2f}{processor:14.2f}{read / 1e6:10.0f}")
    print(f"read in all: {moments[-1][3] / 1e6:.0f} MB; the files have {sizes / 1e6:.0f} MB: "
          f"{moments[-1][3] / sizes:.3f} times; most memory {peak / 1e6:.0f} MB")
    begins = dict((name, clock) for name, clock, *_ in moments)
    if ("load", 0) in begins and ("text", 0) in begins and ("sample", 0) in begins:
        opened, loads, samples = begins["text", 0], begins["load", 0], begins["sample", 0]
        print(f"until the first step without the words' and the photo's encoding (which are kept): "
              f"{opened + samples - loads:.2f} s = {opened:.2f} opening + {samples - loads:.2f} modulations")


def say_cached(files):
    for path in files:
        size = path.stat().st_size
        print(f"  {path}: {size / 1e6:.0f} MB, {100 * resident(path) / max(size, 1):.1f} % in the cache")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--models", default=os.path.expanduser("~/.cache/espalier/bench"))
    parser.add_argument("--model")
    parser.add_argument("--component", action="append", default=[])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=1)
    options = parser.parse_args()
    options.blocks = (2, 4)
    bench = engine_bench()
    components = dict(part.split("=", 1) for part in options.component)
    if options.model is None:
        models = bench.Models(options)
        options.model = str(models.whole("bf16"))
        components.setdefault("transformer", str(models.single("q4_k")))
    parts = {"transformer": "transformer", "text_encoder": "clip", "text_encoder_2": "t5", "vae": "vae"}
    files = [pathlib.Path(components[part]) for part in parts.values() if part in components]
    for folder, part in parts.items():
        if part not in components:
            files += sorted((pathlib.Path(options.model) / folder).glob("*.safetensors"))
    with tempfile.TemporaryDirectory(prefix="espalier-load-") as folder:
        bench.write_pictures(pathlib.Path(folder), options.size)
        request = {"model": options.model, "components": components, "images": [f"{folder}/in.ppm"],
                   "prompt": bench.PROMPT, "size": "match", "steps": options.steps, "guidance": 2.5, "seed": 1,
                   "dtype": "bf16", "device": "cpu", "threads": options.threads}
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "ESPALIER_CACHE_DIR": "",
                       "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "2000")}
        for path in files:
            drop(path)
        print("Load: one step at", f"{options.size} x {options.size}, {options.threads} threads. Dropped:")
        say_cached(files)
        report("From the disk", files, *run(options, environment, request))
        for path in files:
            warm(path)
        print("\nRead once:")
        say_cached(files)
        report("From the system's cache", files, *run(options, environment, request))


if __name__ == "__main__":
    main()
