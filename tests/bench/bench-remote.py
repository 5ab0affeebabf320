#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the window while hundreds of turns are with a provider, 50 at a time.

    bench-remote.py --build FOLDER [--turns N] [--seconds N] [--megabytes N]

The provider is acted out on this computer (tests/servers/fake-provider.py), by a process that gives
way to others (its priority is lower: a provider computes elsewhere) but takes its share of the
processors, as the screen's (Xvfb) does. In each scene a callback asks for the next
frame in every frame, and the times from frame to frame are measured:

    still   a window of the toolkit with nothing in it
    idle    ours, with a document, and nothing to do: what this machine gives
    turns   ours, while the turns are sent, waited for, fetched, and stored; results of 1 megapixel
    beside  at the same time, in a process of its own, "still": what of the gaps is the machine's
    list    the same as "turns" with the queue's list open

"gap" is by the clock; "work" what the main thread had of a processor from one frame to the next.
"late" are frames more than 50 ms after the one before, "late-by-work" those for which the main
thread itself was at work for so long: none is aimed at. With ESPALIER_BENCH_LATE=1 each late frame
is told on standard error, with the rounds of the main loop since the one before.
"""

import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_DISPLAY = ROOT / "tests" / "app" / "with-display.sh"
INSIDE = "ESPALIER_BENCH_INSIDE"  # set where there is a screen already
DESCRIPTOR = "runpod-flux-kontext-dev"

sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "servers"))
from fakes import Fakes  # noqa: E402

UNITS = {"memory": "MB", "n": ""}
AIMS = {"turns.late.n": 0, "turns.late-by-work.n": 0, "list.late.n": 0, "list.late-by-work.n": 0}


def show(text, prefix=""):
    for line in text.splitlines():
        name, _, value = line.partition("\t")
        if not value:
            continue
        unit = next((UNITS[part] for part in name.split(".") if part in UNITS), "ms")
        aim = AIMS.get(name) if not prefix else None
        note = "" if aim is None else f"   aim: {aim}" + ("" if float(value) <= aim else ", MISSED")
        print(f"  {prefix + name:34} {float(value):10.1f} {unit:2}{note}", flush=True)


def run(*command, env=None):
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=900, env=env)
    if process.returncode != 0:
        sys.exit(f"bench-remote.py: {' '.join(command)}: status {process.returncode}")
    return process.stdout


def give_way(process):
    """What a provider computes is computed elsewhere; here it must not keep the screen waiting."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.setpriority(os.PRIO_PROCESS, int(thread), os.getpriority(os.PRIO_PROCESS, int(thread)) + 10)


def run_turns(bench, fakes, options, *more):
    world = fakes.world("runpod", run_ms=2000, weight=round(options.megabytes * 1e6))
    beside = subprocess.Popen([bench, "still", "0"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        show(run(bench, "turns", world.base_url, DESCRIPTOR, str(options.turns), *more,
                 env=os.environ | {"ESPALIER_BENCH_KEY": world.key}))
    finally:
        told, _ = beside.communicate("")
    show(told, "beside.")
    counts = world.count()
    if counts["charges"] != options.turns:
        sys.exit(f"bench-remote.py: {counts['charges']} turns were charged")
    world.close()


def main():
    parser = argparse.ArgumentParser(description="Measures the window while many turns are with a provider.")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10, help="of the scenes without turns")
    parser.add_argument("--megabytes", type=float, default=1.5, help="of each result")
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

    bench = str(options.build / "tests" / "bench" / "bench-remote")
    print(f"Load of the {os.cpu_count()} processors before: {os.getloadavg()[0]:.1f}", flush=True)
    print("Without turns:", flush=True)
    show(run(bench, "still", str(options.seconds)))
    show(run(bench, "idle", str(options.seconds)))
    with Fakes() as fakes:
        give_way(fakes.process.pid)
        print(f"{options.turns} turns, results of {options.megabytes} MB:", flush=True)
        run_turns(bench, fakes, options)
        print("The same with the list of the queue:", flush=True)
        run_turns(bench, fakes, options, "list")
    print(f"Load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
